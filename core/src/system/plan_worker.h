// What one worker, or a pair of kinds of workers, does for a plan.
#pragma once

#include <mansard/system/plan.h>

#include <optional>
#include <string>
#include <vector>

namespace mansard::system {

struct WorkerVerdict {
  work::Parallelism parallelism;
  std::string leftOut;         // why it was not priced; empty: it was
  std::optional<Plan> plan;    // serving by itself, at its best concurrency
  std::optional<Error> failed; // nothing of the plan's fault
  int64_t points = 0;

  // As one kind of two: prompts at its most economic batch, and answers at the most sequences whose
  // tokens keep their limit.
  double prompt_ms = 0, prompts_per_s = 0;
  int64_t sequences = 0;
  double token_ms = 0, answers_per_s = 0;
  double promptsPerDevice() const {
    return prompts_per_s / static_cast<double>(parallelism.devices());
  }
  double answersPerDevice() const {
    return answers_per_s / static_cast<double>(parallelism.devices());
  }
};

WorkerVerdict judgeWorker(const PlanQuestion &question, const model::Lowering &lowering,
                          const host::Model &target, const work::Parallelism &parallelism);

struct PairVerdict {
  std::string leftOut;
  std::optional<Plan> plan;
  std::optional<Error> failed;
  int64_t tried = 0, points = 0; // numbers of workers; those at a concurrency
};

/// One for each kind of worker that prefills.
std::vector<PairVerdict> judgePairs(const PlanQuestion &question, const model::Lowering &lowering,
                                    const host::Model &target,
                                    const std::vector<const WorkerVerdict *> &prefills,
                                    const WorkerVerdict &decode);

/// Looks closer at what `plan`, which keeps the limits, can take: up to twice its concurrency. How
/// many points were priced.
Result<int64_t> refine(const PlanQuestion &question, const model::Lowering &lowering,
                       const host::Model &target, Plan &plan);

} // namespace mansard::system
