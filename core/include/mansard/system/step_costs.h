// What an iteration of an inference engine costs on its devices; host and scheduler left out.
#pragma once

#include <mansard/economics/energy.h>
#include <mansard/host/host.h>
#include <mansard/model/timeline.h>
#include <mansard/system/server_kernels.h>
#include <mansard/system/step_programs.h>

#include <map>
#include <memory>
#include <vector>

namespace mansard::system {

/// An iteration, kernel by kernel.
struct StepDetail {
  const work::Program *program = nullptr;
  work::Overlap overlap = work::Overlap::none; // chosen: the faster
  std::vector<mansard_estimate> estimates;     // by kernel index
  std::vector<model::StepTime> steps;          // by step index
};

/// Durations in microseconds.
struct StepCost {
  double total_us = 0;
  double part_us[MANSARD_BOUND_COUNT] = {}; // sums to total_us
  double communication_us = 0;              // what the iteration would gain if links were free
  economics::Energy energy;                 // of one device, without static power
  uint32_t bound = 0;
  double kernels = 0; // launched by one device
  const StepDetail *detail = nullptr;
};

/// Prices each iteration once. Sequences and prompts count those of the whole deployment. One
/// object a thread; what it returns points into it.
class StepCosts {
public:
  StepCosts(const model::Lowering &lowering, const host::Model &target, work::Workload base,
            ExpertTraffic traffic = {}, ServerKernels kernels = {});
  /// On programs that were lowered before, for a target of the same capabilities. Of the server's
  /// kernels, each takes `factors` times as long.
  StepCosts(StepPrograms &programs, const host::Model &target, ServerKernels kernels = {},
            const model::KernelFactors &factors = model::kAsEstimated);

  Result<StepCost> decode(int64_t sequences, int64_t context);
  /// `tokens` of each prompt, behind `cached` ones that are in the cache.
  Result<StepCost> prefill(int64_t prompts, int64_t tokens, int64_t cached);
  Result<StepCost> mixed(int64_t decoding, int64_t context, int64_t prompts, int64_t tokens,
                         int64_t cached);
  Result<StepCost> of(const StepWork &step);

  /// Of one device while `sequences` of `context` positions are in the cache, for a decode step.
  Result<work::MemoryNeed> memory(int64_t sequences, int64_t context);
  /// Flags with which they would fit, each tried.
  std::vector<std::string> remedies(int64_t sequences, int64_t context) const;
  /// Of one device, in bytes.
  double capacity() const { return target_->view().dram_bytes; }

  const work::Workload &base() const { return programs_->base(); }
  const host::Model &target() const { return *target_; }
  const economics::EnergyModel &energy() const { return energy_; }

private:
  struct Priced {
    StepCost cost;
    StepDetail detail;
  };
  Result<Priced> price(const work::Program &program) const;

  std::unique_ptr<StepPrograms> own_;
  StepPrograms *programs_;
  const host::Model *target_;
  economics::EnergyModel energy_;
  ServerKernels kernels_;
  model::KernelFactors factors_ = model::kAsEstimated;
  std::map<StepWork, Priced> priced_;
};

} // namespace mansard::system
