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

/// Steps of one overlap group. Lanes run side by side and get in each other's way a little: the
/// group lasts (sum lane^8)^(1/8) (base/overlap.h says why). But kernels that run at once share the
/// device: no resource can do its parts of all of them in less than the sum of these parts; starts
/// alone need nothing of the device and overlap freely. Allocates nothing.
class OverlapGroup {
public:
  void add(uint32_t lane, const mansard_estimate &estimate, double runs);

  /// What `runs` of a kernel, added before, contribute: these sum to the group's duration over all
  /// that was added. A lane's kernels by its elasticity, or, where a resource holds up all lanes,
  /// that resource's part of each kernel.
  void contribution(uint32_t lane, const mansard_estimate &estimate, double runs,
                    double (&part_us)[MANSARD_BOUND_COUNT]) const;
  double duration_us() const;

private:
  /// The resource that is busy longest over all lanes; never MANSARD_BOUND_FIXED.
  uint32_t busiest() const;

  double lanes_us_[work::kMaxLanes] = {};
  double busy_us_[MANSARD_BOUND_COUNT] = {};
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
