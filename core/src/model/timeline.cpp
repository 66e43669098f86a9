#include <mansard/model/timeline.h>

#include <mansard/work/kernel.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::model {
namespace {

/// Longest lane of the steps [first, last) of one overlap group, and which it is. Groups are small.
std::pair<double, uint32_t> longestLane(const std::vector<work::Step> &steps,
                                        const std::vector<StepTime> &times, size_t first,
                                        size_t last) {
  double longest = 0;
  uint32_t lane = steps[first].lane;
  for (size_t i = first; i < last; ++i) {
    double sum = 0;
    for (size_t j = first; j < last; ++j)
      if (steps[j].lane == steps[i].lane)
        sum += times[j].latency_us;
    if (sum > longest) {
      longest = sum;
      lane = steps[i].lane;
    }
  }
  return {longest, lane};
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
    // The longest lane sets the pace; what runs beside it is hidden.
    const auto [duration, lane] = longestLane(steps, steps_, i, end);
    for (; i < end; ++i)
      add(i, steps[i].lane == lane ? static_cast<double>(steps[i].count) : 0.0);
  }
  for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part) {
    timeline_.total_us += timeline_.part_us[part];
    if (timeline_.part_us[part] > timeline_.part_us[timeline_.bound])
      timeline_.bound = part;
  }
}

} // namespace mansard::model
