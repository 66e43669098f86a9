// Pricing all plans on several threads. Each plan is judged by itself and the results are compared
// in the order of the plans, so that the answer does not depend on who was when.
#include <mansard/system/plan.h>

#include "../base/in_parallel.h"
#include "plan_worker.h"

#include <mansard/hw/system.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::system {
namespace {

constexpr int64_t kMostDevices = 4096;

bool yieldsMore(const Plan &a, const Plan &b) {
  const double x = a.estimate.tokens_per_s_per_chip, y = b.estimate.tokens_per_s_per_chip;
  return x != y ? x > y : a.estimate.devices < b.estimate.devices;
}

class Search {
public:
  Search(const PlanQuestion &question, const model::Lowering &lowering, const host::Model &target)
      : question_(question), lowering_(lowering), target_(target),
        candidates_(candidatePlans(*lowering.transformer(), question.devices, question.context)),
        workers_(candidates_.size()) {}

  Result<PlanAnswer> run() {
    const auto count = static_cast<int64_t>(candidates_.size());
    inParallel(
        count, question_.threads,
        [&](int64_t i) {
          workers_[static_cast<size_t>(i)] =
              judgeWorker(question_, lowering_, target_, candidates_[static_cast<size_t>(i)]);
        },
        [&](int64_t done) {
          if (question_.progress)
            question_.progress(done, count);
        });
    std::vector<Plan> plans;
    for (WorkerVerdict &worker : workers_) {
      if (worker.failed)
        return *worker.failed;
      ++answer_.plans;
      answer_.points += worker.points;
      if (!worker.leftOut.empty())
        ++answer_.leftOut[worker.leftOut];
      if (worker.plan)
        plans.push_back(std::move(*worker.plan));
    }
    if (question_.disaggregated)
      if (auto done = pairUp(plans); !done)
        return done.error();
    if (auto done = choose(std::move(plans)); !done)
      return done.error();
    return std::move(answer_);
  }

private:
  /// The workers that do most of one kind of work for each device, while they keep the limit that
  /// is theirs; if none does, those that come nearest.
  template <typename Rate, typename Excess>
  std::vector<size_t> shortlist(const Rate &rate, const Excess &excess) const {
    std::vector<size_t> list;
    for (size_t i = 0; i < workers_.size(); ++i)
      if (rate(workers_[i]) > 0)
        list.push_back(i);
    std::stable_sort(list.begin(), list.end(), [&](size_t a, size_t b) {
      const double x = std::max(1.0, excess(workers_[a])), y = std::max(1.0, excess(workers_[b]));
      return x != y ? x < y : rate(workers_[a]) > rate(workers_[b]);
    });
    constexpr size_t kShort = 4;
    list.resize(std::min(list.size(), kShort));
    return list;
  }

  /// Pairs the best workers of both kinds and prices them together.
  Result<> pairUp(std::vector<Plan> &plans) {
    const auto prefills =
        shortlist([](const WorkerVerdict &w) { return w.promptsPerDevice(); },
                  [&](const WorkerVerdict &w) { return w.prompt_ms / question_.ttft_ms; });
    const auto decodes =
        shortlist([](const WorkerVerdict &w) { return w.answersPerDevice(); },
                  [&](const WorkerVerdict &w) { return w.token_ms / question_.tpot_ms; });
    std::vector<const WorkerVerdict *> others;
    for (size_t index : prefills)
      others.push_back(&workers_[index]);
    std::vector<std::vector<PairVerdict>> verdicts(decodes.size());
    inParallel(static_cast<int64_t>(decodes.size()), question_.threads,
               [&](int64_t i) {
                 const WorkerVerdict &decode = workers_[decodes[static_cast<size_t>(i)]];
                 verdicts[static_cast<size_t>(i)] =
                     judgePairs(question_, lowering_, target_, others, decode);
               },
               {});
    for (std::vector<PairVerdict> &ofOne : verdicts)
      for (PairVerdict &verdict : ofOne) {
        if (verdict.failed)
          return *verdict.failed;
        answer_.plans += verdict.tried;
        answer_.points += verdict.points;
        if (!verdict.leftOut.empty())
          ++answer_.leftOut[verdict.leftOut];
        if (verdict.plan)
          plans.push_back(std::move(*verdict.plan));
      }
    return Ok{};
  }

