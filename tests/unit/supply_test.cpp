// From wafers to chips, against numbers worked by hand.
#include <mansard/economics/supply.h>
#include <mansard/economics/yield.h>

#include <gtest/gtest.h>

namespace mansard::economics {
namespace {

/// 1,000 wafers a month of which half are for one chip of two dies of 500 mm2, of which 30 % work.
Supply oneChip(size_t years = 2) {
  Supply supply;
  supply.firstYear = 2025;
  supply.lines.push_back({"line", 500, 3, std::vector<LineYear>(years, {1000, 0.5, 0.3})});
  SuppliedChip chip;
  chip.id = "chip";
  chip.dieArea_mm2 = 500;
  chip.diesPerChip = 2;
  chip.packageYield = 0.9;
  chip.years.assign(years, {1, 0, 0});
  supply.chips.push_back(chip);
  return supply;
}

SupplyOutcome outcomeOf(const Supply &supply) {
  auto outcome = supplyOf(supply);
  EXPECT_TRUE(outcome.ok()) << (outcome.ok() ? "" : outcome.error().text());
  return outcome.ok() ? std::move(*outcome) : SupplyOutcome{};
}

// A wafer holds pi 150^2 / 500 - pi 300 / sqrt(1000) = 111.57 dies; 6,000 wafers a year make
// 6,000 x 111.57 x 0.3 = 200,822 good ones, which are 100,411 packages and 90,370 chips.
constexpr double kDies = 200'822, kChips = 90'370;

TEST(Supply, WafersBecomeChips) {
  const SupplyOutcome outcome = outcomeOf(oneChip());
  ASSERT_EQ(outcome.years.size(), 2u);
  const ChipYear &first = outcome.years[0][0];
  EXPECT_NEAR(first.wafers, 6000, 1e-9);
  EXPECT_NEAR(first.grossDies, 111.57, 0.01);
  EXPECT_NEAR(first.yield, 0.3, 1e-12);
  EXPECT_NEAR(first.madeDies, kDies, 20);
  EXPECT_NEAR(first.chips, kChips, 10);
  EXPECT_EQ(first.limit, SupplyLimit::dies);
  EXPECT_NEAR(outcome.years[1][0].fleet, 2 * kChips, 20);
}

TEST(Supply, ALagSellsPartOfAYearsDiesInTheNext) {
  Supply supply = oneChip();
  supply.lag_years = 0.75;
  const SupplyOutcome outcome = outcomeOf(supply);
  EXPECT_NEAR(outcome.years[0][0].chips, 0.25 * kChips, 10);
  EXPECT_NEAR(outcome.years[1][0].chips, kChips, 10);
}

TEST(Supply, YearsBeforeTheFirstCountedOneOnlyMakeDies) {
  Supply supply = oneChip();
  supply.lag_years = 0.75;
  supply.lead = 1;
  supply.chips[0].opening = 1000;
  const SupplyOutcome outcome = outcomeOf(supply);
  EXPECT_EQ(outcome.firstYear, 2026);
  ASSERT_EQ(outcome.years.size(), 1u);
  EXPECT_NEAR(outcome.years[0][0].chips, kChips, 10); // the first year's quarter is sold before
  EXPECT_NEAR(outcome.years[0][0].fleet, kChips + 1000, 10);
}

TEST(Supply, MemoryLimitsAllThatDrawOnItAlikeAndDiesWait) {
  Supply supply = oneChip();
  supply.chips.push_back(supply.chips[0]);
  supply.chips[1].id = "other";
  for (SuppliedChip &chip : supply.chips) {
    chip.pool = 0;
    chip.stacksPerChip = 8;
    chip.years.assign(2, {0.5, 0, 0});
  }
  supply.chips[1].stacksPerChip = 4;
  // Each has dies for 50,206 packages: 602,466 stacks are wanted, of which half are there.
  supply.pools.push_back({"stacks", 100'000, {201'233, 1e9}});
  const SupplyOutcome outcome = outcomeOf(supply);
  EXPECT_NEAR(outcome.years[0][0].chips, kChips / 4, 20);
  EXPECT_NEAR(outcome.years[0][1].chips, kChips / 4, 20);
  EXPECT_EQ(outcome.years[0][0].limit, SupplyLimit::memory);
  EXPECT_NEAR(outcome.stock[0][0], 0, 1e-6);
  EXPECT_NEAR(outcome.years[1][0].chips, kChips * 3 / 4, 20); // and the quarter that waited
  EXPECT_EQ(outcome.years[1][0].limit, SupplyLimit::dies);
}

TEST(Supply, PackagingLimitsAllChips) {
  Supply supply = oneChip();
  supply.packages = {10'000, 1e9};
  const SupplyOutcome outcome = outcomeOf(supply);
  EXPECT_NEAR(outcome.years[0][0].chips, 9'000, 1e-6);
  EXPECT_EQ(outcome.years[0][0].limit, SupplyLimit::packaging);
  EXPECT_NEAR(outcome.years[0][0].fleet + outcome.years[1][0].chips, 2 * kChips, 20);
}

TEST(Supply, BoughtDiesAndAYieldOfItsOwnCount) {
  Supply supply = oneChip();
  supply.chips[0].years[0] = {1, 100'000, 0.6};
  const SupplyOutcome outcome = outcomeOf(supply);
  EXPECT_NEAR(outcome.years[0][0].chips, 2 * kChips + 45'000, 20);
}

TEST(Supply, APublishedYieldIsTakenToOtherAreasByItsDensityOfDefects) {
  EXPECT_NEAR(yieldAtArea(0.3, 665, 665, 3), 0.3, 1e-12);
  const Defects defects{YieldModel::negative_binomial, 0.223, 3};
  EXPECT_NEAR(yieldOf(665, defects), 0.3, 1e-3);
  EXPECT_NEAR(yieldAtArea(0.3, 665, 330, 3), yieldOf(330, defects), 1e-3);
  EXPECT_GT(yieldAtArea(0.3, 665, 330, 3), 0.5);
}

TEST(Supply, NumbersThatMakeNoSenseTogetherAreErrorsThatNameThem) {
  const auto failure = [](const Supply &supply) {
    const auto outcome = supplyOf(supply);
    return outcome.ok() ? std::string() : outcome.error().message;
  };
  Supply supply = oneChip();
  supply.chips.push_back(supply.chips[0]);
  EXPECT_NE(failure(supply).find("200 % of the wafers of line in 2025"), std::string::npos);
  supply = oneChip();
  supply.chips[0].dieArea_mm2 = 80'000;
  EXPECT_NE(failure(supply).find("fits a wafer"), std::string::npos);
  supply = oneChip();
  supply.lines[0].years[1].yield = 1.2;
  EXPECT_NE(failure(supply).find("in 2026"), std::string::npos);
  supply = oneChip();
  supply.lag_years = 2;
  EXPECT_NE(failure(supply).find("lag"), std::string::npos);
  supply = oneChip();
  supply.lead = 2;
  EXPECT_NE(failure(supply).find("no year"), std::string::npos);
  EXPECT_NE(failure(Supply{}).find("no year"), std::string::npos);
}

} // namespace
} // namespace mansard::economics
