// A deployment whose chip, kernels and software are not known exactly.
#pragma once

#include <mansard/explore/uncertain_step.h>
#include <mansard/explore/uncertainty.h>
#include <mansard/host/host.h>
#include <mansard/model/estimate.h>
#include <mansard/system/serving.h>

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace mansard::explore {

/// Fills `figures` from a deployment as one point has it. `more` are the values of the caller's own
/// inputs. An error where they make no sense together. Called from several threads at once.
using ServingFigures =
    std::function<Result<>(const host::Model &target, const system::ServingEstimate &estimate,
                           std::span<const double> more, std::span<double> figures)>;

/// An iteration, and its part of the devices' time.
struct WeightedStep {
  const system::StepDetail *detail = nullptr;
  double weight = 0;
};

/// One deployment, lowering what it needs and keeping it. `lowering` and `target` outlive it. One
/// object a thread.
class UncertainServing {
public:
  /// Plans, traffic and kernels are those of `deployment`.
  UncertainServing(const model::Lowering &lowering, const host::Model &target,
                   const system::ServingScenario &deployment);

  /// As system::Serving has it.
  Result<system::ServingEstimate> estimate(const system::ServingScenario &load);

  /// What stands for the kernels of an estimate: an iteration that decodes and one that takes
  /// prompts. Valid as long as this object.
  std::vector<WeightedStep> steps(const system::ServingScenario &load,
                                  const system::ServingEstimate &estimate);

  /// Of iterations that decode, and of prompts: the same object unless disaggregated.
  system::StepCosts &decodeCosts() { return *costs_; }
  system::StepCosts &promptCosts() { return prefill_ ? *prefill_ : *costs_; }

  /// Over the chip's numbers with a range, the times of the kernels, how far servers with this
  /// software lie from their estimates beyond that, and `more`. Errors: no figure at the numbers
  /// themselves, or at more than half of the points.
  Result<Spreads> spreads(const system::ServingScenario &load,
                          const system::ServingEstimate &estimate, size_t figures,
                          const ServingFigures &fill,
                          const SamplingOptions &options = {.samples = kSamplesBeside},
                          std::vector<UncertainInput> more = {});

private:
  const host::Model &target_;
  bool isModule_;
  std::unique_ptr<system::StepPrograms> programs_, prefillPrograms_;
  std::unique_ptr<system::StepCosts> costs_, prefill_;
};

/// Were the server `ttft` times as long before the first token, and `tpot` times as long over each
/// further one, its places and clients being as many.
void stretch(system::ServingEstimate &estimate, const system::ServingScenario &load, double ttft,
             double tpot);

} // namespace mansard::explore
