#include "commands.h"

#include <mansard/explore/calibrate.h>
#include <mansard/report/files.h>

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <unistd.h>

namespace mansard::cli {
namespace {

struct Options {
  std::string family, output;
  std::vector<std::string> files, only;
  size_t folds = 0;
  bool keep = false;
  ViewOptions view;
};

/// One line on the terminal, written over and over; nothing where stderr is none.
class Progress {
public:
  ~Progress() { show(""); }
  void show(std::string_view line) {
    if (!isatty(STDERR_FILENO) || (line.empty() && !shown_))
      return;
    constexpr size_t kWidth = 79;
    fmt::print(stderr, "\r\033[K{}", line.substr(0, kWidth));
    std::fflush(stderr);
    shown_ = true;
  }

private:
  bool shown_ = false;
};

Result<explore::Calibration> fit(const Options &options, host::Host &host,
                                 const hw::Catalog &catalog) {
  Progress progress;
  explore::CalibrationRequest request;
  request.family = options.family;
  request.files = options.files;
  request.only = options.only;
  request.folds = options.folds;
  request.keep = options.keep;
  request.progress = [&](std::string_view line) { progress.show(line); };
  return explore::calibrate(host, catalog, request);
}

int run(const Options &options) {
  if (isOneOf(options.output, options.files))
    return fail({ErrorCode::invalidInput, "is one of the tables to read; name another for -o",
                 options.output});
  hw::Catalog catalog;
  host::Host host(catalog);
  const auto calibration = fit(options, host, catalog);
  if (!calibration)
    return fail(calibration.error());
  for (const auto &[reason, rows] : calibration->skipReasons)
    warn(fmt::format("skipped {} {}: {}", rows, rows == 1 ? "figure" : "figures", reason));
  const auto file = explore::calibrated(*calibration);
  if (!file)
    return fail(file.error());
  if (!options.output.empty())
    if (auto written = report::writeFile(options.output, file->text()); !written)
      return fail(written.error());
  return print(options.view.json ? explore::calibrationJson(*calibration)
                                 : explore::calibrationTable(*calibration));
}

} // namespace

void addCalibrate(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "calibrate", "Fit the constants of a family of chips to tables of measured kernels");
  const auto options = std::make_shared<Options>();
  command->add_option("FILE.csv", options->files, "Tables of measurements, each of one op")
      ->required()
      ->type_name("");
  command
      ->add_option("--family", options->family,
                   "The family, as targets/calibration/F.toml and the targets name it")
      ->required()
      ->type_name("F");
  command
      ->add_option("--cross-validate", options->folds,
                   "Also fit K times without a K-th of the sites, and tell the errors there")
      ->type_name("K")
      ->check(CLI::Range(2, 1000));
  command->add_flag("--keep", options->keep,
                    "Leave the constants as they are; renew the residuals of sites left out alone");
  command
      ->add_option("--only", options->only,
                   "Fit the constants whose names begin with one of these, whatever their "
                   "confidence\n(else: all those with confidence \"fitted\")")
      ->type_name("PREFIX,...")
      ->delimiter(',')
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("-o", options->output,
                   "Write the family's calibration file with the fitted values in place")
      ->type_name("FILE.toml");
  options->view.addTo(*command, false);
  command->footer(
      "Rows of other families are left out. Minimised is the mean of absolute and logarithmic "
      "error. Constants named\n"
      "after an op are judged by its rows, others by all the ops they move, each op weighing the "
      "same. A site is what\n"
      "rows share beyond size: (n, k) of a matmul, the heads of attention, the experts of a "
      "mixture; folds never split\n"
      "one. Residuals, from which low_us and high_us come, are those of the sites held out.\n\n"
      "Examples:\n"
      "  mansard calibrate --family nvidia-hopper gemm.csv moe.csv --cross-validate 5\n"
      "  mansard calibrate --family ascend-910b *.csv --cross-validate 5 -o ascend-910b.toml\n"
      "  mansard calibrate --family nvidia-ada collective.csv --only collective.start_us,"
      "collective.bulk");
  command->callback([options, &status] { status = run(*options); });
}

} // namespace mansard::cli
