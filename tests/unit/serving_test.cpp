// Serving in steady state, with a front end that makes programs of known size.
#include <mansard/report/serving_report.h>
#include <mansard/system/serving.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace mansard::system {
namespace {

work::Kernel matmul(int64_t rows) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.matmul = {rows, 8192, 8192, 0, 0, 0, 0, 0, 0};
  return kernel;
}

work::Kernel attention(bool prefill, int64_t batch, int64_t queries, int64_t keys) {
  work::Kernel kernel =
      work::makeKernel(prefill ? MANSARD_OP_ATTENTION_PREFILL : MANSARD_OP_ATTENTION_DECODE,
                       DType::bf16, DType::bf16, DType::bf16);
  kernel.u.attention = {batch, queries, keys, 64, 8, 128, 0, 1, 0};
  return kernel;
}

constexpr double kWeights = 40e9, kCacheOfToken = 320e3;

/// 80 layers of two matmuls around attention; 40 GB of weights and 320 kB of cache a token.
Result<work::Program> lower(const work::Transformer &, const work::Workload &w,
                            const work::Capabilities &) {
  const int64_t sequences = w.sequencesPerReplica(), tokens = w.tokensPerSequence();
  const bool prefill = w.phase == work::Phase::prefill;
  work::Program program;
  program.devices = w.parallelism.devices();
  program.tokens = w.tokensPerStep();
  program.memory.weights = kWeights;
  program.memory.kvCache = kCacheOfToken * static_cast<double>(sequences * w.context);
  const auto add = [&](const work::Kernel &kernel, const char *name) {
    program.steps.push_back({work::internKernel(program, kernel), 80, 0, 0, name});
  };
  add(matmul(sequences * tokens), "layers.in");
  add(attention(prefill, sequences, tokens, w.context), "layers.attend");
  add(matmul(sequences * tokens), "layers.out");
  return program;
}

class ServingTest : public ::testing::Test {
protected:
  ServingTest() {
    frontend_.lower = lower;
    model_.id = "made-up";
    auto software = readProfile("vllm");
    EXPECT_TRUE(software.ok());
    scenario_.software = *software;
    scenario_.isl = 1024;
    scenario_.osl = 256;
    scenario_.concurrency = 16;
  }

  host::Model open(const std::string &id, std::vector<hw::Override> overrides = {}) {
    overrides.push_back({"model", "generic"});
    overrides.push_back({"family", "generic"});
    auto model = host_.open(id, overrides);
    EXPECT_TRUE(model.ok()) << (model.ok() ? "" : model.error().text());
    return std::move(*model);
  }

  ServingEstimate run(const host::Model &target) {
    auto estimate = estimateServing(scenario_, model::Lowering(frontend_, model_), target);
    EXPECT_TRUE(estimate.ok()) << (estimate.ok() ? "" : estimate.error().text());
    return estimate.ok() ? std::move(*estimate) : ServingEstimate{};
  }
  ServingEstimate run() { return run(open("h200-sxm")); }
  ServingEstimate runAt(int64_t concurrency) {
    scenario_.concurrency = concurrency;
    return run();
  }

  void expectLittlesLaw(const ServingEstimate &e) const {
    const double seconds = (e.ttft_ms + static_cast<double>(scenario_.osl - 1) * e.tpot_ms) / 1e3;
    EXPECT_NEAR(e.requests_per_s * seconds, static_cast<double>(scenario_.concurrency),
                1e-6 * static_cast<double>(scenario_.concurrency));
  }

  hw::Catalog catalog_;
  host::Host host_{catalog_};
  work::Frontend frontend_{};
  work::Transformer model_;
  ServingScenario scenario_;
};

TEST_F(ServingTest, RequestsInFlightAreRateTimesStay) {
  for (const char *software : {"vllm", "sglang", "trtllm", "mindie"}) {
    scenario_.software = *readProfile(software);
    for (int64_t concurrency : {1, 7, 64, 500}) {
      SCOPED_TRACE(software + std::to_string(concurrency));
      expectLittlesLaw(runAt(concurrency));
    }
  }
}

TEST_F(ServingTest, PartsAddUp) {
  for (int64_t concurrency : {1, 64, 500}) {
    const ServingEstimate e = runAt(concurrency);
    EXPECT_NEAR(e.decode_ms + e.prompts_ms + e.host_ms, e.tpot_ms, 1e-9 * e.tpot_ms);
    EXPECT_NEAR(e.slot_ms + e.queue_ms + e.prompt_ms + e.transfer_ms + e.request_ms, e.ttft_ms,
                1e-9 * e.ttft_ms);
    double shares = 0;
    for (const KernelShare &kernel : e.kernels)
      shares += kernel.share;
    EXPECT_NEAR(shares, 1, 1e-6); // all three are shown
  }
}

