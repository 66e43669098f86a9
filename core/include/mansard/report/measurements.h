// Measured kernels, servers and training runs as their tables give them: which, on which target,
// how long.
#pragma once

#include <mansard/base/result.h>
#include <mansard/report/csv.h>
#include <mansard/report/serving_measurements.h>
#include <mansard/report/training_measurements.h>
#include <mansard/work/kernel.h>

#include <memory>
#include <string>
#include <vector>

namespace mansard::report {

/// One measured figure. A row of expert_parallel gives two, "dispatch" and "combine", one of a
/// server "ttft" and "tpot", of a training run "step"; any other "latency".
struct Measurement {
  size_t row = 0;                    // of the table
  std::string target, metric, dtype; // dtype: also where the row makes no kernel
  uint32_t op = 0;
  work::Kernel kernel{};
  /// Kernels that the measured library runs before it and that the figure includes.
  std::vector<work::Kernel> before;
  std::shared_ptr<const ServedRow> served;   // of a server, which is no kernel; else null
  std::shared_ptr<const TrainedRow> trained; // of a training run, likewise
  double measured_us = 0;
  std::string unusable; // why the row cannot be estimated; empty: it can
};

struct Measurements {
  CsvTable table;
  std::string op; // of all rows
  std::vector<Measurement> all;
};

/// Reads a table of one op. Columns that the op lacks are ignored, missing ones an error; so is an
/// op that neither kernels nor servers stand for. A row whose values make neither is kept, marked
/// unusable.
Result<Measurements> readMeasurements(const std::string &path);

/// The values of one row by column; empty cells are left out.
RowValues rowValues(const CsvTable &table, size_t row);

/// Adds a kernel that ran before to the estimate of the one measured: time and its parts,
/// operations and traffic. Schedule and note stay those of the measured one; where the other has no
/// estimate, the sum has none.
void addBefore(mansard_estimate &sum, const mansard_estimate &before);

} // namespace mansard::report
