// The search for a plan, with a front end whose plans are few enough to try them all.

#include <mansard/report/plan_report.h>
#include <mansard/system/plan.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace mansard::system {
namespace {

/// 40 layers of one 8192 x 8192 matrix, cut by tp and pp, 8-headed; an all-reduce behind each.
/// Experts add as much again, exchanged over their group. 4 MB of cache a position.
Result<work::Program> lower(const work::Transformer &model, const work::Workload &workload,
                            const work::Capabilities &) {
  const work::Parallelism &p = workload.parallelism;
  if (8 % p.tp != 0)
    return Error{ErrorCode::invalidInput, "8 heads", "--tp"};
  work::Program program;
  program.devices = p.devices();
  program.tokens = workload.tokensPerStep();
  const int64_t layers = 40;
  const int64_t rows = workload.sequencesPerReplica() * workload.tokensPerSequence();
  work::Kernel matmul = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  matmul.u.matmul = {rows, 8192, 8192 / p.tp, 0, 0, 0, 0, 0, 0};
  program.steps.push_back({work::internKernel(program, matmul), layers, 0, 0, "matmul"});
  const auto collective = [&](int64_t ranks, const char *name) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_COLLECTIVE, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.collective = {ranks, rows * 8192 * 2, MANSARD_COLLECTIVE_ALL_REDUCE, 0};
    program.steps.push_back({work::internKernel(program, kernel), layers, 0, 0, name});
  };
  if (p.tp > 1)
    collective(p.tp, "all_reduce");
  if (model.moe.experts > 0 && p.expertGroup() > 1)
    collective(p.expertGroup(), "exchange");
  const double cut = static_cast<double>(p.tp * p.pp);
  program.memory.weights = 40e9 / cut;
  if (model.moe.experts > 0)
    program.memory.weights += 200e9 / static_cast<double>(p.expertGroup() * p.pp);
  program.memory.kvCache = 1e5 * static_cast<double>(workload.batch * workload.context) /
                           static_cast<double>(p.devices());
  program.memory.activations = 1e4 * static_cast<double>(rows);
  return program;
}

class PlanTest : public ::testing::Test {
protected:
  PlanTest()
      : host_(catalog_),
        target_(std::move(host_.open("h100-sxm", {{"model", "generic"}, {"family", "generic"}}))
                    .value()) {
    frontend_.lower = lower;
    question_.devices = 8;
    question_.keep = 1000;
    question_.disaggregated = false;
    question_.scenario.isl = 512;
    question_.scenario.osl = 256;
    question_.scenario.software.iteration_us = 100;
    question_.scenario.software.sequences = 64;
  }

  model::Lowering lowering(int64_t experts = 0) const {
    work::Transformer model;
    model.id = "made-up";
    model.moe.experts = experts;
    return {frontend_, model};
  }

  PlanAnswer search(int64_t experts = 0) {
    auto answer = searchPlans(question_, lowering(experts), target_);
    EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.error().text());
    return answer.ok() ? std::move(*answer) : PlanAnswer{};
  }

  hw::Catalog catalog_;
  host::Host host_;
  host::Model target_;
  work::Frontend frontend_{};
  PlanQuestion question_;
};

TEST(PlanCandidates, AreValidDistinctAndUseWhatThereIs) {
  for (int64_t experts : {0, 64})
    for (bool context : {false, true}) {
      work::Transformer model;
      model.moe.experts = experts;
      const auto plans = candidatePlans(model, 12, context);
      std::set<std::string> seen;
      std::set<int64_t> sizes;
      for (const work::Parallelism &p : plans) {
        work::Workload workload;
        workload.parallelism = p;
        EXPECT_TRUE(work::check(workload).ok()) << work::degreesOf(p);
        EXPECT_TRUE(seen.insert(work::degreesOf(p)).second) << work::degreesOf(p);
        sizes.insert(p.devices());
        if (experts > 0) {
          EXPECT_EQ(p.expertGroup(), p.stageDevices()) << work::degreesOf(p);
        } else {
          EXPECT_EQ(p.dp, 1);
        }
      }
      EXPECT_EQ(sizes, (std::set<int64_t>{1, 2, 3, 4, 6, 8, 12}));
      EXPECT_EQ(context, seen.count("tp 2, cp 2, ep 4") + seen.count("tp 2, cp 2") > 0);
    }
}

TEST_F(PlanTest, FindsWhatTryingEverythingFinds) {
  question_.tpot_ms = 30;
  question_.ttft_ms = 400;
  for (int64_t experts : {0, 64}) {
    const model::Lowering source = lowering(experts);
    double most = 0;
    std::string best;
    ServingScenario scenario = question_.scenario;
    for (const work::Parallelism &p : candidatePlans(*source.transformer(), 8, false)) {
      scenario.plan.parallelism = p;
      Serving serving(source, target_, scenario);
      for (scenario.concurrency = 1; scenario.concurrency <= 512; ++scenario.concurrency) {
        const auto e = serving.estimate(scenario);
        if (!e)
          break;
        if (e->ttft_ms <= question_.ttft_ms && e->tpot_ms <= question_.tpot_ms &&
            e->tokens_per_s_per_chip > most) {
          most = e->tokens_per_s_per_chip;
          best = work::degreesOf(p);
        }
      }
    }
    const PlanAnswer answer = search(experts);
    ASSERT_FALSE(answer.best.empty());
    // The search looks at an eighth of a doubling and no closer.
    EXPECT_LE(answer.best.front().estimate.tokens_per_s_per_chip, most);
    EXPECT_GE(answer.best.front().estimate.tokens_per_s_per_chip, 0.9 * most);
    EXPECT_EQ(work::degreesOf(answer.best.front().parallelism), best);
  }
}

