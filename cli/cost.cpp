#include "commands.h"

#include <mansard/report/cost_report.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  TargetOptions target;
  std::string assumptions = "us", yield = "negative-binomial";
  ViewOptions view;
};

int run(const Options &options) {
  const auto model = choice("--yield", economics::kYieldModelNames, options.yield);
  if (!model)
    return fail(model.error());
  hw::Catalog catalog;
  host::Host host(catalog);
  auto target = options.target.open(host);
  if (!target)
    return fail(target.error());
  auto assumptions = economics::readAssumptions(catalog, options.assumptions);
  if (!assumptions)
    return fail(assumptions.error());
  auto report = report::collectCost(catalog, target->chip(), *assumptions,
                                    static_cast<economics::YieldModel>(*model));
  if (!report)
    return fail(report.error());
  return print(options.view.json ? report::costJson(*report) : report::costTable(*report));
}

} // namespace

void addCost(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "cost", "What a chip costs to make and to run: area, yield, memory, package, an hour of it");
  const auto options = std::make_shared<Options>();
  options->target.addTo(*command);
  command
      ->add_option("--economics", options->assumptions,
                   "Prices and use: a name in configs/economics, or a .toml")
      ->type_name("FILE")
      ->capture_default_str();
  command
      ->add_option("--yield", options->yield,
                   fmt::format("{}", fmt::join(economics::kYieldModelNames, " ")))
      ->type_name("MODEL")
      ->capture_default_str();
  options->view.addTo(*command, false);
  command->footer("Examples:\n"
                  "  mansard cost --target ascend-910b --economics china\n"
                  "  mansard cost --system hgx-h100\n"
                  "  mansard cost --target h100-sxm --set memory.technology=hbm3e --json");
  command->callback([options, &status] { status = run(*options); });
}

} // namespace mansard::cli
