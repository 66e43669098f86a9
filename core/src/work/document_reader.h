// Takes the keys of a model's TOML one by one, so that what nobody took is known.
#pragma once

#include <mansard/base/dtype.h>
#include <mansard/hw/document.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::work {

/// The first error is kept; asking goes on, so that at the end every key that was not asked for is
/// known to be unknown.
class DocumentReader {
public:
  explicit DocumentReader(const hw::Document &document) : document_(document) {}

  std::string text(const std::string &key, bool required);
  int64_t size(const std::string &key, bool required);
  bool flag(const std::string &key, bool otherwise);
  /// Empty if absent.
  std::vector<std::string> list(const std::string &key);
  /// Position of the text among `names`; 0 and an error if it is none of them.
  template <size_t N>
  uint32_t choice(const std::string &key, const std::array<std::string_view, N> &names) {
    const std::string given = text(key, true);
    const auto index = indexOf(names, given);
    if (!index && !given.empty())
      fail(place(key),
           fmt::format("'{}' is '{}'; it must be one of {}", key, given, fmt::join(names, ", ")));
    return index.value_or(0);
  }

  /// Makes the key known.
  bool has(const std::string &key);
  /// Names of the sections directly below `section`, sorted.
  std::vector<std::string> sectionsOf(const std::string &section) const;
  void fail(std::string place, std::string message, ErrorCode code = ErrorCode::invalidInput);
  std::string place(const std::string &key) const;
  /// An unknown key is told before anything else: it is the likely cause of what is missing.
  std::optional<Error> error() const;

private:
  const hw::Entry *find(const std::string &key, hw::Entry::Kind kind, const char *what,
                        bool required);

  const hw::Document &document_;
  std::vector<std::string> asked_;
  std::optional<Error> error_;
};

} // namespace mansard::work
