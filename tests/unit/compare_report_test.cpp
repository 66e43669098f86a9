// Chips side by side, with a front end that makes programs of known size.
#include "served_model_fixture.h"

#include <mansard/economics/tco.h>
#include <mansard/report/compare_report.h>

#include <gtest/gtest.h>

#include <limits>

namespace mansard::report {
namespace {

class CompareTest : public ::testing::Test {
protected:
  CompareTest() {
    frontend_.lower = test::lowerServedModel;
    model_.id = "made-up";
    scenario_.isl = 1024;
    scenario_.osl = 256;
    scenario_.concurrency = 16;
  }

  void add(const std::string &id, std::vector<hw::Override> overrides = {}) {
    overrides.push_back({"model", "generic"});
    overrides.push_back({"family", "generic"});
    auto target = host_.open(id, overrides);
    ASSERT_TRUE(target.ok()) << target.error().text();
    auto economics = economics::readAssumptions(catalog_, "us");
    ASSERT_TRUE(economics.ok()) << economics.error().text();
    contenders_.push_back({std::move(*target), *system::readProfile("vllm"), *economics});
  }

  Result<CompareReport> collect() {
    return collectComparison(model::Lowering(frontend_, model_), contenders_, scenario_, 256);
  }
  CompareReport compare() {
    auto report = collect();
    EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().text());
    return report.ok() ? std::move(*report) : CompareReport{};
  }

  static double valueOf(const ComparedChip &row, CompareFigure figure) {
    return row[figure] ? row[figure]->value : std::numeric_limits<double>::quiet_NaN();
  }

  hw::Catalog catalog_;
  host::Host host_{catalog_};
  work::Frontend frontend_{};
  work::Transformer model_;
  system::ServingScenario scenario_;
  std::vector<Contender> contenders_;
};

TEST_F(CompareTest, ChipsKeepTheirOrderAndTheChartPutsTheBestFirst) {
  add("a100-sxm-80gb");
  add("h200-sxm");
  const CompareReport report = compare();
  ASSERT_EQ(report.chips.size(), 2u);
  EXPECT_EQ(report.chips[0].target, "a100-sxm-80gb");
  EXPECT_LT(valueOf(report.chips[0], CompareFigure::tokens_per_chip),
            valueOf(report.chips[1], CompareFigure::tokens_per_chip));
  const std::string table = compareTable(report);
  const size_t chart = table.find("\n\n", table.find("  bound"));
  EXPECT_LT(table.find("\n  h200-sxm", chart), table.find("\n  a100-sxm-80gb", chart)) << table;
}

TEST_F(CompareTest, RangesHoldTheValues) {
  add("h100-sxm");
  add("ascend-910c");
  for (const ComparedChip &row : compare().chips)
    for (size_t i = 0; i < kCompareFigures; ++i) {
      SCOPED_TRACE(row.target + " " + std::string(kCompareFigureKeys[i]));
      ASSERT_TRUE(row.figures[i]);
      EXPECT_LE(row.figures[i]->low, row.figures[i]->value);
      EXPECT_GE(row.figures[i]->high, row.figures[i]->value);
      if (static_cast<CompareFigure>(i) != CompareFigure::communication) { // of which there is none
        EXPECT_LT(row.figures[i]->low, row.figures[i]->high);
      }
    }
}

TEST_F(CompareTest, PerWattAndPerDollarAreQuotients) {
  add("h100-sxm");
  const CompareReport report = compare();
  ASSERT_EQ(report.chips.size(), 1u);
  const ComparedChip &row = report.chips[0];
  const Contender &contender = contenders_[0];
  const hw::Chip &chip = contender.target.chip();
  const double rate = valueOf(row, CompareFigure::tokens_per_chip);
  const double power = valueOf(row, CompareFigure::power);
  EXPECT_GT(power, chip.number("power.idle_W"));
  EXPECT_LT(power, chip.number("power.tdp_W"));
  EXPECT_NEAR(valueOf(row, CompareFigure::tokens_per_watt), rate / power, 1e-9 * rate);
  const double kusd = chip.number("price.usd") / 1e3;
  EXPECT_NEAR(valueOf(row, CompareFigure::tokens_per_kusd), rate / kusd, 1e-9 * rate);
  EXPECT_NEAR(valueOf(row, CompareFigure::tokens_per_kilowatt_per_kusd), 1e3 * rate / power / kusd,
              1e-9 * rate);
  const auto hourly = economics::hourlyCost(chip, contender.economics, power);
  ASSERT_TRUE(hourly.ok());
  EXPECT_NEAR(valueOf(row, CompareFigure::usd_per_mtok),
              economics::costPerMillionTokens(*hourly, rate, contender.economics), 1e-9 * rate);
}

TEST_F(CompareTest, WherePowerIsNotKnownItIsAShareOfTheDesignPower) {
  add("enflame-l600"); // its process is not told
  const CompareReport report = compare();
  ASSERT_EQ(report.chips.size(), 1u);
  const Contender &contender = contenders_[0];
  EXPECT_DOUBLE_EQ(valueOf(report.chips[0], CompareFigure::power),
                   contender.target.chip().number("power.tdp_W") *
                       contender.economics.number("power.load_share"));
  EXPECT_NE(compareTable(report).find("power is not known"), std::string::npos);
}

TEST_F(CompareTest, WhoCannotHoldTheModelStaysWithTheReason) {
  add("h200-sxm");
  add("h100-sxm", {{"memory.stacks", "1"}});
  const CompareReport report = compare();
  ASSERT_EQ(report.chips.size(), 2u);
  EXPECT_TRUE(report.chips[0].failure.empty());
  EXPECT_NE(report.chips[1].failure.find("does not hold"), std::string::npos);
  EXPECT_FALSE(report.chips[1][CompareFigure::tokens_per_chip]);
  EXPECT_NE(compareTable(report).find("cannot run this"), std::string::npos);
  contenders_.erase(contenders_.begin());
  const auto nobody = collect();
  ASSERT_FALSE(nobody.ok());
  EXPECT_NE(nobody.error().message.find("h100-sxm: "), std::string::npos);
}

TEST_F(CompareTest, AChipWithoutPriceHasNoCost) {
  add("h100-sxm");
  hw::Chip chip = contenders_[0].target.chip();
  chip.numbers.erase("price.usd");
  auto target = host_.bind(chip);
  ASSERT_TRUE(target.ok());
  contenders_[0].target = std::move(*target);
  const CompareReport report = compare();
  ASSERT_EQ(report.chips.size(), 1u);
  EXPECT_FALSE(report.chips[0][CompareFigure::usd_per_mtok]);
  EXPECT_TRUE(report.chips[0][CompareFigure::tokens_per_watt]);
  EXPECT_NE(compareJson(report).find("\"usd_per_mtok\": null"), std::string::npos);
}

} // namespace
} // namespace mansard::report
