#include <mansard/explore/uncertain_numbers.h>
#include <mansard/report/cost_report.h>

#include <fmt/format.h>

namespace mansard::report {
namespace {

struct Costing {
  hw::Chip chip;
  economics::Processes processes;
  economics::Assumptions assumptions;
  economics::YieldModel model;

  Result<economics::ChipCost> make() const {
    return economics::chipCost(chip, processes.compute, processes.ioOrNull(), assumptions, model);
  }
};

constexpr size_t kFigures = 10;

/// In the order of collectCost()'s figures.
bool fill(const Costing &costing, bool priced, std::span<double> out) {
  const auto cost = costing.make();
  if (!cost)
    return false;
  const double all[] = {cost->dieArea_mm2, cost->grossDies,  cost->yield,       cost->goodDies,
                        cost->logic_usd,   cost->memory_usd, cost->package_usd, cost->total_usd};
  std::copy(std::begin(all), std::end(all), out.begin());
  if (!priced)
    return true;
  const auto hourly = economics::hourlyCost(costing.chip, costing.assumptions, 0);
  if (!hourly)
    return false;
  out[8] = hourly->chip_usd;
  out[9] = hourly->total_usd;
  return true;
}

} // namespace

Result<CostReport> collectCost(const hw::Catalog &catalog, const hw::Chip &chip,
                               const economics::Assumptions &assumptions,
                               economics::YieldModel model) {
  auto processes = economics::processesOf(catalog, chip);
  if (!processes)
    return processes.error();
  const Costing costing{chip, std::move(*processes), assumptions, model};
  CostReport report;
  report.target = chip.id;
  report.targetName = chip.title();
  report.node = costing.processes.compute.name;
  report.assumptions = assumptions.name;
  report.yieldModel = economics::kYieldModelNames[static_cast<size_t>(model)];
  auto cost = costing.make();
  if (!cost)
    return cost.error();
  report.cost = std::move(*cost);
  if (auto hourly = economics::hourlyCost(chip, assumptions, 0); hourly) {
    report.hourly = *hourly;
    report.notes.push_back(fmt::format("power under load is taken to be {:.0f} % of the thermal "
                                       "design power; `compare` estimates a workload's",
                                       100 * assumptions.number("power.load_share")));
  } else {
    report.notes.push_back("no cost of an hour: " + hourly.error().message);
  }
  if (!report.cost.areaStated)
    report.notes.push_back("the die's area is the model's: no source states it");

  explore::addInputs(report.inputs, costing.chip);
  explore::addInputs(report.inputs, costing.processes.compute.numbers,
                     costing.processes.compute.id);
  explore::addInputs(report.inputs, costing.assumptions.numbers, assumptions.id);
  const bool priced = report.hourly.has_value();
  auto spreads = explore::spreadsOf(report.inputs, priced ? kFigures : kFigures - 2,
                                    [&](std::span<const double> values, std::span<double> out) {
                                      Costing changed = costing;
                                      explore::assign(changed.chip, values);
                                      explore::assign(changed.processes.compute.numbers, values);
                                      explore::assign(changed.assumptions.numbers, values);
                                      return fill(changed, priced, out);
                                    });
  if (!spreads)
    return spreads.error();
  static constexpr const char *kFigureNames[kFigures][3] = {
      {"die_area_mm2", "mm2", "of a compute die"},
      {"gross_dies_per_wafer", "", "compute dies of a wafer"},
      {"yield", "", "share of them that can be sold"},
      {"good_dies_per_wafer", "", "dies that can be sold, of a wafer"},
      {"logic_usd", "USD", "compute dies of a package"},
      {"memory_usd", "USD", "memory of a package"},
      {"package_usd", "USD", "interposer or substrate, losses included"},
      {"chip_cost_usd", "USD", "to make a package; design and margin left out"},
      {"price_usd", "USD", "of a package as buyers pay it"},
      {"usd_per_hour", "USD/h", "of a package in its server, all included"}};
  for (size_t i = 0; i < spreads->size(); ++i)
    report.figures.push_back(
        {kFigureNames[i][0], kFigureNames[i][1], kFigureNames[i][2], std::move((*spreads)[i])});
  return report;
}

} // namespace mansard::report
