#include "commands.h"

#include <mansard/model/estimate.h>
#include <mansard/report/diff_report.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  TargetOptions target;
  ViewOptions view;
  ModuleFlags module;
  std::string a, b;
};

Result<model::StepEstimate> priceModule(const std::string &path, const Options &options,
                                        const hw::Catalog &catalog, const host::Model &target) {
  auto lowering = model::Lowering::open(path, catalog, options.module.options);
  if (!lowering)
    return lowering.error();
  if (!lowering->isModule())
    return Error{ErrorCode::invalidInput,
                 "is a model; two modules (.mlir) are compared, `mansard estimate` prices a model",
                 path};
  return model::estimateStep({}, *lowering, target);
}

int run(const Options &options) {
  hw::Catalog catalog;
  host::Host host(catalog);
  auto target = options.target.open(host);
  if (!target)
    return fail(target.error());
  auto a = priceModule(options.a, options, catalog, *target);
  if (!a)
    return fail(a.error());
  auto b = priceModule(options.b, options, catalog, *target);
  if (!b)
    return fail(b.error());
  const report::DiffReport report = report::collectDiff(*a, *b, *target);
  return print(options.view.json ? report::diffJson(report) : report::diffTable(report));
}

} // namespace

void addDiff(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "diff",
      "Price two modules that do the same work, kernel by kernel, and explain the difference");
  const auto options = std::make_shared<Options>();
  command->add_option("a", options->a, "A module (.mlir)")->required()->type_name("A.mlir");
  command->add_option("b", options->b, "The one it is held against")
      ->required()
      ->type_name("B.mlir");
  options->target.addTo(*command);
  options->module.addTo(*command);
  options->view.addTo(*command, false);
  command->footer(
      "Modules are priced as they are: nothing is fused but what the module fuses. `mansard opt "
      "--mansard-fuse` says what could be.\n\n"
      "Examples:\n"
      "  mansard diff unfused.mlir fused.mlir --target h100-sxm\n"
      "  mansard diff tiled-128.mlir tiled-256.mlir --target ascend-910b --json");
  command->callback([options, &status] { status = run(*options); });
}

} // namespace mansard::cli
