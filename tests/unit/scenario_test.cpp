// Scenario files: what they may say, and what wrong ones get for an answer.
#include <mansard/report/scenario_file.h>
#include <mansard/report/scenario_report.h>

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

namespace mansard::report {
namespace {

const std::string kClaims = R"(
id = "made-up"
name = "Made up"
kind = "claims"
[workload.chat]
model = "llama-3.1-8b"
[contender.h100-sxm]
economics = "us"
[contender.h20]
economics = "china"
quant = "fp8"
[claim.faster]
statement = "faster"
source = "somebody"
[claim.faster.test.rate]
figure = "tokens_per_s_per_chip"
left = ["h100-sxm"]
right = ["h20"]
workloads = ["chat"]
least = 1
)";

const std::string kSupply = R"(
id = "made-up"
name = "Made up"
kind = "supply"
economics = "china"
[workload.chat]
model = "llama-3.1-8b"
[line.n7]
reference_mm2 = { value = 500, source = "s", confidence = "estimate" }
[line.n7.2025]
wafers_per_month = { value = 1000, source = "s", confidence = "estimate", low = 500, high = 2000 }
accelerator_share = { value = 0.5, source = "s", confidence = "estimate" }
yield = { value = 0.3, source = "s", confidence = "estimate" }
[chip.ascend-910b]
line = "n7"
2025.wafer_share = { value = 1, source = "s", confidence = "estimate" }
[check.units]
what = "units"
year = 2025
chips = ["ascend-910b"]
published = { value = 1e5, source = "s", confidence = "press" }
)";

class ScenarioTest : public ::testing::Test {
protected:
  ~ScenarioTest() override {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

  Result<ScenarioFile> read(const std::string &text) {
    std::ofstream(path_) << text;
    return readScenario(catalog_, path_);
  }
  /// The error of `text` with `from` replaced.
  std::string failure(std::string text, const std::string &from, const std::string &to) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos)
      text.replace(at, from.size(), to);
    const auto file = read(text);
    return file.ok() ? "no error" : file.error().text();
  }

  hw::Catalog catalog_;
  const std::string path_ =
      (std::filesystem::temp_directory_path() /
       (std::string("scenario-") + ::testing::UnitTest::GetInstance()->current_test_info()->name() +
        ".toml"))
          .string();
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(ScenarioTest, ClaimsAreReadWithWhatTheyLeaveOut) {
  const auto file = read(kClaims);
  ASSERT_TRUE(file.ok()) << file.error().text();
  ASSERT_TRUE(file->claims && !file->supply);
  ASSERT_EQ(file->claims->claims.size(), 1u);
  const ClaimTest &test = file->claims->claims[0].tests.at(0);
  EXPECT_EQ(claimFigures()[test.figure].key, "tokens_per_s_per_chip");
  EXPECT_EQ(test.ofLeft, explore::Quantifier::all);
  EXPECT_EQ(test.least, 1);
  EXPECT_TRUE(std::isinf(test.most));
  EXPECT_EQ(file->claims->contenders[0].id, "h100-sxm");
  EXPECT_EQ(file->claims->contenders[0].target, "h100-sxm"); // by its name
  EXPECT_FALSE(file->claims->contenders[0].quantisation);
  EXPECT_EQ(file->claims->contenders[1].quantisation, work::Quantisation::fp8);
  EXPECT_FALSE(file->workloads[0].given);
}

TEST_F(ScenarioTest, WrongKeysOfClaimsAreErrorsThatHelp) {
  EXPECT_SAYS(failure(kClaims, "least", "leest"), "did you mean 'claim.faster.test.rate.least'?");
  EXPECT_SAYS(failure(kClaims, "least", "leest"), ".toml:20:");
  EXPECT_SAYS(failure(kClaims, "least = 1\n", ""), "'claim.faster.test.rate.least' is missing");
  EXPECT_SAYS(failure(kClaims, "least = 1\n", "least = 2\nmost = 1\n"), "above 'most'");
  EXPECT_SAYS(failure(kClaims, "\"h20\"]", "\"h21\"]"), "has \"h21\" (did you mean 'h20'?)");
  EXPECT_SAYS(failure(kClaims, "\"h20\"]", "\"h20\", \"h20\"]"), "has \"h20\" twice");
  EXPECT_SAYS(failure(kClaims, "per_chip", "per_chp"), "did you mean 'tokens_per_s_per_chip'?");
  EXPECT_SAYS(failure(kClaims, "least", "of_left = \"some\"\nleast"), "it may be any, most, all");
  EXPECT_SAYS(failure(kClaims, "\"fp8\"", "\"fp9\""), "did you mean 'fp8'?");
  EXPECT_SAYS(failure(kClaims, "source", "sauce"), "did you mean 'claim.faster.source'?");
  EXPECT_SAYS(failure(kClaims, "\"claims\"", "\"claim\""), "must be \"supply\" or \"claims\"");
  EXPECT_SAYS(failure(kClaims, "economics = \"china\"\n", ""),
              "'contender.h20.economics' is missing");
  EXPECT_SAYS(failure(kClaims, "8b\"\n", "8b\"\nisl = 1.5\n"), "it must be whole");
  EXPECT_SAYS(failure(kClaims, "8b\"\n", "8b\"\nisl = 0\n"), "'workload.chat.isl' is 0");
  EXPECT_SAYS(failure(kClaims, "8b\"\n", "8b\"\ntp = 2\n"), "'workload.chat.concurrency'");
  EXPECT_SAYS(failure(kClaims, "8b\"\n", "8b\"\ntp = 2\nconcurrency = 8\nchips = 4\n"),
              "this one is given");
  EXPECT_SAYS(failure(kClaims, "statement", "not_testable = \"future\"\nstatement"),
              "either [claim.NAME.test.NAME], or the reason");
}

