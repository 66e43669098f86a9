#include "commands.h"

#include <mansard/hw/cann_ini.h>
#include <mansard/hw/catalog.h>
#include <mansard/report/files.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  std::string ini, toml;
};

int run(const Options &options) {
  auto document = hw::readCannIni(options.ini);
  if (!document)
    return fail(document.error());
  // What would not load again is not written.
  const hw::Catalog catalog;
  if (auto chip = hw::buildChip(*document, catalog, {}); !chip)
    return fail(chip.error());
  const std::string text = hw::writeToml(*document);
  if (options.toml.empty())
    return print(text);
  if (auto written = report::writeFile(options.toml, text); !written)
    return fail(written.error());
  for (const std::string &note : document->lists["notes"])
    warn("note: " + note);
  warn("wrote " + options.toml);
  return kDone;
}

} // namespace

void addImportCann(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "import-cann", "Write CANN's platform configuration of an Ascend chip as a target");
  const auto options = std::make_shared<Options>();
  command->add_option("FILE.ini", options->ini, "A file of CANN's data/platform_config")
      ->required()
      ->type_name("");
  command->add_option("-o,--output", options->toml, "Where to write; without it, standard output")
      ->type_name("FILE.toml");
  command->footer(
      "Examples:\n"
      "  mansard import-cann Ascend910B1.ini -o my-910b1.toml\n"
      "  mansard kernel gemm --target my-910b1.toml --m 4096 --n 4096 --k 4096 --dtype bf16");
  command->callback([options, &status] { status = run(*options); });
}

} // namespace mansard::cli
