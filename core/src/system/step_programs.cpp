#include <mansard/system/step_programs.h>

#include <algorithm>
#include <cmath>

namespace mansard::system {

StepPrograms::StepPrograms(const model::Lowering &lowering, work::Capabilities target,
                           work::Workload base, ExpertTraffic traffic)
    : lowering_(lowering), target_(std::move(target)), base_(base), traffic_(traffic) {}

Result<const StepProgram *> StepPrograms::of(const StepWork &step) {
  if (const auto found = programs_.find(step); found != programs_.end())
    return &found->second;
  auto lowered = lower(step);
  if (!lowered)
    return lowered.error();
  return &programs_.emplace(step, std::move(*lowered)).first->second;
}

/// Which experts tokens go to, and the rows that the busiest device computes and receives beyond
/// its even share.
void StepPrograms::skew(work::Program &program) const {
  const auto more = [&](int64_t &tokens) {
    tokens = static_cast<int64_t>(std::ceil(static_cast<double>(tokens) * traffic_.imbalance));
  };
  const bool uneven = traffic_.routing > 0 && !base_.parallelism.spansReplicas();
  for (work::Kernel &kernel : program.kernels) {
    if (kernel.op == MANSARD_OP_MOE && uneven) {
      kernel.u.moe.distribution = MANSARD_DISTRIBUTION_POWER_LAW;
      kernel.u.moe.alpha = traffic_.routing;
    }
    if (kernel.op == MANSARD_OP_MOE && kernel.u.moe.ep > 1)
      more(kernel.u.moe.tokens);
    if (kernel.op == MANSARD_OP_EXPERT_PARALLEL)
      more(kernel.u.expert_parallel.tokens);
  }
  if (uneven)
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
        of({.prompts = step.prompts, .tokens = step.tokens, .cached = step.cached});
    if (!prefill)
      return prefill.error();
    const auto decode = of({.decoding = step.decoding, .context = step.context});
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
