#include "serving_validation.h"

#include <mansard/explore/uncertain_serving.h>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

namespace mansard::report {
namespace {

constexpr double kMicroseconds = 1e3; // in a millisecond

/// Models and profiles, opened once each.
class Sources {
public:
  explicit Sources(const hw::Catalog &catalog) : catalog_(catalog) {}

  /// The checkpoint of this precision, where there is one of its own: what it leaves in 16 bits
  /// differs. Else the model that `name` is of.
  const Result<model::Lowering> &model(const std::string &name, std::string_view precision) {
    const auto &plain = open(name);
    if (!plain || !plain->transformer())
      return plain;
    static constexpr std::pair<std::string_view, std::string_view> kEndings[] = {{"fp4", "-nvfp4"},
                                                                                 {"fp8", "-fp8"}};
    const std::vector<std::string> ids = catalog_.modelIds();
    for (const auto &[type, ending] : kEndings)
      if (const std::string id = fmt::format("{}{}", plain->transformer()->id, ending);
          precision == type && std::find(ids.begin(), ids.end(), id) != ids.end())
        return open(id);
    return plain;
  }
  const Result<system::SoftwareProfile> &software(const std::string &id) {
    auto found = profiles_.find(id);
    if (found == profiles_.end())
      found = profiles_.emplace(id, system::readProfile(id)).first;
    return found->second;
  }

private:
  const Result<model::Lowering> &open(const std::string &name) {
    auto found = models_.find(name);
    if (found == models_.end())
      found = models_.emplace(name, model::Lowering::open(name, catalog_)).first;
    return found->second;
  }

  const hw::Catalog &catalog_;
  std::map<std::string, Result<model::Lowering>> models_;
  std::map<std::string, Result<system::SoftwareProfile>> profiles_;
};

/// What iterations are lowered and priced for, as text: rows that share it share their costs.
std::string planKey(const ServedRow &row) {
  const auto degrees = [](const work::Parallelism &p) {
    return fmt::format("{} {} {} {} {}", p.tp, p.pp, p.dp, p.ep, p.moe_tp);
  };
  const work::Workload &plan = row.scenario.plan;
  return fmt::format(
      "{}|{}|{}|{} {} {}|{}", row.model, row.software, degrees(plan.parallelism),
      static_cast<int>(plan.quantisation), static_cast<int>(plan.kvCache), plan.new_tokens,
      row.scenario.disaggregated ? degrees(row.scenario.disaggregated->prefill) : "");
}

/// The plain roofline of all kernels of an iteration; 0 where one has none.
double rooflineOf(const host::Model &target, const Result<system::StepCost> &cost) {
  if (!cost || !cost->detail)
    return 0;
  double sum_us = 0;
  const work::Program &program = *cost->detail->program;
  for (const work::Step &step : program.steps) {
    const double each = roofline(target.view(), program.kernels[step.kernel]);
    if (!(each > 0))
      return 0;
    sum_us += each * static_cast<double>(step.count);
  }
  return sum_us;
}

/// A row with everything that an estimate needs; or why it cannot be had.
struct Ready {
  ServedRow row;
  const model::Lowering *lowering = nullptr;
  std::vector<size_t> indices; // of its measurements
};

Result<Ready> prepare(Sources &sources, const host::Model &target, const Measurements &file,
                      size_t index) {
  Ready ready;
  ready.row = *file.all[index].served;
  const auto &lowering = sources.model(ready.row.model, ready.row.precision);
  if (!lowering)
    return lowering.error();
  if (!lowering->transformer())
    return Error{ErrorCode::unsupported, "a .mlir module is no model that is served",
                 ready.row.model};
  const auto &software = sources.software(ready.row.software);
  if (!software)
    return software.error();
  ready.lowering = &*lowering;
  const double poll = ready.row.scenario.software.poll_iterations;
  ready.row.scenario.software = *software;
  if (poll > 0)
    ready.row.scenario.software.poll_iterations = poll;
  if (auto done = completePlan(ready.row, rowValues(file.table, file.all[index].row),
                               *lowering->transformer(), target.chip());
      !done)
    return done.error();
  return ready;
}

/// Parts of a token's time are those of its iterations; what the host adds, and all of the time to
/// the first token, stands as fixed: most of that is waiting.
void fill(Compared &one, const system::ServingEstimate &estimate, bool firstToken,
          double roofline_us) {
  mansard_estimate &e = one.estimate;
  e.status = MANSARD_OK;
  e.latency_us = kMicroseconds * (firstToken ? estimate.ttft_ms : estimate.tpot_ms);
  one.interval.low_us = one.interval.high_us = e.latency_us;
  one.roofline_us = roofline_us;
  double whole_us = 0;
  for (double part : estimate.part_us)
    whole_us += part;
  double left_us = e.latency_us;
  if (!firstToken && whole_us > 0)
    for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i) {
      e.part_us[i] = kMicroseconds * (estimate.decode_ms + estimate.prompts_ms) *
                     estimate.part_us[i] / whole_us;
      left_us -= e.part_us[i];
    }
  e.part_us[MANSARD_BOUND_FIXED] += left_us;
  e.bound = static_cast<uint32_t>(std::max_element(std::begin(e.part_us), std::end(e.part_us)) -
                                  std::begin(e.part_us));
}

/// Of the time to the first token and of that of a further one; nothing where there are none.
std::vector<explore::Spread> rangesOf(explore::UncertainServing &serving,
                                      const system::ServingScenario &scenario,
                                      const system::ServingEstimate &estimate, size_t samples) {
  const auto fill = [](const host::Model &, const system::ServingEstimate &point,
                       std::span<const double>, std::span<double> out) -> Result<> {
    out[0] = point.ttft_ms;
    out[1] = point.tpot_ms;
    return Ok{};
  };
  auto spreads = serving.spreads(scenario, estimate, 2, fill, {.samples = samples});
  return spreads ? std::move(spreads->figures) : std::vector<explore::Spread>();
}

} // namespace

