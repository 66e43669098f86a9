// Finds the targets, systems, memory technologies, calibrations and models that ship with Mansard
// or come with plugins.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/chip.h>
#include <mansard/hw/document.h>
#include <mansard/hw/process_node.h>
#include <mansard/hw/system.h>

#include <map>
#include <memory>
#include <optional>
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
  std::vector<std::string> systemIds() const;
  std::vector<std::string> memoryIds() const;
  std::vector<std::string> nodeIds() const;
  std::vector<std::string> economicsIds() const;
  std::vector<std::string> modelIds() const;
  std::vector<std::string> scenarioIds() const;
  std::vector<std::string> sweepIds() const;

  /// By name, another name (targets/aliases.toml), or the path of a .toml (or CANN platform-config
  /// .ini). Unknown: an error with the nearest name.
  Result<Chip> target(const std::string &nameOrPath,
                      const std::vector<Override> &overrides = {}) const;
  Result<Document> targetDocument(const std::string &nameOrPath) const;
  /// By name, or by the path of a .toml. Unknown: an error with the nearest name.
  Result<System> system(const std::string &nameOrPath) const;
  Result<Document> systemDocument(const std::string &nameOrPath) const;
  /// The chip of a system, with the system's links.
  Result<Chip> chipOf(const System &system, const std::vector<Override> &overrides = {}) const;
  Result<MemoryTechnology> memory(const std::string &id) const;
  /// A process that dies are made in, by name or path.
  Result<ProcessNode> node(const std::string &nameOrPath) const;
  /// The one that `process`, a chip's, begins with a name of; the longest name wins; null: none
  /// does. As long as this object and its copies. Reads the files once; thread-safe.
  Result<const ProcessNode *> nodeOfProcess(std::string_view process) const;
  /// A file of configs/economics, by name or path.
  Result<Document> economicsDocument(const std::string &nameOrPath) const;
  /// A file of configs/scenarios, by name or path.
  Result<Document> scenarioDocument(const std::string &nameOrPath) const;
  /// A file of configs/sweeps, by name or path.
  Result<Document> sweepDocument(const std::string &nameOrPath) const;
  /// Constants of a family: targets/calibration/<family>.toml.
  Result<Document> calibration(const std::string &family) const;
  /// The file of a built-in model, by its id or a name on Hugging Face; a path as it is; of a
  /// folder, the config.json in it. A name on Hugging Face is one that a model lists (for which all
  /// are read), else it is told by its shape: "Qwen/Qwen3-32B-FP8" without tuning and precision.
  Result<std::string> modelPath(const std::string &name) const;

private:
  /// The target that `name` is another name of; an error where it is none.
  Result<std::string> aliasOf(const std::string &name) const;

  /// The file of the built-in model that has the shape of this one on Hugging Face.
  std::optional<std::string> modelOfHubName(const std::string &name) const;

  struct Nodes;
  std::shared_ptr<Nodes> read_; // when first asked for
  std::string directory_;
  std::map<std::string, std::string, std::less<>> targets_, systems_, memories_, nodes_, economics_,
      models_, scenarios_, sweeps_; // id -> path
  std::map<std::string, std::pair<std::string, std::string>, std::less<>>
      added_; // id -> text, origin
};

} // namespace mansard::hw
