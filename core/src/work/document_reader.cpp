#include "document_reader.h"

#include <mansard/work/transformer.h>

#include <cmath>
#include <set>

namespace mansard::work {

std::string DocumentReader::text(const std::string &key, bool required) {
  const hw::Entry *entry = find(key, hw::Entry::Kind::text, "a text", required);
  if (entry && entry->text.empty())
    fail(entry->place, fmt::format("'{}' is empty", key));
  return entry ? entry->text : "";
}

int64_t DocumentReader::size(const std::string &key, bool required) {
  const hw::Entry *entry = find(key, hw::Entry::Kind::number, "a whole number", required);
  if (!entry)
    return 0;
  const double value = entry->number.value;
  if (entry->number.low || entry->number.high)
    fail(entry->place, fmt::format("'{}' has a range; a model's sizes are exact", key));
  else if (!(value >= 0 && value <= double(kMaxTokens)) || value != std::floor(value))
    fail(entry->place,
         fmt::format("'{}' is {}; it must be a whole number from 0 to {}", key, value, kMaxTokens));
  else
    return static_cast<int64_t>(value);
  return 0;
}

bool DocumentReader::flag(const std::string &key, bool otherwise) {
  const hw::Entry *entry = find(key, hw::Entry::Kind::flag, "true or false", false);
  return entry ? entry->number.value != 0 : otherwise;
}

std::vector<std::string> DocumentReader::list(const std::string &key) {
  asked_.push_back(key);
  if (const auto entry = document_.entries.find(key); entry != document_.entries.end())
    fail(entry->second.place, fmt::format("'{}' must be a list of texts", key));
  const auto found = document_.lists.find(key);
  return found == document_.lists.end() ? std::vector<std::string>{} : found->second;
}

bool DocumentReader::has(const std::string &key) {
  asked_.push_back(key);
  return document_.entries.contains(key) || document_.lists.contains(key);
}

std::vector<std::string> DocumentReader::sectionsOf(const std::string &section) const {
  std::set<std::string> names;
  const auto add = [&](const std::string &key) {
    if (key.starts_with(section + "."))
      if (const size_t dot = key.find('.', section.size() + 1); dot != std::string::npos)
        names.insert(key.substr(section.size() + 1, dot - section.size() - 1));
  };
  for (const auto &[key, entry] : document_.entries)
    add(key);
  for (const auto &[key, texts] : document_.lists)
    add(key);
  return {names.begin(), names.end()};
}

void DocumentReader::fail(std::string place, std::string message, ErrorCode code) {
  if (!error_)
    error_ = Error{code, std::move(message), std::move(place)};
}

std::string DocumentReader::place(const std::string &key) const {
  const auto entry = document_.entries.find(key);
  return entry == document_.entries.end() ? document_.file : entry->second.place;
}

std::optional<Error> DocumentReader::error() const {
  const std::set<std::string> known(asked_.begin(), asked_.end());
  const auto unknown = [&](const std::string &key, std::string place) {
    return Error{ErrorCode::invalidInput,
                 fmt::format("unknown key '{}'{}", key, hw::suggestion(key, asked_)),
                 std::move(place)};
  };
  for (const auto &[key, entry] : document_.entries)
    if (!known.contains(key))
      return unknown(key, entry.place);
  for (const auto &[key, texts] : document_.lists)
    if (!known.contains(key))
      return unknown(key, document_.file);
  return error_;
}

const hw::Entry *DocumentReader::find(const std::string &key, hw::Entry::Kind kind,
                                      const char *what, bool required) {
  asked_.push_back(key);
  if (document_.lists.contains(key)) {
    fail(document_.file, fmt::format("'{}' is a list; it must be {}", key, what));
    return nullptr;
  }
  const auto found = document_.entries.find(key);
  if (found == document_.entries.end()) {
    if (required)
      fail(document_.file, fmt::format("'{}' is missing; it must be {}", key, what));
    return nullptr;
  }
  if (found->second.kind != kind) {
    fail(found->second.place, fmt::format("'{}' must be {}", key, what));
    return nullptr;
  }
  return &found->second;
}

} // namespace mansard::work
