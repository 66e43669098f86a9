// Where plugins are looked for.
#pragma once

#include <mansard/base/result.h>

#include <string>
#include <vector>

namespace mansard::host {

struct PluginFile {
  std::string path; // absolute, links resolved
  std::string id;   // as the name mansard-<id>.so says; empty: only the plugin knows
};

struct PluginSearch {
  std::vector<PluginFile> files; // each once, in the order of the search
  std::vector<std::string> folders;
  std::vector<Error> problems; // entries of MANSARD_PLUGIN_PATH that are not there
};

/// The files that the entries of `pluginPath` name (folders, or files of any name; separated by
/// colons, empty ones skipped), then those of `installFolder`, sorted by name. In folders only
/// mansard-<id>.so counts.
PluginSearch findPlugins(const std::string &pluginPath, const std::string &installFolder);

/// ../lib/mansard/plugins from the running program: true of an installed and of a built tree.
std::string installedPluginFolder();

} // namespace mansard::host
