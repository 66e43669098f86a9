#include <mansard/system/serving.h>

#include "engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace mansard::system {
namespace {

constexpr int64_t kMost = int64_t{1} << 30;

Error invalid(std::string message, const char *flag) {
  return {ErrorCode::invalidInput, std::move(message), flag};
}

} // namespace

Result<> check(const ServingScenario &s) {
  for (const auto &[flag, value] : {std::pair{"--isl", s.isl}, std::pair{"--osl", s.osl},
                                    std::pair{"--concurrency", s.concurrency}})
    if (value < 1 || value > kMost)
      return invalid(fmt::format("is {}; it may be 1 to {}", value, kMost), flag);
  for (const auto &[flag, value] :
       {std::pair{"--prefix-hit", s.prefixHit}, std::pair{"--length-spread", s.lengthSpread},
        std::pair{"--first-burst", s.firstBurst}})
    if (!(value >= 0 && value <= 1))
      return invalid(fmt::format("is {}; it is a share, 0 to 1", value), flag);
  constexpr double kMostRouting = 4;
  if (!(s.traffic.routing >= 0 && s.traffic.routing <= kMostRouting))
    return invalid(
        fmt::format("is {}; the exponent of a power law may be 0 (all experts alike) to {}",
                    s.traffic.routing, kMostRouting),
        "--routing");
  if (!s.disaggregated)
    return Ok{};
  const Disaggregation &d = *s.disaggregated;
  for (const auto &[flag, value] : {std::pair{"--prefill-workers", d.prefillWorkers},
                                    std::pair{"--decode-workers", d.decodeWorkers},
                                    std::pair{"--prefill-batch", d.prefillBatch}})
    if (value < 0 || value > kMost)
      return invalid(fmt::format("is {}; it may be 1 to {}", value, kMost), flag);
  if ((d.prefillWorkers == 0) != (d.decodeWorkers == 0))
    return invalid("numbers of prefill and of decode workers come together, or neither",
                   "--prefill-workers");
  if (s.osl < 2)
    return invalid("a decode worker's part begins with the second token; it may be 2 or more",
                   "--osl");
  return Ok{};
}

work::Workload prefillPlan(const ServingScenario &scenario) {
  work::Workload plan = scenario.plan;
  if (scenario.disaggregated)
    plan.parallelism = scenario.disaggregated->prefill;
  plan.new_tokens = 1;
  plan.accept = 0;
  return plan;
}

std::vector<KernelShare> largestKernels(const StepDetail *decode, const PromptCost &prompt,
                                        double prompts) {
  std::map<std::string, KernelShare> byName;
  double total_us = 0;
  const auto add = [&](const StepDetail *detail, double times) {
    if (!detail || times == 0)
      return;
    for (size_t i = 0; i < detail->steps.size(); ++i) {
      const work::Step &step = detail->program->steps[i];
      KernelShare &line = byName[step.name];
      if (line.name.empty()) {
        line.name = step.name;
        line.what = work::describe(detail->program->kernels[step.kernel]);
        line.bound = detail->estimates[step.kernel].bound;
      }
      line.share += times * detail->steps[i].exposed_us;
      total_us += times * detail->steps[i].exposed_us;
    }
  };
  add(decode, 1);
  // What prompts add: an iteration with them less the same without.
  const double iterations =
      prompts * static_cast<double>(prompt.iterations) / static_cast<double>(prompt.packed);
  add(prompt.with, iterations);
  add(prompt.without, -iterations);
  std::vector<KernelShare> lines;
  for (auto &[name, line] : byName)
    if (total_us > 0 && line.share > 0) {
      line.share /= total_us;
      lines.push_back(std::move(line));
    }
  std::sort(lines.begin(), lines.end(), [](const KernelShare &a, const KernelShare &b) {
    return a.share != b.share ? a.share > b.share : a.name < b.name;
  });
  constexpr size_t kShown = 8;
  lines.resize(std::min(lines.size(), kShown));
  return lines;
}

Result<ServingEstimate> estimateServing(const ServingScenario &scenario, StepCosts &costs,
                                        StepCosts *prefill) {
  if (auto sound = check(scenario); !sound)
    return sound.error();
  if (scenario.disaggregated && !prefill)
    return Error{ErrorCode::invalidInput, "prefill workers have no step costs", ""};
  auto estimate = scenario.disaggregated ? estimateDisaggregated(scenario, costs, *prefill)
                                         : estimateAggregated(scenario, costs);
  if (!estimate)
    return estimate;
  if (estimate->devices == 0)
    estimate->devices = scenario.plan.parallelism.devices();
  estimate->chips = costs.target().chip().packagesOf(estimate->devices);
  estimate->tokens_per_s = estimate->requests_per_s * static_cast<double>(scenario.osl);
  estimate->input_tokens_per_s = estimate->requests_per_s * static_cast<double>(scenario.isl);
  estimate->tokens_per_s_per_chip = estimate->tokens_per_s / static_cast<double>(estimate->chips);
  estimate->tokens_per_s_per_user = estimate->tpot_ms > 0 ? 1e3 / estimate->tpot_ms : 0;
  const std::vector<std::string> &chip = costs.target().chip().notes;
  estimate->notes.insert(estimate->notes.begin(), chip.begin(), chip.end());
  return estimate;
}

Serving::Serving(const model::Lowering &lowering, const host::Model &target,
                 const ServingScenario &deployment)
    : isModule_(lowering.isModule()) {
  const ServerKernels &kernels = deployment.software.kernels;
  costs_ =
      std::make_unique<StepCosts>(lowering, target, deployment.plan, deployment.traffic, kernels);
  if (deployment.disaggregated)
    prefill_ = std::make_unique<StepCosts>(lowering, target, prefillPlan(deployment),
                                           deployment.traffic, kernels);
}

Result<ServingEstimate> Serving::estimate(const ServingScenario &load) {
  if (isModule_)
    return Error{ErrorCode::invalidInput,
                 "a .mlir module is one step of fixed sizes; serving needs a model", "--model"};
  return estimateServing(load, *costs_, prefill_.get());
}

Result<ServingEstimate> estimateServing(const ServingScenario &scenario,
                                        const model::Lowering &lowering,
                                        const host::Model &target) {
  return Serving(lowering, target, scenario).estimate(scenario);
}

} // namespace mansard::system