  Result<> choose(std::vector<Plan> plans) {
    for (Plan &plan : plans)
      (plan.excess <= 1 ? answer_.best : answer_.nearest).push_back(std::move(plan));
    std::stable_sort(answer_.best.begin(), answer_.best.end(), yieldsMore);
    if (auto done = lookCloser(answer_.best); !done)
      return done;
    std::stable_sort(answer_.nearest.begin(), answer_.nearest.end(),
                     [](const Plan &a, const Plan &b) { return a.excess < b.excess; });
    if (!answer_.nearest.empty())
      answer_.leftOut["exceed a limit"] += static_cast<int64_t>(answer_.nearest.size());
    if (!answer_.best.empty())
      answer_.nearest.clear();
    for (std::vector<Plan> *list : {&answer_.best, &answer_.nearest})
      list->resize(std::min(list->size(), question_.keep));
    for (std::vector<Plan> *list : {&answer_.best, &answer_.nearest})
      for (Plan &plan : *list)
        plan.copies = std::max<int64_t>(1, question_.devices / plan.estimate.devices);
    return Ok{};
  }

  /// The first plans change places if one of them takes a little more than the others.
  Result<> lookCloser(std::vector<Plan> &plans) {
    constexpr size_t kSpare = 8;
    const auto count = static_cast<int64_t>(std::min(plans.size(), question_.keep + kSpare));
    std::vector<Result<int64_t>> points(static_cast<size_t>(count), Result<int64_t>(0));
    inParallel(count, question_.threads,
               [&](int64_t i) {
                 points[static_cast<size_t>(i)] =
                     refine(question_, lowering_, target_, plans[static_cast<size_t>(i)]);
               },
               {});
    for (const auto &priced : points) {
      if (!priced)
        return priced.error();
      answer_.points += *priced;
    }
    std::stable_sort(plans.begin(), plans.begin() + count, yieldsMore);
    return Ok{};
  }

  const PlanQuestion &question_;
  const model::Lowering &lowering_;
  const host::Model &target_;
  const std::vector<work::Parallelism> candidates_;
  std::vector<WorkerVerdict> workers_;
  PlanAnswer answer_;
};

} // namespace

Result<PlanAnswer> searchPlans(const PlanQuestion &question, const model::Lowering &lowering,
                               const host::Model &target) {
  const auto invalid = [](const char *flag, std::string message) {
    return Error{ErrorCode::invalidInput, std::move(message), flag};
  };
  if (lowering.isModule())
    return invalid("--model", "a .mlir module is of one device already; a plan needs a model");
  if (question.devices < 1 || question.devices > kMostDevices)
    return invalid("--devices",
                   fmt::format("{} devices; it may be 1 to {}", question.devices, kMostDevices));
  if (const hw::Chip &chip = target.chip(); chip.system) {
    const int64_t most = chip.system->chips() * chip.devicesPerChip();
    if (question.devices > most)
      return invalid("--devices",
                     fmt::format("{} devices; {} has {}", question.devices, chip.system->id, most));
  }
  for (const auto &[flag, limit] :
       {std::pair{"--ttft", question.ttft_ms}, std::pair{"--tpot", question.tpot_ms}})
    if (!(limit > 0))
      return invalid(flag, fmt::format("{} ms is no time to wait", limit));
  if (!question.aggregated && !question.disaggregated)
    return invalid("--kind", "neither kind of plan is wanted");
  ServingScenario plain = question.scenario;
  plain.disaggregated.reset();
  if (auto sound = check(plain); !sound)
    return sound.error();
  PlanQuestion possible = question;
  possible.disaggregated &= question.scenario.osl >= 2; // a decode worker begins with the second
  if (!possible.aggregated && !possible.disaggregated)
    return invalid("--osl", "with one token there is nothing to decode; it may be 2 or more");
  return Search(possible, lowering, target).run();
}

} // namespace mansard::system
