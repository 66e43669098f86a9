// Views of the plugins that a host found.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>

#include <string>
#include <vector>

namespace mansard::report {

/// The one of that id; otherwise an error with the nearest.
Result<host::PluginInfo> pickPlugin(const std::vector<host::PluginInfo> &plugins,
                                    const std::string &id);

std::string pluginsTable(const std::vector<host::PluginInfo> &plugins);
std::string pluginsJson(const std::vector<host::PluginInfo> &plugins);
std::string pluginTable(const host::PluginInfo &plugin);
std::string pluginJson(const host::PluginInfo &plugin);

} // namespace mansard::report