TEST_F(ScenarioTest, SupplyBecomesArithmetic) {
  const auto file = read(kSupply);
  ASSERT_TRUE(file.ok()) << file.error().text();
  ASSERT_TRUE(file->supply);
  explore::Numbers numbers = file->supply->numbers;
  EXPECT_EQ(numbers.count("check.units.published"), 0u); // no input of the arithmetic
  hw::Quantity area;
  area.value = 500;
  numbers.emplace("chip.ascend-910b.die_area_mm2", area);
  const auto outcome = economics::supplyOf(file->supply->supply(numbers));
  ASSERT_TRUE(outcome.ok()) << outcome.error().text();
  EXPECT_NEAR(outcome->years.at(0).at(0).chips, 200'822, 20); // see supply_test.cpp
}

TEST_F(ScenarioTest, WrongKeysOfSupplyAreErrorsThatHelp) {
  EXPECT_SAYS(failure(kSupply, "yield", "yeild"), "did you mean 'line.n7.2025.yield'?");
  EXPECT_SAYS(failure(kSupply, "yield = { value = 0.3", "yield = { value = 3"), "0.001 to 0.999");
  EXPECT_SAYS(failure(kSupply, "high = 2000", "high = 2e9"), "'line.n7.2025.wafers_per_month'");
  EXPECT_SAYS(failure(kSupply, "line = \"n7\"", "line = \"n8\""), "did you mean 'n7'?");
  EXPECT_SAYS(failure(kSupply, "line = \"n7\"", "pool = \"hbm\"\nline = \"n7\""), "\"hbm\"");
  EXPECT_SAYS(
      failure(kSupply, "2025.wafer_share = { value = 1", "2025.wafer_share = { value = 1.1"),
      "wafer_share");
  EXPECT_SAYS(failure(kSupply, "year = 2025", "year = 2026"), "chips count from 2025 to 2025");
  EXPECT_SAYS(failure(kSupply, ", source = \"s\", confidence = \"press\"", ""), "needs a source");
  EXPECT_SAYS(failure(kSupply, "[check.units]", "from = 2024\n[check.units]"), "no key");
  EXPECT_SAYS(failure(kSupply, "economics", "from = 2024\neconomics"), "there are 2025 to 2025");
  EXPECT_SAYS(
      failure(kSupply, "[check.units]",
              "[chip.mlu590]\nline = \"n7\"\n2025.wafer_share = { value = 0.5, source = \"s\", "
              "confidence = \"estimate\" }\n[check.units]"),
      "150 % of the wafers of n7 in 2025");
  EXPECT_SAYS(failure(kSupply,
                      "reference_mm2 = { value = 500, source = \"s\", confidence = "
                      "\"estimate\" }\n",
                      ""),
              "'line.n7.reference_mm2' is missing");
}

TEST_F(ScenarioTest, WhatShipsIsRead) {
  const auto all = collectScenarios(catalog_);
  EXPECT_GE(all.size(), 2u);
  for (const ScenarioSummary &each : all)
    EXPECT_EQ(each.problem, "") << each.id;
}

TEST_F(ScenarioTest, UnknownNamesAreErrorsThatListThose) {
  const auto file = readScenario(catalog_, "closing-the-gip");
  ASSERT_FALSE(file.ok());
  EXPECT_SAYS(file.error().text(), "did you mean 'closing-the-gap'?");
}

} // namespace
} // namespace mansard::report
