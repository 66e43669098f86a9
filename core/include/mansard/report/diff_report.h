// Two steps that do the same work in different ways, kernel by kernel, with what makes the
// difference.
#pragma once

#include <mansard/host/host.h>
#include <mansard/model/estimate.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mansard::report {

/// One side of a line: all runs of one step of a program. Durations in microseconds.
struct DiffSide {
  std::string name, op, what;
  int64_t count = 0;
  double latency_us = 0;                    // of one run
  double total_us = 0;                      // of all runs
  double part_us[MANSARD_BOUND_COUNT] = {}; // of all runs; sums to total_us
  uint32_t bound = 0;
};

/// A kernel of A beside the kernel of B that takes its place; one of them is absent where the other
/// lowering has none.
struct DiffLine {
  std::optional<DiffSide> a, b;
  double difference_us = 0; // B less A
  uint32_t because = 0;     // MANSARD_BOUND_*: the resource whose time differs most
};

/// What a whole step comes to.
struct DiffTotal {
  std::string name; // of the model or module
  double latency_us = 0;
  double part_us[MANSARD_BOUND_COUNT] = {};
  int64_t kernels = 0; // launches
  double dramBytes = 0, operations = 0;
  uint32_t bound = 0;
};

struct DiffReport {
  std::string target, targetName, model;
  DiffTotal a, b;
  std::vector<DiffLine> lines; // in order of execution
  std::vector<std::string> notes;
};

/// Steps are set beside each other in order: equal kernels first, then those of one name and
/// operation, then those of one operation, so that the most are matched. Beyond 4 million pairs
/// only the equal beginnings and ends are matched, and a note says so.
DiffReport collectDiff(const model::StepEstimate &a, const model::StepEstimate &b,
                       const host::Model &target);

std::string diffTable(const DiffReport &report);
std::string diffJson(const DiffReport &report);

} // namespace mansard::report
