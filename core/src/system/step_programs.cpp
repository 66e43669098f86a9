#include <mansard/system/step_programs.h>

#include <algorithm>

namespace mansard::system {

StepPrograms::StepPrograms(const model::Lowering &lowering, work::Capabilities target,
                           work::Workload base, ExpertTraffic traffic)
    : lowering_(lowering), target_(std::move(target)), base_(base), traffic_(traffic) {}

Result<const StepProgram *> StepPrograms::of(const StepWork &step) {
  const std::lock_guard lock(mutex_);
  return find(step);
}

bool StepPrograms::knows(const StepWork &step) const {
  const std::lock_guard lock(mutex_);
  return programs_.contains(step);
}

Result<const StepProgram *> StepPrograms::find(const StepWork &step) {
  if (const auto found = programs_.find(step); found != programs_.end())
    return &found->second;
  auto lowered = lower(step);
  if (!lowered)
    return lowered.error();
  return &programs_.emplace(step, std::move(*lowered)).first->second;
}

/// Which experts tokens go to.
void StepPrograms::skew(work::Program &program) const {
  if (!(traffic_.routing > 0) || base_.parallelism.spansReplicas())
    return;
  for (work::Kernel &kernel : program.kernels)
    if (kernel.op == MANSARD_OP_MOE) {
      kernel.u.moe.distribution = MANSARD_DISTRIBUTION_POWER_LAW;
      kernel.u.moe.alpha = traffic_.routing;
    }
  std::erase(program.notes, "tokens are spread evenly over the experts");
}

/// Of prompts alone, or of decoding sequences alone.
work::Workload StepPrograms::workloadOf(const StepWork &step) const {
  work::Workload workload = base_;
  if (step.prompts > 0) {
    workload.phase = work::Phase::prefill;
    workload.batch = step.prompts;
    workload.context = step.cached + step.tokens;
    workload.cached = step.cached;
    workload.new_tokens = 1;
  } else {
    workload.phase = work::Phase::decode;
    workload.batch = step.decoding;
    workload.context = std::max(step.context, base_.new_tokens);
    workload.cached = 0;
  }
  return workload;
}

Result<StepProgram> StepPrograms::lower(const StepWork &step) {
  if (step.decoding > 0 && step.prompts > 0) {
    const auto prefill =
        find({.prompts = step.prompts, .tokens = step.tokens, .cached = step.cached});
    if (!prefill)
      return prefill.error();
    const auto decode = find({.decoding = step.decoding, .context = step.context});
    if (!decode)
      return decode.error();
    StepProgram program{joinPrograms((*prefill)->plain, (*decode)->plain), {}};
    if ((*prefill)->halves && (*decode)->halves)
      program.halves = joinPrograms(*(*prefill)->halves, *(*decode)->halves);
    return program;
  }
  work::Workload workload = workloadOf(step);
  workload.overlap = work::Overlap::none;
  auto plain = lowering_.lower(workload, target_);
  if (!plain)
    return plain.error();
  skew(*plain);
  StepProgram program{std::move(*plain), {}};
  if (!model::exchangesExperts(program.plain) || workload.sequencesPerReplica() < 2)
    return program;
  workload.overlap = work::Overlap::two_batch;
  if (auto halves = lowering_.lower(workload, target_)) { // one that cannot be split stays whole
    skew(*halves);
    program.halves = std::move(*halves);
  }
  return program;
}

} // namespace mansard::system
