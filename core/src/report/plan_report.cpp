#include <mansard/base/units.h>
#include <mansard/hw/system.h>
#include <mansard/report/plan_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

namespace mansard::report {
namespace {

std::string flagsOf(const work::Parallelism &p, const std::string &prefix) {
  std::string flags;
  const auto add = [&](const char *flag, int64_t degree, int64_t natural) {
    if (degree != natural)
      flags += fmt::format(" --{}{} {}", prefix, flag, degree);
  };
  add("tp", p.tp, 1);
  add("pp", p.pp, 1);
  add("dp", p.dp, 1);
  add("cp", p.cp, 1);
  add("ep", p.ep, 1);
  // What follows from the other degrees goes without saying.
  work::Parallelism derived = p;
  derived.moe_tp = 0;
  add("moe-tp", p.expertWidthWays(), derived.expertWidthWays());
  if (p.spansReplicas() && p.expertWidthWays() == 1 && p.gathersTokens())
    flags += fmt::format(" --{}expert-exchange all-gather", prefix);
  return flags.empty() ? flags : flags.substr(1);
}

/// As `mansard serve` takes it.
std::string flagsOf(const system::Plan &plan) {
  std::vector<std::string> flags;
  if (plan.prefill) {
    flags.push_back(fmt::format("--disaggregated --prefill-workers {} --decode-workers {}",
                                plan.prefill->prefillWorkers, plan.prefill->decodeWorkers));
    flags.push_back(flagsOf(plan.prefill->prefill, "prefill-"));
    flags.push_back(flagsOf(plan.parallelism, "decode-"));
  } else {
    flags.push_back(flagsOf(plan.parallelism, ""));
  }
  flags.push_back(fmt::format("--concurrency {}", plan.concurrency));
  std::erase(flags, "");
  return fmt::format("{}", fmt::join(flags, " "));
}

std::string planOf(const system::Plan &plan) {
  const std::string own = work::degreesOf(plan.parallelism);
  if (!plan.prefill)
    return own;
  return fmt::format("prompts {} x ({}); answers {} x ({})", plan.prefill->prefillWorkers,
                     work::degreesOf(plan.prefill->prefill), plan.prefill->decodeWorkers, own);
}

std::string scenarioOf(const system::PlanQuestion &question) {
  const system::ServingScenario &s = question.scenario;
  const work::Workload &w = s.plan;
  std::string text =
      fmt::format("{} tokens in, {} out, {} (KV cache {})", grouped(static_cast<double>(s.isl)),
                  grouped(static_cast<double>(s.osl)),
                  work::kQuantisationNames[static_cast<size_t>(w.quantisation)], nameOf(w.kvCache));
  if (s.prefixHit > 0)
    text += fmt::format(", {} of each prompt cached", percent(s.prefixHit));
  if (w.new_tokens > 1)
    text += fmt::format(", {} tokens a step, {} accepted", w.new_tokens, percent(w.accept));
  if (w.imbalance > 1)
    text += fmt::format(", busiest experts {} x the mean", number(w.imbalance));
  return text;
}

} // namespace

PlanReport collectPlans(const system::PlanQuestion &question, const system::PlanAnswer &answer,
                        const std::string &model, const host::Model &target) {
  PlanReport r;
  r.model = model;
  r.target = target.chip().id;
  r.targetName = target.chip().title();
  if (target.chip().system)
    r.system = target.chip().system->id;
  r.software = question.scenario.software.id;
  r.scenario = scenarioOf(question);
  r.devices = question.devices;
  r.perChip = target.chip().devicesPerChip();
  r.ttft_ms = question.ttft_ms;
  r.tpot_ms = question.tpot_ms;
  r.met = !answer.best.empty();
  for (const system::Plan &plan : r.met ? answer.best : answer.nearest) {
    PlanLine &line = r.lines.emplace_back();
    line.plan = planOf(plan);
    line.flags = flagsOf(plan);
    const system::MemoryUse &memory = plan.estimate.memory;
    line.memoryUsed_GiB = (memory.weights + memory.kvCache + memory.activations) / kGiB;
    line.memory_GiB = memory.capacity * question.scenario.software.share / kGiB;
    line.found = plan;
  }
  r.plans = answer.plans;
  r.points = answer.points;
  r.leftOut = answer.leftOut;
  return r;
}

} // namespace mansard::report
