#include "scenario_serving.h"

#include <mansard/economics/assumptions.h>
#include <mansard/economics/chip_cost.h>
#include <mansard/report/scenario_report.h>

#include <fmt/format.h>

#include <cmath>
#include <span>

namespace mansard::report {
namespace {

using explore::Numbers;
using explore::UncertainInput;

/// Area of a compute die by the model, where nobody states it.
Result<hw::Quantity> modelledArea(const hw::Chip &chip, const hw::ProcessNode &node) {
  std::vector<UncertainInput> inputs;
  explore::addInputs(inputs, chip);
  explore::addInputs(inputs, node.numbers, node.id);
  constexpr size_t kSamples = 128;
  const auto spreads =
      explore::spreadsOf(inputs, 1,
                         [&](std::span<const double> values, std::span<double> out) {
                           hw::Chip changed = chip;
                           hw::ProcessNode made = node;
                           explore::assign(changed, values);
                           explore::assign(made.numbers, values);
                           const double devices = changed.devicesPerChip();
                           out[0] = economics::areaOf(changed, made).total_mm2 * devices /
                                    changed.number("physical.dies_per_chip", devices);
                           return std::isfinite(out[0]) && out[0] > 0;
                         },
                         {kSamples, 1});
  if (!spreads)
    return spreads.error();
  hw::Quantity area;
  area.value = spreads->front().value;
  area.low = spreads->front().low;
  area.high = spreads->front().high;
  area.source = fmt::format("the area model, in {}", node.name);
  area.confidence = hw::Confidence::derived;
  return area;
}

/// The numbers of the arithmetic that the file leaves to the chips' and nodes' own descriptions.
class Filler {
public:
  Filler(const ScenarioFile &file, const hw::Catalog &catalog)
      : scenario_(*file.supply), catalog_(catalog), numbers_(scenario_.numbers) {}

  Result<Numbers> fill() {
    for (const SupplyScenario::Line &line : scenario_.lines) {
      std::optional<hw::ProcessNode> &node = nodes_.emplace_back();
      if (line.node.empty())
        continue;
      auto read = catalog_.node(line.node);
      if (!read)
        return Error{read.error().code, read.error().message, fmt::format("line.{}.node", line.id)};
      node = std::move(*read);
      for (const char *key : {"defects_per_cm2", "cluster_alpha"})
        numbers_.emplace(fmt::format("line.{}.{}", line.id, key), node->numbers.at(key));
    }
    for (const SupplyScenario::Chip &chip : scenario_.chips)
      if (auto filled = fill(chip); !filled)
        return filled.error();
    return std::move(numbers_);
  }

private:
  Result<> fill(const SupplyScenario::Chip &asked) {
    auto chip = describe(asked.contender);
    if (!chip)
      return chip.error();
    const std::string at = "chip." + asked.contender.id + ".";
    const double devices = chip->devicesPerChip();
    take(at + "dies_per_chip", *chip, "physical.dies_per_chip", 1);
    take(at + "stacks_per_chip", *chip, "memory.stacks", devices);
    take(at + "die_area_mm2", *chip, "physical.die_area_mm2", 1);
    if (numbers_.find(at + "die_area_mm2") != numbers_.end())
      return Ok{};
    const auto &node = nodes_[asked.line];
    if (!node)
      return Error{ErrorCode::invalidInput,
                   fmt::format("'{}die_area_mm2' is missing: {} states none, and line {} names no "
                               "node in which to model it",
                               at, chip->id, scenario_.lines[asked.line].id),
                   ""};
    auto area = modelledArea(*chip, *node);
    if (!area)
      return area.error();
    numbers_.emplace(at + "die_area_mm2", std::move(*area));
    return Ok{};
  }

  Result<hw::Chip> describe(const ScenarioContender &asked) const {
    if (asked.system.empty())
      return catalog_.target(asked.target);
    auto system = catalog_.system(asked.system);
    if (!system)
      return system.error();
    return catalog_.chipOf(*system);
  }

