// Refitting a family's calibration constants on measured kernels, and telling how well the fit
// does on kernels it has not seen.
//
// What is minimised is the mean of |predicted / measured - 1| and |log(predicted / measured)|: the
// first is what errors are quoted in, the second keeps a fit from gaining by being too fast. Each
// (target, dtype) of an op weighs as the root of its rows, so that what was measured often does not
// own the constants. A constant named after an op ("moe.start_us") is judged by that op's rows; any
// other by all the ops that it moves, each op weighing the same. The search is coordinate descent
// with growing and halving steps in log space, within the constant's low and high where the file
// gives them; a share that the file keeps at or below 1 stays there; everything stays positive. No
// randomness: the same rows give the same bits.
#pragma once

#include <mansard/base/result.h>
#include <mansard/explore/calibration_file.h>
#include <mansard/host/host.h>
#include <mansard/report/residuals.h>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::explore {

struct CalibrationRequest {
  std::string family;
  std::vector<std::string> files; // tables of measurements
  /// Fit the constants whose names begin with one of these, whatever their confidence; empty: those
  /// whose confidence is "fitted". Never residual.*, which are results.
  std::vector<std::string> only;
  /// Folds over sites (report::siteOf: weights' shapes, head configurations ...) for the errors on
  /// rows not fitted; 0: none, else at least 2.
  size_t folds = 0;
  bool keep = false; // leave the constants as they are: only the bands are renewed, from the folds
  std::function<void(std::string_view)> progress; // what is being done, often; may be empty
};

/// A constant before and after the fit.
struct FittedConstant {
  std::string name, unit, meaning;
  double before = 0, after = 0; // as the file would hold it: five significant digits
  std::vector<std::string> ops; // it is judged by; empty: it moves no row and stays as it is
  size_t rows = 0;              // of those ops, that it moves
  std::string source;           // for the file; empty where it stays
};

/// Mean absolute percentage errors of the rows of one (op, metric, target, dtype), in percent.
struct FitError {
  std::string op, metric, target, dtype;
  size_t rows = 0, sites = 0;
  double shipped = 0;  // with the constants as they were
  double inSample = 0; // with the constants fitted on all rows
  double heldOut = 0;  // each row with constants fitted without its site; NaN: not asked for, or
                       // the op has one site only
};

/// How many rows of an op a chip gave.
struct MeasuredChip {
  std::string op, target;
  size_t rows = 0;

  std::string key() const; // "residual.gemm.measured.h100-sxm"
};

/// Eight of ten rows' measured over predicted, of an op or one of its regimes.
struct FittedBand {
  report::ResidualBand band;
  bool heldOut = false; // each row predicted by constants fitted without its site
  std::string source;   // for the file
};

/// How much of an op's scatter the kernels of one step have in common (report::commonShare).
struct FittedCommon {
  uint32_t op = 0;
  double share = 0;
  std::string source; // for the file

  std::string key() const; // "residual.gemm.common"
};

struct Calibration {
  CalibrationFile before;
  std::string family;
  std::vector<std::string> targets; // with rows
  std::vector<FittedConstant> constants;
  std::vector<FitError> errors;
  std::vector<FittedBand> bands;      // of the ops that the constants move
  std::vector<FittedCommon> common;   // of those with enough rows
  std::vector<MeasuredChip> measured; // of these ops
  /// What the bands are made of; of one row for each row that they are of.
  std::vector<report::Residual> residuals;
  std::map<std::string, size_t> skipReasons; // as of report::Validation; other families left out
  size_t trials = 0;                         // estimates of sets of rows
};

/// `catalog` is the one `host` was made with. Errors: the family or a prefix is unknown (with the
/// nearest), a file cannot be read, no row is of the family, no constant to fit moves a row, a
/// plugin failed with the constants as they are. Not thread-safe, as Host is not.
Result<Calibration> calibrate(host::Host &host, const hw::Catalog &catalog,
                              const CalibrationRequest &request);

/// The calibration file with the fitted constants, unless they were to be kept, and bands in place,
/// and which chips the rows are of; what these ops have no longer is taken out.
Result<CalibrationFile> calibrated(const Calibration &calibration);

/// The fold of each of `sites`: whole sites only, as many in each fold as in any other (give or
/// take one), the same on every machine. Depends on the set of sites, not on their order.
std::vector<size_t> foldsOf(const std::vector<std::string> &sites, size_t folds);

std::string calibrationTable(const Calibration &calibration);
std::string calibrationJson(const Calibration &calibration);

} // namespace mansard::explore
