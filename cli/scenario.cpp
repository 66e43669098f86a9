#include "commands.h"

#include <mansard/report/scenario_report.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  std::string file;
  report::ScenarioOptions collect;
  ViewOptions view;
};

int list(const Options &options) {
  const auto scenarios = report::collectScenarios(hw::Catalog());
  return print(options.view.json ? report::scenariosJson(scenarios)
                                 : report::scenariosTable(scenarios));
}

template <typename Report>
int show(const Options &options, const Result<Report> &report, std::string (*table)(const Report &),
         std::string (*json)(const Report &), std::string (*csv)(const Report &)) {
  return report ? options.view.show(*report, table, json, csv) : fail(report.error());
}

int run(const Options &options) {
  const auto file = report::readScenario(hw::Catalog(), options.file);
  if (!file)
    return fail(file.error());
  const auto collected = [&](const auto &collect) {
    Progress progress("workloads on chips"); // gone before the result is printed
    report::ScenarioOptions asked = options.collect;
    asked.progress = [&](int64_t done, int64_t all) { progress(done, all); };
    return collect(*file, asked);
  };
  if (file->claims)
    return show(options, collected(report::collectClaims), report::claimsTable, report::claimsJson,
                report::claimsCsv);
  return show(options, collected(report::collectSupply), report::supplyTable, report::supplyJson,
              report::supplyCsv);
}

} // namespace

void addScenario(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "scenario", "What a country can make of accelerators, or whether claims about them hold");
  const auto options = std::make_shared<Options>();
  options->collect.threads = threadsOfMachine();
  command
      ->add_option("FILE", options->file,
                   "A name that `mansard scenario list` shows, or a .toml like those in "
                   "configs/scenarios")
      ->type_name("");
  command
      ->add_option("--samples", options->collect.samples,
                   "Points of what is not known (default: the scenario's)")
      ->type_name("N")
      ->check(CLI::Range(16, 65536));
  command->add_option("--threads", options->collect.threads, "Of no account to the result")
      ->type_name("N")
      ->check(CLI::Range(1, 256));
  options->view.addTo(*command, true);
  CLI::App *all = command->add_subcommand("list", "The scenarios that come with Mansard");
  options->view.addTo(*all, false);
  command->require_subcommand(0, 1);
  command->footer(
      "Supply: wafers, yields, memory and packaging of each year to chips, to what the fleet "
      "serves "
      "and draws,\nbeside published numbers. Claims: each with its source and inequalities, "
      "confirmed, refuted or undecided by how\nprobable they are over all that is not known.\n\n"
      "Examples:\n"
      "  mansard scenario list\n"
      "  mansard scenario closing-the-gap\n"
      "  mansard scenario china-supply --json\n"
      "  mansard scenario my-claims.toml --samples 1024 --csv");
  all->callback([options, &status] { status = list(*options); });
  command->callback([command, options, &status] {
    if (!command->get_subcommands().empty())
      return;
    if (options->file.empty())
      throw CLI::RequiredError("FILE (or list)");
    status = run(*options);
  });
}

} // namespace mansard::cli
