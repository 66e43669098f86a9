#include "training_fixture.h"

#include <mansard/report/training_report.h>
#include <mansard/system/training.h>

#include <gtest/gtest.h>

#include <numeric>

namespace mansard {
namespace {

using system::Recompute;
using system::TrainingEstimate;
using system::TrainingPlan;

Result<work::Program> lower(const work::Transformer &model, const work::Workload &workload,
                            const work::Capabilities &) {
  Gpt gpt;
  gpt.a = model.attentions.front().heads;
  gpt.b = workload.batch;
  gpt.h = model.hidden;
  gpt.L = model.layerCount();
  gpt.s = workload.context;
  gpt.t = workload.parallelism.tp;
  gpt.v = model.vocab;
  gpt.sequenceParallel = workload.parallelism.sp;
  return GptForward(gpt).program();
}

class TrainingTest : public ::testing::Test {
protected:
  TrainingTest()
      : host_(catalog_),
        target_(
            std::move(host_.open("a100-sxm-80gb", {{"model", "generic"}, {"family", "generic"}}))
                .value()) {
    frontend_.lower = lower;
    model_.id = "gpt";
    model_.hidden = 6144;
    model_.inter = 4 * 6144;
    model_.vocab = 51200;
    model_.max_positions = 2048;
    model_.gated = false;
    model_.tied_embeddings = true;
    work::AttentionShape attention;
    attention.heads = attention.kv_heads = 64;
    attention.head_dim = attention.v_head_dim = 96;
    model_.attentions = {attention};
    for (int i = 0; i < 48; ++i)
      model_.addLayer(0, false);
    plan_.seq = 2048;
    plan_.global_batch = 32;
    plan_.parallelism.tp = 8;
  }

  TrainingEstimate run(const TrainingPlan &plan) {
    auto estimate = estimateTraining(plan, model::Lowering(frontend_, model_), target_);
    EXPECT_TRUE(estimate) << estimate.error().text();
    return std::move(*estimate);
  }
  std::string problem(const TrainingPlan &plan) {
    const auto done = check(plan, model_);
    return done ? "" : done.error().text();
  }

  hw::Catalog catalog_;
  host::Host host_;
  host::Model target_;
  work::Frontend frontend_{};
  work::Transformer model_;
  TrainingPlan plan_;
};

TEST_F(TrainingTest, ModelOperationsAreThoseOfThePublishedFormula) {
  const double B = 4, L = 48, s = 2048, h = 6144, v = 51200;
  const double published = 72 * B * L * s * h * h * (1 + s / (6 * h) + v / (12 * h * L));
  EXPECT_NEAR(system::modelOperations(model_, B * s, 2048) / published, 1, 1e-3); // norms
}

TEST_F(TrainingTest, PartsAddUpToTheStepAndSoDoResourcesAndTheBubble) {
  plan_.parallelism.pp = 4;
  plan_.parallelism.dp = 2;
  plan_.zero = 1;
  plan_.method.recompute = Recompute::full;
  const auto report = report::collectTraining(run(plan_), target_);
  double parts = 0;
  for (const report::TrainingPart &part : report.parts)
    parts += part.us;
  EXPECT_NEAR(parts / report.step_us, 1, 1e-12);
  const double busy = std::accumulate(std::begin(report.part_us), std::end(report.part_us), 0.0);
  EXPECT_NEAR((busy + report.bubbleShare * report.step_us) / report.step_us, 1, 1e-9);
  double shares = 0;
  for (const report::TrainingKernelLine &kernel : report.kernels)
    shares += kernel.share;
  EXPECT_NEAR(shares + report.bubbleShare, 1, 1e-9);
}

TEST_F(TrainingTest, WhatIsComputedAgainTakesTimeAndLeavesMemoryFree) {
  plan_.method.attention = system::AttentionMethod::unfused;
  TrainingEstimate of[3];
  for (const Recompute recompute : {Recompute::none, Recompute::selective, Recompute::full}) {
    plan_.method.recompute = recompute;
    of[static_cast<size_t>(recompute)] = run(plan_);
  }
  EXPECT_LT(of[0].step_us, of[1].step_us);
  EXPECT_LT(of[1].step_us, of[2].step_us);
  EXPECT_GT(of[0].memory.activations, of[1].memory.activations);
  EXPECT_GT(of[1].memory.activations, of[2].memory.activations);
  EXPECT_DOUBLE_EQ(of[0].model_operations, of[2].model_operations);
  EXPECT_DOUBLE_EQ(of[0].mfu(), of[0].hfu());
  EXPECT_LT(of[2].mfu(), of[2].hfu());
}

TEST_F(TrainingTest, InterleavingShrinksTheBubble) {
  plan_.parallelism.pp = 8;
  const double plain = run(plan_).bubble_us;
  plan_.virtual_stages = 3;
  const double interleaved = run(plan_).bubble_us;
  EXPECT_LT(interleaved, plain);
  EXPECT_GT(interleaved, plain / 3.01);
}

TEST_F(TrainingTest, GradientsCostLessBesideTheBackwardPass) {
  plan_.parallelism.dp = 4;
  const TrainingEstimate beside = run(plan_);
  plan_.overlap = false;
  const TrainingEstimate after = run(plan_);
  EXPECT_GT(beside.gradients_us, 0);
  EXPECT_LT(beside.gradients_us, after.gradients_us);
  EXPECT_DOUBLE_EQ(beside.backward_us, after.backward_us);
}

TEST_F(TrainingTest, ZeroSplitsStatesAndTheUpdate) {
  plan_.parallelism.dp = 4;
  const TrainingEstimate whole = run(plan_);
  plan_.zero = 1;
  const TrainingEstimate cut = run(plan_);
  EXPECT_NEAR(cut.memory.optimizer * 4 / whole.memory.optimizer, 1, 1e-12);
  EXPECT_DOUBLE_EQ(cut.memory.gradients, whole.memory.gradients);
  EXPECT_LT(cut.optimizer_us, whole.optimizer_us);
}

TEST_F(TrainingTest, PlansThatContradictThemselvesAreRefusedWithWhatWouldDo) {
  EXPECT_EQ(problem(plan_), "");
  const auto refused = [&](const auto &change, const char *words) {
    TrainingPlan plan = plan_;
    change(plan);
    const std::string text = problem(plan);
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  refused([](auto &p) { p.seq = 0; }, "--seq: is 0");
  refused([](auto &p) { p.parallelism.dp = 3; }, "the nearest degree that divides them is 2");
  refused([](auto &p) { p.micro_batch = 5; }, "the nearest that does is 4");
  refused([](auto &p) { p.parallelism.pp = 49; }, "has layers, 48");
  refused([](auto &p) { p.zero = 2, p.parallelism.pp = 2; }, "--zero 0 or 1");
  refused([](auto &p) { p.virtual_stages = 2; }, "none with --pp 1");
  refused([](auto &p) { p.virtual_stages = 7, p.parallelism.pp = 8; }, "6 layers of a stage");
}

TEST_F(TrainingTest, AMisfitNamesFlagsThatWereTried) {
  plan_.parallelism.tp = 2;
  plan_.parallelism.dp = 8;
  const TrainingEstimate e = run(plan_);
  ASSERT_FALSE(e.memory.fits());
  ASSERT_FALSE(e.remedies.empty());
  plan_.parallelism.tp = 8;
  bool offered = false;
  for (const std::string &remedy : e.remedies)
    offered = offered || remedy == "--tp 8";
  EXPECT_EQ(offered, run(plan_).memory.fits());
}

} // namespace
} // namespace mansard
