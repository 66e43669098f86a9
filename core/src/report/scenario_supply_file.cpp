#include "scenario_parts.h"

#include <mansard/economics/yield.h>

#include <fmt/format.h>

#include <limits>

namespace mansard::report {
namespace {

using Kind = ScenarioKey::Kind;

Result<> parseLines(const ScenarioKeys &keys, SupplyScenario &out) {
  for (const std::string &id : keys.names("line")) {
    const std::string at = "line." + id + ".";
    SupplyScenario::Line line{id, keys.text(at + "node")};
    for (const int year : out.years) {
      const std::string of = fmt::format("{}{}.", at, year);
      for (const char *key : {"wafers_per_month", "accelerator_share"})
        if (!keys.has(of + key))
          return keys.wrong(of + key, "is missing");
      if (!keys.has(of + "yield") && line.node.empty())
        return keys.wrong(of + "yield", fmt::format("is missing; or '{}node' says whose density of "
                                                    "defects gives it",
                                                    at));
    }
    if (line.node.empty() && !keys.has(at + "reference_mm2"))
      return keys.wrong(at + "reference_mm2", "is missing: the area that yields are told of");
    out.lines.push_back(std::move(line));
  }
  if (out.lines.empty())
    return Error{ErrorCode::invalidInput, "no [line.NAME] makes dies", keys.document().file};
  return Ok{};
}

Result<> parseChips(const ScenarioKeys &keys, SupplyScenario &out) {
  std::vector<std::string> lines;
  for (const SupplyScenario::Line &line : out.lines)
    lines.push_back(line.id);
  for (const std::string &id : keys.names("chip")) {
    const std::string at = "chip." + id + ".";
    SupplyScenario::Chip chip;
    auto contender = parseContender(keys, "chip", id);
    if (!contender)
      return contender.error();
    chip.contender = std::move(*contender);
    chip.contender.economics = out.economics;
    if (auto there = keys.needed(at + "line"); !there)
      return there.error();
    auto line = keys.oneOf(at + "line", lines, 0);
    if (!line)
      return line.error();
    chip.line = *line;
    if (keys.has(at + "pool")) {
      auto pool = keys.oneOf(at + "pool", out.pools, 0);
      if (!pool)
        return pool.error();
      chip.pool = static_cast<int>(*pool);
    }
    out.chips.push_back(std::move(chip));
  }
  if (out.chips.empty())
    return Error{ErrorCode::invalidInput, "no [chip.NAME] is made", keys.document().file};
  return Ok{};
}

/// Chips cannot share more of a line than there is.
Result<> checkShares(const ScenarioKeys &keys, const SupplyScenario &out) {
  for (size_t line = 0; line < out.lines.size(); ++line)
    for (const int year : out.years) {
      double sum = 0;
      std::string last;
      for (const SupplyScenario::Chip &chip : out.chips)
        if (const std::string key = fmt::format("chip.{}.{}.wafer_share", chip.contender.id, year);
            chip.line == line && keys.has(key)) {
          sum += keys.plain(key, 0);
          last = key;
        }
      if (sum > 1 + 1e-9)
        return keys.wrong(last, fmt::format("makes {:.0f} % of the wafers of {} in {}", 100 * sum,
                                            out.lines[line].id, year));
    }
  return Ok{};
}

Result<> parseChecks(const ScenarioKeys &keys, SupplyScenario &out) {
  std::vector<std::string> chips;
  for (const SupplyScenario::Chip &chip : out.chips)
    chips.push_back(chip.contender.id);
  for (const std::string &id : keys.names("check")) {
    const std::string at = "check." + id + ".";
    SupplyCheck check;
    check.id = id;
    for (const char *key : {"what", "year", "published"})
      if (!keys.has(at + key))
        return keys.wrong(at + key, "is missing");
    check.what = keys.text(at + "what");
    check.year = static_cast<int>(keys.plain(at + "year", 0));
    if (check.year < out.from || check.year > out.years.back())
      return keys.wrong(at + "year", fmt::format("is {}; chips count from {} to {}", check.year,
                                                 out.from, out.years.back()));
    auto some = keys.someOf(at + "chips", chips);
    if (!some)
      return some.error();
    check.chips = std::move(*some);
    auto count = keys.oneOf(at + "count", {"chips", "dies"}, 0);
    if (!count)
      return count.error();
    check.dies = *count == 1;
    check.published = keys.document().entries.find(at + "published")->second.number;
    out.numbers.erase(at + "published");
    out.checks.push_back(std::move(check));
  }
  return Ok{};
}

/// Numbers by their keys.
struct Values {
  const explore::Numbers &numbers;

