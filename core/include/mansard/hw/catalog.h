// Finds the targets, memory technologies, calibrations and models that ship with Mansard or come
// with plugins.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/chip.h>
#include <mansard/hw/document.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::hw {

/// The folder that holds targets/ and configs/: $MANSARD_DATA, else beside the installed program
/// (../share/mansard), else the source tree it was built from.
std::string dataDirectory();

class Catalog {
public:
  /// Reads the names, not the contents, of `directory`/targets and `directory`/configs.
  explicit Catalog(std::string directory = dataDirectory());

  /// Adds a target given as TOML text. An id that exists already is an error: a plugin may add, not
  /// replace.
  Result<> addTarget(std::string toml, std::string origin);

  std::vector<std::string> targetIds() const;
  std::vector<std::string> memoryIds() const;
  std::vector<std::string> modelIds() const;

  /// By name, or by the path of a .toml (or CANN platform-config .ini). Unknown: an error with the
  /// nearest name.
  Result<Chip> target(const std::string &nameOrPath,
                      const std::vector<Override> &overrides = {}) const;
  Result<Document> targetDocument(const std::string &nameOrPath) const;
  Result<MemoryTechnology> memory(const std::string &id) const;
  /// Constants of a family: targets/calibration/<family>.toml.
  Result<Document> calibration(const std::string &family) const;
  /// The file of a built-in model; a path as it is; of a folder, the config.json in it.
  Result<std::string> modelPath(const std::string &name) const;

private:
  std::string directory_;
  std::map<std::string, std::string, std::less<>> targets_, memories_, models_; // id -> path
  std::map<std::string, std::pair<std::string, std::string>, std::less<>>
      added_; // id -> text, origin
};

} // namespace mansard::hw
