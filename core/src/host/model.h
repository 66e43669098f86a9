// What a bound model consists of.
#pragma once

#include "plugin.h"

namespace mansard::host {

struct Model::Impl {
  Impl(hw::Chip boundChip, const Plugin &plugin)
      : chip(std::move(boundChip)), view(chip), table(plugin.table), id(plugin.info.id) {}
  ~Impl();
  Impl(const Impl &) = delete;
  Impl &operator=(const Impl &) = delete;

  hw::Chip chip;
  hw::ChipView view;
  mansard_plugin table;
  std::string id;
  mansard_instance *instance = nullptr;
};

} // namespace mansard::host
