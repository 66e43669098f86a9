#include <mansard/model/timeline.h>

#include <mansard/base/overlap.h>
#include <mansard/work/kernel.h>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace mansard::model {
namespace {

uint32_t laneIndex(uint32_t lane) { return std::min(lane, work::kMaxLanes - 1); }

/// Of the cores; were all of them held, what runs beside would not move.
constexpr double kMostHeld = 0.9;
constexpr uint32_t kOnCores[] = {MANSARD_BOUND_MATRIX, MANSARD_BOUND_VECTOR, MANSARD_BOUND_SRAM};

bool isOnCores(uint32_t part) {
  return std::find(std::begin(kOnCores), std::end(kOnCores), part) != std::end(kOnCores);
}

/// What a microsecond in a lane that takes `lane_us` adds to a group that takes `group_us`: the
/// lane's elasticity (base/overlap.h) over its duration.
double exposure(double lane_us, double group_us) {
  const double r = lane_us / group_us, r2 = r * r, r4 = r2 * r2;
  return lane_us > 0 ? r4 * r2 * r : 0;
}

} // namespace

void stretch(mansard_estimate &estimate, double factor) {
  estimate.latency_us *= factor;
  for (double &part : estimate.part_us)
    part *= factor;
}

void OverlapGroup::add(uint32_t lane, const mansard_estimate &estimate, double runs) {
  Lane &own = lanes_[laneIndex(lane)];
  own.us += estimate.latency_us * runs;
  for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part)
    own.busy_us[part] += estimate.part_us[part] * runs;
  if (estimate.held_share > 0) {
    own.holding_us += estimate.latency_us * runs;
    own.held_us += std::min(estimate.held_share, kMostHeld) * estimate.latency_us * runs;
  }
}

/// With a share h of the cores held for X of the time, and a lane that takes C alone, a share k of
/// it on cores: in X the lane gets done X / (1 + k h / (1 - h)) of what it has to do, or all of it.
void OverlapGroup::stretch(uint32_t lane) {
  Lane &own = lanes_[lane];
  double holding_us = 0, held_us = 0, cores_us = 0;
  for (uint32_t other = 0; other < work::kMaxLanes; ++other)
    if (other != lane) {
      holding_us += lanes_[other].holding_us;
      held_us += lanes_[other].held_us;
    }
  for (uint32_t part : kOnCores)
    cores_us += own.busy_us[part];
  if (!(held_us > 0) || !(cores_us > 0))
    return;
  const double share = held_us / holding_us, slower = share / (1 - share);
  const double done_us = holding_us / (1 + cores_us / own.us * slower);
  own.stretch = 1 + slower * std::min(1.0, done_us / own.us);
}

void OverlapGroup::close() {
  double busy_us[MANSARD_BOUND_COUNT] = {};
  for (uint32_t lane = 0; lane < work::kMaxLanes; ++lane) {
    stretch(lane);
    lanes_us_[lane] = lanes_[lane].us;
    for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part) {
      const double own_us = lanes_[lane].busy_us[part],
                   longer_us = isOnCores(part) ? own_us * (lanes_[lane].stretch - 1) : 0;
      lanes_us_[lane] += longer_us;
      busy_us[part] += own_us + longer_us;
    }
  }
  static_assert(MANSARD_BOUND_FIXED == MANSARD_BOUND_COUNT - 1);
  busiest_ =
      static_cast<uint32_t>(std::max_element(busy_us, busy_us + MANSARD_BOUND_FIXED) - busy_us);
  overlapped_us_ = overlapped(lanes_us_, work::kMaxLanes);
  duration_us_ = std::max(overlapped_us_, busy_us[busiest_]);
}

void OverlapGroup::contribution(uint32_t lane, const mansard_estimate &estimate, double runs,
                                double (&part_us)[MANSARD_BOUND_COUNT]) const {
  const uint32_t index = laneIndex(lane);
  const bool shared = duration_us_ > overlapped_us_;
  const double exposed = shared ? 0 : runs * exposure(lanes_us_[index], overlapped_us_);
  for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part)
    part_us[part] = estimate.part_us[part] * (isOnCores(part) ? lanes_[index].stretch : 1) *
                    (shared && part == busiest_ ? runs : exposed);
}

namespace {

/// Of the numbers that the program's groups have; 0 stands for none.
size_t groupsOf(const work::Program &program) {
  uint32_t last = 0;
  for (const work::Step &step : program.steps)
    last = std::max(last, step.overlap);
  return size_t{last} + 1;
}

} // namespace

double lostToCommunication_us(const work::Program &program,
                              const std::vector<mansard_estimate> &estimates) {
  struct Group {
    OverlapGroup all, withoutLinks;
  };
  std::vector<Group> groups(groupsOf(program));
  double lost = 0;
  for (const work::Step &step : program.steps) {
    const mansard_estimate &estimate = estimates[step.kernel];
    const auto runs = static_cast<double>(step.count);
    const uint32_t op = program.kernels[step.kernel].op;
    const bool links = op == MANSARD_OP_COLLECTIVE || op == MANSARD_OP_EXPERT_PARALLEL;
    if (step.overlap == 0) {
      lost += links ? estimate.latency_us * runs : 0;
      continue;
    }
    groups[step.overlap].all.add(step.lane, estimate, runs);
    if (!links)
      groups[step.overlap].withoutLinks.add(step.lane, estimate, runs);
  }
  for (Group &group : groups) {
    group.all.close();
    group.withoutLinks.close();
    lost += group.all.duration_us() - group.withoutLinks.duration_us();
  }
  return lost;
}

Evaluator::Evaluator(const work::Program &program)
    : program_(&program), estimates_(program.kernels.size()), steps_(program.steps.size()),
      groups_(groupsOf(program)) {}

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
  std::fill(groups_.begin(), groups_.end(), OverlapGroup{});
  const std::vector<work::Step> &steps = program_->steps;
  for (size_t i = 0; i < steps.size(); ++i) {
    const mansard_estimate &estimate = estimates_[steps[i].kernel];
    const auto runs = static_cast<double>(steps[i].count);
    steps_[i] = {estimate.latency_us * runs, 0};
    timeline_.operations += estimate.operations * runs;
    timeline_.dramBytes += (estimate.dram_read_bytes + estimate.dram_write_bytes) * runs;
    timeline_.linkBytes += estimate.link_bytes * runs;
    if (steps[i].overlap != 0)
      groups_[steps[i].overlap].add(steps[i].lane, estimate, runs);
  }
  for (OverlapGroup &group : groups_)
    group.close();
  for (size_t i = 0; i < steps.size(); ++i) {
    const mansard_estimate &estimate = estimates_[steps[i].kernel];
    const auto runs = static_cast<double>(steps[i].count);
    if (steps[i].overlap == 0) {
      steps_[i].exposed_us = steps_[i].latency_us;
      for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part)
        timeline_.part_us[part] += estimate.part_us[part] * runs;
      continue;
    }
    double part_us[MANSARD_BOUND_COUNT];
    groups_[steps[i].overlap].contribution(steps[i].lane, estimate, runs, part_us);
    for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part) {
      steps_[i].exposed_us += part_us[part];
      timeline_.part_us[part] += part_us[part];
    }
  }
  for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part) {
    timeline_.total_us += timeline_.part_us[part];
    if (timeline_.part_us[part] > timeline_.part_us[timeline_.bound])
      timeline_.bound = part;
  }
}

} // namespace mansard::model
