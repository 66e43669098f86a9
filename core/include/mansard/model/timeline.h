// From the estimates of kernels to the duration of a step, and to whom it belongs.
#pragma once

#include <mansard/host/host.h>
#include <mansard/work/program.h>

#include <array>
#include <vector>

namespace mansard::model {

/// By operation: how many times as long as estimated its kernels take.
using KernelFactors = std::array<double, MANSARD_OP_COUNT>;
inline constexpr KernelFactors kAsEstimated = [] {
  KernelFactors factors{};
  factors.fill(1);
  return factors;
}();

/// The kernel takes `factor` times as long, in each of its parts.
void stretch(mansard_estimate &estimate, double factor);

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
/// alone need nothing of the device and overlap freely. Cores that moving data holds
/// (mansard_estimate.held_share) are missing to the other lanes as long as both last: what those do
/// on cores (matrix, vector, sram) then takes longer by 1 / (1 - share). Allocates nothing.
class OverlapGroup {
public:
  void add(uint32_t lane, const mansard_estimate &estimate, double runs);
  /// After the last add(); what is below holds then.
  void close();

  /// What `runs` of a kernel, added before, contribute: these sum to the group's duration over all
  /// that was added. A lane's kernels by its elasticity, or, where a resource holds up all lanes,
  /// that resource's part of each kernel.
  void contribution(uint32_t lane, const mansard_estimate &estimate, double runs,
                    double (&part_us)[MANSARD_BOUND_COUNT]) const;
  double duration_us() const { return duration_us_; }

private:
  struct Lane {
    double us = 0, busy_us[MANSARD_BOUND_COUNT] = {};
    double holding_us = 0, held_us = 0; // while it holds cores; that times their share
    double stretch = 1;                 // of what it does on cores
  };
  void stretch(uint32_t lane);

  Lane lanes_[work::kMaxLanes];
  double lanes_us_[work::kMaxLanes] = {}; // stretched
  double overlapped_us_ = 0, duration_us_ = 0;
  uint32_t busiest_ = 0; // the resource that is busy longest over all lanes; never fixed
};

/// What a step would gain if communication were free: what stands alone, and where it overlaps with
/// something, what sticks out and what its cores are missed for. `estimates` by kernel index.
double lostToCommunication_us(const work::Program &program,
                              const std::vector<mansard_estimate> &estimates);

/// Estimates a program again and again without allocating: buffers are sized once.
class Evaluator {
public:
  explicit Evaluator(const work::Program &program);

  /// Prices every distinct kernel in one batched call and adds up the steps. Error: a kernel has no
  /// estimate (which, and why), or the plugin failed.
  Result<> run(const host::Model &model);

  /// After run(): `change(kernel, estimate)` alters the estimate of each distinct kernel, and the
  /// steps are added up again.
  template <typename Change> void adjust(const Change &change) {
    for (size_t i = 0; i < estimates_.size(); ++i)
      change(program_->kernels[i], estimates_[i]);
    addUp();
  }

  const Timeline &timeline() const { return timeline_; }
  const std::vector<mansard_estimate> &estimates() const { return estimates_; } // by kernel index
  const std::vector<StepTime> &steps() const { return steps_; }                 // by step index

private:
  void addUp();
  const work::Program *program_;
  std::vector<mansard_estimate> estimates_;
  std::vector<StepTime> steps_;
  std::vector<OverlapGroup> groups_; // by number
  Timeline timeline_;
};

} // namespace mansard::model
