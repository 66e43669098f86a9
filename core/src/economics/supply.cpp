#include <mansard/economics/supply.h>

#include <mansard/economics/yield.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::economics {
namespace {

constexpr double kMonths = 12;

Error nonsense(std::string message) { return {ErrorCode::invalidInput, std::move(message), ""}; }

/// Shares that sum to a little more than one are rounding.
constexpr double kMostShare = 1 + 1e-9;

Result<> check(const Supply &supply, size_t years) {
  if (!(supply.lag_years >= 0 && supply.lag_years <= 1))
    return nonsense(fmt::format("a lag of {:g} years; it may be 0 to 1", supply.lag_years));
  if (supply.lead >= years)
    return nonsense("no year is left in which chips count");
  for (size_t l = 0; l < supply.lines.size(); ++l)
    for (size_t y = 0; y < years; ++y) {
      double share = 0;
      for (const SuppliedChip &chip : supply.chips)
        if (chip.line == l)
          share += chip.years[y].waferShare;
      if (share > kMostShare)
        return nonsense(fmt::format("chips share {:.0f} % of the wafers of {} in {}", 100 * share,
                                    supply.lines[l].id, supply.firstYear + static_cast<int>(y)));
    }
  for (const SuppliedChip &chip : supply.chips) {
    if (!(chip.dieArea_mm2 > 0 && diesPerWafer(chip.dieArea_mm2) >= 1))
      return nonsense(
          fmt::format("no die of {:g} mm2, as {} has, fits a wafer", chip.dieArea_mm2, chip.id));
    if (!(chip.diesPerChip > 0 && chip.packageYield > 0 && chip.packageYield <= 1))
      return nonsense(fmt::format("{} takes {:g} dies, and {:g} of those put together work",
                                  chip.id, chip.diesPerChip, chip.packageYield));
  }
  return Ok{};
}

/// What is in stock from year to year.
struct Stock {
  std::vector<double> dies;   // by chip
  std::vector<double> stacks; // by pool
};

class Years {
public:
  explicit Years(const Supply &supply) : supply_(supply) {
    stock_.dies.resize(supply.chips.size());
    for (const MemoryPool &pool : supply.pools)
      stock_.stacks.push_back(pool.opening);
    for (const SuppliedChip &chip : supply.chips)
      fleet_.push_back(chip.opening);
    before_.resize(supply.chips.size());
  }

  /// Dies of year `y`; those sold the year after wait in `before_`.
  Result<std::vector<ChipYear>> make(size_t y) {
    std::vector<ChipYear> row(supply_.chips.size());
    for (size_t c = 0; c < row.size(); ++c) {
      const SuppliedChip &chip = supply_.chips[c];
      const FoundryLine &line = supply_.lines[chip.line];
      const LineYear &year = line.years[y];
      const ChipPlan &plan = chip.years[y];
      ChipYear &out = row[c];
      out.wafers = year.wafersPerMonth * kMonths * year.acceleratorShare * plan.waferShare;
      out.grossDies = diesPerWafer(chip.dieArea_mm2);
      if (out.wafers > 0) {
        if (!(plan.yield > 0) && !(year.yield > 0 && year.yield < 1))
          return nonsense(fmt::format("a yield of {:g} of {} in {}; it may lie between 0 and 1",
                                      year.yield, line.id,
                                      supply_.firstYear + static_cast<int>(y)));
        out.yield = plan.yield > 0 ? plan.yield
                                   : yieldAtArea(year.yield, line.referenceArea_mm2,
                                                 chip.dieArea_mm2, line.clusterAlpha);
      }
      out.madeDies = out.wafers * out.grossDies * out.yield;
      const double late = supply_.lag_years;
      stock_.dies[c] += (1 - late) * out.madeDies + late * before_[c] + plan.boughtDies;
      before_[c] = out.madeDies;
      out.readyDies = stock_.dies[c];
    }
    return row;
  }

  /// Puts together what limits allow, and takes it from the stock.
  void assemble(size_t y, std::vector<ChipYear> &row) {
    std::vector<double> packages(row.size());
    for (size_t c = 0; c < row.size(); ++c)
      packages[c] = row[c].readyDies / supply_.chips[c].diesPerChip;
    for (size_t p = 0; p < supply_.pools.size(); ++p)
      limitByMemory(p, y, packages, row);
    if (!supply_.packages.empty()) {
      double wanted = 0;
      for (const double each : packages)
        wanted += each;
      if (wanted > supply_.packages[y])
        for (size_t c = 0; c < row.size(); ++c)
          cut(packages[c], supply_.packages[y] / wanted, SupplyLimit::packaging, row[c]);
    }
    for (size_t c = 0; c < row.size(); ++c) {
      const SuppliedChip &chip = supply_.chips[c];
      take(stock_.dies[c], packages[c] * chip.diesPerChip);
      if (chip.pool >= 0)
        take(stock_.stacks[static_cast<size_t>(chip.pool)], packages[c] * chip.stacksPerChip);
      row[c].chips = packages[c] * chip.packageYield;
      row[c].fleet = fleet_[c] += row[c].chips;
    }
  }

  /// Chips of a year that does not count take the dies that are ready with them.
  void leaveOut() { std::fill(stock_.dies.begin(), stock_.dies.end(), 0); }

  const Stock &stock() const { return stock_; }

private:
  /// Nothing is left where all is taken, however it is rounded.
  static void take(double &stock, double amount) {
    stock = stock - amount > 1e-9 * stock ? stock - amount : 0;
  }

  static void cut(double &packages, double factor, SupplyLimit limit, ChipYear &row) {
    packages *= factor;
    row.limit = limit;
  }

  void limitByMemory(size_t p, size_t y, std::vector<double> &packages,
                     std::vector<ChipYear> &row) {
    double &stacks = stock_.stacks[p] += supply_.pools[p].stacks[y];
    double wanted = 0;
    for (size_t c = 0; c < packages.size(); ++c)
      if (supply_.chips[c].pool == static_cast<int>(p))
        wanted += packages[c] * supply_.chips[c].stacksPerChip;
    if (wanted <= stacks)
      return;
    for (size_t c = 0; c < packages.size(); ++c)
      if (supply_.chips[c].pool == static_cast<int>(p))
        cut(packages[c], stacks / wanted, SupplyLimit::memory, row[c]);
  }

  const Supply &supply_;
  Stock stock_;
  std::vector<double> fleet_, before_; // by chip; dies of the year before
};

} // namespace

double yieldAtArea(double yield, double reference_mm2, double area_mm2, double alpha) {
  // (1 + A D / a)^-a of the reference, solved for A D, and at the other area.
  const double defects = alpha * (std::pow(yield, -1 / alpha) - 1) * area_mm2 / reference_mm2;
  return std::pow(1 + defects / alpha, -alpha);
}

Result<SupplyOutcome> supplyOf(const Supply &supply) {
  const size_t years = supply.lines.empty() ? 0 : supply.lines.front().years.size();
  if (auto sound = check(supply, years); !sound)
    return sound.error();
  SupplyOutcome outcome;
  outcome.firstYear = supply.firstYear + static_cast<int>(supply.lead);
  Years state(supply);
  for (size_t y = 0; y < years; ++y) {
    auto row = state.make(y);
    if (!row)
      return row.error();
    if (y < supply.lead) {
      state.leaveOut();
      continue;
    }
    state.assemble(y, *row);
    outcome.years.push_back(std::move(*row));
    outcome.stock.push_back(state.stock().stacks);
  }
  return outcome;
}

} // namespace mansard::economics
