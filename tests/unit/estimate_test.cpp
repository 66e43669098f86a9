// A scenario taken to a step, with a front end that makes programs of known size.

#include <mansard/model/estimate.h>
#include <mansard/report/estimate_report.h>

#include <gtest/gtest.h>

#include <algorithm>

namespace mansard::model {
namespace {

work::Kernel matmul(int64_t m) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.matmul = {m, 4096, 4096, 0, 0, 0, 0, 0, 0};
  return kernel;
}

work::Kernel dispatch(int64_t ranks) {
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_EXPERT_PARALLEL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.expert_parallel = {
      ranks, 4096, 512, 8, 64, 0, MANSARD_EP_DISPATCH, MANSARD_EP_MODE_NORMAL};
  return kernel;
}

/// 200 GB of 16-bit weights cut by tp and pp, and 1 GB of cache a sequence. With experts, a matmul
/// beside the exchange where the workload asks for two half-batches.
Result<work::Program> lower(const work::Transformer &model, const work::Workload &workload,
                            const work::Capabilities &) {
  const work::Parallelism &p = workload.parallelism;
  if (p.tp > 8)
    return Error{ErrorCode::invalidInput, "8 heads do not divide among more", ""};
  work::Program program;
  program.devices = p.devices();
  program.tokens = workload.tokensPerStep();
  const double bits =
      kDTypes[static_cast<size_t>(work::schemeOf(workload.quantisation).weights)].bits;
  program.memory.weights = 200e9 * bits / 16 / static_cast<double>(p.tp * p.pp);
  program.memory.kvCache =
      1e9 * static_cast<double>(workload.batch) / static_cast<double>(p.devices());
  const bool beside = workload.overlap == work::Overlap::two_batch;
  program.steps.push_back(
      {work::internKernel(program, matmul(4096)), 10, beside ? 1u : 0u, 0, "mlp"});
  if (model.moe.experts > 0)
    program.steps.push_back(
        {work::internKernel(program, dispatch(8)), 10, beside ? 1u : 0u, 1, "dispatch"});
  program.steps.push_back({work::internKernel(program, matmul(4096)), 1, 0, 0, "mlp"});
  program.notes.push_back("made by hand");
  return program;
}

class EstimateTest : public ::testing::Test {
protected:
  EstimateTest()
      : host_(catalog_),
        target_(std::move(host_.open("h100-sxm", {{"model", "generic"}, {"family", "generic"}}))
                    .value()) {
    frontend_.lower = lower;
    scenario_.workload.batch = 8;
  }

  StepEstimate run(int64_t experts = 0) {
    work::Transformer model;
    model.id = "made-up";
    model.moe.experts = experts;
    auto estimate = estimateStep(scenario_, Lowering(frontend_, model), target_);
    EXPECT_TRUE(estimate.ok()) << (estimate.ok() ? "" : estimate.error().text());
    return std::move(*estimate);
  }

