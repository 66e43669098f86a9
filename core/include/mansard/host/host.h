// Loads plugins and turns a chip into a model that estimates kernels.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/catalog.h>
#include <mansard/hw/chip.h>
#include <mansard/sdk/abi.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mansard::host {

struct PluginInfo {
  std::string id, version, description, path; // path: empty for the built-in generic model
  uint32_t abiMajor = 0, abiMinor = 0;
  std::vector<std::string> targets; // ids of the targets that come with it
};

/// What a model says of a matmul's stated tile: whether it fits the cores' memories, and the
/// numbers in one line.
struct StatedTileFit {
  bool fits = false;
  std::string text;
};

/// A chip bound to the model that prices it. estimate() is pure, thread-safe, allocates and locks
/// nothing.
class Model {
public:
  ~Model();
  Model(Model &&) noexcept;
  Model &operator=(Model &&) noexcept;

  const hw::Chip &chip() const;
  const mansard_chip &view() const;
  const std::string &id() const; // "nvidia", "generic" ...

  /// Fills `out` (same length as `kernels`). The result is an error if the plugin threw or broke
  /// its contract; a kernel it cannot price has its own status in `out`.
  Result<> estimate(std::span<const mansard_kernel> kernels,
                    std::span<mansard_estimate> out) const noexcept;

  /// The same model of a chip whose description has the same keys and other values. Thread-safe.
  Result<Model> rebind(hw::Chip chip) const;

  /// Nothing where the kernel states no tile or the plugin has no such extension. An error where
  /// the plugin threw or broke its contract. Thread-safe; allocates.
  Result<std::optional<StatedTileFit>> fitTile(const mansard_kernel &kernel) const;

private:
  friend class Host;
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Plugins are looked for in each folder (or file) of $MANSARD_PLUGIN_PATH, then in the install (or
/// build) folder; never in the working directory. Two plugins of one id, or of another ABI major,
/// are errors. Libraries are never unloaded. Not thread-safe; models are.
class Host {
public:
  /// `catalog` gains the plugins' targets. Loads nothing until asked.
  explicit Host(hw::Catalog &catalog);
  ~Host();

  const hw::Catalog &catalog() const;

  /// Loads every plugin that is found. Broken ones are listed in `problems` and left out.
  std::vector<PluginInfo> plugins(std::vector<Error> *problems = nullptr);

  /// Binds `chip` to the plugin its `model` names. `generic` is built in. A name that no plugin has
  /// is an error that lists those there are.
  Result<Model> bind(hw::Chip chip);

  /// By name or path, with overrides.
  Result<Model> open(const std::string &target, const std::vector<hw::Override> &overrides = {});
  /// The chip of a system, by the system's name or path.
  Result<Model> openSystem(const std::string &system,
                           const std::vector<hw::Override> &overrides = {});

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace mansard::host
