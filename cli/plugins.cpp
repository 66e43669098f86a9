#include "commands.h"

#include <mansard/report/plugin_report.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  std::string id;
  ViewOptions view;
};

int run(bool list, const Options &options) {
  hw::Catalog catalog;
  host::Host host(catalog);
  std::vector<Error> problems;
  std::vector<host::PluginInfo> plugins = host.plugins(&problems);
  for (const Error &problem : problems)
    warn("left out: " + problem.text());
  if (!list) {
    auto one = report::pickPlugin(plugins, options.id);
    if (!one)
      return fail(one.error());
    return print(options.view.json ? report::pluginJson(*one) : report::pluginTable(*one));
  }
  return print(options.view.json ? report::pluginsJson(plugins) : report::pluginsTable(plugins));
}

/// Loads one library as the host would, and binds the targets that it brings.
int check(const Options &options) {
  std::error_code problem;
  const auto file = std::filesystem::canonical(options.id, problem);
  if (problem)
    return fail({ErrorCode::io, "cannot be opened: " + problem.message(), options.id});
  setenv("MANSARD_PLUGIN_PATH", file.c_str(), 1);
  hw::Catalog catalog;
  host::Host host(catalog);
  std::vector<Error> problems;
  const std::vector<host::PluginInfo> plugins = host.plugins(&problems);
  for (const Error &one : problems)
    if (one.text().find(file.string()) != std::string::npos)
      return fail({ErrorCode::pluginFailed, one.message, one.place});
  for (const host::PluginInfo &plugin : plugins) {
    if (plugin.path != file.string())
      continue;
    for (const std::string &target : plugin.targets)
      if (auto model = host.open(target); !model)
        return fail(model.error());
    return print(options.view.json ? report::pluginJson(plugin) : report::pluginTable(plugin));
  }
  return fail({ErrorCode::pluginFailed, "is no plugin", file.string()});
}

} // namespace

void addPlugins(CLI::App &app, int &status) {
  CLI::App *command =
      app.add_subcommand("plugins", "The models of accelerator families that are installed");
  command->require_subcommand(1);
  command->footer("Plugins are looked for in each folder or file of $MANSARD_PLUGIN_PATH "
                  "(separated by colons), then\n"
                  "in Mansard's own folder.\n\n"
                  "Examples:\n"
                  "  mansard plugins list\n"
                  "  mansard plugins show ascend --json\n"
                  "  mansard plugins check build/mansard-mine.so");
  const auto options = std::make_shared<Options>();
  CLI::App *list = command->add_subcommand("list", "All plugins");
  options->view.addTo(*list, false);
  list->callback([options, &status] { status = run(true, *options); });
  CLI::App *show = command->add_subcommand("show", "One plugin");
  show->add_option("ID", options->id, "As `mansard plugins list` shows it")
      ->required()
      ->type_name("");
  options->view.addTo(*show, false);
  show->callback([options, &status] { status = run(false, *options); });
  CLI::App *file =
      command->add_subcommand("check", "Does a library load as a plugin, and do its targets bind");
  file->add_option("FILE", options->id, "A shared library")->required()->type_name("");
  options->view.addTo(*file, false);
  file->callback([options, &status] { status = check(*options); });
}

} // namespace mansard::cli
