// Loading the plugins of this folder's tests.
#pragma once

#include <mansard/host/host.h>
#include <mansard/work/kernel.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mansard::host {

inline std::string fixture(const std::string &folder) { return MANSARD_FIXTURES "/" + folder; }

/// MANSARD_PLUGIN_PATH while it lives.
class PluginPath {
public:
  explicit PluginPath(const std::string &value) {
    if (const char *set = std::getenv("MANSARD_PLUGIN_PATH"))
      before_ = set;
    setenv("MANSARD_PLUGIN_PATH", value.c_str(), 1);
  }
  ~PluginPath() {
    if (before_)
      setenv("MANSARD_PLUGIN_PATH", before_->c_str(), 1);
    else
      unsetenv("MANSARD_PLUGIN_PATH");
  }
  PluginPath(const PluginPath &) = delete;
  PluginPath &operator=(const PluginPath &) = delete;

private:
  std::optional<std::string> before_;
};

/// A chip with no more than a name and a model, and the numbers given.
inline hw::Chip chipFor(const std::string &model,
                        const std::vector<std::pair<std::string, double>> &numbers = {}) {
  hw::Chip chip;
  chip.id = chip.name = "test-chip";
  chip.vendor = chip.family = "test";
  chip.model = model;
  chip.file = "test-chip.toml";
  for (const auto &[key, value] : numbers)
    chip.numbers[key].value = value;
  return chip;
}

inline work::Kernel matmul(DType type, int64_t m, int64_t n, int64_t k) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, type, type, type);
  kernel.u.matmul = {m, n, k, 0, 0, 0, 0, 0, 0};
  return kernel;
}

inline bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

} // namespace mansard::host
