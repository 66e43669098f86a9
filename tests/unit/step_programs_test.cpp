// One program of what two phases compute in an iteration, and the rules of waiting.
#include "../../core/src/system/queueing.h"

#include <mansard/system/profile.h>
#include <mansard/system/step_programs.h>

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

namespace mansard::system {
namespace {

work::Kernel matmul(int64_t m, int64_t n) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.matmul = {m, n, 64, 0, 0, 0, 0, 0, 0};
  return kernel;
}
work::Kernel norm(int64_t rows) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_VECTOR, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.vector = {rows, 64, 0, MANSARD_VECTOR_RMSNORM, 0};
  return kernel;
}
work::Kernel attention(uint32_t op, int64_t batch, int64_t queries, int64_t keys) {
  work::Kernel kernel = work::makeKernel(op, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.attention = {batch, queries, keys, 8, 8, 64, 0, 1, 0};
  return kernel;
}
work::Kernel exchange(int64_t tokens, uint32_t mode) {
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_EXPERT_PARALLEL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.expert_parallel = {8, 64, tokens, 2, 16, 0, MANSARD_EP_DISPATCH, mode};
  return kernel;
}

struct Line {
  work::Kernel kernel;
  const char *name;
  int64_t count = 4;
  uint32_t overlap = 0, lane = 0;
};
work::Program program(const std::vector<Line> &lines) {
  work::Program program;
  for (const Line &line : lines)
    program.steps.push_back(
        {work::internKernel(program, line.kernel), line.count, line.overlap, line.lane, line.name});
  return program;
}

TEST(JoinPrograms, RowsMeetAndAttentionStaysApart) {
  const work::Program joined =
      joinPrograms(program({{norm(512), "norm"},
                            {attention(MANSARD_OP_ATTENTION_PREFILL, 1, 512, 512), "attend"},
                            {matmul(512, 64), "out"},
                            {matmul(1, 128), "head", 1}}),
                   program({{norm(16), "norm"},
                            {matmul(16, 32), "absorb"},
                            {attention(MANSARD_OP_ATTENTION_DECODE, 16, 1, 2048), "attend"},
                            {matmul(16, 64), "out"},
                            {matmul(16, 128), "head", 1}}));
  std::vector<std::string> names;
  for (const work::Step &step : joined.steps)
    names.push_back(step.name);
  EXPECT_EQ(names, (std::vector<std::string>{"norm", "attend", "absorb", "attend", "out", "head"}));
  const auto kernel = [&](size_t step) { return joined.kernels[joined.steps[step].kernel]; };
  EXPECT_EQ(kernel(0).u.vector.rows, 528);
  EXPECT_EQ(kernel(1).u.attention.q_len, 512);
  EXPECT_EQ(kernel(2).u.matmul.m, 16);
  EXPECT_EQ(kernel(3).u.attention.batch, 16);
  EXPECT_EQ(kernel(4).u.matmul.m, 528);
  EXPECT_EQ(kernel(5).u.matmul.m, 17);
}

TEST(JoinPrograms, KernelsOfOtherSizesRunTwice) {
  const work::Program joined =
      joinPrograms(program({{matmul(512, 64), "out"}}), program({{matmul(16, 32), "out"}}));
  EXPECT_EQ(joined.steps.size(), 2u);
}

TEST(JoinPrograms, RunsTimesThatDifferStayApart) {
  const work::Program joined =
      joinPrograms(program({{matmul(512, 64), "out", 3}}), program({{matmul(16, 64), "out", 4}}));
  EXPECT_EQ(joined.steps.size(), 2u);
}

// Few sequences leave experts without rows.
TEST(JoinPrograms, GroupsAreThoseThatHaveRowsInEither) {
  const auto grouped = [](int64_t groups, int64_t m, int64_t n) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_GROUPED_MATMUL, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.grouped_matmul = {groups, m, n, 64};
    return kernel;
  };
  const work::Program joined =
      joinPrograms(program({{grouped(8, 100, 64), "up"}}), program({{grouped(4, 2, 64), "up"}}));
  ASSERT_EQ(joined.steps.size(), 1u);
  EXPECT_EQ(joined.kernels[0].u.grouped_matmul.groups, 8);
  EXPECT_EQ(joined.kernels[0].u.grouped_matmul.m, 101);
  EXPECT_EQ(
      joinPrograms(program({{grouped(8, 100, 64), "up"}}), program({{grouped(8, 2, 32), "up"}}))
          .steps.size(),
      2u);
}

TEST(JoinPrograms, TheExchangeIsThatOfPrompts) {
  const work::Program joined =
      joinPrograms(program({{exchange(512, MANSARD_EP_MODE_NORMAL), "dispatch"}}),
                   program({{exchange(16, MANSARD_EP_MODE_LOW_LATENCY), "dispatch"}}));
  ASSERT_EQ(joined.steps.size(), 1u);
  EXPECT_EQ(joined.kernels[0].u.expert_parallel.tokens, 528);
  EXPECT_EQ(joined.kernels[0].u.expert_parallel.mode, MANSARD_EP_MODE_NORMAL);
}