TEST_F(ServingTest, OneRequestIsNotHeldUpByOthers) {
  const ServingEstimate e = runAt(1);
  const host::Model target = open("h200-sxm");
  const model::Lowering lowering(frontend_, model_);
  StepCosts costs(lowering, target, scenario_.plan, scenario_.traffic, scenario_.software.kernels);
  EXPECT_EQ(e.prompts_ms, 0);
  EXPECT_EQ(e.slot_ms, 0);
  EXPECT_NEAR(e.decode_ms, costs.decode(1, 1024 + 128)->total_us / 1e3, 1e-9);
}

TEST_F(ServingTest, MoreRequestsNeverShortenATokenAndNeverLowerThroughput) {
  for (const char *software : {"vllm", "sglang"}) {
    scenario_.software = *readProfile(software);
    double tpot = 0, rate = 0;
    for (int64_t concurrency = 1; concurrency <= 1024; concurrency *= 2) {
      const ServingEstimate e = runAt(concurrency);
      EXPECT_GE(e.tpot_ms, tpot * (1 - 1e-9)) << software << concurrency;
      EXPECT_GE(e.requests_per_s, rate * (1 - 0.05)) << software << concurrency; // whole tiles
      tpot = e.tpot_ms;
      rate = e.requests_per_s;
    }
  }
}

TEST_F(ServingTest, MoreBandwidthNeverHurts) {
  scenario_.concurrency = 64;
  ServingEstimate before;
  for (const char *rate : {"4", "6", "8", "10"}) {
    const ServingEstimate e = run(open("h200-sxm", {{"memory.pin_rate_Gbps", rate}}));
    if (before.tpot_ms > 0) {
      EXPECT_LE(e.tpot_ms, before.tpot_ms);
      EXPECT_LE(e.ttft_ms, before.ttft_ms * (1 + 1e-9));
    }
    before = e;
  }
}

TEST_F(ServingTest, RequestsBeyondThePlacesWait) {
  const ServingEstimate full = runAt(5000), twice = runAt(10000);
  EXPECT_LT(full.places, 5000);
  EXPECT_EQ(full.running, full.places);
  EXPECT_NE(full.limit.find("memory"), std::string::npos);
  // 90 % of 141 GB less the weights, over 1024 + 128 tokens of 320 kB.
  const double byHand =
      (open("h200-sxm").view().dram_bytes * 0.9 - kWeights) / (1152 * kCacheOfToken);
  EXPECT_EQ(full.places, static_cast<int64_t>(byHand));
  EXPECT_NEAR(twice.tpot_ms, full.tpot_ms, 1e-9);
  EXPECT_NEAR(twice.requests_per_s, full.requests_per_s, 1e-6);
  EXPECT_GT(twice.slot_ms, full.slot_ms);
  EXPECT_NE(full.notes.front().find("run at once"), std::string::npos);
  expectLittlesLaw(twice);
}

TEST_F(ServingTest, WeightsThatDoNotFitAreAnError) {
  scenario_.isl = 1000000;
  const host::Model target = open("h200-sxm");
  const auto estimate = estimateServing(scenario_, model::Lowering(frontend_, model_), target);
  ASSERT_FALSE(estimate.ok());
  EXPECT_NE(estimate.error().message.find("does not hold"), std::string::npos);
}

TEST_F(ServingTest, ChunksOfAPromptAddUpToMoreThanTheWhole) {
  scenario_.isl = 8192;
  scenario_.concurrency = 4;
  scenario_.software.tokens_per_iteration = 16384;
  const ServingEstimate whole = run();
  scenario_.software.tokens_per_iteration = 1024;
  const ServingEstimate chunked = run();
  EXPECT_GT(chunked.prompt_ms, whole.prompt_ms); // each chunk reads all weights and decodes too
  EXPECT_LT(chunked.prompt_ms, 3 * whole.prompt_ms);
  EXPECT_TRUE(std::any_of(chunked.notes.begin(), chunked.notes.end(), [](const std::string &note) {
    return note == "a prompt is spread over 9 iterations"; // 1024 less the four that decode
  }));
}

TEST_F(ServingTest, WhatTheCacheHasIsNotComputed) {
  const ServingEstimate cold = run();
  scenario_.prefixHit = 0.75;
  const ServingEstimate warm = run();
  EXPECT_LT(warm.prompt_ms, 0.6 * cold.prompt_ms);
  EXPECT_LT(warm.tpot_ms, cold.tpot_ms);
  EXPECT_GT(warm.requests_per_s, cold.requests_per_s);
}

TEST_F(ServingTest, AcceptedTokensShortenTheTimeOfOne) {
  const ServingEstimate plain = run();
  scenario_.plan.new_tokens = 2;
  scenario_.plan.accept = 0.7;
  const ServingEstimate speculative = run();
  EXPECT_LT(speculative.tpot_ms, plain.tpot_ms);
  EXPECT_GT(speculative.tpot_ms, plain.tpot_ms / 1.7);
  expectLittlesLaw(speculative);
}

