#include "ConfigFields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace mansard::ir {
namespace {

/// Far above any config; keeps a wrong file from filling memory.
constexpr size_t kMaxBytes = size_t{16} << 20;

/// Tells how far the parser has read: its callback is told keys, but not where they are.
class TrackingIterator {
public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char *;
  using reference = const char &;

  TrackingIterator() = default;
  TrackingIterator(const char *at, const char **read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  TrackingIterator &operator++() {
    *read_ = ++at_;
    return *this;
  }
  TrackingIterator operator++(int) {
    TrackingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackingIterator &other) const { return at_ == other.at_; }

private:
  const char *at_ = nullptr;
  const char **read_ = nullptr;
};

std::string placeAt(const std::string &path, const std::string &text, size_t offset) {
  offset = std::min(offset, text.size());
  const auto begin = text.begin(), at = begin + static_cast<std::ptrdiff_t>(offset);
  const auto line = std::count(begin, at, '\n') + 1;
  const size_t newline = offset == 0 ? std::string::npos : text.rfind('\n', offset - 1);
  const size_t column = newline == std::string::npos ? offset + 1 : offset - newline;
  return fmt::format("{}:{}:{}", path, line, column);
}

/// Where the text that ends before `end` began, its quote included.
size_t startOfText(const std::string &text, size_t end) {
  size_t at = end < 2 ? 0 : end - 2; // the last character before the closing quote
  for (; at > 0; --at) {
    if (text[at] != '"')
      continue;
    size_t backslashes = 0;
    while (backslashes < at && text[at - 1 - backslashes] == '\\')
      ++backslashes;
    if (backslashes % 2 == 0)
      break;
  }
  return at;
}

/// Notes each key's place while the parser runs.
class KeyRecorder {
public:
  KeyRecorder(ConfigFile &file, const std::string &text) : file_(file), text_(text) {}

  void operator()(nlohmann::json::parse_event_t event, const nlohmann::json &value, size_t end) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start)
      frames_.emplace_back();
    else if (event == Event::object_end || event == Event::array_end)
      frames_.pop_back();
    else if (event == Event::key)
      key(value.get_ref<const std::string &>(), end);
  }

  const std::optional<Error> &error() const { return error_; }

private:
  struct Frame {
    std::string key;
    std::set<std::string> seen;
  };

  void key(const std::string &name, size_t end) {
    frames_.back().key = name;
    if (!frames_.back().seen.insert(name).second && !error_)
      error_ = Error{ErrorCode::invalidInput, fmt::format("'{}' is given twice", name),
                     placeAt(file_.path, text_, startOfText(text_, end))};
    if (frames_.size() > 4) // deeper fields are never asked for by place
      return;
    std::string dotted;
    for (const Frame &frame : frames_)
      dotted += (dotted.empty() ? "" : ".") + frame.key;
    file_.places[dotted] = placeAt(file_.path, text_, startOfText(text_, end));
  }

  ConfigFile &file_;
  const std::string &text_;
  std::vector<Frame> frames_;
  std::optional<Error> error_;
};

} // namespace

Result<ConfigFile> parseConfig(const std::string &text, std::string path) {
  ConfigFile file;
  file.path = std::move(path);
  KeyRecorder recorder(file, text);
  const char *read = text.data();
  const auto end = TrackingIterator(text.data() + text.size(), &read);
  try {
    file.root =
        nlohmann::json::parse(TrackingIterator(text.data(), &read), end,
                              [&](int, nlohmann::json::parse_event_t event, nlohmann::json &value) {
                                recorder(event, value, static_cast<size_t>(read - text.data()));
                                return true;
                              });
  } catch (const nlohmann::json::parse_error &error) {
    return Error{ErrorCode::invalidInput, "is not valid JSON from here on",
                 placeAt(file.path, text, error.byte > 0 ? error.byte - 1 : 0)};
  } catch (const nlohmann::json::exception &) { // a number beyond what a double holds
    return Error{ErrorCode::invalidInput, "has a number that is too large",
                 placeAt(file.path, text, static_cast<size_t>(read - text.data()))};
  }
  if (recorder.error())
    return *recorder.error();
  if (!file.root.is_object())
    return Error{ErrorCode::invalidInput, "is JSON, but not an object of fields", file.path};
  return file;
}

Result<ConfigFile> readConfigFile(const std::string &path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return Error{ErrorCode::io, "is a folder; give the config.json in it", path};
  std::ifstream stream(path, std::ios::binary);
  if (!stream)
    return Error{ErrorCode::io, "no such file, or it cannot be read", path};
  std::string text;
  std::array<char, 1 << 14> block;
  while (stream.read(block.data(), block.size()), stream.gcount() > 0) {
    text.append(block.data(), static_cast<size_t>(stream.gcount()));
    if (text.size() > kMaxBytes)
      return Error{ErrorCode::invalidInput,
                   fmt::format("is larger than {} MiB, so no config.json", kMaxBytes >> 20), path};
  }
  if (stream.bad())
    return Error{ErrorCode::io, "cannot be read", path};
  return parseConfig(text, path);
}

} // namespace mansard::ir
