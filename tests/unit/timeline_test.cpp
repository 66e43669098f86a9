// How steps add up: repeats, lanes side by side, attribution.

#include <mansard/host/host.h>
#include <mansard/model/timeline.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace mansard::model {
namespace {

class TimelineTest : public ::testing::Test {
protected:
  TimelineTest()
      : host_(catalog_),
        model_(std::move(host_.open("h100-sxm", {{"model", "generic"}, {"family", "generic"}}))
                   .value()) {}

  static work::Kernel matmul(int64_t m) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.matmul = {m, 4096, 4096, 0, 0, 0, 0, 0, 0};
    return kernel;
  }

  static void add(work::Program &program, const work::Kernel &kernel, int64_t count,
                  uint32_t overlap = 0, uint32_t lane = 0) {
    program.steps.push_back({work::internKernel(program, kernel), count, overlap, lane, "step"});
  }

  double latencyOf(const work::Kernel &kernel) {
    work::Program program;
    add(program, kernel, 1);
    Evaluator evaluator(program);
    EXPECT_TRUE(evaluator.run(model_).ok());
    return evaluator.timeline().total_us;
  }

  hw::Catalog catalog_;
  host::Host host_;
  host::Model model_;
};

TEST_F(TimelineTest, RepeatsMultiply) {
  work::Program program;
  add(program, matmul(1024), 61);
  Evaluator evaluator(program);
  ASSERT_TRUE(evaluator.run(model_).ok());
  EXPECT_NEAR(evaluator.timeline().total_us, 61 * latencyOf(matmul(1024)), 1e-6);
}

TEST_F(TimelineTest, EqualKernelsArePricedOnce) {
  work::Program program;
  add(program, matmul(1024), 1);
  add(program, matmul(1024), 2);
  EXPECT_EQ(program.kernels.size(), 1u);
}

// Two halves of a batch, one after the other, each with a share in both of two stages.
TEST_F(TimelineTest, StepsOfAGroupNeedNotStandTogether) {
  work::Program apart, together;
  add(apart, matmul(512), 3, 1, 0);
  add(apart, matmul(8192), 3, 2, 1);
  add(apart, matmul(4096), 3, 1, 1);
  add(apart, matmul(1024), 3, 2, 0);
  add(together, matmul(512), 3, 1, 0);
  add(together, matmul(4096), 3, 1, 1);
  add(together, matmul(8192), 3, 2, 1);
  add(together, matmul(1024), 3, 2, 0);
  Evaluator first(apart), second(together);
  ASSERT_TRUE(first.run(model_).ok());
  ASSERT_TRUE(second.run(model_).ok());
  EXPECT_NEAR(first.timeline().total_us, second.timeline().total_us, 1e-6);
  EXPECT_LT(first.timeline().total_us, first.steps()[0].latency_us + first.steps()[1].latency_us +
                                           first.steps()[2].latency_us +
                                           first.steps()[3].latency_us);
  double exposed_us = 0;
  for (const StepTime &step : first.steps())
    exposed_us += step.exposed_us;
  EXPECT_NEAR(exposed_us, first.timeline().total_us, 1e-6);
}

TEST_F(TimelineTest, AMuchLongerLaneHidesTheOthers) {
  const double big = latencyOf(matmul(8192)), small = latencyOf(matmul(512));
  ASSERT_GT(big, 4 * small);
  work::Program program;
  add(program, matmul(512), 3, 1, 0);
  add(program, matmul(512), 3, 1, 0);
  add(program, matmul(8192), 3, 1, 1);
  add(program, matmul(512), 1);
  Evaluator evaluator(program);
  ASSERT_TRUE(evaluator.run(model_).ok());
  EXPECT_NEAR(evaluator.timeline().total_us, 3 * big + small, 0.01 * big);
  EXPECT_LT(evaluator.steps()[0].exposed_us, 0.1 * evaluator.steps()[0].latency_us);
  EXPECT_GT(evaluator.steps()[2].exposed_us, 0.97 * evaluator.steps()[2].latency_us);
}

mansard_estimate lasting(double matrix, double dram, double link, double fixed) {
  mansard_estimate e{};
  e.part_us[MANSARD_BOUND_MATRIX] = matrix;
  e.part_us[MANSARD_BOUND_DRAM] = dram;
  e.part_us[MANSARD_BOUND_LINK] = link;
  e.part_us[MANSARD_BOUND_FIXED] = fixed;
  e.latency_us = matrix + dram + link + fixed;
  return e;
}

TEST(OverlapGroup, LanesOfDifferentResourcesGetInEachOthersWayALittle) {
  OverlapGroup group;
  group.add(0, lasting(50, 0, 0, 0), 2);
  group.add(1, lasting(0, 0, 100, 0), 1);
  group.close();
  EXPECT_NEAR(group.duration_us(), 100 * std::pow(2.0, 1.0 / 8), 1e-9);
  double parts[MANSARD_BOUND_COUNT];
  group.contribution(1, lasting(0, 0, 100, 0), 1, parts);
  EXPECT_NEAR(parts[MANSARD_BOUND_LINK], group.duration_us() / 2, 1e-9);
}

