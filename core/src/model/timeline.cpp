#include <mansard/model/timeline.h>

#include <mansard/base/overlap.h>
#include <mansard/work/kernel.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::model {
namespace {

uint32_t laneOf(const work::Step &step) { return std::min(step.lane, work::kMaxLanes - 1); }

/// What a microsecond in a lane that takes `lane_us` adds to a group that takes `group_us`: the
/// lane's elasticity (base/overlap.h) over its duration.
double exposure(double lane_us, double group_us) {
  const double r = lane_us / group_us, r2 = r * r, r4 = r2 * r2;
  return lane_us > 0 ? r4 * r2 * r : 0;
}

} // namespace

Evaluator::Evaluator(const work::Program &program)
    : program_(&program), estimates_(program.kernels.size()), steps_(program.steps.size()) {}

Result<> Evaluator::run(const host::Model &model) {
  if (Result<> done = model.estimate(program_->kernels, estimates_); !done)
    return done;
  for (size_t i = 0; i < estimates_.size(); ++i)
    if (estimates_[i].status != MANSARD_OK) {
      const std::string_view note(estimates_[i].note.data, estimates_[i].note.size);
      return Error{ErrorCode::unsupported,
                   fmt::format("{} cannot run {}{}{}", model.chip().id,
                               work::describe(program_->kernels[i]), note.empty() ? "" : ": ",
                               note),
                   ""};
    }
  addUp();
  return Ok{};
}

void Evaluator::addUp() {
  timeline_ = Timeline{};
  const std::vector<work::Step> &steps = program_->steps;
  const auto add = [&](size_t step, double exposedRuns) {
    const mansard_estimate &estimate = estimates_[steps[step].kernel];
    steps_[step].exposed_us = estimate.latency_us * exposedRuns;
    for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part)
      timeline_.part_us[part] += estimate.part_us[part] * exposedRuns;
  };
  for (size_t i = 0; i < steps.size(); ++i) {
    const mansard_estimate &estimate = estimates_[steps[i].kernel];
    const auto runs = static_cast<double>(steps[i].count);
    steps_[i].latency_us = estimate.latency_us * runs;
    timeline_.operations += estimate.operations * runs;
    timeline_.dramBytes += (estimate.dram_read_bytes + estimate.dram_write_bytes) * runs;
    timeline_.linkBytes += estimate.link_bytes * runs;
  }
  for (size_t i = 0; i < steps.size();) {
    if (steps[i].overlap == 0) {
      add(i, static_cast<double>(steps[i].count));
      ++i;
      continue;
    }
    size_t end = i;
    while (end < steps.size() && steps[end].overlap == steps[i].overlap)
      ++end;
    double lanes_us[work::kMaxLanes] = {};
    for (size_t k = i; k < end; ++k)
      lanes_us[laneOf(steps[k])] += steps_[k].latency_us;
    const double group_us = overlapped(lanes_us, work::kMaxLanes);
    for (; i < end; ++i)
      add(i, static_cast<double>(steps[i].count) * exposure(lanes_us[laneOf(steps[i])], group_us));
  }
  for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part) {
    timeline_.total_us += timeline_.part_us[part];
    if (timeline_.part_us[part] > timeline_.part_us[timeline_.bound])
      timeline_.bound = part;
  }
}

} // namespace mansard::model
