// The step from one target to another, kernel by kernel: how much faster the second runs what both
// have been measured at, predicted against measured.
#pragma once

#include <mansard/base/result.h>
#include <mansard/report/validation.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace mansard::report {

/// One piece of work that both targets have. Where a target has several measurements of it, their
/// geometric mean counts. Index 0: the target that the step is from; 1: the one it leads to.
struct SteppedRow {
  std::string op, metric, dtype, work; // work: its columns, "m=1 n=4096 k=7168"
  uint32_t bound = 0;                  // of the estimate for the first target
  std::array<double, 2> measured_us{}, predicted_us{};

  double measured() const { return measured_us[0] / measured_us[1]; }
  double predicted() const { return predicted_us[0] / predicted_us[1]; }
};

/// Over the rows of one operation, metric, type and bound; with all types and bounds where these
/// are not there.
struct StepGroup {
  std::string op, metric;
  std::optional<std::string> dtype;
  std::optional<uint32_t> bound;
  size_t rows = 0;
  double measured = 0, predicted = 0; // medians of the speed-ups
  double mape = 0;                    // of the predicted speed-up, in percent
  double bias = 0;                    // mean of log(predicted / measured) speed-up
  std::array<double, 2> single{};     // of the two targets' times on the same rows, in percent
};

struct StepReport {
  std::array<std::string, 2> targets;
  std::vector<SteppedRow> rows;
  std::vector<StepGroup> groups; // of each operation and metric: all, then by type and bound
};

/// Errors: a target has no estimated row, or the two share none.
Result<StepReport> collectSteps(const Validation &validation, const std::string &from,
                                const std::string &to);

std::string stepTable(const StepReport &report);
std::string stepJson(const StepReport &report);
/// Every row as CSV.
std::string stepRows(const StepReport &report);

} // namespace mansard::report
