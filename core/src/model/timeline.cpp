#include <mansard/model/timeline.h>

#include <mansard/base/overlap.h>
#include <mansard/work/kernel.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::model {
namespace {

uint32_t laneIndex(uint32_t lane) { return std::min(lane, work::kMaxLanes - 1); }

/// What a microsecond in a lane that takes `lane_us` adds to a group that takes `group_us`: the
/// lane's elasticity (base/overlap.h) over its duration.
double exposure(double lane_us, double group_us) {
  const double r = lane_us / group_us, r2 = r * r, r4 = r2 * r2;
  return lane_us > 0 ? r4 * r2 * r : 0;
}

} // namespace

void OverlapGroup::add(uint32_t lane, const mansard_estimate &estimate, double runs) {
  lanes_us_[laneIndex(lane)] += estimate.latency_us * runs;
  for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part)
    busy_us_[part] += estimate.part_us[part] * runs;
}

uint32_t OverlapGroup::busiest() const {
  static_assert(MANSARD_BOUND_FIXED == MANSARD_BOUND_COUNT - 1);
  return static_cast<uint32_t>(std::max_element(busy_us_, busy_us_ + MANSARD_BOUND_FIXED) -
                               busy_us_);
}

double OverlapGroup::duration_us() const {
  return std::max(overlapped(lanes_us_, work::kMaxLanes), busy_us_[busiest()]);
}

void OverlapGroup::contribution(uint32_t lane, const mansard_estimate &estimate, double runs,
                                double (&part_us)[MANSARD_BOUND_COUNT]) const {
  const uint32_t resource = busiest();
  const double lanes_us = overlapped(lanes_us_, work::kMaxLanes);
  const bool shared = busy_us_[resource] > lanes_us;
  const double exposed = shared ? 0 : runs * exposure(lanes_us_[laneIndex(lane)], lanes_us);
  for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part)
    part_us[part] = estimate.part_us[part] * (shared && part == resource ? runs : exposed);
}

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
  for (size_t i = 0; i < steps.size(); ++i) {
    const mansard_estimate &estimate = estimates_[steps[i].kernel];
    const auto runs = static_cast<double>(steps[i].count);
    steps_[i] = {estimate.latency_us * runs, 0};
    timeline_.operations += estimate.operations * runs;
    timeline_.dramBytes += (estimate.dram_read_bytes + estimate.dram_write_bytes) * runs;
    timeline_.linkBytes += estimate.link_bytes * runs;
  }
  for (size_t first = 0, last = 0; first < steps.size(); first = last) {
    last = first + 1;
    if (steps[first].overlap == 0) {
      const mansard_estimate &estimate = estimates_[steps[first].kernel];
      steps_[first].exposed_us = steps_[first].latency_us;
      for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part)
        timeline_.part_us[part] += estimate.part_us[part] * static_cast<double>(steps[first].count);
      continue;
    }
    while (last < steps.size() && steps[last].overlap == steps[first].overlap)
      ++last;
    OverlapGroup group;
    for (size_t i = first; i < last; ++i)
      group.add(steps[i].lane, estimates_[steps[i].kernel], static_cast<double>(steps[i].count));
    for (size_t i = first; i < last; ++i) {
      double part_us[MANSARD_BOUND_COUNT];
      group.contribution(steps[i].lane, estimates_[steps[i].kernel],
                         static_cast<double>(steps[i].count), part_us);
      for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part) {
        steps_[i].exposed_us += part_us[part];
        timeline_.part_us[part] += part_us[part];
      }
    }
  }
  for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part) {
    timeline_.total_us += timeline_.part_us[part];
    if (timeline_.part_us[part] > timeline_.part_us[timeline_.bound])
      timeline_.bound = part;
  }
}

} // namespace mansard::model
