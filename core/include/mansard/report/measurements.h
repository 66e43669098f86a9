// Measured kernels as their tables give them: which kernel, on which target, how long.
#pragma once

#include <mansard/base/result.h>
#include <mansard/report/csv.h>
#include <mansard/work/kernel.h>

#include <string>
#include <vector>

namespace mansard::report {

/// One measured figure. A row of expert_parallel gives two, "dispatch" and "combine"; any other
/// "latency".
struct Measurement {
  size_t row = 0;                    // of the table
  std::string target, metric, dtype; // dtype: also where the row makes no kernel
  uint32_t op = 0;
  work::Kernel kernel{};
  /// Kernels that the measured library runs before it and that the figure includes.
  std::vector<work::Kernel> before;
  double measured_us = 0;
  std::string unusable; // why the row cannot be estimated; empty: it can
};

struct Measurements {
  CsvTable table;
  std::string op; // of all rows
  std::vector<Measurement> all;
};

/// Reads a table of one op. Columns that the op lacks are ignored, missing ones an error; so is an
/// op that no kernel stands for. A row whose values make no kernel is kept, marked unusable.
Result<Measurements> readMeasurements(const std::string &path);

/// Adds a kernel that ran before to the estimate of the one measured: time and its parts,
/// operations and traffic. Schedule and note stay those of the measured one; where the other has no
/// estimate, the sum has none.
void addBefore(mansard_estimate &sum, const mansard_estimate &before);

} // namespace mansard::report
