#include <mansard/report/compare_report.h>

#include <mansard/base/names.h>
#include <mansard/base/units.h>
#include <mansard/economics/tco.h>
#include <mansard/explore/uncertain_numbers.h>
#include <mansard/explore/uncertain_serving.h>
#include <mansard/hw/system.h>
#include <mansard/report/power_figures.h>
#include <mansard/report/standing.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace mansard::report {
namespace {

using system::ServingEstimate;
using system::ServingScenario;

/// What measurements stand behind the kernels of these iterations, by their share of the time.
std::string validationOf(const hw::Chip &chip, const std::vector<explore::WeightedStep> &steps) {
  constexpr std::array<std::string_view, kMeasuredNames.size()> kBy{
      "by measurements of this chip", "by those of its family", "by no measurement"};
  std::array<double, kMeasuredNames.size()> shares{};
  double all = 0;
  for (const auto &[detail, weight] : steps) {
    double total_us = 0;
    for (const model::StepTime &step : detail->steps)
      total_us += step.exposed_us;
    for (size_t i = 0; i < detail->steps.size() && total_us > 0; ++i) {
      const uint32_t index = detail->program->steps[i].kernel;
      const double share = weight * detail->steps[i].exposed_us / total_us;
      const Standing standing =
          standingOf(chip, detail->program->kernels[index].op, detail->estimates[index].flags);
      shares[static_cast<size_t>(standing.measured)] += share;
      all += share;
    }
  }
  std::vector<std::string> parts;
  for (size_t i = 0; i < kBy.size(); ++i)
    if (all > 0 && shares[i] >= kShown * all)
      parts.push_back(fmt::format("{} {}", percent(shares[i] / all), kBy[i]));
  return parts.empty() ? "" : fmt::format("of its time {}", fmt::join(parts, ", "));
}

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

using Figures = std::array<double, kCompareFigures>;

Figures figuresOf(const hw::Chip &chip, const economics::Assumptions &economics,
                  const ServingEstimate &estimate) {
  Figures figures;
  figures.fill(kMissing);
  const auto at = [&](CompareFigure figure) -> double & {
    return figures[static_cast<size_t>(figure)];
  };
  const double rate = estimate.tokens_per_s_per_chip;
  const system::MemoryUse &memory = estimate.memory;
  at(CompareFigure::ttft) = estimate.ttft_ms;
  at(CompareFigure::tpot) = estimate.tpot_ms;
  at(CompareFigure::tokens_per_chip) = rate;
  at(CompareFigure::communication) = estimate.communicationShare;
  at(CompareFigure::memory_headroom) =
      (memory.capacity - memory.weights - memory.kvCache - memory.activations) / kGiB;
  const double tdp_W = chip.number("power.tdp_W"), estimated_W = estimate.power.total();
  const double power_W =
      estimated_W > 0 ? std::min(estimated_W, tdp_W) : tdp_W * economics.number("power.load_share");
  if (power_W > 0) {
    at(CompareFigure::power) = power_W;
    at(CompareFigure::tokens_per_watt) = rate / power_W;
  }
  const auto hourly = economics::hourlyCost(chip, economics, power_W);
  if (!hourly)
    return figures;
  at(CompareFigure::tokens_per_kusd) = rate / hourly->chip_usd * 1e3;
  at(CompareFigure::tokens_per_kilowatt_per_kusd) = rate / power_W / hourly->chip_usd * 1e6;
  at(CompareFigure::usd_per_mtok) = economics::costPerMillionTokens(*hourly, rate, economics);
  return figures;
}

/// Spreads of the figures that the description suffices for.
Result<> addFigures(ComparedChip &row, explore::UncertainServing &serving,
                    const Contender &contender, const ServingScenario &scenario,
                    const ServingEstimate &estimate, const Figures &nominal, size_t samples) {
  std::vector<size_t> known;
  for (size_t i = 0; i < nominal.size(); ++i)
    if (std::isfinite(nominal[i]))
      known.push_back(i);
  const auto fill = [&](const host::Model &target, const ServingEstimate &point,
                        std::span<const double> values, std::span<double> out) -> Result<> {
    economics::Assumptions economics = contender.economics;
    explore::assign(economics.numbers, values);
    const Figures figures = figuresOf(target.chip(), economics, point);
    for (size_t i = 0; i < known.size(); ++i)
      if (out[i] = figures[known[i]]; !std::isfinite(out[i]))
        return Error{ErrorCode::invalidInput, fmt::format("no {}", kCompareFigureKeys[known[i]]),
                     ""};
    return Ok{};
  };
  std::vector<explore::UncertainInput> prices;
  explore::addInputs(prices, contender.economics.numbers, contender.economics.id);
  auto spreads = serving.spreads(scenario, estimate, known.size(), fill, {.samples = samples},
                                 std::move(prices));
  if (!spreads)
    return spreads.error();
  row.inputs = std::move(spreads->inputs);
  row.notes.insert(row.notes.end(), spreads->notes.begin(), spreads->notes.end());
  for (size_t i = 0; i < known.size(); ++i)
    row.figures[known[i]] = std::move(spreads->figures[i]);
  return Ok{};
}

Result<ComparedChip> compareChip(const model::Lowering &lowering, const Contender &contender,
                                 ServingScenario scenario, size_t samples) {
  const host::Model &target = contender.target;
  ComparedChip row;
  row.target = target.chip().selectedId();
  row.targetName = target.chip().title();
  row.pricedBy = target.id();
  row.software = contender.software.name;
  row.economics = contender.economics.id;
  scenario.software = contender.software;
  explore::UncertainServing serving(lowering, target, scenario);
  const auto estimate = serving.estimate(scenario);
  if (!estimate) {
    if (estimate.error().code == ErrorCode::pluginFailed)
      return estimate.error();
    row.failure = estimate.error().text();
    return row;
  }
  row.bound = estimate->hostBound ? "host" : std::string(kBoundNames[estimate->bound]);
  row.chips = estimate->chips;
  row.devices = estimate->devices;
  row.memoryCapacity = estimate->memory.capacity;
  row.notes = estimate->notes;
  if (const std::string note = powerFigures(target.chip(), estimate->power, 0).note(target.chip());
      !note.empty())
    row.notes.push_back(estimate->power.total() > 0
                            ? note
                            : note + ": a share of the thermal design power instead, "
                                     "power.load_share of the economics");
  row.validation = validationOf(target.chip(), serving.steps(scenario, *estimate));
  if (auto hourly = economics::hourlyCost(target.chip(), contender.economics, 0); !hourly)
    row.notes.push_back("no cost of tokens: " + hourly.error().message);
  const Figures nominal = figuresOf(target.chip(), contender.economics, *estimate);
  if (auto added = addFigures(row, serving, contender, scenario, *estimate, nominal, samples);
      !added) {
    row.notes.push_back("no ranges: " + added.error().message);
    for (size_t i = 0; i < nominal.size(); ++i)
      if (std::isfinite(nominal[i]))
        row.figures[i] = explore::Spread{nominal[i], nominal[i], nominal[i], {}, {}};
  }
  return row;
}

} // namespace

Result<CompareReport> collectComparison(const model::Lowering &lowering,
                                        const std::vector<Contender> &contenders,
                                        const system::ServingScenario &scenario, size_t samples) {
  if (lowering.isModule())
    return Error{ErrorCode::invalidInput,
                 "a .mlir module is one step of fixed sizes; serving needs a model", "--model"};
  if (auto sound = system::check(scenario); !sound)
    return sound.error();
  CompareReport report;
  report.model = lowering.name();
  report.scenario = scenario;
  for (const Contender &contender : contenders) {
    auto row = compareChip(lowering, contender, scenario, samples);
    if (!row)
      return row.error();
    report.chips.push_back(std::move(*row));
  }
  const auto fails = [](const ComparedChip &row) { return !row.failure.empty(); };
  if (!report.chips.empty() && std::all_of(report.chips.begin(), report.chips.end(), fails)) {
    std::string reasons;
    for (const ComparedChip &row : report.chips)
      reasons += fmt::format("\n  {}: {}", row.target, row.failure);
    return Error{ErrorCode::invalidInput, "none of the chips can run this:" + reasons, ""};
  }
  return report;
}

} // namespace mansard::report
