// A loaded plugin as the host keeps it: its descriptor, checked and in this build's layout.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>
#include <mansard/sdk/abi.h>

#include <string>
#include <vector>

namespace mansard::host {

struct DeclaredKey {
  std::string key, unit, meaning;
  bool required = false;
};

struct Plugin {
  PluginInfo info;
  mansard_plugin table{}; // fields that the plugin's version lacks are zero
  std::vector<DeclaredKey> keys;
  std::vector<std::string> targetTexts;
};

/// Checks all that can be checked before create(): version, sizes, functions, id, tables. `origin`
/// names the plugin in errors and becomes info.path.
Result<Plugin> checkDescriptor(const mansard_plugin *descriptor, const std::string &origin);

/// The keys of the chip's section for this model that the plugin does not declare, and the required
/// ones that are missing, are errors that name the key and the nearest declared one.
Result<> checkKeys(const hw::Chip &chip, const Plugin &plugin);

/// Opens the shared library at the absolute `path` and asks it for its descriptor. It is never
/// closed.
Result<const mansard_plugin *> openLibrary(const std::string &path);

} // namespace mansard::host