TEST(JoinPrograms, WhatDecodesAloneJoinsTheOverlapGroupAroundIt) {
  const work::Program joined =
      joinPrograms(program({{norm(512), "norm", 4, 3, 0}, {matmul(512, 64), "out", 4, 3, 0}}),
                   program({{norm(16), "norm", 4, 1, 0},
                            {matmul(16, 32), "absorb", 4, 1, 0},
                            {matmul(16, 64), "out", 4, 1, 0}}));
  ASSERT_EQ(joined.steps.size(), 3u);
  for (const work::Step &step : joined.steps)
    EXPECT_EQ(step.overlap, 3u);
}

TEST(Queueing, OneServerOfFixedServiceHasTheTextbooksWait) {
  EXPECT_EQ(meanWait(0, 1, 1e9), 0);
  EXPECT_NEAR(meanWait(0.5, 1, 1e9), 0.5, 1e-6); // u / (2 (1 - u))
  EXPECT_NEAR(meanWait(0.9, 1, 1e9), 4.5, 1e-5);
  EXPECT_LT(meanWait(0.9, 4, 1e9), meanWait(0.9, 1, 1e9));
  EXPECT_EQ(meanWait(0.9, 1, 1), 0); // alone
  EXPECT_EQ(meanWait(1.5, 1, 1e9), INFINITY);
}

TEST(Queueing, TheBusiestOfSeveralHasMoreThanTheMean) {
  EXPECT_EQ(busiestOf(1, 0.3), 0.3);
  // Two ranks, 0.2 requests: P(one or more) = 1 - e^-0.2, P(three or more), P(five or more)
  EXPECT_NEAR(busiestOf(2, 0.1), 0.181269 + 0.001148 + 0.000002, 2e-6);
  EXPECT_GT(busiestOf(8, 2), busiestOf(4, 2));
  EXPECT_NEAR(busiestOf(16, 3.126) / busiestOf(16, 3.124), 1, 0.01); // where the formula changes
  EXPECT_NEAR(busiestOf(16, 1000), 1000 + 15.0 / 32, 1e-3);          // the last turn's part
  EXPECT_NEAR(busiestOf(16, 250), 250 + 15.0 / 32, 1e-3);
}

TEST(Queueing, CrossingIsFound) {
  EXPECT_NEAR(crossing(0, 10, [](double x) { return x * x - 2; }), std::sqrt(2), 1e-9);
  EXPECT_EQ(crossing(0, 1, [](double x) { return x - 2; }), 1);
}

class Profile : public ::testing::Test {
protected:
  Result<SoftwareProfile> read(const std::string &text) {
    // Tests run side by side.
    const std::string path = ::testing::TempDir() +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name() +
                             ".toml";
    std::ofstream(path) << text;
    auto profile = readProfile(path);
    std::filesystem::remove(path);
    return profile;
  }
  std::string builtIn() {
    std::ifstream file(std::string(MANSARD_ROOT) + "/configs/software/vllm.toml");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string replace(std::string text, const std::string &what, const std::string &by) {
    const size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, what.size(), by);
  }
};

TEST_F(Profile, EachBuiltInOneIsReadAndEveryNumberHasASource) {
  for (const std::string &id : profileIds()) {
    auto profile = readProfile(id);
    ASSERT_TRUE(profile.ok()) << profile.error().text();
    EXPECT_EQ(profile->id, id);
    for (const auto &[key, number] : profile->numbers)
      EXPECT_FALSE(number.source.empty()) << id << ' ' << key;
  }
  EXPECT_EQ(naturalProfile("Huawei")->id, "mindie");
  EXPECT_EQ(naturalProfile("NVIDIA")->id, "vllm");
}

TEST_F(Profile, MistakesAreNamed) {
  EXPECT_NE(readProfile("vlm").error().message.find("vllm"), std::string::npos);
  EXPECT_NE(read(replace(builtIn(), "poll_iterations", "pol_iterations"))
                .error()
                .message.find("poll_iterations"),
            std::string::npos);
  EXPECT_NE(read(replace(builtIn(), "share = { value = 0.9", "share = { value = 9"))
                .error()
                .message.find("0.01 to 1"),
            std::string::npos);
  EXPECT_FALSE(read(replace(builtIn(), "mixes_prompts = true", "mixes_prompts = 3")).ok());
  EXPECT_FALSE(read("id = \"x\"\n").ok());
}

TEST_F(Profile, ResidualsMayBeMissingButNotTurned) {
  const std::string whole = builtIn(), without = whole.substr(0, whole.find("[residual]"));
  ASSERT_NE(without, whole);
  EXPECT_LT(read(whole)->tpotResidual.p10, 1);
  const auto exact = read(without);
  ASSERT_TRUE(exact.ok()) << exact.error().text();
  EXPECT_EQ(exact->tpotResidual.p10, 1);
  EXPECT_EQ(exact->ttftResidual.p90, 1);
  const auto turned = read(without + "[residual]\nttft.p10 = { value = 2, unit = \"1\", source = "
                                     "\"made up\", confidence = \"estimate\" }\n");
  ASSERT_FALSE(turned.ok());
  EXPECT_NE(turned.error().message.find("'residual.ttft.p90', 1"), std::string::npos)
      << turned.error().text();
}

} // namespace
} // namespace mansard::system