TEST_F(ServingTest, PromptsThatGoFirstAndAreAllAlikeComeInWaves) {
  scenario_.software = *readProfile("sglang");
  scenario_.concurrency = 64;
  const ServingEstimate waves = run();
  scenario_.lengthSpread = 0.2;
  const ServingEstimate spread = run();
  // A wave's mean prompt waits for half of the others, and its answer for the other half.
  EXPECT_GT(waves.queue_ms, 2 * spread.queue_ms);
  EXPECT_LT(waves.prompts_ms, 0.7 * spread.prompts_ms);
  EXPECT_NEAR(waves.queue_ms, waves.prompts_ms * 255, 0.01 * waves.queue_ms);
}

TEST_F(ServingTest, AFirstBurstIsSeenInTheMean) {
  scenario_.concurrency = 64;
  const ServingEstimate steady = run();
  scenario_.firstBurst = 0.1;
  EXPECT_GT(run().ttft_ms, steady.ttft_ms);
}

TEST_F(ServingTest, AFirstBurstWaitsForPrefillWorkersToo) {
  scenario_.concurrency = 64;
  scenario_.disaggregated = Disaggregation{};
  scenario_.disaggregated->prefillWorkers = scenario_.disaggregated->decodeWorkers = 1;
  const ServingEstimate steady = run();
  scenario_.firstBurst = 0.1;
  const ServingEstimate burst = run();
  EXPECT_GT(burst.queue_ms, steady.queue_ms);
  EXPECT_EQ(burst.tpot_ms, steady.tpot_ms);
  expectLittlesLaw(burst);
}

// What arrives between two looks begins together: replicas wait for one another's prompts less
// often, and get more alike numbers of them.
TEST_F(ServingTest, PromptsSinceTheLastLookBeginTogether) {
  scenario_.plan.parallelism.dp = scenario_.plan.parallelism.ep = 8;
  scenario_.concurrency = 128;
  const ServingEstimate often = run();
  scenario_.software.poll_iterations = 60;
  const ServingEstimate seldom = run();
  EXPECT_GT(seldom.queue_ms, often.queue_ms);
  EXPECT_LT(seldom.prompts_ms, 0.8 * often.prompts_ms);
}

TEST_F(ServingTest, WorkersOfTheirOwnKeepPromptsOutOfTheWay) {
  scenario_.concurrency = 128;
  scenario_.disaggregated = Disaggregation{};
  const ServingEstimate e = run();
  expectLittlesLaw(e);
  EXPECT_EQ(e.prompts_ms, 0);
  EXPECT_GT(e.transfer_ms, 0);
  EXPECT_GE(e.prefillWorkers, 1);
  EXPECT_GE(e.decodeWorkers, 1);
  EXPECT_EQ(e.devices, e.prefillWorkers + e.decodeWorkers);
  EXPECT_LT(e.prefillBusy, 1);
  // No other ratio of those tried yields more for each device.
  for (const auto &[p, d] : {std::pair{1, 1}, {1, 4}, {4, 1}, {8, 8}}) {
    scenario_.disaggregated->prefillWorkers = p;
    scenario_.disaggregated->decodeWorkers = d;
    EXPECT_LE(run().tokens_per_s_per_chip, e.tokens_per_s_per_chip * (1 + 1e-9)) << p << ':' << d;
  }
}

TEST_F(ServingTest, WhatMakesNoSenseIsNamedByItsFlag) {
  const auto place = [&] {
    const auto sound = check(scenario_);
    return sound.ok() ? std::string() : sound.error().place;
  };
  EXPECT_EQ(place(), "");
  scenario_.isl = 0;
  EXPECT_EQ(place(), "--isl");
  scenario_.isl = 1;
  scenario_.prefixHit = 1.5;
  EXPECT_EQ(place(), "--prefix-hit");
  scenario_.prefixHit = NAN;
  EXPECT_EQ(place(), "--prefix-hit");
  scenario_.prefixHit = 0;
  scenario_.disaggregated = Disaggregation{};
  scenario_.disaggregated->prefillWorkers = 2;
  EXPECT_EQ(place(), "--prefill-workers");
}

TEST_F(ServingTest, AnswersOfOneTokenHaveNoTimeBetweenTokens) {
  scenario_.osl = 1;
  const ServingEstimate e = run();
  EXPECT_EQ(e.tpot_ms, 0);
  EXPECT_EQ(e.tokens_per_s_per_user, 0);
  expectLittlesLaw(e);
}

TEST_F(ServingTest, SameQuestionSameAnswer) {
  const ServingEstimate a = runAt(100), b = runAt(100);
  EXPECT_EQ(a.ttft_ms, b.ttft_ms);
  EXPECT_EQ(a.tpot_ms, b.tpot_ms);
}

TEST(Plot, PointsLieWhereTheyBelong) {
  const std::string text =
      report::plot({{10, 0}, {0, 5}, {5, 2.5}}, {"a", "b", "c"}, "x", "y", 11, 5);
  EXPECT_EQ(text, "  y\n"
                  "  5 |b\n"
                  "    |\n"
                  "    |     c\n"
                  "    |\n"
                  "  0 |          a\n"
                  "    +-----------\n"
                  "     0        10\n"
                  "               x\n");
}

} // namespace
} // namespace mansard::system
