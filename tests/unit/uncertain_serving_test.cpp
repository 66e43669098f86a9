// What servers' ranges hold and whom they blame, with a front end that makes programs of known
// size.
#include "served_model_fixture.h"

#include <mansard/explore/uncertain_serving.h>
#include <mansard/report/serving_report.h>

#include <gtest/gtest.h>

namespace mansard::explore {
namespace {

class UncertainServingTest : public ::testing::Test {
protected:
  UncertainServingTest()
      : host_(catalog_),
        target_(std::move(host_.open("h100-sxm", {{"model", "generic"}, {"family", "generic"}}))
                    .value()) {
    frontend_.lower = test::lowerServedModel;
    model_.id = "made-up";
    scenario_.isl = 1024;
    scenario_.osl = 256;
    scenario_.concurrency = 16;
    scenario_.software = *system::readProfile("vllm");
    scenario_.software.tpotResidual = {1, 1};
    scenario_.software.ttftResidual = {1, 1};
  }

  report::ServingReport collect() {
    const model::Lowering lowering(frontend_, model_);
    UncertainServing serving(lowering, target_, scenario_);
    auto report = report::collectServing(serving, scenario_, "made-up", target_);
    EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().text());
    return report.ok() ? std::move(*report) : report::ServingReport{};
  }
  static std::string blamed(const report::ServingReport &report, report::ServingFigure figure) {
    const Spread *spread = report.spread(figure);
    return spread && !spread->shares.empty()
               ? report.spreads.inputs[spread->shares.front().input].name
               : "nobody";
  }

  hw::Catalog catalog_;
  host::Host host_;
  host::Model target_;
  work::Frontend frontend_{};
  work::Transformer model_;
  system::ServingScenario scenario_;
};

using report::ServingFigure;

TEST_F(UncertainServingTest, RangesHoldTheValues) {
  const auto report = collect();
  ASSERT_EQ(report.spreads.figures.size(), report::kServingFigureKeys.size());
  for (const Spread &spread : report.spreads.figures) {
    EXPECT_LE(spread.low, spread.value);
    EXPECT_GE(spread.high, spread.value);
    EXPECT_LT(spread.low, spread.high);
  }
  EXPECT_EQ(report.spread(ServingFigure::tpot)->value, report.estimate.tpot_ms);
  EXPECT_EQ(blamed(report, ServingFigure::tpot), "matmul times of h100-sxm");
  EXPECT_NE(report::servingTable(report).find("% matmul times of h100-sxm"), std::string::npos);
  EXPECT_NE(report::servingJson(report).find("\"tpot_ms_low\""), std::string::npos);
}

TEST_F(UncertainServingTest, SoftwareThatScattersIsToBlame) {
  scenario_.software.ttftResidual = {0.3, 4};
  const auto report = collect();
  EXPECT_EQ(blamed(report, ServingFigure::ttft),
            "scatter of time to first token of vllm on h100-sxm");
  EXPECT_EQ(blamed(report, ServingFigure::tpot), "matmul times of h100-sxm");
  EXPECT_GT(report.spread(ServingFigure::ttft)->high, 3 * report.estimate.ttft_ms);
}

TEST_F(UncertainServingTest, IsTheSameOnAnyNumberOfThreads) {
  const model::Lowering lowering(frontend_, model_);
  UncertainServing serving(lowering, target_, scenario_);
  const auto estimate = serving.estimate(scenario_);
  ASSERT_TRUE(estimate.ok());
  const auto fill = [](const host::Model &, const system::ServingEstimate &point,
                       std::span<const double>, std::span<double> out) -> Result<> {
    out[0] = point.tokens_per_s;
    return Ok{};
  };
  const auto one = serving.spreads(scenario_, *estimate, 1, fill, {64, 1, 0});
  const auto four = serving.spreads(scenario_, *estimate, 1, fill, {64, 4, 0});
  ASSERT_TRUE(one.ok() && four.ok());
  EXPECT_EQ(one->figures[0].samples, four->figures[0].samples);
}

TEST_F(UncertainServingTest, CallersInputsComeLast) {
  const model::Lowering lowering(frontend_, model_);
  UncertainServing serving(lowering, target_, scenario_);
  const auto estimate = serving.estimate(scenario_);
  ASSERT_TRUE(estimate.ok());
  const auto fill = [](const host::Model &, const system::ServingEstimate &,
                       std::span<const double> more, std::span<double> out) -> Result<> {
    if (more.size() != 1)
      return Error{ErrorCode::invalidInput, "one was given", ""};
    out[0] = more[0];
    return Ok{};
  };
  const auto spreads = serving.spreads(scenario_, *estimate, 1, fill, {64},
                                       {{UncertainInput::Shape::triangular, "price", 5, 4, 6}});
  ASSERT_TRUE(spreads.ok()) << spreads.error().text();
  EXPECT_EQ(spreads->figures[0].value, 5);
  ASSERT_EQ(spreads->figures[0].shares.size(), 1u);
  EXPECT_EQ(spreads->inputs[spreads->figures[0].shares[0].input].name, "price");
}

TEST_F(UncertainServingTest, PrefillWorkersHaveRangesToo) {
  scenario_.disaggregated = system::Disaggregation{};
  scenario_.disaggregated->prefillWorkers = 1;
  scenario_.disaggregated->decodeWorkers = 2;
  const auto report = collect();
  ASSERT_TRUE(report.spread(ServingFigure::ttft));
  EXPECT_EQ(report.estimate.devices, 3);
  EXPECT_LT(report.spread(ServingFigure::ttft)->low, report.estimate.ttft_ms);
  EXPECT_GT(report.spread(ServingFigure::tokens)->high, report.estimate.tokens_per_s);
}

TEST_F(UncertainServingTest, AStretchedServerKeepsItsClientsAndLittlesLaw) {
  for (const int64_t clients : {16, 100000}) { // the second: most wait for a place
    scenario_.concurrency = clients;
    const auto before =
        system::estimateServing(scenario_, model::Lowering(frontend_, model_), target_);
    ASSERT_TRUE(before.ok());
    system::ServingEstimate after = *before;
    stretch(after, scenario_, 1.5, 2);
    EXPECT_NEAR(after.tpot_ms, 2 * before->tpot_ms, 1e-9);
    EXPECT_NEAR(after.ttft_ms - after.slot_ms, 1.5 * (before->ttft_ms - before->slot_ms), 1e-6);
    EXPECT_EQ(after.slot_ms > 0, before->slot_ms > 0);
    const double stay_s = (after.ttft_ms + 255 * after.tpot_ms) / 1e3;
    EXPECT_NEAR(after.requests_per_s * stay_s / static_cast<double>(clients), 1, 1e-9);
    EXPECT_NEAR(after.tokens_per_s / before->tokens_per_s,
                after.requests_per_s / before->requests_per_s, 1e-9);
    system::ServingEstimate same = *before;
    stretch(same, scenario_, 1, 1);
    EXPECT_NEAR(same.ttft_ms, before->ttft_ms, 1e-6 * before->ttft_ms);
    EXPECT_NEAR(same.requests_per_s, before->requests_per_s, 1e-6 * before->requests_per_s);
  }
}

} // namespace
} // namespace mansard::explore
