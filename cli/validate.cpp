#include "commands.h"

#include <mansard/report/files.h>
#include <mansard/report/step_report.h>
#include <mansard/report/validation.h>

#include <fmt/format.h>

#include <memory>

namespace mansard::cli {
namespace {

constexpr size_t kServerSamples = 64; // of each: what is told is the share over many servers

struct Options {
  std::vector<std::string> files;
  std::vector<std::string> step; // from, to
  std::string rows;
  bool serverRanges = false;
  ViewOptions view;
};

Result<> writeRows(const Options &options, const std::string &text) {
  return options.rows.empty() ? Result<>(Ok{}) : report::writeFile(options.rows, text);
}

int printStep(const Options &options, const report::Validation &validation) {
  const auto step = report::collectSteps(validation, options.step[0], options.step[1]);
  if (!step)
    return fail(step.error());
  if (auto written = writeRows(options, report::stepRows(*step)); !written)
    return fail(written.error());
  return print(options.view.json ? report::stepJson(*step) : report::stepTable(*step));
}

int run(const Options &options) {
  if (isOneOf(options.rows, options.files))
    return fail({ErrorCode::invalidInput, "is one of the tables to read; name another for --rows",
                 options.rows});
  hw::Catalog catalog;
  host::Host host(catalog);
  auto validation =
      report::validate(host, options.files, options.serverRanges ? kServerSamples : 0);
  if (!validation)
    return fail(validation.error());
  for (const auto &[reason, rows] : validation->skipReasons)
    warn(fmt::format("skipped {} {}: {}", rows, rows == 1 ? "figure" : "figures", reason));
  if (!options.step.empty())
    return printStep(options, *validation);
  if (auto written = writeRows(options, report::validationRows(*validation)); !written)
    return fail(written.error());
  return print(options.view.json ? report::validationJson(*validation)
                                 : report::validationTable(*validation));
}

} // namespace

void addValidate(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "validate", "Hold estimates against tables of measured kernels and servers");
  const auto options = std::make_shared<Options>();
  command->add_option("FILE.csv", options->files, "Tables of measurements, each of one op")
      ->required()
      ->type_name("");
  command
      ->add_option("--rows", options->rows,
                   "Write every row with its estimate, interval, bound and breakdown to this CSV")
      ->type_name("OUT.csv");
  command
      ->add_option("--step", options->step,
                   "In place of errors, how much faster B runs than A what both have been measured "
                   "at, predicted against measured; --rows then writes these pairs")
      ->type_name("A,B")
      ->delimiter(',')
      ->expected(2);
  command->add_flag("--server-ranges", options->serverRanges,
                    "Intervals of servers as well, which take a while");
  options->view.addTo(*command, false);
  command->footer("MAPE: mean absolute percentage error; bias: mean of log(predicted / measured); "
                  "roofline: the plain\n"
                  "max(operations / peak, bytes / bandwidth) on the same rows. Rows that cannot be "
                  "estimated are counted as\n"
                  "skipped, with their reasons on stderr.\n\n"
                  "Examples:\n"
                  "  mansard validate gemm.csv attention_decode.csv\n"
                  "  mansard validate gemm.csv --json\n"
                  "  mansard validate serving.csv --rows residuals.csv\n"
                  "  mansard validate gemm.csv --rows residuals.csv\n"
                  "  mansard validate gemm.csv attention_decode.csv --step h100-sxm,b200-sxm");
  command->callback([options, &status] { status = run(*options); });
}

} // namespace mansard::cli
