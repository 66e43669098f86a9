// Measured rows of a family and the chips they were measured on, ready to be estimated with any set
// of constants.
#pragma once

#include <mansard/explore/calibrate.h>
#include <mansard/report/measurements.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mansard::explore {

using OpSet = uint32_t; // bit i: op i
static_assert(MANSARD_OP_COUNT <= 32);

/// One measured figure of the family.
struct Row {
  work::Kernel kernel{};
  std::vector<work::Kernel> before; // timed with it
  double measured_us = 0;
  size_t target = 0;                // of Bench::targets()
  std::string metric, site, origin; // origin: the table's column "source", if there is one
  size_t fold = 0;                  // counted within its op
};

struct Prediction {
  double latency_us = 0;
  uint32_t bound = 0;
};

/// Rows that are estimated together: of one target, op and dtype.
struct Batch {
  size_t target = 0;
  uint32_t op = 0;
  std::vector<size_t> rows;          // of Bench::rows()
  std::vector<work::Kernel> kernels; // theirs, then all that were timed with them
  std::vector<size_t> beforeRow;     // of the latter, in order: position in `rows`
  std::vector<double> measured_us;
};
using Batches = std::vector<Batch>;

class Bench {
public:
  /// Reads the tables and keeps the rows of chips of the family that can be estimated.
  static Result<Bench> load(host::Host &host, const hw::Catalog &catalog,
                            const CalibrationRequest &request,
                            std::map<std::string, size_t> &skipReasons);

  const std::vector<Row> &rows() const { return rows_; }
  const std::vector<hw::Chip> &targets() const { return targets_; }

  /// The rows for which `wanted` says so.
  Batches batches(const std::function<bool(const Row &)> &wanted) const;

  /// Sets a constant for the estimates to come. Bits as given: no bounds are checked.
  void set(const std::string &name, double value);

  /// The error (calibrate.h says of what kind) of each op in `ops` that has rows in `batches`,
  /// written to `errors[op]`. Errors well under `softness` count by their squares, so that the
  /// minimum of a few rows has no kinks. False where the plugin refuses the constants or any row:
  /// then nothing is said.
  bool errors(const Batches &batches, OpSet ops, double softness,
              double (&errors)[MANSARD_OP_COUNT]);

  /// Estimates of the rows in `batches`, by row; other elements keep what they hold.
  Result<> predict(const Batches &batches, std::vector<Prediction> &out);

  size_t trials() const { return trials_; }

private:
  explicit Bench(host::Host &host) : host_(&host) {}
  Result<> addFile(const hw::Catalog &catalog, const std::string &path, const std::string &family,
                   std::map<std::string, size_t> &skipReasons);
  Result<size_t> targetOf(const hw::Catalog &catalog, const std::string &name);
  Result<> dropRowsWithoutEstimate(std::map<std::string, size_t> &skipReasons);
  void assignFolds(size_t folds);
  /// Estimates one target's batches in `ops`, handing each batch to `take`.
  Result<> estimate(const Batches &batches, OpSet ops,
                    const std::function<Result<>(const Batch &)> &take);

  host::Host *host_;
  std::vector<hw::Chip> targets_;
  std::map<std::string, Result<size_t>> targetsByName_;
  std::vector<Row> rows_;
  std::vector<mansard_estimate> estimates_; // of the batch at hand
  size_t trials_ = 0;
};

} // namespace mansard::explore
