// What a bound model consists of.
#pragma once

#include "plugin.h"

namespace mansard::host {

struct Model::Impl {
  Impl(hw::Chip boundChip, const mansard_plugin &plugin, std::string pluginId)
      : chip(std::move(boundChip)), view(chip), table(plugin), id(std::move(pluginId)) {}
  ~Impl();
  Impl(const Impl &) = delete;
  Impl &operator=(const Impl &) = delete;

  /// Makes the instance. Once.
  Result<> create();

  hw::Chip chip;
  hw::ChipView view;
  mansard_plugin table;
  std::string id;
  mansard_instance *instance = nullptr;
};

} // namespace mansard::host
