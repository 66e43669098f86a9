#include "scenario_serving.h"

#include "../base/in_parallel.h"

#include <mansard/economics/tco.h>
#include <mansard/hw/system.h>
#include <mansard/report/plan_report.h>
#include <mansard/system/plan.h>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace mansard::report {
namespace {

Result<Contender> openContender(host::Host &host, const ScenarioContender &asked) {
  const auto at = [&](Error error, const char *key) {
    if (error.place.empty())
      error.place = asked.id + "." + key;
    return error;
  };
  const bool isSystem = !asked.system.empty();
  auto target = isSystem ? host.openSystem(asked.system) : host.open(asked.target);
  if (!target)
    return at(target.error(), isSystem ? "system" : "target");
  auto software = system::chosenProfile(asked.software, target->chip().vendor);
  if (!software)
    return at(software.error(), "software");
  auto economics = economics::readAssumptions(host.catalog(), asked.economics);
  if (!economics)
    return at(economics.error(), "economics");
  return Contender{std::move(*target), std::move(*software), std::move(*economics)};
}

/// How many requests there are is for the caller to say.
system::ServingScenario scenarioOf(const ScenarioWorkload &workload, const Contender &contender) {
  system::ServingScenario scenario;
  scenario.isl = workload.isl;
  scenario.osl = workload.osl;
  scenario.plan = workload.plan;
  scenario.software = contender.software;
  return scenario;
}

/// The plan that serves best within the workload's limits; why there is none goes to `failure`.
Result<std::optional<system::ServingScenario>> bestPlan(const ScenarioWorkload &workload,
                                                        const Contender &contender,
                                                        const model::Lowering &lowering,
                                                        ScenarioRun &run) {
  system::PlanQuestion question;
  question.scenario = scenarioOf(workload, contender);
  question.ttft_ms = workload.ttft_ms;
  question.tpot_ms = workload.tpot_ms;
  question.disaggregated = workload.prefillApart;
  question.keep = 1;
  question.threads = 1;
  const hw::Chip &chip = contender.target.chip();
  question.devices = workload.chips * chip.devicesPerChip();
  if (chip.system)
    question.devices = std::min(question.devices, chip.system->chips() * chip.devicesPerChip());
  auto answer = system::searchPlans(question, lowering, contender.target);
  if (!answer)
    return answer.error();
  const PlanReport report = collectPlans(question, *answer, lowering.name(), contender.target);
  if (answer->best.empty()) {
    run.failure =
        report.lines.empty()
            ? fmt::format("no plan of {} chips fits", workload.chips)
            : fmt::format("no plan of {} chips keeps the limits; the nearest, {}, takes "
                          "{:.0f} ms to the first token and {:.1f} for each further one",
                          workload.chips, report.lines[0].plan, answer->nearest[0].estimate.ttft_ms,
                          answer->nearest[0].estimate.tpot_ms);
    return std::optional<system::ServingScenario>();
  }
  const system::Plan &plan = answer->best[0];
  run.plan = report.lines[0].plan;
  run.flags = report.lines[0].flags;
  run.concurrency = plan.concurrency;
  system::ServingScenario scenario = question.scenario;
  scenario.plan.parallelism = plan.parallelism;
  scenario.disaggregated = plan.prefill;
  scenario.concurrency = plan.concurrency;
  return std::optional(scenario);
}

/// What is known of its power before anything runs.
void addPower(const Contender &contender, ScenarioRun &run) {
  const hw::Chip &chip = contender.target.chip();
  const economics::Assumptions &economics = contender.economics;
  run.load_W = chip.number("power.tdp_W") * economics.number("power.load_share");
  const auto hourly = economics::hourlyCost(chip, economics, run.load_W);
  run.others_W = hourly ? hourly->power_W - run.load_W : economics.number("server.w_per_chip");
}

Result<ScenarioRun> serve(const ScenarioJob &job, ScenarioWorkload workload,
                          const ScenarioContender &asked, const model::Lowering &lowering,
                          const std::vector<Contender> &only, size_t samples) {
  ScenarioRun out;
  out.workload = job.workload;
  out.contender = job.contender;
  if (asked.quantisation) {
    workload.plan.quantisation = *asked.quantisation;
    workload.plan.kvCache = work::schemeOf(*asked.quantisation).plain;
  }
  const Contender &contender = only.front();
  addPower(contender, out);
  std::optional<system::ServingScenario> scenario;
  if (workload.given) {
    scenario = scenarioOf(workload, contender);
    scenario->concurrency = out.concurrency = workload.concurrency;
    out.plan = work::degreesOf(workload.plan.parallelism);
  } else {
    auto best = bestPlan(workload, contender, lowering, out);
    if (!best)
      return best.error();
    scenario = std::move(*best);
  }
  if (!scenario)
    return out;
  auto compared = collectComparison(lowering, only, *scenario, samples);
  if (!compared && compared.error().code == ErrorCode::pluginFailed)
    return compared.error();
  if (!compared)
    out.failure = compared.error().text();
  else
    out.row = std::move(compared->chips[0]);
  if (const auto &power = out.row[CompareFigure::power])
    out.load_W = power->value;
  return out;
}

/// The models of the workloads that jobs name.
Result<std::vector<std::optional<model::Lowering>>>
openModels(const std::vector<ScenarioJob> &jobs, const std::vector<ScenarioWorkload> &workloads,
           const hw::Catalog &catalog) {
  std::vector<std::optional<model::Lowering>> lowerings(workloads.size());
  for (const ScenarioJob &job : jobs) {
    if (lowerings[job.workload])
      continue;
    auto lowering = model::Lowering::open(workloads[job.workload].model, catalog);
    if (!lowering)
      return lowering.error();
    if (lowering->isModule())
      return Error{ErrorCode::invalidInput,
                   "a .mlir module is one step of fixed sizes; serving needs a model",
                   fmt::format("workload.{}.model", workloads[job.workload].id)};
    lowerings[job.workload].emplace(std::move(*lowering));
  }
  return lowerings;
}

} // namespace

Result<std::vector<ScenarioRun>> serveAll(const std::vector<ScenarioJob> &jobs,
                                          const std::vector<ScenarioWorkload> &workloads,
                                          const std::vector<ScenarioContender> &contenders,
                                          size_t samples, const ScenarioOptions &options) {
  hw::Catalog catalog(options.dataDirectory);
  host::Host host(catalog); // of this thread; the models that it binds are everybody's
  auto lowerings = openModels(jobs, workloads, catalog);
  if (!lowerings)
    return lowerings.error();
  std::vector<std::vector<Contender>> opened(jobs.size()); // one each
  for (size_t i = 0; i < jobs.size(); ++i) {
    auto contender = openContender(host, contenders[jobs[i].contender]);
    if (!contender)
      return contender.error();
    opened[i].push_back(std::move(*contender));
  }
  const auto count = static_cast<int64_t>(jobs.size());
  std::vector<std::optional<Result<ScenarioRun>>> found(jobs.size());
  inParallel(
      count, options.threads,
      [&](int64_t index) {
        const auto i = static_cast<size_t>(index);
        const ScenarioJob &job = jobs[i];
        found[i].emplace(serve(job, workloads[job.workload], contenders[job.contender],
                               *(*lowerings)[job.workload], opened[i], samples));
      },
      [&](int64_t done) {
        if (options.progress)
          options.progress(done, count);
      });
  std::vector<ScenarioRun> runs;
  for (auto &run : found) {
    if (!run->ok())
      return run->error();
    runs.push_back(std::move(**run));
  }
  return runs;
}

} // namespace mansard::report
