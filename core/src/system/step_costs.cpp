#include <mansard/system/step_costs.h>

#include <algorithm>

namespace mansard::system {

StepCosts::StepCosts(const model::Lowering &lowering, const host::Model &target,
                     work::Workload base, ExpertTraffic traffic, ServerKernels kernels)
    : own_(std::make_unique<StepPrograms>(lowering, model::capabilitiesOf(target), base, traffic)),
      programs_(own_.get()), target_(&target), energy_(target.chip()), kernels_(kernels) {}

StepCosts::StepCosts(StepPrograms &programs, const host::Model &target, ServerKernels kernels,
                     const model::KernelFactors &factors)
    : programs_(&programs), target_(&target), energy_(target.chip()), kernels_(kernels),
      factors_(factors) {}

Result<StepCosts::Priced> StepCosts::price(const work::Program &program) const {
  model::Evaluator evaluator(program);
  if (auto done = evaluator.run(*target_); !done)
    return done.error();
  Priced priced;
  evaluator.adjust([&](const work::Kernel &kernel, mansard_estimate &estimate) {
    kernels_.adjust(target_->view(), kernel, estimate);
    if (kernel.op < MANSARD_OP_COUNT)
      model::stretch(estimate, factors_[kernel.op]);
  });
  StepCost &cost = priced.cost;
  const model::Timeline &timeline = evaluator.timeline();
  cost.total_us = timeline.total_us;
  std::copy(std::begin(timeline.part_us), std::end(timeline.part_us), std::begin(cost.part_us));
  cost.bound = timeline.bound;
  if (energy_.known())
    cost.energy = energy_.dynamic(program, evaluator.estimates());
  cost.communication_us = model::lostToCommunication_us(program, evaluator.estimates());
  for (const work::Step &step : program.steps)
    cost.kernels += static_cast<double>(step.count);
  priced.detail.program = &program;
  priced.detail.estimates = evaluator.estimates();
  priced.detail.steps = evaluator.steps();
  return priced;
}

Result<StepCost> StepCosts::of(const StepWork &step) {
  if (const auto found = priced_.find(step); found != priced_.end())
    return found->second.cost;
  auto program = programs_->of(step);
  if (!program)
    return program.error();
  auto priced = price((*program)->plain);
  if (!priced)
    return priced.error();
  if ((*program)->halves) {
    auto halves = price(*(*program)->halves);
    if (!halves)
      return halves.error();
    if (halves->cost.total_us < priced->cost.total_us) {
      // Were communication free, nothing would be halved: what halving costs is lost to it as well.
      const double free_us = priced->cost.total_us - priced->cost.communication_us;
      halves->cost.communication_us =
          std::max(halves->cost.communication_us, halves->cost.total_us - free_us);
      priced = std::move(halves);
      priced->detail.overlap = work::Overlap::two_batch;
    }
  }
  Priced &kept = priced_.emplace(step, std::move(*priced)).first->second;
  kept.cost.detail = &kept.detail;
  return kept.cost;
}

Result<StepCost> StepCosts::decode(int64_t sequences, int64_t context) {
  return of({.decoding = sequences, .context = context});
}

Result<StepCost> StepCosts::prefill(int64_t prompts, int64_t tokens, int64_t cached) {
  return of({.prompts = prompts, .tokens = tokens, .cached = cached});
}

Result<StepCost> StepCosts::mixed(int64_t decoding, int64_t context, int64_t prompts,
                                  int64_t tokens, int64_t cached) {
  return of({decoding, context, prompts, tokens, cached});
}

std::vector<std::string> StepCosts::remedies(int64_t sequences, int64_t context) const {
  work::Workload workload = base();
  workload.phase = work::Phase::decode;
  workload.batch = sequences;
  workload.context = std::max(context, workload.new_tokens);
  return model::findRemedies(programs_->lowering(), workload, model::capabilitiesOf(*target_),
                             capacity());
}

Result<work::MemoryNeed> StepCosts::memory(int64_t sequences, int64_t context) {
  auto program = programs_->of({.decoding = sequences, .context = context});
  if (!program)
    return program.error();
  return (*program)->plain.memory;
}

} // namespace mansard::system