Result<> compareServers(const hw::Catalog &catalog, const host::Model &target,
                        const Measurements &file, const std::vector<size_t> &indices,
                        size_t samples, std::vector<Compared> &out) {
  Sources sources(catalog);
  std::map<std::string, std::map<const ServedRow *, Ready>> plans;
  for (size_t index : indices) {
    const ServedRow *row = file.all[index].served.get();
    auto ready = prepare(sources, target, file, index);
    if (!ready) {
      out[index].skipped = ready.error().text();
      continue;
    }
    auto &kept = plans[planKey(ready->row)];
    kept.try_emplace(row, std::move(*ready)).first->second.indices.push_back(index);
  }
  for (const auto &[key, rows] : plans) {
    const Ready &first = rows.begin()->second;
    const system::ServingScenario &any = first.row.scenario;
    explore::UncertainServing serving(*first.lowering, target, any);
    for (const auto &[row, ready] : rows) {
      const system::ServingScenario &scenario = ready.row.scenario;
      const auto estimate = serving.estimate(scenario);
      if (!estimate && estimate.error().code == ErrorCode::pluginFailed)
        return estimate.error();
      const auto ranges = estimate && samples > 0 ? rangesOf(serving, scenario, *estimate, samples)
                                                  : std::vector<explore::Spread>();
      for (size_t index : ready.indices) {
        if (!estimate) {
          out[index].skipped = estimate.error().message;
          continue;
        }
        const bool firstToken = file.all[index].metric == "ttft";
        system::StepCosts &prompts = serving.promptCosts();
        const int64_t replicas = prompts.base().parallelism.dp;
        fill(out[index], *estimate, firstToken,
             rooflineOf(target, firstToken
                                    ? prompts.prefill(replicas, scenario.isl, 0)
                                    : serving.decodeCosts().decode(
                                          scenario.concurrency, scenario.isl + scenario.osl / 2)));
        if (!ranges.empty()) {
          const explore::Spread &spread = ranges[firstToken ? 0 : 1];
          out[index].interval = {kMicroseconds * spread.low, kMicroseconds * spread.high, true};
        }
      }
    }
  }
  return Ok{};
}

} // namespace mansard::report
