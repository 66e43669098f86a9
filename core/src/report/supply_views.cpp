#include "blocks.h"
#include "json.h"

#include <mansard/report/csv.h>
#include <mansard/report/scenario_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <cmath>

namespace mansard::report {
namespace {

using Align = TextTable::Align;

const std::string &idOf(const SupplyReport &report, size_t chip) {
  return report.scenario.supply->chips[chip].contender.id;
}

/// 3 significant digits, as supply is not known better.
std::string count(double value) {
  if (!(value >= 1e4))
    return value >= 1000 ? grouped(value) : number(value, 3);
  const double step = std::pow(10, std::floor(std::log10(value)) - 2);
  return grouped(std::round(value / step) * step);
}

std::string counts(const explore::Spread &spread) {
  if (!(spread.high > spread.low))
    return count(spread.value);
  return fmt::format("{} [{} - {}]", count(spread.value), count(spread.low), count(spread.high));
}

std::string chipsTable(const SupplyReport &report) {
  TextTable table({{"year", Align::right},
                   {"chip", {}},
                   {"wafers", Align::right},
                   {"dies/wafer", Align::right},
                   {"yield", Align::right},
                   {"dies ready", Align::right},
                   {"chips", Align::right},
                   {"fleet", Align::right},
                   {"limited by", {}}});
  for (size_t y = 0; y < report.years.size(); ++y)
    for (size_t c = 0; c < report.years[y].size(); ++c) {
      const SuppliedYear &row = report.years[y][c];
      const economics::ChipYear &chip = row.nominal;
      if (!(chip.readyDies > 0 || chip.fleet > 0))
        continue;
      table.addRow({std::to_string(report.firstYear + static_cast<int>(y)), idOf(report, c),
                    count(chip.wafers), chip.wafers > 0 ? number(chip.grossDies, 3) : "-",
                    chip.wafers > 0 ? percent(chip.yield) : "-", count(chip.readyDies),
                    counts(row.chips), count(row.fleet.value),
                    chip.readyDies > 0
                        ? std::string(economics::kSupplyLimitNames[static_cast<size_t>(chip.limit)])
                        : "not made"});
    }
  return table.text();
}

std::string totalsTable(const SupplyReport &report) {
  TextTable table({{"year", Align::right},
                   {"chips", Align::right},
                   {"fleet", Align::right},
                   {"tokens/s of the fleet", Align::right},
                   {"power, MW", Align::right}});
  for (size_t y = 0; y < report.totals.size(); ++y) {
    const SupplyReport::Total &total = report.totals[y];
    table.addRow({std::to_string(report.firstYear + static_cast<int>(y)), counts(total.chips),
                  counts(total.fleet), counts(total.tokens_per_s), counts(total.power_MW)});
  }
  std::string out = table.text() + '\n';
  TextTable sources({{"spread comes from", {}}, {"", {}}, {"", {}}});
  for (size_t y = 0; y < report.totals.size(); ++y)
    for (const auto &[name, spread] : {std::pair{"chips", &report.totals[y].chips},
                                       {"tokens/s", &report.totals[y].tokens_per_s},
                                       {"power", &report.totals[y].power_MW}})
      if (!spread->shares.empty())
        sources.addRow({std::to_string(report.firstYear + static_cast<int>(y)), name,
                        spreadSources(report.inputs, spread->shares)});
  return sources.empty() ? out : out + sources.text() + '\n';
}

/// Ours over what is published.
double offOf(const SupplyCheck &check, const explore::Spread &ours) {
  return ours.value / check.published.value;
}

std::string published(const hw::Quantity &quantity) {
  explore::Spread spread;
  spread.value = quantity.value;
  spread.low = quantity.low.value_or(quantity.value);
  spread.high = quantity.high.value_or(quantity.value);
  return counts(spread);
}

std::string checksTable(const SupplyReport &report) {
  TextTable table({{"published", {}},
                   {"year", Align::right},
                   {"of", {}},
                   {"published", Align::right},
                   {"here", Align::right},
                   {"here over it", Align::right}});
  const auto &checks = report.scenario.supply->checks;
  for (size_t i = 0; i < checks.size(); ++i)
    table.addRow({checks[i].what, std::to_string(checks[i].year), checks[i].dies ? "dies" : "chips",
                  published(checks[i].published), counts(report.checks[i]),
                  number(offOf(checks[i], report.checks[i]), 3)});
  return table.empty() ? "" : table.text() + '\n';
}

std::string servedTable(const SupplyReport &report) {
  TextTable table({{"chip", {}},
                   {"plan", {}},
                   {"requests", Align::right},
                   {"tokens/s/chip", Align::right},
                   {"W/chip", Align::right}});
  for (const ScenarioRun &run : report.runs)
    if (run.failure.empty() && run.row.failure.empty())
      table.addRow(
          {idOf(report, run.contender), run.plan, grouped(static_cast<double>(run.concurrency)),
           run.row[CompareFigure::tokens_per_chip]
               ? explore::withInterval(*run.row[CompareFigure::tokens_per_chip], 3)
               : "-",
           run.row[CompareFigure::power] ? explore::withInterval(*run.row[CompareFigure::power], 3)
                                         : "-"});
  return table.empty() ? "" : table.text() + '\n';
}

Json spreadJson(const SupplyReport &report, const explore::Spread &spread) {
  return Json{{"value", spread.value},
              {"low", spread.low},
              {"high", spread.high},
              {"uncertainty", sharesJson(report.inputs, spread.shares)}};
}

Json chipJson(const SupplyReport &report, size_t y, size_t c) {
  const SuppliedYear &row = report.years[y][c];
  const economics::ChipYear &chip = row.nominal;
  return Json{{"chip", idOf(report, c)},
              {"wafers", chip.wafers},
              {"dies_per_wafer", chip.grossDies},
              {"yield", chip.yield},
              {"dies_made", chip.madeDies},
              {"dies_ready", chip.readyDies},
              {"limit", economics::kSupplyLimitNames[static_cast<size_t>(chip.limit)]},
              {"chips", spreadJson(report, row.chips)},
              {"fleet", spreadJson(report, row.fleet)}};
}

} // namespace

std::string supplyTable(const SupplyReport &report) {
  const ScenarioFile &file = report.scenario;
  const SupplyScenario &scenario = *file.supply;
  const ScenarioWorkload &served = file.workloads[scenario.served];
  std::string out = fmt::format(
      "{}\nthe fleet serves {}: {} tokens in, {} out, {}; economics {}\n\n", file.name,
      served.model, grouped(static_cast<double>(served.isl)),
      grouped(static_cast<double>(served.osl)),
      work::kQuantisationNames[static_cast<size_t>(served.plan.quantisation)], scenario.economics);
  out +=
      chipsTable(report) + '\n' + totalsTable(report) + checksTable(report) + servedTable(report);
  for (size_t p = 0; p < scenario.pools.size(); ++p) {
    std::string years;
    for (size_t y = 0; y < report.stock.size(); ++y)
      years += fmt::format("{}{} at the end of {}", y ? ", " : "", count(report.stock[y][p]),
                           report.firstYear + static_cast<int>(y));
    out += fmt::format("  stacks left of {}: {}\n", scenario.pools[p], years);
  }
  for (const std::string &note : report.notes)
    out += "  note: " + note + '\n';
  return out + "  note: tokens/s and power are those of the whole fleet at the economics' "
               "utilisation, were all of it to serve this; hosts and cooling included in power; no "
               "chip retires\n";
}

std::string supplyJson(const SupplyReport &report) {
  const ScenarioFile &file = report.scenario;
  Json years = Json::array();
  for (size_t y = 0; y < report.years.size(); ++y) {
    const SupplyReport::Total &total = report.totals[y];
    Json chips = Json::array();
    for (size_t c = 0; c < report.years[y].size(); ++c)
      chips.push_back(chipJson(report, y, c));
    Json stock = Json::object();
    for (size_t p = 0; p < file.supply->pools.size(); ++p)
      stock[file.supply->pools[p]] = report.stock[y][p];
    years.push_back(Json{{"year", report.firstYear + static_cast<int>(y)},
                         {"chips", spreadJson(report, total.chips)},
                         {"fleet", spreadJson(report, total.fleet)},
                         {"tokens_per_s", spreadJson(report, total.tokens_per_s)},
                         {"power_mw", spreadJson(report, total.power_MW)},
                         {"by_chip", std::move(chips)},
                         {"stacks_left", std::move(stock)}});
  }
  Json checks = Json::array();
  for (size_t i = 0; i < report.checks.size(); ++i) {
    const SupplyCheck &check = file.supply->checks[i];
    checks.push_back(Json{{"id", check.id},
                          {"what", check.what},
                          {"year", check.year},
                          {"of", check.dies ? "dies" : "chips"},
                          {"published", check.published.value},
                          {"source", check.published.source},
                          {"here", spreadJson(report, report.checks[i])},
                          {"ratio", offOf(check, report.checks[i])}});
  }
  Json numbers = Json::object();
  for (const auto &[key, quantity] : report.numbers)
    numbers[key] =
        Json{{"value", quantity.value},
             {"low", quantity.low ? Json(*quantity.low) : Json()},
             {"high", quantity.high ? Json(*quantity.high) : Json()},
             {"source", quantity.source},
             {"confidence", hw::kConfidenceNames[static_cast<size_t>(quantity.confidence)]}};
  return dump(Json{{"id", file.id},
                   {"name", file.name},
                   {"kind", "supply"},
                   {"samples", report.samples},
                   {"years", std::move(years)},
                   {"checks", std::move(checks)},
                   {"numbers", std::move(numbers)},
                   {"notes", report.notes}});
}

std::string supplyCsv(const SupplyReport &report) {
  std::string text = csvLine({"year", "chip", "wafers", "dies_per_wafer", "yield", "dies_ready",
                              "limit", "chips", "chips_low", "chips_high", "fleet", "fleet_low",
                              "fleet_high", "tokens_per_s", "tokens_per_s_low", "tokens_per_s_high",
                              "power_mw", "power_mw_low", "power_mw_high"});
  const auto add = [](std::vector<std::string> &cells, const explore::Spread &spread) {
    for (const double value : {spread.value, spread.low, spread.high})
      cells.push_back(fmt::format("{}", value));
  };
  for (size_t y = 0; y < report.years.size(); ++y) {
    const std::string year = std::to_string(report.firstYear + static_cast<int>(y));
    for (size_t c = 0; c < report.years[y].size(); ++c) {
      const SuppliedYear &row = report.years[y][c];
      const economics::ChipYear &chip = row.nominal;
      std::vector<std::string> cells{
          year,
          idOf(report, c),
          fmt::format("{}", chip.wafers),
          fmt::format("{}", chip.grossDies),
          fmt::format("{}", chip.yield),
          fmt::format("{}", chip.readyDies),
          std::string(economics::kSupplyLimitNames[static_cast<size_t>(chip.limit)])};
      add(cells, row.chips);
      add(cells, row.fleet);
      cells.resize(cells.size() + 6);
      text += csvLine(cells);
    }
    std::vector<std::string> cells{year, "all", "", "", "", "", ""};
    for (const explore::Spread *spread :
         {&report.totals[y].chips, &report.totals[y].fleet, &report.totals[y].tokens_per_s,
          &report.totals[y].power_MW})
      add(cells, *spread);
    text += csvLine(cells);
  }
  return text;
}

} // namespace mansard::report