  double operator()(const std::string &key, double otherwise) const {
    const auto found = numbers.find(key);
    return found == numbers.end() ? otherwise : found->second.value;
  }
};

economics::FoundryLine lineOf(const std::string &id, const std::vector<int> &years,
                              const Values &number) {
  const std::string at = "line." + id + ".";
  economics::FoundryLine made{
      id, number(at + "reference_mm2", 100), number(at + "cluster_alpha", 3), {}};
  const double byNode = economics::yieldOf(made.referenceArea_mm2,
                                           {economics::YieldModel::negative_binomial,
                                            number(at + "defects_per_cm2", 0), made.clusterAlpha});
  for (const int year : years) {
    const std::string of = fmt::format("{}{}.", at, year);
    made.years.push_back({number(of + "wafers_per_month", 0), number(of + "accelerator_share", 0),
                          number(of + "yield", byNode)});
  }
  return made;
}

economics::SuppliedChip chipOf(const SupplyScenario::Chip &chip, const std::vector<int> &years,
                               const Values &number) {
  const std::string at = "chip." + chip.contender.id + ".";
  economics::SuppliedChip made{chip.contender.id,
                               chip.line,
                               chip.pool,
                               number(at + "die_area_mm2", 0),
                               number(at + "dies_per_chip", 1),
                               number(at + "stacks_per_chip", 0),
                               number(at + "package_yield", 1),
                               number(at + "opening_chips", 0),
                               {}};
  for (const int year : years) {
    const std::string of = fmt::format("{}{}.", at, year);
    made.years.push_back(
        {number(of + "wafer_share", 0), number(of + "bought_dies", 0), number(of + "yield", 0)});
  }
  return made;
}

/// Shares that are uncertain may sum to more than a line has: they are of it all then.
void shareWhole(std::vector<economics::SuppliedChip> &chips, size_t line, size_t year) {
  double sum = 0;
  for (const economics::SuppliedChip &chip : chips)
    sum += chip.line == line ? chip.years[year].waferShare : 0;
  for (economics::SuppliedChip &chip : chips)
    if (sum > 1 && chip.line == line)
      chip.years[year].waferShare /= sum;
}

} // namespace

const std::vector<ScenarioKey> &supplyKeys() {
  constexpr double kMost = 1e9;
  static const std::vector<ScenarioKey> keys{
      {"served", Kind::text},
      {"economics", Kind::text},
      {"from", Kind::whole, 2000, 2100},
      {"lag_years", Kind::sourced, 0, 1},
      {"line.*.node", Kind::text},
      {"line.*.reference_mm2", Kind::sourced, 10, 2000},
      {"line.*.cluster_alpha", Kind::sourced, 0.1, 100},
      {"line.*.defects_per_cm2", Kind::sourced, 1e-4, 10},
      {"line.*.#.wafers_per_month", Kind::sourced, 0, 1e7},
      {"line.*.#.accelerator_share", Kind::sourced, 0, 1},
      {"line.*.#.yield", Kind::sourced, 1e-3, 0.999},
      {"pool.*.opening_stacks", Kind::sourced, 0, kMost},
      {"pool.*.#.stacks", Kind::sourced, 0, kMost},
      {"packaging.#.packages", Kind::sourced, 0, kMost},
      {"chip.*.target", Kind::text},
      {"chip.*.system", Kind::text},
      {"chip.*.software", Kind::text},
      {"chip.*.quant", Kind::text},
      {"chip.*.line", Kind::text},
      {"chip.*.pool", Kind::text},
      {"chip.*.die_area_mm2", Kind::sourced, 10, 2000},
      {"chip.*.dies_per_chip", Kind::sourced, 1, 64},
      {"chip.*.stacks_per_chip", Kind::sourced, 0, 64},
      {"chip.*.package_yield", Kind::sourced, 0.01, 1},
      {"chip.*.opening_chips", Kind::sourced, 0, kMost},
      {"chip.*.#.wafer_share", Kind::sourced, 0, 1},
      {"chip.*.#.bought_dies", Kind::sourced, 0, kMost},
      {"chip.*.#.yield", Kind::sourced, 1e-3, 0.999},
      {"check.*.what", Kind::text},
      {"check.*.year", Kind::whole, 2000, 2100},
      {"check.*.chips", Kind::list},
      {"check.*.count", Kind::text},
      {"check.*.published", Kind::sourced, 1, kMost},
  };
  return keys;
}

Result<SupplyScenario> parseSupply(const ScenarioKeys &keys, const ScenarioFile &file) {
  SupplyScenario out;
  auto economics = keys.needed("economics");
  if (!economics)
    return economics.error();
  out.economics = *economics;
  auto served = keys.oneOf("served", workloadIds(file), 0);
  if (!served)
    return served.error();
  out.served = *served;
  for (const auto &[key, entry] : keys.document().entries)
    if (entry.sourced)
      out.numbers.emplace(key, entry.number);
  out.years = keys.years();
  if (out.years.empty())
    return Error{ErrorCode::invalidInput, "no year has wafers", file.file};
  constexpr int kMostYears = 50;
  if (out.years.back() - out.years.front() >= kMostYears)
    return Error{ErrorCode::invalidInput,
                 fmt::format("from {} to {} is more than {} years", out.years.front(),
                             out.years.back(), kMostYears),
                 file.file};
  const int first = out.years.front(), last = out.years.back();
  out.years.clear();
  for (int year = first; year <= last; ++year)
    out.years.push_back(year);
  out.from = static_cast<int>(keys.plain("from", first));
  if (out.from < first || out.from > last)
    return keys.wrong("from", fmt::format("is {}; there are {} to {}", out.from, first, last));
  out.pools = keys.names("pool");
  for (const auto &parse : {parseLines, parseChips, parseChecks})
    if (auto done = parse(keys, out); !done)
      return done.error();
  if (auto shared = checkShares(keys, out); !shared)
    return shared.error();
  return out;
}

economics::Supply SupplyScenario::supply(const explore::Numbers &values) const {
  const Values number{values};
  economics::Supply out;
  out.firstYear = years.front();
  out.lead = static_cast<size_t>(from - years.front());
  out.lag_years = number("lag_years", 0);
  for (const Line &line : lines)
    out.lines.push_back(lineOf(line.id, years, number));
  for (const std::string &pool : pools) {
    economics::MemoryPool stock{pool, number("pool." + pool + ".opening_stacks", 0), {}};
    for (const int year : years)
      stock.stacks.push_back(number(fmt::format("pool.{}.{}.stacks", pool, year), 0));
    out.pools.push_back(std::move(stock));
  }
  bool packed = false;
  for (const int year : years) {
    const std::string key = fmt::format("packaging.{}.packages", year);
    packed |= values.find(key) != values.end();
    out.packages.push_back(number(key, std::numeric_limits<double>::infinity()));
  }
  if (!packed)
    out.packages.clear();
  for (const Chip &chip : chips)
    out.chips.push_back(chipOf(chip, years, number));
  for (size_t line = 0; line < out.lines.size(); ++line)
    for (size_t year = 0; year < years.size(); ++year)
      shareWhole(out.chips, line, year);
  return out;
}

} // namespace mansard::report
