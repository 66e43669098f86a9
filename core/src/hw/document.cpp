#include <mansard/hw/document.h>

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace mansard::hw {
namespace {

std::string placeOf(const std::string &file, const toml::source_region &region) {
  return fmt::format("{}:{}:{}", file, region.begin.line, region.begin.column);
}

/// Walks the tables of a parsed file into flat dotted keys.
class Flattener {
public:
  Flattener(Document &document, const toml::table &root) : document_(document) {
    if (const toml::table *sources = root["sources"].as_table())
      for (const auto &[key, node] : *sources)
        if (const auto text = node.value<std::string>()) {
          sources_.emplace(std::string(key.str()), *text);
          document_.sources.emplace(std::string(key.str()), false);
        }
  }

  Result<> table(const toml::table &table, const std::string &prefix) {
    for (const auto &[key, node] : table) {
      if (prefix.empty() && key.str() == "sources")
        continue;
      const std::string name =
          prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str());
      if (Result<> done = entry(name, node); !done)
        return done;
    }
    return Ok{};
  }

private:
  Result<> entry(const std::string &name, const toml::node &node) {
    Entry entry;
    entry.place = placeOf(document_.file, node.source());
    if (const toml::table *inner = node.as_table()) {
      if (!inner->contains("value"))
        return table(*inner, name);
      if (Result<> done = quantity(*inner, name, entry); !done)
        return done;
    } else if (const toml::array *array = node.as_array()) {
      return array->is_array_of_tables() ? tables(*array, name) : list(*array, name, entry.place);
    } else if (const auto text = node.value_exact<std::string>()) {
      entry.kind = Entry::Kind::text;
      entry.text = *text;
    } else if (const auto flag = node.value_exact<bool>()) {
      entry.kind = Entry::Kind::flag;
      entry.number.value = *flag ? 1 : 0;
    } else if (const auto number = node.value<double>()) {
      entry.kind = Entry::Kind::number;
      entry.number.value = *number;
      if (!std::isfinite(*number))
        return Error{ErrorCode::invalidInput, fmt::format("'{}' is not a finite number", name),
                     entry.place};
    } else if (const auto whole = node.value_exact<int64_t>()) {
      return Error{
          ErrorCode::invalidInput,
          fmt::format("'{}' is {}; whole numbers may be up to {}", name, *whole, int64_t{1} << 53),
          entry.place};
    } else {
      return Error{ErrorCode::invalidInput,
                   fmt::format("'{}' is neither a text, a number, a flag nor a table", name),
                   entry.place};
    }
    document_.entries.insert_or_assign(name, std::move(entry));
    return Ok{};
  }

  Result<> tables(const toml::array &array, const std::string &name) {
    for (size_t i = 0; i < array.size(); ++i)
      if (Result<> done = table(*array[i].as_table(), fmt::format("{}.{}", name, i)); !done)
        return done;
    return Ok{};
  }

  Result<> list(const toml::array &array, const std::string &name, const std::string &place) {
    std::vector<std::string> texts;
    for (const toml::node &item : array) {
      if (const auto text = item.value_exact<std::string>())
        texts.push_back(*text);
      else if (const auto number = item.value<double>(); number && !item.is_boolean())
        texts.push_back(fmt::format("{}", *number));
      else
        return Error{ErrorCode::invalidInput,
                     fmt::format("'{}' may only list texts and numbers", name), place};
    }
    document_.lists.insert_or_assign(name, std::move(texts));
    return Ok{};
  }

  Result<> quantity(const toml::table &table, const std::string &name, Entry &entry) {
    static const std::vector<std::string> known{"value",  "low",        "high", "unit",
                                                "source", "confidence", "note"};
    const auto fail = [&](std::string message) {
      return Error{ErrorCode::invalidInput, std::move(message), entry.place};
    };
    for (const auto &[key, node] : table)
      if (std::find(known.begin(), known.end(), key.str()) == known.end())
        return fail(fmt::format("'{}' has no field '{}'{}; it takes value, low, high, unit, "
                                "source, confidence and note",
                                name, key.str(), suggestion(key.str(), known)));
    const auto number = [&](const char *field) { return table[field].value<double>(); };
    const auto value = number("value");
    if (!value || !std::isfinite(*value))
      return fail(fmt::format("the value of '{}' is not a finite number", name));
    entry.kind = Entry::Kind::number;
    entry.sourced = true;
    entry.number.value = *value;
    entry.number.low = number("low");
    entry.number.high = number("high");
    if ((entry.number.low && *entry.number.low > *value) ||
        (entry.number.high && *entry.number.high < *value))
      return fail(fmt::format("'{}': the value {} lies outside its range", name, *value));
    const auto source = table["source"].value<std::string>();
    if (!source || source->empty())
      return fail(fmt::format("'{}' needs a source", name));
    const auto found = sources_.find(*source);
    entry.number.source = found == sources_.end() ? *source : found->second;
    if (found != sources_.end())
      document_.sources[found->first] = true;
    entry.number.note = table["note"].value<std::string>().value_or("");
    entry.unit = table["unit"].value<std::string>().value_or("");
    const auto confidence = table["confidence"].value<std::string>().value_or("");
    const auto *position = std::find(kConfidenceNames.begin(), kConfidenceNames.end(), confidence);
    if (position == kConfidenceNames.end())
      return fail(fmt::format("'{}' needs a confidence, one of {}", name,
                              fmt::join(kConfidenceNames, ", ")));
    entry.number.confidence = static_cast<Confidence>(position - kConfidenceNames.begin());
    return Ok{};
  }

  Document &document_;
  std::map<std::string, std::string, std::less<>> sources_;
};

/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitute});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

} // namespace

Result<Document> parseDocument(std::string_view text, std::string file) {
  Document document;
  document.file = std::move(file);
  try {
    const toml::table root = toml::parse(text, document.file);
    if (Result<> done = Flattener(document, root).table(root, ""); !done)
      return done.error();
  } catch (const toml::parse_error &error) {
    return Error{ErrorCode::invalidInput, std::string(error.description()),
                 placeOf(document.file, error.source())};
  }
  return document;
}

Result<Document> readDocument(const std::string &path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return Error{ErrorCode::io, "is a folder, not a file", path};
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    return Error{ErrorCode::io, "no such file, or it cannot be read", path};
  std::ostringstream text;
  text << stream.rdbuf();
  return parseDocument(text.str(), path);
}

std::string nearestName(std::string_view name, const std::vector<std::string> &candidates) {
  std::string best;
  for (const std::string &candidate : candidates) // cut short, most likely
    if (name.size() >= 2 && candidate.starts_with(name) &&
        (best.empty() || candidate.size() < best.size()))
      best = candidate;
  if (!best.empty())
    return best;
  // A third of the letters may be wrong, and never all of them.
  size_t least =
      std::min(std::max<size_t>(2, name.size() / 3), name.empty() ? 0 : name.size() - 1) + 1;
  for (const std::string &candidate : candidates) {
    const size_t distance = editDistance(name, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggestion(std::string_view name, const std::vector<std::string> &candidates) {
  const std::string nearest = nearestName(name, candidates);
  return nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest);
}

} // namespace mansard::hw
