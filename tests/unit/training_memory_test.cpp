#include "training_fixture.h"

#include <mansard/system/pipeline.h>
#include <mansard/system/training_memory.h>

#include <gtest/gtest.h>

namespace mansard {
namespace {

using system::AttentionMethod;
using system::Recompute;

/// Over s b h, of one layer.
double perLayer(const Gpt &g, const system::TrainingMethod &method) {
  const auto saved = system::savedActivations(GptForward(g).program(), method, g.L);
  return saved.layers / static_cast<double>(g.L) / static_cast<double>(g.s * g.b * g.h);
}

TEST(TrainingMemory, ActivationsAreThoseOfTheWorkedFormulas) {
  Gpt g;
  const double as_h = static_cast<double>(g.a * g.s) / static_cast<double>(g.h);
  const system::TrainingMethod all{Recompute::none, AttentionMethod::unfused, true},
      selective{Recompute::selective, AttentionMethod::unfused, true},
      full{Recompute::full, AttentionMethod::unfused, true};
  EXPECT_NEAR(perLayer(g, all), 34 + 5 * as_h, 1e-9); // table 2, first row
  EXPECT_NEAR(perLayer(g, full), 2, 1e-9);
  g.t = 8;
  EXPECT_NEAR(perLayer(g, all), 10 + 24. / 8 + 5 * as_h / 8, 1e-9);
  EXPECT_NEAR(perLayer(g, selective), 10 + 24. / 8, 1e-9);
  g.sequenceParallel = true;
  EXPECT_NEAR(perLayer(g, all), (34 + 5 * as_h) / 8, 1e-9);
  EXPECT_NEAR(perLayer(g, selective), 34. / 8, 1e-9);
}

TEST(TrainingMemory, ActivationsBesideTheLayersAreThoseOfTheWorkedFormulas) {
  Gpt g;
  g.t = 8;
  g.sequenceParallel = true;
  const auto saved = system::savedActivations(
      GptForward(g).program(), {Recompute::none, AttentionMethod::unfused, true}, g.L);
  const double sbh = static_cast<double>(g.s * g.b * g.h);
  EXPECT_NEAR(saved.first / sbh, 1. / 8, 1e-9); // section 4.3
  EXPECT_NEAR(saved.last / sbh, 4. / 8 * (1 + 51200. / 6144), 1e-9);
}

TEST(TrainingMemory, FlashAttentionKeepsNoProbabilities) {
  Gpt g;
  const double flash = perLayer(g, {Recompute::none, AttentionMethod::flash, true});
  EXPECT_NEAR(flash, 34 + 4 * 64. / 6144, 1e-9); // a logarithm for each query and head
}

TEST(TrainingMemory, ZeroCutsStatesThenGradientsThenWeights) {
  const auto bytes = [](int zero) {
    return system::parameterBytes(system::Optimizer::adam, zero, 64, false);
  };
  EXPECT_DOUBLE_EQ(bytes(0).total(), 18);
  EXPECT_DOUBLE_EQ(bytes(1).total(), 2 + 4 + 12. / 64);
  EXPECT_DOUBLE_EQ(bytes(2).total(), 2 + (4 + 12) / 64.);
  EXPECT_DOUBLE_EQ(bytes(3).total(), 18 / 64.);
  EXPECT_DOUBLE_EQ(system::parameterBytes(system::Optimizer::momentum, 0, 1, false).total(), 14);
  EXPECT_DOUBLE_EQ(system::parameterBytes(system::Optimizer::sgd, 0, 1, false).total(), 10);
}

TEST(Pipeline, TheBubbleOfEqualStagesIsThatOfTheFormula) {
  const std::vector<double> stages(8, 100.0);
  const auto plain = system::pipelineTime(stages, 64, 1, 0);
  EXPECT_DOUBLE_EQ(plain.work_us, 6400);
  EXPECT_DOUBLE_EQ(plain.bubble_us, 700); // (p - 1) of m
  EXPECT_DOUBLE_EQ(plain.total_us, 7100);
  EXPECT_DOUBLE_EQ(system::pipelineTime(stages, 64, 7, 0).bubble_us, 100); // over v
  EXPECT_DOUBLE_EQ(system::pipelineTime({100.0}, 64, 1, 5).bubble_us, 0);
}

TEST(Pipeline, TheSlowestStageSetsThePaceAndHopsFillIt) {
  const auto time = system::pipelineTime({100, 100, 130}, 10, 1, 2);
  EXPECT_DOUBLE_EQ(time.work_us, 1300);
  EXPECT_DOUBLE_EQ(time.bubble_us, 200 + 2 * 2 * 2);
}

TEST(Pipeline, LayersThatDoNotDivideGoToStagesWithoutEmbeddingAndHead) {
  EXPECT_EQ(system::layersOfStages(96, 8), std::vector<int64_t>(8, 12));
  std::vector<int64_t> llama(16, 8); // 126 layers on 16 stages (Llama 3, arXiv 2407.21783)
  llama.front() = llama.back() = 7;
  EXPECT_EQ(system::layersOfStages(126, 16), llama);
  EXPECT_EQ(system::layersOfStages(5, 3), (std::vector<int64_t>{2, 2, 1}));
}

TEST(Pipeline, TheFirstStageHoldsTheMicroBatchesInFlight) {
  EXPECT_DOUBLE_EQ(system::microBatchesHeld(0, 8, 64, 1), 8);
  EXPECT_DOUBLE_EQ(system::microBatchesHeld(7, 8, 64, 1), 1);
  EXPECT_DOUBLE_EQ(system::microBatchesHeld(0, 8, 4, 1), 4); // no more than there are
  // p (1 + (p - 1) / p v) for the interleaved schedule, section 4.2.3.
  EXPECT_DOUBLE_EQ(system::microBatchesHeld(0, 8, 64, 3), 8 * (1 + 7. / (8 * 3)));
}

} // namespace
} // namespace mansard
