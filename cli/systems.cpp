#include "commands.h"

#include <mansard/report/system_report.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  std::string id;
  std::vector<std::string> files;
  ViewOptions view;
};

int list(const Options &options) {
  hw::Catalog catalog;
  host::Host host(catalog);
  addPluginTargets(host);
  std::vector<Error> problems;
  const auto systems = report::collectSystems(catalog, problems);
  for (const Error &problem : problems)
    warn("left out: " + problem.text());
  return print(options.view.json ? report::systemsJson(systems) : report::systemsTable(systems));
}

int show(const Options &options) {
  hw::Catalog catalog;
  host::Host host(catalog);
  addPluginTargets(host);
  const auto system = catalog.system(options.id);
  if (!system)
    return fail(system.error());
  const auto chip = catalog.chipOf(*system);
  if (!chip)
    return fail(chip.error());
  return print(options.view.json ? report::systemJson(*system, *chip)
                                 : report::systemTable(*system, *chip));
}

int check(const Options &options) {
  hw::Catalog catalog;
  host::Host host(catalog);
  addPluginTargets(host);
  std::vector<report::TargetCheck> checks;
  bool sound = true;
  std::string table;
  for (const std::string &file : options.files) {
    checks.push_back(report::checkSystem(catalog, file));
    sound = sound && checks.back().sound();
    table += report::checkTable(checks.back());
  }
  const int printed = print(options.view.json ? report::checksJson(checks) : table);
  return printed != kDone ? printed : sound ? kDone : kWrongInput;
}

} // namespace

void addSystems(CLI::App &app, int &status) {
  CLI::App *command =
      app.add_subcommand("systems", "The servers, racks and clusters that chips are built into");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  mansard systems list\n"
      "  mansard systems show cloudmatrix-384\n"
      "  mansard systems check my-system.toml\n"
      "  mansard estimate --model deepseek-v3 --system cloudmatrix-384 --phase decode \\\n"
      "      --batch 15360 --dp 320 --ep 320 --quant w8a8");
  const auto options = std::make_shared<Options>();

  CLI::App *all = command->add_subcommand("list", "All systems with their chips and links");
  options->view.addTo(*all, false);
  all->callback([options, &status] { status = list(*options); });

  CLI::App *one =
      command->add_subcommand("show", "Every number of a system with its source, and what follows");
  one->add_option("ID", options->id, "A name or a .toml")->required()->type_name("");
  options->view.addTo(*one, false);
  one->callback([options, &status] { status = show(*options); });

  CLI::App *files = command->add_subcommand(
      "check", "Does a file parse, are ranges plausible, do domains and adapters add up");
  files->add_option("FILE", options->files, "Files or names of systems")->required()->type_name("");
  options->view.addTo(*files, false);
  files->callback([options, &status] { status = check(*options); });
}

} // namespace mansard::cli