TEST(OverlapGroup, NoResourceWorksForTwoLanesAtOnce) {
  // Both want the DRAM for 80 us: 160 together, however much else overlaps.
  OverlapGroup group;
  group.add(0, lasting(20, 80, 0, 5), 1);
  group.add(1, lasting(0, 40, 0, 10), 2);
  group.close();
  EXPECT_NEAR(group.duration_us(), 160, 1e-9);
  double first[MANSARD_BOUND_COUNT], second[MANSARD_BOUND_COUNT];
  group.contribution(0, lasting(20, 80, 0, 5), 1, first);
  group.contribution(1, lasting(0, 40, 0, 10), 2, second);
  EXPECT_NEAR(first[MANSARD_BOUND_DRAM], 80, 1e-9);
  EXPECT_NEAR(second[MANSARD_BOUND_DRAM], 80, 1e-9);
  EXPECT_EQ(first[MANSARD_BOUND_MATRIX], 0); // a faster matrix unit would gain nothing
}

TEST(OverlapGroup, StartsOverlapFreely) {
  OverlapGroup group;
  for (uint32_t lane = 0; lane < 2; ++lane)
    group.add(lane, lasting(1, 0, 0, 99), 1);
  group.close();
  EXPECT_NEAR(group.duration_us(), 100 * std::pow(2.0, 1.0 / 8), 1e-9);
}

mansard_estimate holding(double link, double share) {
  mansard_estimate e = lasting(0, 0, link, 0);
  e.held_share = share;
  return e;
}

TEST(OverlapGroup, CoresThatMoveDataAreMissingToTheRest) {
  // Half of the cores for all of the time: 100 us of matrix work take 200.
  OverlapGroup all;
  all.add(0, lasting(100, 0, 0, 0), 1);
  all.add(1, holding(1000, 0.5), 1);
  double parts[MANSARD_BOUND_COUNT];
  all.close();
  all.contribution(0, lasting(100, 0, 0, 0), 1, parts);
  EXPECT_NEAR(parts[MANSARD_BOUND_MATRIX], 200 * std::pow(0.2, 7), 1e-3);

  // A fifth of them for 50 of 1000 us: 50 us in which 40 get done.
  OverlapGroup brief;
  brief.add(0, lasting(1000, 0, 0, 0), 1);
  brief.add(1, holding(50, 0.2), 1);
  brief.close();
  EXPECT_NEAR(brief.duration_us(), 1010, 1e-6);
}

TEST(OverlapGroup, WhatWaitsForMemoryMissesNoCores) {
  OverlapGroup group;
  group.add(0, lasting(0, 1000, 0, 0), 1);
  group.add(1, holding(50, 0.2), 1);
  group.close();
  EXPECT_NEAR(group.duration_us(), 1000, 1e-6);
}

TEST(OverlapGroup, ContributionsSumToTheDurationWithCoresHeld) {
  for (const double link : {10.0, 300.0, 3000.0}) {
    OverlapGroup group;
    group.add(0, lasting(100, 50, 0, 5), 4);
    group.add(1, holding(link, 0.15), 2);
    group.close();
    double sum = 0, parts[MANSARD_BOUND_COUNT];
    group.contribution(0, lasting(100, 50, 0, 5), 4, parts);
    for (double part : parts)
      sum += part;
    group.contribution(1, holding(link, 0.15), 2, parts);
    for (double part : parts)
      sum += part;
    EXPECT_NEAR(sum, group.duration_us(), 1e-9 * sum) << link;
  }
}

TEST_F(TimelineTest, EqualLanesShareTheDeviceAndTheTime) {
  const double one = latencyOf(matmul(16384));
  work::Program program;
  add(program, matmul(16384), 1, 1, 0);
  add(program, matmul(16384), 1, 1, 1);
  Evaluator evaluator(program);
  ASSERT_TRUE(evaluator.run(model_).ok());
  EXPECT_GT(evaluator.timeline().total_us, 1.5 * one);
  EXPECT_LT(evaluator.timeline().total_us, 2 * one);
  EXPECT_DOUBLE_EQ(evaluator.steps()[0].exposed_us, evaluator.steps()[1].exposed_us);
}

TEST_F(TimelineTest, AdjacentOverlapGroupsStaySeparate) {
  work::Program together, apart;
  for (uint32_t group : {1, 1, 2, 2})
    add(apart, matmul(2048), 1, group, static_cast<uint32_t>(apart.steps.size() % 2));
  for (uint32_t group : {1, 1})
    add(together, matmul(2048), 1, group, static_cast<uint32_t>(together.steps.size() % 2));
  Evaluator two(apart), one(together);
  ASSERT_TRUE(two.run(model_).ok() && one.run(model_).ok());
  EXPECT_NEAR(two.timeline().total_us, 2 * one.timeline().total_us, 1e-6);
}

TEST_F(TimelineTest, PartsSumToTheTotal) {
  work::Program program;
  add(program, matmul(1), 5);
  add(program, matmul(16384), 5);
  Evaluator evaluator(program);
  ASSERT_TRUE(evaluator.run(model_).ok());
  const Timeline &timeline = evaluator.timeline();
  double sum = 0, largest = 0;
  for (double part : timeline.part_us) {
    sum += part;
    largest = std::max(largest, part);
  }
  EXPECT_NEAR(sum, timeline.total_us, 1e-9 * sum);
  EXPECT_EQ(timeline.part_us[timeline.bound], largest);
}

TEST_F(TimelineTest, AKernelThatCannotRunIsNamed) {
  work::Program program;
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_MATMUL, DType::nvfp4, DType::nvfp4, DType::bf16);
  kernel.u.matmul = {16, 4096, 4096, 0, 0, 0, 0, 0, 0};
  add(program, kernel, 1);
  Evaluator evaluator(program);
  const Result<> done = evaluator.run(model_);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, ErrorCode::unsupported);
  EXPECT_NE(done.error().message.find("nvfp4"), std::string::npos) << done.error().message;
}

} // namespace
} // namespace mansard::model
