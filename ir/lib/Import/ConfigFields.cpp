#include "ConfigFields.h"

#include <mansard/hw/document.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mansard::ir {
namespace {

/// A value as messages show it: short, and valid whatever bytes it holds. Never walks into nested
/// values, which may be too deep to walk.
std::string shown(const nlohmann::json &value) {
  if (value.is_structured())
    return value.is_array() ? "a list" : "an object";
  constexpr size_t kMost = 40;
  std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > kMost)
    text = text.substr(0, kMost) + "...";
  return text;
}

} // namespace

ConfigFields::ConfigFields(const ConfigFile &file, const nlohmann::json &object, std::string prefix)
    : file_(&file), object_(&object), prefix_(std::move(prefix)) {}

bool ConfigFields::isOuter(std::string_view key) const {
  const auto own = object_->find(std::string(key));
  return shared_.contains(key) && (own == object_->end() || own->is_null()) &&
         outer_->object_->contains(std::string(key));
}

std::string ConfigFields::full(std::string_view key) const {
  return isOuter(key) ? outer_->full(key) : prefix_ + std::string(key);
}

std::string ConfigFields::place(std::string_view key) const {
  const auto found = file_->places.find(full(key));
  return found == file_->places.end() ? file_->path : found->second;
}

void ConfigFields::fail(std::string_view key, std::string message, ErrorCode code) {
  if (!error_)
    error_ = Error{code, std::move(message), place(key)};
}

void ConfigFields::unsupported(std::string_view key, const std::string &value,
                               std::initializer_list<std::string_view> supported) {
  fail(key,
       fmt::format("'{}' is '{}', which is not supported; supported: {}", full(key), value,
                   fmt::join(supported, ", ")),
       ErrorCode::unsupported);
}

const nlohmann::json *ConfigFields::find(std::string_view key, bool required, const char *what) {
  known_.emplace(key);
  if (isOuter(key))
    return outer_->find(key, required, what);
  const auto found = object_->find(std::string(key));
  if (found != object_->end() && !found->is_null())
    return &*found;
  if (required)
    fail(key, fmt::format("'{}' is missing; it must be {}", full(key), what));
  return nullptr;
}

bool ConfigFields::has(std::string_view key) { return find(key, false, "") != nullptr; }

std::optional<int64_t> ConfigFields::integer(const nlohmann::json &value, std::string_view key,
                                             int64_t least, int64_t most) {
  if (value.is_number_unsigned()) {
    if (const auto number = value.get<uint64_t>();
        number <= static_cast<uint64_t>(most) && static_cast<int64_t>(number) >= least)
      return static_cast<int64_t>(number);
  } else if (value.is_number_integer()) {
    if (const auto number = value.get<int64_t>(); number >= least && number <= most)
      return number;
  }
  fail(key, fmt::format("'{}' is {}; it must be a whole number from {} to {}", full(key),
                        shown(value), least, most));
  return std::nullopt;
}

int64_t ConfigFields::size(std::string_view key, int64_t least, int64_t most) {
  const nlohmann::json *value = find(key, true, "a whole number");
  return value ? integer(*value, key, least, most).value_or(least) : least;
}

int64_t ConfigFields::sizeOr(std::string_view key, int64_t least, int64_t most, int64_t otherwise) {
  const nlohmann::json *value = find(key, false, "");
  return value ? integer(*value, key, least, most).value_or(otherwise) : otherwise;
}

double ConfigFields::fractionOr(std::string_view key, double otherwise) {
  const nlohmann::json *value = find(key, false, "");
  if (!value)
    return otherwise;
  const double number = value->is_number() ? value->get<double>() : -1;
  if (number >= 0 && number <= 1)
    return number;
  fail(key, fmt::format("'{}' is {}; it must be a number from 0 to 1", full(key), shown(*value)));
  return otherwise;
}

bool ConfigFields::flag(std::string_view key) {
  find(key, true, "true or false");
  return flagOr(key, false);
}

bool ConfigFields::flagOr(std::string_view key, bool otherwise) {
  const nlohmann::json *value = find(key, false, "");
  if (!value)
    return otherwise;
  if (!value->is_boolean()) {
    fail(key, fmt::format("'{}' is {}; it must be true or false", full(key), shown(*value)));
    return otherwise;
  }
  return value->get<bool>();
}

std::string ConfigFields::text(std::string_view key) {
  find(key, true, "a text");
  return textOr(key, "");
}

std::string ConfigFields::textOr(std::string_view key, std::string otherwise) {
  const nlohmann::json *value = find(key, false, "");
  if (!value)
    return otherwise;
  if (!value->is_string()) {
    fail(key, fmt::format("'{}' is {}; it must be a text", full(key), shown(*value)));
    return otherwise;
  }
  return value->get<std::string>();
}

std::vector<std::string> ConfigFields::texts(std::string_view key) {
  const nlohmann::json *value = find(key, false, "");
  std::vector<std::string> texts;
  if (!value)
    return texts;
  if (value->is_array())
    for (const nlohmann::json &item : *value)
      if (item.is_string())
        texts.push_back(item.get<std::string>());
  if (!value->is_array() || texts.size() != value->size())
    fail(key, fmt::format("'{}' must be a list of texts", full(key)));
  return texts;
}

std::vector<int64_t> ConfigFields::sizes(std::string_view key, int64_t least, int64_t most) {
  const nlohmann::json *value = find(key, false, "");
  std::vector<int64_t> sizes;
  if (!value)
    return sizes;
  if (!value->is_array())
    fail(key, fmt::format("'{}' must be a list of whole numbers", full(key)));
  else
    for (const nlohmann::json &item : *value)
      if (const auto number = integer(item, key, least, most))
        sizes.push_back(*number);
  return sizes;
}

std::optional<ConfigFields> ConfigFields::object(std::string_view key) {
  const nlohmann::json *value = find(key, false, "");
  if (!value)
    return std::nullopt;
  if (!value->is_object()) {
    fail(key, fmt::format("'{}' is {}; it must be an object of fields", full(key), shown(*value)));
    return std::nullopt;
  }
  return ConfigFields(*file_, *value, full(key) + ".");
}

void ConfigFields::adopt(const ConfigFields &inner, std::string_view reader) {
  if (!unknown_)
    unknown_ = inner.unknownField(reader);
  if (!error_)
    error_ = inner.error_;
}

std::vector<std::string> ConfigFields::keys() const {
  std::vector<std::string> names;
  for (const auto &[key, value] : object_->items())
    names.push_back(key);
  return names;
}

void ConfigFields::share(ConfigFields &outer, std::initializer_list<std::string_view> keys) {
  outer_ = &outer;
  for (std::string_view key : keys)
    shared_.emplace(key);
}

void ConfigFields::ignore(std::initializer_list<std::string_view> keys) {
  for (std::string_view key : keys)
    known_.emplace(key);
}

std::optional<Error> ConfigFields::unknownField(std::string_view reader) const {
  const std::vector<std::string> names(known_.begin(), known_.end());
  for (const auto &[key, value] : object_->items())
    if (!known_.contains(key))
      return Error{ErrorCode::invalidInput,
                   fmt::format("field '{}' is not known for {}{}; what it changes in the model "
                               "would be left out",
                               full(key), reader, hw::suggestion(key, names)),
                   place(key)};
  return unknown_;
}

std::optional<Error> ConfigFields::error(std::string_view reader) const {
  auto unknown = unknownField(reader);
  return unknown ? unknown : error_;
}

} // namespace mansard::ir
