// Estimates held against measurements: the error of each row, and of each group of rows.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>
#include <mansard/report/kernel_report.h>
#include <mansard/report/measurements.h>

#include <map>
#include <string>
#include <vector>

namespace mansard::report {

/// A measurement beside its estimate.
struct Compared {
  mansard_estimate estimate{};
  host::Interval interval;
  double roofline_us = 0; // max(operations/peak, bytes/bandwidth); 0: the chip lacks the peak
  std::string skipped;    // why there is no estimate; empty: there is one
};

/// Errors of all rows of one (file, metric, target, dtype). Errors in percent; not a number where
/// no row could be estimated.
struct ErrorGroup {
  std::string file, op, metric, target, dtype;
  size_t rows = 0, skipped = 0; // estimated; not
  double mape = 0, median_ape = 0, p90_ape = 0;
  double bias = 0; // mean of log(predicted / measured)
  double roofline_mape = 0;
  /// Share of rows inside their interval, of those whose interval rests on residuals.
  double covered = 0;
};

struct Validation {
  std::vector<Measurements> files;
  std::vector<std::vector<Compared>> compared; // as files[i].all
  std::vector<ErrorGroup> groups;
  std::map<std::string, size_t> skipReasons;   // "file, target: reason" -> rows
  std::map<std::string, std::string> families; // of the targets that could be opened
};

/// Errors: a file cannot be read or is no table of measurements; a plugin failed altogether. A row
/// that cannot be estimated (unknown target, unsupported type) is skipped with its reason. Servers
/// have intervals where `serverSamples`, the points of each, are not 0: some milliseconds a server.
Result<Validation> validate(host::Host &host, const std::vector<std::string> &files,
                            size_t serverSamples = 0);

/// The plain roofline in microseconds; 0 where the chip gives no peak for it.
double roofline(const mansard_chip &chip, const work::Kernel &kernel);

std::string validationTable(const Validation &validation);
std::string validationJson(const Validation &validation);
/// Every measured figure of every file as CSV: the table's own columns (but for those that bear a
/// name of ours, as when the rows of an earlier run are validated again) and the data type that the
/// groups go by, then family, prediction, signed error in percent, interval and whether it rests on
/// residuals or is a guess, bound and parts, tiling, flags, and why a row was skipped.
std::string validationRows(const Validation &validation);

} // namespace mansard::report
