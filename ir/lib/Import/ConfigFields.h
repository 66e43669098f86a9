// A JSON configuration whose fields are taken one by one, so that what nobody took is known.
#pragma once

#include <mansard/base/result.h>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::ir {

struct ConfigFile {
  std::string path;
  nlohmann::json root;                       // an object
  std::map<std::string, std::string> places; // "file:line:column" by dotted key
};

/// Reads a JSON object. A key given twice in one object is an error.
Result<ConfigFile> readConfigFile(const std::string &path);
Result<ConfigFile> parseConfig(const std::string &text, std::string path);

/// Takes fields out of an object. A field that is null counts as absent. The first error is kept
/// and asking goes on with a harmless value (the least size, false, empty), so that at the end all
/// fields that a family knows have been asked for.
class ConfigFields {
public:
  ConfigFields(const ConfigFile &file, const nlohmann::json &object, std::string prefix = "");

  bool has(std::string_view key);
  int64_t size(std::string_view key, int64_t least, int64_t most);
  int64_t sizeOr(std::string_view key, int64_t least, int64_t most, int64_t otherwise);
  /// A number from 0 to 1.
  double fractionOr(std::string_view key, double otherwise);
  bool flag(std::string_view key);
  bool flagOr(std::string_view key, bool otherwise);
  std::string text(std::string_view key);
  std::string textOr(std::string_view key, std::string otherwise);
  /// Empty if absent.
  std::vector<std::string> texts(std::string_view key);
  std::vector<int64_t> sizes(std::string_view key, int64_t least, int64_t most);
  /// None if absent. What goes wrong in it must be handed back through `adopt`.
  std::optional<ConfigFields> object(std::string_view key);
  void adopt(const ConfigFields &inner, std::string_view reader);
  /// Names of all fields.
  std::vector<std::string> keys() const;
  /// Where this object lacks one of `keys`, it is looked for in `outer`, which must outlive it (and
  /// know them, lest what is given in both be unknown there).
  void share(ConfigFields &outer, std::initializer_list<std::string_view> keys);

  /// Known not to change the model's work.
  void ignore(std::initializer_list<std::string_view> keys);

  void fail(std::string_view key, std::string message, ErrorCode code = ErrorCode::invalidInput);
  /// `'key' is 'value'; supported are a, b`.
  void unsupported(std::string_view key, const std::string &value,
                   std::initializer_list<std::string_view> supported);

  /// A field that nobody asked for, else the first error. `reader` is named: "LlamaForCausalLM".
  std::optional<Error> error(std::string_view reader) const;

private:
  const nlohmann::json *find(std::string_view key, bool required, const char *what);
  std::optional<int64_t> integer(const nlohmann::json &value, std::string_view key, int64_t least,
                                 int64_t most);
  /// Whether the field is the outer object's.
  bool isOuter(std::string_view key) const;
  std::string full(std::string_view key) const;
  std::string place(std::string_view key) const;
  std::optional<Error> unknownField(std::string_view reader) const;

  const ConfigFile *file_;
  const nlohmann::json *object_;
  std::string prefix_; // "rope_scaling."
  std::set<std::string, std::less<>> known_, shared_;
  ConfigFields *outer_ = nullptr;
  std::optional<Error> error_, unknown_;
};

} // namespace mansard::ir
