#include <mansard/report/sweep_report.h>

#include <mansard/economics/chip_cost.h>
#include <mansard/economics/tco.h>

#include <algorithm>

namespace mansard::report {
namespace {

using explore::SweptChip;
using explore::SweptPhase;

constexpr std::string_view kInterface = "memory interface"; // as areaOf() names it

Result<economics::ChipCost> costOf(const hw::Catalog &catalog, const hw::Chip &chip,
                                   const economics::Assumptions &assumptions) {
  const auto processes = economics::processesOf(catalog, chip);
  if (!processes)
    return processes.error();
  return economics::chipCost(chip, processes->compute, processes->ioOrNull(), assumptions);
}

void noteOnce(std::vector<std::string> &notes, const std::string &note) {
  if (std::find(notes.begin(), notes.end(), note) == notes.end())
    notes.push_back(note);
}

class Collector {
public:
  Collector(const hw::Catalog &catalog, SweepReport &report,
            const economics::Assumptions &economics)
      : catalog_(catalog), report_(report), economics_(economics) {
    report.costNotes.resize(report.result.shipped.size());
    for (const hw::Chip &chip : report.result.shipped) {
      auto cost = costOf(catalog, chip, economics);
      shipped_.push_back(cost ? std::optional(cost->total_usd) : std::nullopt);
    }
  }

  void add(const SweptChip &swept) {
    SweptCost &cost = report_.costs.emplace_back();
    std::vector<SweptFigures> &figures = report_.figures.emplace_back(swept.phases.size());
    if (!swept.failure.empty())
      return;
    addCost(swept, cost);
    hw::Chip priced = swept.chip;
    if (cost.price_usd)
      priced.numbers["price.usd"].value = *cost.price_usd;
    for (size_t i = 0; i < figures.size(); ++i)
      addFigures(swept, swept.phases[i], priced, figures[i]);
  }

private:
  void addCost(const SweptChip &swept, SweptCost &out) {
    std::vector<std::string> &notes = report_.costNotes[swept.target];
    const auto cost = costOf(catalog_, swept.chip, economics_);
    if (!cost) {
      noteOnce(notes, "no cost to make: " + cost.error().message);
    } else {
      for (const economics::AreaBlock &block : cost->area.blocks)
        if (block.name == kInterface)
          out.interface_mm2 = block.mm2 * swept.chip.devicesPerChip();
      out.memory_usd = cost->memory_usd;
      out.make_usd = cost->total_usd;
    }
    const double price_usd = swept.chip.number("price.usd");
    const auto &shipped_usd = shipped_[swept.target];
    if (price_usd > 0 && (swept.asShipped || (cost && shipped_usd)))
      out.price_usd = swept.asShipped ? price_usd : price_usd + cost->total_usd - *shipped_usd;
  }

  void addFigures(const SweptChip &swept, const SweptPhase &phase, const hw::Chip &priced,
                  SweptFigures &out) {
    const double rate = phase.tokensPerSecond() / static_cast<double>(swept.chips);
    if (phase.power_W)
      out.tokensPerJoule = rate / *phase.power_W;
    if (!report_.costs.back().price_usd && !priced.system)
      return noteOnce(report_.costNotes[swept.target], "no cost of tokens: no price.usd");
    const auto hourly = economics::hourlyCost(priced, economics_, phase.power_W.value_or(0));
    if (hourly)
      out.usdPerMtok = economics::costPerMillionTokens(*hourly, rate, economics_);
    else
      noteOnce(report_.costNotes[swept.target], "no cost of tokens: " + hourly.error().message);
  }

  const hw::Catalog &catalog_;
  SweepReport &report_;
  const economics::Assumptions &economics_;
  std::vector<std::optional<double>> shipped_; // to make, by target
};

} // namespace

SweepReport collectSweep(const hw::Catalog &catalog, explore::SweepResult result,
                         const economics::Assumptions &economics) {
  SweepReport report;
  report.result = std::move(result);
  report.economics = economics.name;
  Collector collector(catalog, report, economics);
  for (const SweptChip &chip : report.result.chips)
    collector.add(chip);
  return report;
}

} // namespace mansard::report
