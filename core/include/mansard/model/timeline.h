// From the estimates of kernels to the duration of a step, and to whom it belongs.
#pragma once

#include <mansard/host/host.h>
#include <mansard/work/program.h>

#include <vector>

namespace mansard::model {

/// Durations in microseconds.
struct StepTime {
  double latency_us = 0; // of all `count` runs
  double exposed_us =
      0; // what it adds to the total; less than latency_us where an overlap hides it
};

struct Timeline {
  double total_us = 0;
  double part_us[MANSARD_BOUND_COUNT] = {}; // sums to total_us
  uint32_t bound = 0;
  double operations = 0, dramBytes = 0, linkBytes = 0; // of one device over the whole step
};

/// Estimates a program again and again without allocating: buffers are sized once.
class Evaluator {
public:
  explicit Evaluator(const work::Program &program);

  /// Prices every distinct kernel in one batched call and adds up the steps. Error: a kernel has no
  /// estimate (which, and why), or the plugin failed.
  Result<> run(const host::Model &model);

  const Timeline &timeline() const { return timeline_; }
  const std::vector<mansard_estimate> &estimates() const { return estimates_; } // by kernel index
  const std::vector<StepTime> &steps() const { return steps_; }                 // by step index

private:
  void addUp();
  const work::Program *program_;
  std::vector<mansard_estimate> estimates_;
  std::vector<StepTime> steps_;
  Timeline timeline_;
};

} // namespace mansard::model