TEST_F(PlanTest, KeepsLimitsAndOrder) {
  question_.tpot_ms = 12;
  question_.ttft_ms = 300;
  const PlanAnswer answer = search(64);
  ASSERT_FALSE(answer.best.empty());
  EXPECT_TRUE(answer.nearest.empty());
  for (size_t i = 0; i < answer.best.size(); ++i) {
    const Plan &plan = answer.best[i];
    EXPECT_LE(plan.estimate.ttft_ms, 300);
    EXPECT_LE(plan.estimate.tpot_ms, 12);
    EXPECT_LE(plan.excess, 1);
    EXPECT_EQ(plan.copies, 8 / plan.estimate.devices);
    if (i > 0) {
      EXPECT_GE(answer.best[i - 1].estimate.tokens_per_s_per_chip,
                plan.estimate.tokens_per_s_per_chip);
    }
  }
  // A limit just below what the best one takes leaves it out or makes it serve fewer.
  const Plan best = answer.best.front();
  question_.tpot_ms = best.estimate.tpot_ms * 0.999;
  const PlanAnswer tighter = search(64);
  ASSERT_FALSE(tighter.best.empty());
  EXPECT_LT(tighter.best.front().estimate.tokens_per_s_per_chip,
            best.estimate.tokens_per_s_per_chip);
}

TEST_F(PlanTest, WithoutLimitsMemoryAndSoftwareEndTheClimb) {
  const PlanAnswer answer = search();
  ASSERT_FALSE(answer.best.empty());
  for (const Plan &plan : answer.best)
    EXPECT_LE(plan.estimate.running, plan.estimate.places);
}

TEST_F(PlanTest, NearestMissesWhereNothingKeepsTheLimits) {
  question_.tpot_ms = 0.01;
  question_.keep = 3;
  const PlanAnswer answer = search();
  EXPECT_TRUE(answer.best.empty());
  ASSERT_EQ(answer.nearest.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const Plan &plan = answer.nearest[i];
    EXPECT_GT(plan.excess, 1);
    EXPECT_DOUBLE_EQ(plan.excess, std::max(plan.estimate.tpot_ms / 0.01, 0.0));
    if (i > 0) {
      EXPECT_GE(plan.excess, answer.nearest[i - 1].excess);
    }
  }
}

TEST_F(PlanTest, CountsWhatItLeavesOutByReason) {
  question_.devices = 24;
  const PlanAnswer answer = search(64);
  int64_t fit = 0, indivisible = 0, all = 0;
  work::Transformer model;
  model.moe.experts = 64;
  for (const work::Parallelism &p : candidatePlans(model, 24, false)) {
    ++all;
    indivisible += 8 % p.tp != 0;
    const double weights = 40e9 / static_cast<double>(p.tp * p.pp) +
                           200e9 / static_cast<double>(p.expertGroup() * p.pp);
    fit += 8 % p.tp == 0 && weights < 0.9 * target_.view().dram_bytes - 1e9;
  }
  EXPECT_EQ(answer.plans, all);
  EXPECT_EQ(answer.leftOut.at("degrees do not divide the model"), indivisible);
  EXPECT_EQ(answer.leftOut.at("do not fit in memory"), all - indivisible - fit);
  EXPECT_EQ(static_cast<int64_t>(answer.best.size()), fit);
}

TEST_F(PlanTest, TheNumberOfThreadsDoesNotMatter) {
  question_.tpot_ms = 20;
  question_.disaggregated = true;
  question_.threads = 1;
  const auto text = [&] {
    return report::planJson(report::collectPlans(question_, search(64), "made-up", target_));
  };
  const std::string alone = text();
  question_.threads = 3;
  EXPECT_EQ(text(), alone);
}

TEST_F(PlanTest, PairsOfWorkersStayWithinTheDevices) {
  question_.aggregated = false;
  question_.disaggregated = true;
  question_.devices = 6;
  question_.tpot_ms = 20;
  const PlanAnswer answer = search();
  ASSERT_FALSE(answer.best.empty());
  for (const Plan &plan : answer.best) {
    ASSERT_TRUE(plan.prefill.has_value());
    EXPECT_EQ(plan.estimate.devices,
              plan.prefill->prefillWorkers * plan.prefill->prefill.devices() +
                  plan.prefill->decodeWorkers * plan.parallelism.devices());
    EXPECT_LE(plan.estimate.devices, 6);
    EXPECT_LE(plan.estimate.tpot_ms, 20);
  }
  question_.devices = 1;
  const PlanAnswer none = search();
  EXPECT_TRUE(none.best.empty());
  EXPECT_GT(none.leftOut.count("prefill and decode workers are more devices than there are"), 0u);
}

TEST_F(PlanTest, RefusesQuestionsThatMakeNoSense) {
  const auto refused = [&](const char *flag) {
    const auto answer = searchPlans(question_, lowering(), target_);
    ASSERT_FALSE(answer.ok());
    EXPECT_NE(answer.error().text().find(flag), std::string::npos) << answer.error().text();
    question_ = {};
    question_.devices = 1;
  };
  question_.devices = 0;
  refused("--devices");
  question_.tpot_ms = 0;
  refused("--tpot");
  question_.ttft_ms = -1;
  refused("--ttft");
  question_.scenario.isl = 0;
  refused("--isl");
}

} // namespace
} // namespace mansard::system
