#include "commands.h"

#include <mansard/report/target_report.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  std::string id;
  std::vector<std::string> set, files;
  report::TargetFilter filter;
  ViewOptions view;
};

int list(const Options &options) {
  hw::Catalog catalog;
  host::Host host(catalog);
  addPluginTargets(host);
  std::vector<Error> problems;
  auto targets = report::filterTargets(report::collectTargets(catalog, problems), options.filter);
  for (const Error &problem : problems)
    warn("left out: " + problem.text());
  if (!targets)
    return fail(targets.error());
  return print(options.view.json ? report::targetsJson(*targets) : report::targetsTable(*targets));
}

int show(const Options &options) {
  const auto overrides = hw::parseOverrides(options.set);
  if (!overrides)
    return fail(overrides.error());
  hw::Catalog catalog;
  host::Host host(catalog);
  addPluginTargets(host);
  auto chip = catalog.target(options.id, *overrides);
  if (!chip)
    return fail(chip.error());
  return print(options.view.json ? report::targetJson(*chip) : report::targetTable(*chip));
}

int check(const Options &options) {
  hw::Catalog catalog;
  host::Host host(catalog);
  addPluginTargets(host);
  std::vector<report::TargetCheck> checks;
  bool sound = true;
  std::string table;
  for (const std::string &file : options.files) {
    auto result = report::checkTarget(host, catalog, file);
    if (!result)
      return fail(result.error());
    sound = sound && result->sound();
    table += report::checkTable(*result);
    checks.push_back(std::move(*result));
  }
  const int printed = print(options.view.json ? report::checksJson(checks) : table);
  return printed != kDone ? printed : sound ? kDone : kWrongInput;
}

} // namespace

void addTargets(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand("targets", "The chips that Mansard knows");
  command->require_subcommand(1);
  command->footer("Examples:\n"
                  "  mansard targets list\n"
                  "  mansard targets list --vendor Huawei,Cambricon --year 2024-\n"
                  "  mansard targets show ascend-910b\n"
                  "  mansard targets show h100-sxm --set memory.technology=hbm3e --json\n"
                  "  mansard targets check my-chip.toml");
  const auto options = std::make_shared<Options>();

  CLI::App *all = command->add_subcommand("list", "All targets, those of plugins included");
  const auto filter = [&](const char *flag, std::vector<std::string> &values, const char *what,
                          const char *type) {
    all->add_option(flag, values, what)
        ->type_name(type)
        ->delimiter(',')
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  filter("--vendor", options->filter.vendors, "Only of these makers", "V[,V]");
  filter("--family", options->filter.families, "Only of these families", "F[,F]");
  filter("--memory", options->filter.memories, "Only with these memory technologies", "M[,M]");
  filter("--year", options->filter.years, "Only of these years: 2024, 2022-2024, 2024-", "Y[,Y]");
  options->view.addTo(*all, false);
  all->callback([options, &status] { status = list(*options); });

  CLI::App *one =
      command->add_subcommand("show", "Every number of a target with its source, and what follows");
  one->add_option("ID", options->id, "A name, a .toml or a CANN .ini")->required()->type_name("");
  one->add_option("--set", options->set, "Override one field (may be repeated)")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  options->view.addTo(*one, false);
  one->callback([options, &status] { status = show(*options); });

  CLI::App *files = command->add_subcommand(
      "check", "Does a file parse, are units and ranges plausible, does the arithmetic add up");
  files->add_option("FILE", options->files, "Files or names of targets")->required()->type_name("");
  options->view.addTo(*files, false);
  files->callback([options, &status] { status = check(*options); });
}

} // namespace mansard::cli
