// From wafers to chips: how many accelerators a country's foundries, memory and packaging let it
// put together, year by year.
//
// Dies of a line in a year: wafers a month x 12 x accelerators' share x the chip's share of them x
// whole dies of a wafer x yield. A published yield is of one area; the negative binomial's density
// of defects that gives it there gives the yield of other areas. A share `lag_years` of a year's
// dies are sold in chips the year after. What memory or packaging do not let them put together
// stays in stock, as dies and as stacks; chips that share a limit are cut by the same factor.
#pragma once

#include <mansard/base/result.h>

#include <string>
#include <string_view>
#include <vector>

namespace mansard::economics {

/// One year of a foundry line.
struct LineYear {
  double wafersPerMonth = 0;   // started, on average
  double acceleratorShare = 0; // of them
  double yield = 0;            // share of dies of the line's reference area that can be sold
};

/// A process in which accelerators' dies are made.
struct FoundryLine {
  std::string id;
  double referenceArea_mm2 = 0; // of the die that the yields are told of
  double clusterAlpha = 3;      // of the negative binomial
  std::vector<LineYear> years;
};

/// Stacks of memory that several chips draw from.
struct MemoryPool {
  std::string id;
  double opening = 0;         // in stock before the first counted year
  std::vector<double> stacks; // that come in, by year
};

/// One year of a chip.
struct ChipPlan {
  double waferShare = 0; // of its line's wafers for accelerators
  double boughtDies = 0; // good ones from elsewhere, ready in this year
  double yield = 0;      // of its dies where told, whatever their area; 0: by the line's
};

struct SuppliedChip {
  std::string id;
  size_t line = 0; // in Supply::lines
  int pool = -1;   // in Supply::pools; -1: its memory is not limited
  double dieArea_mm2 = 0, diesPerChip = 1, stacksPerChip = 0;
  double packageYield = 1; // chips that work, of those put together
  double opening = 0;      // in the fleet before the first counted year
  std::vector<ChipPlan> years;
};

struct Supply {
  int firstYear = 0; // of all vectors by year, which are equally long
  size_t lead = 0;   // years at the start that make dies for later ones; no chip of theirs counts
  double lag_years = 0; // from the start of a wafer to the sale of its chips, 0 to 1
  std::vector<FoundryLine> lines;
  std::vector<MemoryPool> pools;
  std::vector<double> packages; // that can be put together, by year; empty: not limited
  std::vector<SuppliedChip> chips;
};

enum class SupplyLimit { dies, memory, packaging };
inline constexpr std::string_view kSupplyLimitNames[] = {"dies", "memory", "packaging"};

/// Of one chip in one counted year.
struct ChipYear {
  double wafers = 0;    // started in the year
  double grossDies = 0; // of a wafer
  double yield = 0;     // of them
  double madeDies = 0;  // good ones of the year's wafers
  double readyDies = 0; // good ones to put together: of this and last year's wafers, bought, stock
  double chips = 0;     // that work
  double fleet = 0;     // chips of all years so far
  SupplyLimit limit = SupplyLimit::dies; // why there are no more
};

struct SupplyOutcome {
  int firstYear = 0;                        // counted
  std::vector<std::vector<ChipYear>> years; // by counted year, by chip
  std::vector<std::vector<double>> stock;   // stacks left at the end, by counted year, by pool
};

/// Pure and thread-safe. Errors: numbers that make no sense together (shares of a line that exceed
/// it, a die that no wafer holds, a yield outside of 0 to 1), named.
Result<SupplyOutcome> supplyOf(const Supply &supply);

/// Share of dies of `area_mm2` that work where `yield` of those of `reference_mm2` do, by the
/// negative binomial of `alpha`.
double yieldAtArea(double yield, double reference_mm2, double area_mm2, double alpha);

} // namespace mansard::economics