  /// The chip's own number, `times` as large, unless the file has one.
  void take(const std::string &key, const hw::Chip &chip, const char *own, double times) {
    const auto found = chip.numbers.find(own);
    if (found == chip.numbers.end())
      return;
    hw::Quantity quantity = found->second;
    quantity.value *= times;
    for (std::optional<double> *end : {&quantity.low, &quantity.high})
      if (*end)
        **end *= times;
    numbers_.emplace(key, std::move(quantity));
  }

  const SupplyScenario &scenario_;
  const hw::Catalog &catalog_;
  Numbers numbers_;
  std::vector<std::optional<hw::ProcessNode>> nodes_; // by line
};

/// What one chip of the fleet does and draws.
struct FleetChip {
  double tokens_per_s = 0, load_W = 0, others_W = 0;
};

/// Everything that an outcome hangs on.
struct Assumed {
  Numbers numbers, economics; // of the file with what chips bring; utilisation and PUE
  std::vector<FleetChip> chips;
  std::vector<double> rate, power; // factors on each chip's, by chip
};

double numberOf(const Numbers &numbers, const char *key) { return numbers.at(key).value; }

constexpr size_t kTotals = 4, kOfChip = 2; // figures a year

class Experiment {
public:
  Experiment(const SupplyScenario &scenario, Assumed assumed)
      : scenario_(scenario), nominal_(std::move(assumed)) {}

  /// Inputs in the order that operator() takes them.
  std::vector<UncertainInput> inputs(const std::string &owner, const std::string &economics,
                                     const std::vector<ScenarioRun> &runs) {
    std::vector<UncertainInput> inputs;
    explore::addInputs(inputs, nominal_.numbers, owner);
    explore::addInputs(inputs, nominal_.economics, economics);
    for (size_t c = 0; c < runs.size(); ++c)
      for (const auto &[figure, name, isRate] :
           {std::tuple{CompareFigure::tokens_per_chip, "tokens/s", true},
            {CompareFigure::power, "power under load", false}}) {
        const auto &spread = runs[c].row[figure];
        if (!spread || !(spread->high > spread->low && spread->low > 0))
          continue;
        inputs.push_back({UncertainInput::Shape::lognormal,
                          fmt::format("{} of {}", name, scenario_.chips[c].contender.id), 1,
                          spread->low / spread->value, spread->high / spread->value});
        order_.push_back({isRate, c});
      }
    return inputs;
  }

  size_t results() const {
    return years() * (kTotals + kOfChip * scenario_.chips.size()) + scenario_.checks.size();
  }

  bool operator()(std::span<const double> values, std::span<double> out) const {
    Assumed assumed = nominal_;
    explore::assign(assumed.numbers, values);
    explore::assign(assumed.economics, values);
    for (const auto &[isRate, chip] : order_) {
      (isRate ? assumed.rate : assumed.power)[chip] = values.front();
      values = values.subspan(1);
    }
    const economics::Supply supply = scenario_.supply(assumed.numbers);
    const auto outcome = economics::supplyOf(supply);
    if (!outcome)
      return false;
    size_t at = 0;
    for (const auto &year : outcome->years) {
      double chips = 0, fleet = 0, tokens = 0, watts = 0;
      for (size_t c = 0; c < year.size(); ++c) {
        const FleetChip &each = assumed.chips[c];
        chips += year[c].chips;
        fleet += year[c].fleet;
        tokens += year[c].fleet * each.tokens_per_s * assumed.rate[c];
        watts += year[c].fleet * (each.load_W * assumed.power[c] + each.others_W);
      }
      out[at++] = chips;
      out[at++] = fleet;
      out[at++] = tokens * numberOf(assumed.economics, "use.utilisation");
      out[at++] = watts * numberOf(assumed.economics, "power.pue") / 1e6;
      for (const economics::ChipYear &chip : year) {
        out[at++] = chip.chips;
        out[at++] = chip.fleet;
      }
    }
    for (const SupplyCheck &check : scenario_.checks) {
      const auto &year = outcome->years[static_cast<size_t>(check.year - outcome->firstYear)];
      double sum = 0;
      for (const size_t c : check.chips)
        sum += year[c].chips * (check.dies ? supply.chips[c].diesPerChip : 1);
      out[at++] = sum;
    }
    return true;
  }

