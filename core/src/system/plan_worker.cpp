#include "plan_worker.h"

#include <mansard/base/units.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace mansard::system {
namespace {

/// How far an estimate exceeds the limits: the larger ratio.
double excessOf(const PlanQuestion &question, const ServingEstimate &estimate) {
  return std::max(estimate.ttft_ms / question.ttft_ms, estimate.tpot_ms / question.tpot_ms);
}

/// The best of the points of one plan.
class Best {
public:
  Best(const PlanQuestion &question, std::optional<Plan> &plan)
      : question_(question), plan_(plan) {}

  /// Whether the point keeps the limits.
  bool offer(const ServingScenario &scenario, ServingEstimate estimate) {
    const double excess = excessOf(question_, estimate);
    const bool met = excess <= 1;
    const bool better =
        !plan_ || (met != (plan_->excess <= 1) ? met
                   : met ? estimate.tokens_per_s_per_chip > plan_->estimate.tokens_per_s_per_chip
                         : excess < plan_->excess);
    if (better) {
      plan_ =
          Plan{scenario.plan.parallelism, scenario.disaggregated, scenario.concurrency, 1, excess,
               std::move(estimate)};
    }
    return met;
  }

private:
  const PlanQuestion &question_;
  std::optional<Plan> &plan_;
};

/// Looks among `least`, twice that and so on, and `most`, for the largest one that
/// `price(concurrency)` says keeps the limits; those above it do not.
template <typename Price> Result<> findLargest(int64_t least, int64_t most, const Price &price) {
  int64_t doublings = 0;
  while (least << doublings < most)
    ++doublings;
  int64_t kept = -1, tooMany = doublings + 1;
  for (int64_t tried = doublings; tooMany - kept > 1; tried = (kept + tooMany) / 2) {
    auto met = price(std::min(least << tried, std::max(least, most)));
    if (!met)
      return met.error();
    (*met ? kept : tooMany) = tried;
  }
  return Ok{};
}

/// Halves from `most` down to `least` until `price(concurrency)` says that the limits are kept.
template <typename Price> Result<> descend(int64_t least, int64_t most, const Price &price) {
  for (int64_t concurrency = std::max(least, most);;
       concurrency = std::max(least, concurrency / 2)) {
    auto kept = price(concurrency);
    if (!kept)
      return kept.error();
    if (*kept || concurrency == least)
      return Ok{};
  }
}

class Worker {
public:
  Worker(const PlanQuestion &question, const model::Lowering &lowering, const host::Model &target,
         const work::Parallelism &parallelism)
      : question_(question), scenario_(question.scenario) {
    scenario_.disaggregated.reset();
    scenario_.plan.parallelism = verdict_.parallelism = parallelism;
    costs_.emplace(lowering, target, scenario_.plan, scenario_.traffic, scenario_.software.kernels);
    ranks_ = parallelism.dp * parallelism.pp;
    const double hit = static_cast<double>(scenario_.isl) * scenario_.prefixHit;
    cached_ = std::min(scenario_.isl - 1, static_cast<int64_t>(hit));
  }

  WorkerVerdict judge() {
    if (auto fits = fitsInMemory(); !fits)
      return fail(fits.error());
    if (!verdict_.leftOut.empty())
      return std::move(verdict_);
    if (auto known = asOneKind(); !known)
      return fail(known.error());
    if (question_.aggregated)
      if (auto priced = alone(); !priced)
        return fail(priced.error());
    return std::move(verdict_);
  }

private:
  /// Degrees that do not divide the model are the plan's own fault, a plugin's failure is not.
  WorkerVerdict fail(const Error &error) {
    if (error.code == ErrorCode::pluginFailed)
      verdict_.failed = error;
    else if (error.code == ErrorCode::invalidInput)
      verdict_.leftOut = "degrees do not divide the model";
    else
      verdict_.leftOut = "cannot be priced: " + error.message;
    verdict_.plan.reset();
    return std::move(verdict_);
  }

