// One pool of devices under one scheduler's rules: what its iterations take, host included.
#pragma once

#include <mansard/system/serving.h>

#include <map>
#include <vector>

namespace mansard::system {

/// Costs of one prompt in company of `packed - 1` others on its rank.
struct PromptCost {
  int64_t packed = 1;     // prompts of a rank in one iteration
  int64_t iterations = 1; // that a prompt is spread over
  double load_us = 0;     // that a prompt adds to the iterations of its rank
  double latency_us =
      0; // from its first iteration's start to its last one's end, alone on its rank
  double part_us[MANSARD_BOUND_COUNT] = {}; // of load_us: on the devices
  double communication_us = 0;
  economics::Energy energy; // that a prompt adds, of one device, without static power
  const StepDetail *with = nullptr, *without = nullptr; // of an iteration; without: null for none
};

class Engine {
public:
  Engine(const ServingScenario &scenario, StepCosts &costs);

  /// Sequences that fit in memory and may run, over the deployment. Error: not even one of a rank.
  Result<int64_t> places(std::string &limit, MemoryUse &memory);

  /// An iteration in which this many sequences decode, over the deployment: interpolated between
  /// what setMost() said and its halves.
  void setMost(int64_t sequences) { most_ = sequences; }
  Result<double> device_us(double decoding);
  double host_us(double decoding) const;
  /// Host and device together.
  Result<double> iteration_us(double decoding);
  /// The device's part at the sampling point nearest above `decoding`, for breakdowns.
  Result<StepCost> sample(double decoding);

  /// Of prompts that join iterations in which `decoding` sequences decode, or, where prompts go
  /// first or `decoding` is 0, have iterations of their own. At most `packed` prompts a rank in an
  /// iteration, `ranks` of all at once.
  Result<PromptCost> prompt(int64_t decoding, int64_t packed, int64_t ranks);
  /// Most prompts that an iteration takes of a rank.
  int64_t mostPacked(int64_t decoding) const;

  int64_t ranks() const { return ranks_; }       // schedulers' lanes: replicas x pipeline batches
  int64_t replicas() const { return replicas_; } // data-parallel
  int64_t stages() const { return stages_; }
  /// Whether replicas wait for each other in every iteration.
  bool replicasWait() const { return coupled_; }
  const economics::EnergyModel &energy() const { return costs_.energy(); }
  int64_t newTokens() const { return computed_; } // of a prompt, that the cache does not have
  int64_t context() const { return context_; }    // of a decoding sequence, on average
  double tokensPerIteration() const;              // of a decoding sequence

private:
  /// Tokens of prompts that an iteration takes of a rank.
  int64_t budget(int64_t decoding) const;
  double withHost(double device_us, double decoding) const;

  const ServingScenario &scenario_;
  const SoftwareProfile &software_;
  StepCosts &costs_;
  int64_t replicas_, stages_, ranks_, cached_, computed_, context_, most_ = 1;
  bool coupled_;
};

/// The largest kernels of iterations that decode, each with `prompts` of `prompt` beside.
std::vector<KernelShare> largestKernels(const StepDetail *decode, const PromptCost &prompt,
                                        double prompts);

Result<ServingEstimate> estimateAggregated(const ServingScenario &scenario, StepCosts &costs);
Result<ServingEstimate> estimateDisaggregated(const ServingScenario &scenario, StepCosts &decode,
                                              StepCosts &prefill);

} // namespace mansard::system
