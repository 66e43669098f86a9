#include "json.h"

#include <mansard/hw/document.h>
#include <mansard/report/plugin_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

namespace mansard::report {
namespace {

std::string pathOf(const host::PluginInfo &plugin) {
  return plugin.path.empty() ? "(built in)" : plugin.path;
}

Json jsonOf(const host::PluginInfo &plugin) {
  return Json{{"id", plugin.id},
              {"version", plugin.version},
              {"description", plugin.description},
              {"path", plugin.path.empty() ? Json() : Json(plugin.path)},
              {"abi", fmt::format("{}.{}", plugin.abiMajor, plugin.abiMinor)},
              {"targets", plugin.targets}};
}

} // namespace

Result<host::PluginInfo> pickPlugin(const std::vector<host::PluginInfo> &plugins,
                                    const std::string &id) {
  std::vector<std::string> ids;
  for (const host::PluginInfo &plugin : plugins) {
    if (plugin.id == id)
      return plugin;
    ids.push_back(plugin.id);
  }
  return Error{ErrorCode::notFound,
               fmt::format("no plugin '{}'{}; there are: {}", id, hw::suggestion(id, ids),
                           fmt::join(ids, ", ")),
               ""};
}

std::string pluginsTable(const std::vector<host::PluginInfo> &plugins) {
  TextTable table({{"id", {}}, {"version", {}}, {"description", {}}, {"own targets", {}}});
  for (const host::PluginInfo &plugin : plugins)
    table.addRow({plugin.id, plugin.version, plugin.description,
                  fmt::format("{}", fmt::join(plugin.targets, " "))});
  return table.text(0);
}

std::string pluginsJson(const std::vector<host::PluginInfo> &plugins) {
  Json json = Json::array();
  for (const host::PluginInfo &plugin : plugins)
    json.push_back(jsonOf(plugin));
  return dump(json);
}

std::string pluginTable(const host::PluginInfo &plugin) {
  TextTable table({{"", {}}, {"", {}}});
  table.addRow({"id", plugin.id});
  table.addRow({"version", plugin.version});
  table.addRow({"description", plugin.description});
  table.addRow({"ABI", fmt::format("{}.{}", plugin.abiMajor, plugin.abiMinor)});
  table.addRow({"file", pathOf(plugin)});
  table.addRow({"own targets", plugin.targets.empty()
                                   ? "none"
                                   : fmt::format("{}", fmt::join(plugin.targets, " "))});
  return table.text(0);
}

std::string pluginJson(const host::PluginInfo &plugin) { return dump(jsonOf(plugin)); }

} // namespace mansard::report