  hw::Catalog catalog_;
  host::Host host_;
  host::Model target_;
  work::Frontend frontend_{};
  Scenario scenario_;
};

TEST_F(EstimateTest, ThroughputIsTokensOverLatencyAndChipsArePackages) {
  scenario_.workload.parallelism.tp = 8;
  const auto report = report::collectEstimate(run(), target_);
  EXPECT_EQ(report.chips, 8);
  EXPECT_DOUBLE_EQ(report.tokens, 8);
  EXPECT_DOUBLE_EQ(report.tokens_per_s, 8 / (report.latency_ms * 1e-3));
  EXPECT_DOUBLE_EQ(report.tokens_per_s_per_chip, report.tokens_per_s / 8);
  EXPECT_NEAR(report.weights_GiB, 25e9 / (1 << 30), 1e-9);
  EXPECT_TRUE(report.misfit().empty());
}

TEST_F(EstimateTest, KernelsOfOneNameAreOneLineAndSharesAddUp) {
  const auto report = report::collectEstimate(run(64), target_);
  ASSERT_EQ(report.kernels.size(), 2u);
  EXPECT_EQ(report.kernels[0].name, "mlp");
  EXPECT_EQ(report.kernels[0].count, 11);
  EXPECT_NEAR(report.kernels[0].share + report.kernels[1].share, 1, 1e-12);
}

TEST_F(EstimateTest, TheFasterOverlapIsKeptAndNamed) {
  const StepEstimate e = run(64);
  EXPECT_EQ(e.workload.overlap, work::Overlap::two_batch);
  bool said = false;
  for (const std::string &note : e.notes)
    said = said || note.find("overlap: two-batch") != std::string::npos;
  EXPECT_TRUE(said);
  scenario_.chooseOverlap = false;
  EXPECT_LT(e.timeline.total_us, run(64).timeline.total_us);
  // What is hidden is not counted as lost.
  EXPECT_LT(report::collectEstimate(e, target_).communicationShare,
            report::collectEstimate(run(64), target_).communicationShare);
}

TEST_F(EstimateTest, WhatHalvingCostsIsLostToCommunication) {
  const StepEstimate halves = run(64);
  ASSERT_EQ(halves.workload.overlap, work::Overlap::two_batch);
  scenario_.chooseOverlap = false;
  const StepEstimate plain = run(64);
  const double free_us = plain.timeline.total_us - plain.communication_us;
  EXPECT_GE(halves.communication_us, (halves.timeline.total_us - free_us) * (1 - 1e-12));
  EXPECT_DOUBLE_EQ(report::collectEstimate(halves, target_).communicationShare,
                   halves.communication_us / halves.timeline.total_us);
}

TEST_F(EstimateTest, APlanMayTakeNoMoreDevicesThanTheSystemHas) {
  const auto supernode = host_.openSystem("cloudmatrix-384");
  ASSERT_TRUE(supernode.ok()) << supernode.error().text();
  const Lowering lowering(frontend_, work::Transformer{});
  const auto lower = [&](int64_t dp) {
    scenario_.workload.batch = dp;
    scenario_.workload.parallelism.dp = dp;
    return lowering.lower(scenario_.workload, capabilitiesOf(*supernode));
  };
  EXPECT_TRUE(lower(768).ok());
  const auto beyond = lower(769);
  ASSERT_FALSE(beyond.ok());
  EXPECT_NE(beyond.error().text().find("769 devices; cloudmatrix-384 has 768 (384 chips of 2)"),
            std::string::npos)
      << beyond.error().text();
}

TEST_F(EstimateTest, WhatDoesNotFitSaysByHowMuchAndWhatWould) {
  const StepEstimate e = run();
  EXPECT_FALSE(e.memory.fits());
  // 104 GB at two-fold is still too much; the replicas of dp keep all weights; the weights alone
  // exceed the device, so no batch fits; 4-bit weights do.
  EXPECT_EQ(e.memory.remedies, (std::vector<std::string>{"--tp 4", "--pp 4", "--quant mxfp4"}));
  const auto report = report::collectEstimate(e, target_);
  EXPECT_NEAR(report.missing_GiB, (208e9 - target_.view().dram_bytes) / (1 << 30), 1e-6);
  EXPECT_EQ(report.notes.front().rfind("DOES NOT FIT", 0), 0u);
  EXPECT_GT(report.tokens_per_s, 0);
}

TEST_F(EstimateTest, ASmallerBatchIsTheLargestThatFits) {
  scenario_.workload.parallelism.tp = 8; // 25 GB of weights
  scenario_.workload.batch = 1000;       // 125 GB of cache
  const StepEstimate e = run();
  const auto largest = static_cast<int64_t>((target_.view().dram_bytes - 25e9) / (1e9 / 8));
  EXPECT_NE(std::find(e.memory.remedies.begin(), e.memory.remedies.end(),
                      "--batch " + std::to_string(largest)),
            e.memory.remedies.end());
}

TEST_F(EstimateTest, FloorsHoldForTheBuiltInModel) {
  scenario_.checkFloors = true;
  run(64);
}

TEST_F(EstimateTest, AWrongWorkloadIsAnErrorBeforeLowering) {
  scenario_.workload.batch = 0;
  const auto e = estimateStep(scenario_, Lowering(frontend_, {}), target_);
  ASSERT_FALSE(e.ok());
  EXPECT_NE(e.error().text().find("--batch"), std::string::npos);
}

} // namespace
} // namespace mansard::model
