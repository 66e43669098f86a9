#include "inline_table.h"

#include <mansard/explore/calibration_file.h>
#include <mansard/hw/document.h>
#include <mansard/report/files.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace mansard::explore {
namespace {

/// Offset where each line begins.
std::vector<size_t> lineStarts(std::string_view text) {
  std::vector<size_t> starts{0};
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n')
      starts.push_back(i + 1);
  return starts;
}

std::string_view lineAt(std::string_view text, size_t start) {
  std::string_view line = text.substr(start, text.find('\n', start) - start);
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

std::string_view trimmed(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return line.substr(first, line.find_last_not_of(" \t") + 1 - first);
}

/// Line and column, from 1, of "file:line:column".
std::pair<size_t, size_t> lineAndColumn(std::string_view place) {
  size_t figures[2] = {0, 0};
  for (const int i : {1, 0}) {
    const size_t colon = place.rfind(':');
    if (colon == std::string_view::npos)
      return {0, 0};
    std::from_chars(place.data() + colon + 1, place.data() + place.size(), figures[i]);
    place = place.substr(0, colon);
  }
  return {figures[0], figures[1]};
}

/// Where a constant's table opens; the end of the text where the place is not one of it.
size_t openingOf(std::string_view text, const std::vector<size_t> &starts, const hw::Entry &entry) {
  const auto [line, column] = lineAndColumn(entry.place);
  if (line == 0 || line > starts.size() || column == 0)
    return text.size();
  return std::min(starts[line - 1] + column - 1, text.size());
}

/// The texts that constants give as their source, as written: names of [sources] among them.
std::set<std::string> namedSources(std::string_view text, const hw::Document &document) {
  std::set<std::string> names;
  const std::vector<size_t> starts = lineStarts(text);
  for (const auto &[key, entry] : document.entries) {
    if (!entry.sourced)
      continue;
    const auto table = scanInlineTable(text, openingOf(text, starts, entry));
    if (!table)
      continue;
    if (const InlineField *field = table->find("source"))
      names.emplace(unquoted(text.substr(field->begin, field->end - field->begin)));
  }
  return names;
}

/// `text` without the lines of its [sources] that define one of `names`.
std::string withoutSources(std::string_view text, const std::set<std::string> &names) {
  std::string out;
  bool inSources = false;
  for (const size_t start : lineStarts(text)) {
    const std::string_view whole = text.substr(start, text.find('\n', start) + 1 - start);
    const std::string_view line = trimmed(lineAt(text, start));
    if (line.starts_with('['))
      inSources = trimmed(line.substr(0, line.find('#'))) == "[sources]";
    const size_t equals = line.find('=');
    if (inSources && equals != std::string_view::npos) {
      const std::string_view value = trimmed(line.substr(equals + 1));
      const bool oneLine = value.starts_with('"') && !value.starts_with("\"\"\"");
      if (oneLine && names.contains(std::string(trimmed(line.substr(0, equals)))))
        continue;
    }
    out += whole;
  }
  return out;
}

bool same(const hw::Entry &a, const hw::Entry &b) {
  return a.kind == b.kind && a.text == b.text && a.sourced == b.sourced &&
         a.number.value == b.number.value && a.number.low == b.number.low &&
         a.number.high == b.number.high && a.number.source == b.number.source &&
         a.number.confidence == b.number.confidence;
}

/// Collects edits of one text and carries them out.
class Rewriter {
public:
  Rewriter(std::string_view text, const hw::Document &document,
           const std::vector<std::string> &gone)
      : text_(text), document_(document), starts_(lineStarts(text)),
        gone_(gone.begin(), gone.end()) {}

  Result<> change(const hw::Entry &entry, const ConstantChange &change) {
    const auto table = scanInlineTable(text_, openingOf(text_, starts_, entry));
    if (!table)
      return failure(entry, change.key, table.error().message);
    for (const auto &[name, value] :
         {std::pair<std::string_view, std::string>{"value", fmt::format("{}", change.value)},
          {"source", hw::quoted(change.source)},
          {"confidence", "\"fitted\""}})
      if (const InlineField *field = table->find(name))
        edits_.push_back({field->begin, field->end, value});
    return Ok{};
  }

  /// Behind the last constant of the nearest table that it belongs to, else at the end.
  void add(const ConstantChange &change) {
    const std::string_view key = change.key;
    for (size_t dot = key.rfind('.'); dot != std::string_view::npos && dot > 0;
         dot = key.rfind('.', dot - 1)) {
      size_t after = 0;
      std::string_view relative;
      for (const auto &[sibling, entry] : document_.entries) {
        if (!sibling.starts_with(key.substr(0, dot + 1)) || gone_.contains(sibling))
          continue;
        const auto [section, next] = sectionAndNextLine(sibling, entry);
        if (next > after && key.starts_with(section)) {
          after = next;
          relative = key.substr(section.size());
        }
      }
      if (after > 0) {
        const bool open = text_[after - 1] != '\n'; // the last line, without a break
        edits_.push_back({after, after, (open ? "\n" : "") + line(relative, change)});
        return;
      }
    }
    const size_t dot = key.rfind('.');
    std::string &lines =
        appended_[std::string(dot == std::string_view::npos ? "" : key.substr(0, dot))];
    lines += line(dot == std::string_view::npos ? key : key.substr(dot + 1), change);
  }

  Result<> remove(const std::string &key, const hw::Entry &entry) {
    const size_t open = openingOf(text_, starts_, entry);
    const auto table = scanInlineTable(text_, open);
    if (!table)
      return failure(entry, key, table.error().message);
    const size_t start = lineStart(open), end = nextLine(open);
    const std::string_view rest = trimmed(lineAt(text_, table->close + 1));
    if (sectionAndNextLine(key, entry).second == 0 || (!rest.empty() && !rest.starts_with('#')))
      return failure(entry, key, "does not stand on a line of its own");
    edits_.push_back({start, end, ""});
    return Ok{};
  }

  std::string text() {
    std::stable_sort(edits_.begin(), edits_.end(),
                     [](const Edit &a, const Edit &b) { return a.begin < b.begin; });
    std::string out;
    size_t done = 0;
    for (const Edit &edit : edits_) {
      out += text_.substr(done, edit.begin - done);
      out += edit.text;
      done = edit.end;
    }
    out += text_.substr(done);
    for (const auto &[section, lines] : appended_)
      out +=
          fmt::format("{}[{}]\n{}", out.empty() || out.ends_with('\n') ? "" : "\n", section, lines);
    return out;
  }

private:
  struct Edit {
    size_t begin = 0, end = 0;
    std::string text;
  };

  static Error failure(const hw::Entry &entry, const std::string &key, const std::string &what) {
    return {ErrorCode::invalidInput, fmt::format("'{}' {}", key, what), entry.place};
  }
  static std::string line(std::string_view name, const ConstantChange &change) {
    return fmt::format(
        "{} = {{ value = {}, unit = \"1\", source = {}, confidence = \"fitted\" }}\n", name,
        change.value, hw::quoted(change.source));
  }
  size_t lineStart(size_t at) const {
    return *(std::upper_bound(starts_.begin(), starts_.end(), at) - 1);
  }
  size_t nextLine(size_t at) const {
    const auto next = std::upper_bound(starts_.begin(), starts_.end(), at);
    return next == starts_.end() ? text_.size() : *next;
  }
  /// What the key on an entry's line leaves of its dotted key (with the dot), and where the next
  /// line begins; 0 where the line does not begin with a plain key.
  std::pair<std::string_view, size_t> sectionAndNextLine(std::string_view key,
                                                         const hw::Entry &entry) const {
    const size_t open = openingOf(text_, starts_, entry);
    const std::string_view line = lineAt(text_, lineStart(open));
    const std::string_view written = trimmed(line.substr(0, line.find('=')));
    if (open >= text_.size() || written.empty() || !key.ends_with(written))
      return {"", 0};
    const std::string_view section = key.substr(0, key.size() - written.size());
    if (!section.empty() && !section.ends_with('.'))
      return {"", 0};
    return {section, nextLine(open)};
  }

  std::string_view text_;
  const hw::Document &document_;
  std::vector<size_t> starts_;
  std::set<std::string> gone_;
  std::vector<Edit> edits_;
  std::map<std::string, std::string, std::less<>> appended_; // section -> lines
};

/// Whether `after` is `before` with `changes`, and nothing else.
Result<> compare(const hw::Document &before, const hw::Document &after,
                 const std::vector<ConstantChange> &changes, const std::vector<std::string> &gone) {
  auto expected = before.entries;
  for (const std::string &key : gone)
    expected.erase(key);
  for (const ConstantChange &change : changes) {
    hw::Entry &entry = expected[change.key];
    entry.kind = hw::Entry::Kind::number;
    entry.sourced = true;
    entry.number.value = change.value;
    entry.number.source = change.source;
    entry.number.confidence = hw::Confidence::fitted;
  }
  const auto fail = [&](const std::string &key) {
    return Error{ErrorCode::invalidInput,
                 fmt::format("'{}' cannot be rewritten in place; write it as one line, {} = {{ "
                             "value = ..., source = \"...\", confidence = \"...\" }}",
                             key, key),
                 before.file};
  };
  for (const auto &[key, entry] : expected)
    if (const auto found = after.entries.find(key);
        found == after.entries.end() || !same(entry, found->second))
      return fail(key);
  for (const auto &[key, entry] : after.entries)
    if (!expected.contains(key))
      return fail(key);
  if (after.lists != before.lists)
    return fail(before.lists.empty() ? "a list" : before.lists.begin()->first);
  return Ok{};
}

} // namespace

Result<CalibrationFile> CalibrationFile::parse(std::string text, std::string file) {
  auto document = hw::parseDocument(text, std::move(file));
  if (!document)
    return document.error();
  return CalibrationFile(std::move(text), std::move(*document));
}

Result<CalibrationFile> CalibrationFile::read(const std::string &path) {
  auto text = report::readFile(path);
  if (!text)
    return text.error();
  return parse(std::move(*text), path);
}

std::string CalibrationFile::unitOf(const std::string &key) const {
  const auto entry = document_.entries.find(key);
  if (entry == document_.entries.end())
    return "";
  const auto table = scanInlineTable(text_, openingOf(text_, lineStarts(text_), entry->second));
  const InlineField *field = table ? table->find("unit") : nullptr;
  if (!field)
    return "";
  return std::string(
      unquoted(std::string_view(text_).substr(field->begin, field->end - field->begin)));
}

std::string CalibrationFile::meaningOf(const std::string &key) const {
  const auto entry = document_.entries.find(key);
  if (entry == document_.entries.end())
    return "";
  const std::vector<size_t> starts = lineStarts(text_);
  std::string meaning;
  for (size_t line = lineAndColumn(entry->second.place).first; line-- > 1;) {
    const std::string_view comment = trimmed(lineAt(text_, starts[line - 1]));
    if (!comment.starts_with('#'))
      break;
    const std::string words(trimmed(comment.substr(1)));
    meaning = meaning.empty() ? words : words + " " + meaning;
  }
  return meaning;
}

Result<CalibrationFile> CalibrationFile::with(const std::vector<ConstantChange> &changes,
                                              const std::vector<std::string> &gone) const {
  Rewriter rewriter(text_, document_, gone);
  for (const ConstantChange &change : changes) {
    const auto entry = document_.entries.find(change.key);
    if (entry == document_.entries.end())
      rewriter.add(change);
    else if (auto done = rewriter.change(entry->second, change); !done)
      return done.error();
  }
  for (const std::string &key : gone)
    if (const auto entry = document_.entries.find(key); entry != document_.entries.end())
      if (auto done = rewriter.remove(key, entry->second); !done)
        return done.error();

  std::string text = rewriter.text();
  auto document = hw::parseDocument(text, document_.file);
  if (!document)
    return document.error();
  std::set<std::string> stale = namedSources(text_, document_);
  for (const std::string &name : namedSources(text, *document))
    stale.erase(name);
  auto edited = parse(withoutSources(text, stale), document_.file);
  if (!edited)
    return edited;
  if (auto exact = compare(document_, edited->document(), changes, gone); !exact)
    return exact.error();
  return edited;
}

} // namespace mansard::explore