  Result<> fitsInMemory() {
    const SoftwareProfile &software = scenario_.software;
    const auto positions =
        scenario_.isl + static_cast<int64_t>(std::ceil(static_cast<double>(scenario_.osl) *
                                                       software.reserved_output));
    auto decode = costs_->memory(ranks_, positions);
    if (!decode)
      return decode.error();
    const double room = costs_->capacity() * software.share - decode->weights;
    double working = decode->activations + decode->buffers;
    verdict_.leftOut = "do not fit in memory"; // unless found otherwise
    if (room < working + decode->kvCache)
      return Ok{};
    auto prompt = prefill();
    if (!prompt)
      return prompt.error();
    const work::MemoryNeed &need = prompt->detail->program->memory;
    working = std::max(working, need.activations + need.buffers);
    const double fit = std::floor((room - working) / decode->kvCache);
    if (fit < 1)
      return Ok{};
    verdict_.leftOut.clear();
    constexpr double kMost = 1 << 24;
    places_ = ranks_ * static_cast<int64_t>(std::min(fit, kMost));
    places_ = std::min(places_, static_cast<int64_t>(software.sequences) * verdict_.parallelism.dp);
    return Ok{};
  }

  /// An iteration of nothing but prompts, one a rank or as much of it as one takes.
  Result<StepCost> prefill() {
    const auto most = static_cast<int64_t>(scenario_.software.tokens_per_iteration);
    return costs_->prefill(ranks_, std::min(scenario_.isl - cached_, std::max<int64_t>(64, most)),
                           cached_);
  }

  Result<> asOneKind() {
    auto prompt = prefill();
    if (!prompt)
      return prompt.error();
    const double tokens = static_cast<double>(scenario_.isl - cached_);
    const double iterations =
        std::max(1.0, tokens / std::max(64.0, scenario_.software.tokens_per_iteration));
    const SoftwareProfile &software = scenario_.software;
    const double host_us = software.iteration_us * (1 - software.hidden);
    const double batch_us = iterations * (prompt->total_us + host_us);
    verdict_.prompt_ms = (batch_us + prompt->kernels * software.launch_us + software.request_us +
                          software.transfer_us) /
                         1e3;
    verdict_.prompts_per_s = static_cast<double>(ranks_) / batch_us * 1e6;

    const work::Workload &plan = scenario_.plan;
    const double yield = 1 + plan.accept * static_cast<double>(plan.new_tokens - 1);
    const int64_t context = scenario_.isl + scenario_.osl / 2;
    bool any = false;
    return findLargest(ranks_, places_, [&](int64_t sequences) -> Result<bool> {
      auto step = costs_->decode(sequences, context);
      if (!step)
        return step.error();
      const double host = software.iteration_us * static_cast<double>(plan.parallelism.pp) +
                          software.sequence_us * static_cast<double>(sequences) /
                              static_cast<double>(plan.parallelism.dp);
      const double token_ms =
          std::max(step->total_us + (1 - software.hidden) * host, host) / yield / 1e3;
      const bool met = token_ms <= question_.tpot_ms;
      ++verdict_.points;
      if (met ? !any || sequences > verdict_.sequences : !any) {
        any = met;
        verdict_.sequences = sequences;
        verdict_.token_ms = token_ms;
        verdict_.answers_per_s =
            static_cast<double>(sequences) * 1e3 /
            (token_ms * static_cast<double>(std::max<int64_t>(1, scenario_.osl - 1)));
      }
      return met;
    });
  }

  /// With prompts beside, tokens take longer than by themselves.
  Result<> alone() {
    Best best(question_, verdict_.plan);
    return descend(ranks_, verdict_.sequences, [&](int64_t concurrency) -> Result<bool> {
      scenario_.concurrency = concurrency;
      auto estimate = estimateServing(scenario_, *costs_);
      if (!estimate)
        return estimate.error();
      ++verdict_.points;
      return best.offer(scenario_, std::move(*estimate));
    });
  }