  size_t years() const { return static_cast<size_t>(scenario_.years.back() - scenario_.from + 1); }

private:
  const SupplyScenario &scenario_;
  Assumed nominal_;
  std::vector<std::pair<bool, size_t>> order_; // whether a rate, else a power; of which chip
};

/// One chip's tokens and watts at the values themselves; what is not known is noted.
FleetChip fleetChip(const ScenarioRun &run, const std::string &id,
                    std::vector<std::string> &notes) {
  FleetChip out{0, run.load_W, run.others_W};
  const std::string &failure = run.failure.empty() ? run.row.failure : run.failure;
  if (!failure.empty())
    notes.push_back(fmt::format("{} serves nothing of it: {}", id, failure));
  else if (const auto &rate = run.row[CompareFigure::tokens_per_chip])
    out.tokens_per_s = rate->value;
  if (!run.row[CompareFigure::power])
    notes.push_back(fmt::format("power of {} is a share of its thermal design power", id));
  return out;
}

} // namespace

Result<SupplyReport> collectSupply(const ScenarioFile &file, const ScenarioOptions &options) {
  const SupplyScenario &scenario = *file.supply;
  const hw::Catalog catalog(options.dataDirectory);
  SupplyReport report;
  report.scenario = file;
  constexpr int64_t kSamples = 512;
  report.samples = options.samples > 0 ? options.samples : kSamples;
  auto numbers = Filler(file, catalog).fill();
  if (!numbers)
    return numbers.error();
  report.numbers = *numbers;
  auto outcome = economics::supplyOf(scenario.supply(*numbers));
  if (!outcome)
    return Error{outcome.error().code, outcome.error().message, file.file};
  auto economics = economics::readAssumptions(catalog, scenario.economics);
  if (!economics)
    return economics.error();

  std::vector<ScenarioJob> jobs;
  std::vector<ScenarioContender> contenders;
  for (const SupplyScenario::Chip &chip : scenario.chips) {
    jobs.push_back({scenario.served, contenders.size()});
    contenders.push_back(chip.contender);
  }
  auto runs =
      serveAll(jobs, file.workloads, contenders, static_cast<size_t>(report.samples), options);
  if (!runs)
    return runs.error();
  report.runs = std::move(*runs);

  Assumed assumed;
  assumed.numbers = std::move(*numbers);
  for (const char *key : {"use.utilisation", "power.pue"})
    assumed.economics.emplace(key, economics->numbers.find(key)->second);
  for (size_t c = 0; c < scenario.chips.size(); ++c)
    assumed.chips.push_back(
        fleetChip(report.runs[c], scenario.chips[c].contender.id, report.notes));
  assumed.rate.assign(assumed.chips.size(), 1);
  assumed.power.assign(assumed.chips.size(), 1);
  Experiment experiment(scenario, std::move(assumed));
  report.inputs = experiment.inputs(file.id, economics->id, report.runs);
  auto spreads = explore::spreadsOf(report.inputs, experiment.results(), std::cref(experiment),
                                    {static_cast<size_t>(report.samples), 1});
  if (!spreads)
    return spreads.error();

  report.firstYear = outcome->firstYear;
  report.stock = outcome->stock;
  size_t at = 0;
  for (const auto &year : outcome->years) {
    SupplyReport::Total total;
    for (explore::Spread *figure :
         {&total.chips, &total.fleet, &total.tokens_per_s, &total.power_MW})
      *figure = std::move((*spreads)[at++]);
    report.totals.push_back(std::move(total));
    std::vector<SuppliedYear> row;
    for (const economics::ChipYear &chip : year) {
      SuppliedYear out;
      out.nominal = chip;
      out.chips = std::move((*spreads)[at++]);
      out.fleet = std::move((*spreads)[at++]);
      row.push_back(std::move(out));
    }
    report.years.push_back(std::move(row));
  }
  for (; at < spreads->size(); ++at)
    report.checks.push_back(std::move((*spreads)[at]));
  return report;
}

} // namespace mansard::report
