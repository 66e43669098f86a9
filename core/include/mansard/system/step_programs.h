// The programs of an inference engine's iterations: decoding sequences, prompts, or both at once.
#pragma once

#include <mansard/base/result.h>
#include <mansard/model/estimate.h>
#include <mansard/work/program.h>
#include <mansard/work/workload.h>

#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

namespace mansard::system {

/// What one iteration computes, over the whole deployment.
struct StepWork {
  int64_t decoding = 0; // sequences that decode, each with...
  int64_t context = 0;  // ... a KV length of this
  int64_t prompts = 0;  // of which the iteration computes...
  int64_t tokens = 0;   // ... so many each, behind...
  int64_t cached = 0;   // ... so many that are in the cache already

  auto operator<=>(const StepWork &) const = default;
};

/// How evenly tokens choose their experts; how unevenly that loads devices beyond it is the
/// workload's `imbalance`.
struct ExpertTraffic {
  /// Exponent of the power law that experts' shares of the tokens follow; 0: all the same. Real
  /// text is near 1 (1.01 to 1.2 in published serving benchmarks). Experts that are spread over
  /// replicas are the same: such deployments place second copies of busy ones where there is room
  /// (EPLB; DeepSeek-V3, arXiv 2412.19437, section 3.4).
  double routing = 1.01;
};

/// One iteration as lowered, and with two half-batches in turn where experts are exchanged between
/// devices and the batch can be split.
struct StepProgram {
  work::Program plain;
  std::optional<work::Program> halves;
};

/// An iteration on the rows of both programs: kernels that treat rows one by one run once on all of
/// them; what belongs to one phase alone (attention and what prepares it) runs as it did. `prefill`
/// and `decode` are of one model, parallelism and quantisation.
work::Program joinPrograms(const work::Program &prefill, const work::Program &decode);

/// Lowers each iteration once. `lowering` outlives it. Thread-safe.
class StepPrograms {
public:
  /// `base` gives parallelism, quantisation, cache type and new tokens a step; its phase and sizes
  /// are of no account.
  StepPrograms(const model::Lowering &lowering, work::Capabilities target, work::Workload base,
               ExpertTraffic traffic = {});

  /// Valid as long as this object. Errors: what lowering says; nothing to compute.
  Result<const StepProgram *> of(const StepWork &step);
  /// Whether of() has it.
  bool knows(const StepWork &step) const;

  const work::Workload &base() const { return base_; }
  const model::Lowering &lowering() const { return lowering_; }

private:
  Result<const StepProgram *> find(const StepWork &step);
  Result<StepProgram> lower(const StepWork &step);
  work::Workload workloadOf(const StepWork &step) const;
  void skew(work::Program &program) const;

  const model::Lowering &lowering_;
  work::Capabilities target_;
  work::Workload base_;
  ExpertTraffic traffic_;
  mutable std::mutex mutex_;
  std::map<StepWork, StepProgram> programs_; // guarded
};

} // namespace mansard::system