  const PlanQuestion &question_;
  ServingScenario scenario_;
  std::optional<StepCosts> costs_;
  int64_t ranks_ = 1, cached_ = 0, places_ = 1;
  WorkerVerdict verdict_;
};

/// Numbers of both kinds of workers that keep each other busy, most balanced first.
std::vector<std::pair<int64_t, int64_t>>
ratios(const PlanQuestion &question, const WorkerVerdict &prefill, const WorkerVerdict &decode) {
  struct Ratio {
    int64_t prefills, decodes;
    double perDevice;
  };
  const int64_t sizes[] = {prefill.parallelism.devices(), decode.parallelism.devices()};
  std::vector<Ratio> all;
  constexpr int64_t kMost = 64; // of either kind: larger deployments repeat smaller ones
  for (int64_t p = 1; p <= kMost && p * sizes[0] + sizes[1] <= question.devices; ++p)
    for (int64_t d = 1; d <= kMost && p * sizes[0] + d * sizes[1] <= question.devices; ++d) {
      const double rate = std::min(static_cast<double>(p) * prefill.prompts_per_s,
                                   static_cast<double>(d) * decode.answers_per_s);
      all.push_back({p, d, rate / static_cast<double>(p * sizes[0] + d * sizes[1])});
    }
  // Of equal ones the smallest.
  std::stable_sort(all.begin(), all.end(),
                   [](const Ratio &a, const Ratio &b) { return a.perDevice > b.perDevice; });
  constexpr size_t kTried = 3;
  std::vector<std::pair<int64_t, int64_t>> best;
  for (size_t i = 0; i < std::min(all.size(), kTried); ++i)
    best.emplace_back(all[i].prefills, all[i].decodes);
  return best;
}

} // namespace

WorkerVerdict judgeWorker(const PlanQuestion &question, const model::Lowering &lowering,
                          const host::Model &target, const work::Parallelism &parallelism) {
  return Worker(question, lowering, target, parallelism).judge();
}

std::vector<PairVerdict> judgePairs(const PlanQuestion &question, const model::Lowering &lowering,
                                    const host::Model &target,
                                    const std::vector<const WorkerVerdict *> &prefills,
                                    const WorkerVerdict &decode) {
  ServingScenario scenario = question.scenario;
  scenario.plan.parallelism = decode.parallelism;
  StepCosts decodeCosts(lowering, target, scenario.plan, scenario.traffic,
                        scenario.software.kernels);
  std::vector<PairVerdict> verdicts;
  for (const WorkerVerdict *prefill : prefills) {
    PairVerdict &verdict = verdicts.emplace_back();
    scenario.disaggregated = Disaggregation{prefill->parallelism};
    StepCosts prefillCosts(lowering, target, prefillPlan(scenario), scenario.traffic,
                           scenario.software.kernels);
    Best best(question, verdict.plan);
    const auto numbers = ratios(question, *prefill, decode);
    if (numbers.empty()) {
      verdict.tried = 1;
      verdict.leftOut = "prefill and decode workers are more devices than there are";
    }
    for (const auto &[prefillWorkers, decodeWorkers] : numbers) {
      ++verdict.tried;
      scenario.disaggregated->prefillWorkers = prefillWorkers;
      scenario.disaggregated->decodeWorkers = decodeWorkers;
      // Up to twice what decodes: the rest is in prefill.
      const auto done = descend(
          1, 2 * decodeWorkers * decode.sequences, [&](int64_t concurrency) -> Result<bool> {
            scenario.concurrency = concurrency;
            auto estimate = estimateServing(scenario, decodeCosts, &prefillCosts);
            if (!estimate)
              return estimate.error();
            ++verdict.points;
            return best.offer(scenario, std::move(*estimate));
          });
      if (!done && done.error().code == ErrorCode::pluginFailed)
        verdict.failed = done.error();
      else if (!done)
        verdict.leftOut = "cannot be priced: " + done.error().message;
    }
    if (verdict.plan)
      verdict.leftOut.clear();
  }
  return verdicts;
}

Result<int64_t> refine(const PlanQuestion &question, const model::Lowering &lowering,
                       const host::Model &target, Plan &plan) {
  ServingScenario scenario = question.scenario;
  scenario.plan.parallelism = plan.parallelism;
  scenario.disaggregated = plan.prefill;
  Serving serving(lowering, target, scenario);
  std::optional<Plan> found = std::move(plan);
  Best best(question, found);
  int64_t good = found->concurrency, bad = 2 * good, points = 0;
  constexpr int kSteps = 3; // to an eighth of the doubling: finer than the estimate is good for
  for (int step = 0; step < kSteps && bad - good > 1; ++step) {
    scenario.concurrency = (good + bad) / 2;
    auto estimate = serving.estimate(scenario);
    if (!estimate)
      return estimate.error();
    ++points;
    (best.offer(scenario, std::move(*estimate)) ? good : bad) = scenario.concurrency;
  }
  plan = std::move(*found);
  return points;
}

} // namespace mansard::system
