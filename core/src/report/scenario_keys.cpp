#include "scenario_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace mansard::report {
namespace {

using Kind = ScenarioKey::Kind;

std::vector<std::string_view> segmentsOf(std::string_view key) {
  std::vector<std::string_view> segments;
  for (size_t from = 0;;) {
    const size_t dot = std::min(key.find('.', from), key.size());
    segments.push_back(key.substr(from, dot - from));
    if (dot == key.size())
      return segments;
    from = dot + 1;
  }
}

bool isYear(std::string_view segment) {
  return segment.size() == 4 &&
         std::all_of(segment.begin(), segment.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool matches(std::string_view pattern, const std::vector<std::string_view> &key) {
  const auto parts = segmentsOf(pattern);
  if (parts.size() != key.size())
    return false;
  for (size_t i = 0; i < parts.size(); ++i)
    if (parts[i] == "#" ? !isYear(key[i]) : parts[i] != "*" && parts[i] != key[i])
      return false;
  return true;
}

const ScenarioKey *find(const std::vector<ScenarioKey> &known, const std::string &key) {
  const auto segments = segmentsOf(key);
  const auto found = std::find_if(known.begin(), known.end(), [&](const ScenarioKey &each) {
    return matches(each.pattern, segments);
  });
  return found == known.end() ? nullptr : &*found;
}

/// The patterns with the key's own names in place of theirs.
std::vector<std::string> candidates(const std::vector<ScenarioKey> &known, const std::string &key) {
  const auto segments = segmentsOf(key);
  std::vector<std::string> names;
  for (const ScenarioKey &each : known) {
    std::string name;
    const auto parts = segmentsOf(each.pattern);
    for (size_t i = 0; i < parts.size(); ++i) {
      const bool open = parts[i] == "*" || parts[i] == "#";
      const bool fits = i < segments.size() && (parts[i] == "*" || isYear(segments[i]));
      const std::string_view stands = parts[i] == "#" ? "2025" : "NAME";
      name += (i ? "." : "") + std::string(!open ? parts[i] : fits ? segments[i] : stands);
    }
    names.push_back(std::move(name));
  }
  return names;
}

constexpr std::string_view nameOf(Kind kind) {
  switch (kind) {
  case Kind::text:
    return "a text";
  case Kind::plain:
  case Kind::whole:
    return "a number";
  case Kind::sourced:
    return "{ value = ..., source = ..., confidence = ... }";
  case Kind::flag:
    return "true or false";
  case Kind::list:
    return "a list of texts";
  }
  return "";
}

bool isOf(Kind kind, const hw::Entry &entry) {
  switch (kind) {
  case Kind::text:
    return entry.kind == hw::Entry::Kind::text && !entry.text.empty();
  case Kind::plain:
  case Kind::whole:
    return entry.kind == hw::Entry::Kind::number && !entry.sourced;
  case Kind::sourced:
    return entry.kind == hw::Entry::Kind::number && entry.sourced;
  case Kind::flag:
    return entry.kind == hw::Entry::Kind::flag;
  case Kind::list:
    break;
  }
  return false;
}

/// Value and range.
Result<> inRange(const ScenarioKey &known, const std::string &key, const hw::Entry &entry) {
  for (const auto &value : {std::optional(entry.number.value), entry.number.low, entry.number.high})
    if (value && !(*value >= known.least && *value <= known.most))
      return Error{
          ErrorCode::invalidInput,
          fmt::format("'{}' is {:g}; it may be {:g} to {:g}", key, *value, known.least, known.most),
          entry.place};
  if (known.kind == Kind::whole && entry.number.value != std::floor(entry.number.value))
    return Error{ErrorCode::invalidInput,
                 fmt::format("'{}' is {:g}; it must be whole", key, entry.number.value),
                 entry.place};
  return Ok{};
}

} // namespace

Result<ScenarioKeys> ScenarioKeys::open(const hw::Document &document,
                                        const std::vector<ScenarioKey> &known,
                                        std::string_view kind) {
  const auto unknown = [&](const std::string &key, const std::string &place) {
    return Error{ErrorCode::invalidInput,
                 fmt::format("a scenario of kind \"{}\" has no key '{}'{}", kind, key,
                             hw::suggestion(key, candidates(known, key))),
                 place};
  };
  const auto mustBe = [](const std::string &key, const ScenarioKey &found,
                         const std::string &place) {
    return Error{ErrorCode::invalidInput, fmt::format("'{}' must be {}", key, nameOf(found.kind)),
                 place};
  };
  for (const auto &[key, entry] : document.entries) {
    const ScenarioKey *found = find(known, key);
    if (!found)
      return unknown(key, entry.place);
    if (!isOf(found->kind, entry))
      return mustBe(key, *found, entry.place);
    if (entry.kind == hw::Entry::Kind::number)
      if (auto range = inRange(*found, key, entry); !range)
        return range.error();
  }
  for (const auto &[key, texts] : document.lists) {
    const ScenarioKey *found = find(known, key);
    if (!found)
      return unknown(key, document.file);
    if (found->kind != Kind::list)
      return mustBe(key, *found, document.file);
  }
  return ScenarioKeys(document);
}

const hw::Entry *ScenarioKeys::entry(const std::string &key) const {
  const auto found = document_->entries.find(key);
  return found == document_->entries.end() ? nullptr : &found->second;
}

bool ScenarioKeys::has(const std::string &key) const {
  return entry(key) || document_->lists.find(key) != document_->lists.end();
}

std::string ScenarioKeys::text(const std::string &key) const {
  const hw::Entry *found = entry(key);
  return found ? found->text : "";
}

double ScenarioKeys::plain(const std::string &key, double otherwise) const {
  const hw::Entry *found = entry(key);
  return found ? found->number.value : otherwise;
}

std::vector<std::string> ScenarioKeys::list(const std::string &key) const {
  const auto found = document_->lists.find(key);
  return found == document_->lists.end() ? std::vector<std::string>{} : found->second;
}

std::vector<std::string> ScenarioKeys::names(const std::string &section) const {
  std::set<std::string> names;
  const std::string start = section + ".";
  const auto take = [&](const std::string &key) {
    if (key.starts_with(start))
      names.insert(key.substr(start.size(), key.find('.', start.size()) - start.size()));
  };
  for (const auto &[key, entry] : document_->entries)
    take(key);
  for (const auto &[key, texts] : document_->lists)
    take(key);
  return {names.begin(), names.end()};
}

std::vector<int> ScenarioKeys::years() const {
  std::set<int> years;
  for (const auto &[key, entry] : document_->entries)
    for (const std::string_view segment : segmentsOf(key))
      if (isYear(segment))
        years.insert(std::stoi(std::string(segment)));
  return {years.begin(), years.end()};
}

Error ScenarioKeys::wrong(const std::string &key, std::string message) const {
  const hw::Entry *found = entry(key);
  return {ErrorCode::invalidInput, fmt::format("'{}' {}", key, message),
          found ? found->place : document_->file};
}

Result<std::string> ScenarioKeys::needed(const std::string &key) const {
  if (const hw::Entry *found = entry(key))
    return found->text;
  return wrong(key, "is missing");
}

Result<size_t> ScenarioKeys::oneOf(const std::string &key, const std::vector<std::string> &names,
                                   size_t otherwise) const {
  const hw::Entry *found = entry(key);
  if (!found)
    return otherwise;
  const auto at = std::find(names.begin(), names.end(), found->text);
  if (at == names.end())
    return wrong(key, fmt::format("is \"{}\"{}; it may be {}", found->text,
                                  hw::suggestion(found->text, names), fmt::join(names, ", ")));
  return static_cast<size_t>(at - names.begin());
}

Result<std::vector<size_t>> ScenarioKeys::someOf(const std::string &key,
                                                 const std::vector<std::string> &names,
                                                 bool optional) const {
  const std::string thereAre =
      names.empty() ? "there are none" : fmt::format("there are {}", fmt::join(names, ", "));
  std::vector<size_t> some;
  for (const std::string &text : list(key)) {
    const auto at = std::find(names.begin(), names.end(), text);
    if (at == names.end())
      return wrong(key,
                   fmt::format("has \"{}\"{}; {}", text, hw::suggestion(text, names), thereAre));
    const auto index = static_cast<size_t>(at - names.begin());
    if (std::find(some.begin(), some.end(), index) != some.end())
      return wrong(key, fmt::format("has \"{}\" twice", text));
    some.push_back(index);
  }
  if (some.empty() && !optional)
    return wrong(key, "lists nothing; " + thereAre);
  return some;
}

} // namespace mansard::report
