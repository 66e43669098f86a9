#include "commands.h"

#include <fmt/format.h>

#include <exception>

#ifndef MANSARD_VERSION
#error "the build defines MANSARD_VERSION"
#endif

namespace {

/// A usage error on stderr. Where a word is no subcommand, those that exist are listed.
int usageError(const CLI::App &app, const CLI::ParseError &error) {
  const CLI::App *command = &app;
  while (!command->get_subcommands().empty())
    command = command->get_subcommands().front();
  std::string path;
  for (const CLI::App *at = command; at; at = at->get_parent())
    path = at->get_name() + (path.empty() ? "" : " ") + path;
  std::string message = fmt::format("error: {}\n", error.what());
  std::vector<std::string> names;
  for (const CLI::App *sub : command->get_subcommands([](const CLI::App *) { return true; }))
    names.push_back(sub->get_name());
  if (!names.empty()) {
    const auto extra = command->remaining(true);
    if (!extra.empty())
      message = fmt::format("error: '{}' is not a command of `{}`{}\n", extra.front(), path,
                            mansard::hw::suggestion(extra.front(), names));
    message += fmt::format("`{}` has: {}\n", path, fmt::join(names, " "));
  }
  fmt::print(stderr, "mansard: {}See `{} --help`.\n", message, path);
  return mansard::cli::kUsage;
}

int run(int argc, char **argv) {
  using namespace mansard::cli;
  CLI::App app(
      "Mansard tells how fast a model runs on an AI accelerator, what bounds it there, and\n"
      "what to change; without the hardware.",
      "mansard");
  app.set_version_flag("--version", "mansard " MANSARD_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  mansard estimate --model deepseek-v3 --target ascend-910c --phase decode --batch 1536 \\\n"
      "      --context 4096 --dp 32 --ep 32 --quant w8a8\n"
      "  mansard kernel gemm --target h100-sxm --m 8192 --n 8192 --k 8192 --dtype bf16\n"
      "  mansard targets show h20\n"
      "`mansard COMMAND --help` has more. Exit status: 0 done; 1 wrong input; 2 wrong usage; 3 a "
      "plugin failed.");
  int status = kDone;
  addEstimate(app, status);
  addPlan(app, status);
  addKernel(app, status);
  addServe(app, status);
  addTrain(app, status);
  addCompare(app, status);
  addSweep(app, status);
  addScenario(app, status);
  addValidate(app, status);
  addCalibrate(app, status);
  addCost(app, status);
  addTargets(app, status);
  addModels(app, status);
  addSystems(app, status);
  addMemory(app, status);
  addPlugins(app, status);
  addDiff(app, status);
  addOpt(app, status);
  addImportCann(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &asked) { // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError &error) {
    return usageError(app, error);
  }
  return status;
}

} // namespace

int main(int argc, char **argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception &error) {
    return mansard::cli::fail({mansard::ErrorCode::invalidInput, error.what(), ""});
  }
}
