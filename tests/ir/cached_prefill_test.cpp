// Prompts of which the cache has a part already, and iterations of prompts and decoding sequences.
#include "lowering_fixture.h"

#include <mansard/system/step_programs.h>

#include <algorithm>
#include <cmath>

namespace mansard::test {
namespace {

using work::Phase;
using work::Workload;

Workload prompts(int64_t batch, int64_t context, int64_t cached) {
  Workload workload;
  workload.phase = Phase::prefill;
  workload.batch = batch;
  workload.context = context;
  workload.cached = cached;
  return workload;
}

Workload decoding(int64_t batch, int64_t context) {
  Workload workload;
  workload.batch = batch;
  workload.context = context;
  return workload;
}

TEST(CachedPrefill, OnlyNewTokensAreComputedAndTheySeeAll) {
  const work::Program program = lower(readModel("llama-3.1-8b"), prompts(2, 4096, 3072));
  EXPECT_EQ(program.tokens, 2048);
  const mansard_kernel attend = kernelOf(program, "layers.attention.attend");
  EXPECT_EQ(attend.op, MANSARD_OP_ATTENTION_PREFILL);
  EXPECT_EQ(attend.u.attention.batch, 2);
  EXPECT_EQ(attend.u.attention.q_len, 1024);
  EXPECT_EQ(attend.u.attention.kv_len, 4096);
  EXPECT_EQ(kernelOf(program, "layers.attention.o_proj").u.matmul.m, 2048);
}

TEST(CachedPrefill, OlderKeysComeInTheCachesType) {
  Workload workload = prompts(1, 4096, 1024);
  workload.kvCache = DType::fp8;
  EXPECT_EQ(
      kernelOf(lower(readModel("llama-3.1-8b"), workload), "layers.attention.attend").weight_dtype,
      MANSARD_DTYPE_FP8);
  workload.cached = 0;
  EXPECT_EQ(
      kernelOf(lower(readModel("llama-3.1-8b"), workload), "layers.attention.attend").weight_dtype,
      MANSARD_DTYPE_BF16);
}

TEST(CachedPrefill, LatentsOfOlderTokensAreExpandedAgain) {
  const work::Program program = lower(readModel("deepseek-v3"), prompts(2, 4096, 3072));
  EXPECT_EQ(kernelOf(program, "layers.mla.kv_read").u.vector.rows, 2 * 4096);
  EXPECT_EQ(kernelOf(program, "layers.mla.kv_b_proj").u.matmul.m, 2 * 4096);
  EXPECT_EQ(kernelOf(program, "layers.mla.q_b_proj").u.matmul.m, 2 * 1024);
  const mansard_kernel attend = kernelOf(program, "layers.mla.attend");
  EXPECT_EQ(attend.op, MANSARD_OP_MLA_PREFILL);
  EXPECT_EQ(attend.u.mla.q_len, 1024);
  EXPECT_EQ(attend.u.mla.kv_len, 4096);
}

TEST(CachedPrefill, ChunksComputeWhatTheWholeDoes) {
  const work::Transformer model = readModel("llama-3.1-8b");
  const auto attention = [&](const Workload &workload) {
    return matrixOperations(lower(model, workload), MANSARD_OP_ATTENTION_PREFILL);
  };
  const double whole = attention(prompts(1, 8192, 0));
  const double chunks = attention(prompts(1, 4096, 0)) + attention(prompts(1, 8192, 4096));
  EXPECT_NEAR(chunks, whole, 1e-3 * whole);
}

TEST(CachedPrefill, WhatIsCachedIsLessThanThePrompt) {
  const work::Transformer model = readModel("llama-3.1-8b");
  EXPECT_FALSE(tryLower(model, prompts(1, 1024, 1024)).ok());
  EXPECT_FALSE(tryLower(model, prompts(1, 1024, -1)).ok());
  Workload decode = decoding(1, 1024);
  decode.cached = 1;
  EXPECT_FALSE(tryLower(model, decode).ok());
}

struct Case {
  const char *model;
  work::Parallelism parallelism;
  work::Overlap overlap;
  std::vector<std::string> ofDecoding; // names of steps that decoding has alone
};

class MixedStep : public ::testing::TestWithParam<Case> {};

TEST_P(MixedStep, EveryKernelButAttentionRunsOnceOnAllRows) {
  const Case &c = GetParam();
  const work::Transformer model = readModel(c.model);
  Workload a = prompts(16, 3072, 1024), b = decoding(256, 4096);
  a.parallelism = b.parallelism = c.parallelism;
  a.overlap = b.overlap = c.overlap;
  a.quantisation = b.quantisation = work::Quantisation::fp8_block;
  const work::Program prefill = lower(model, a), decode = lower(model, b);
  const work::Program joined = system::joinPrograms(prefill, decode);

  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op) {
    const double sum = matrixOperations(prefill, op) + matrixOperations(decode, op);
    EXPECT_NEAR(matrixOperations(joined, op), sum, 1e-9 * sum) << op;
  }
  // Steps are those of prompts, and what decoding has alone: all others run on the rows of both.
  const auto has = [](const std::vector<std::string> &names, const work::Step &step) {
    return std::find(names.begin(), names.end(), step.name) != names.end();
  };
  const auto alone = std::count_if(decode.steps.begin(), decode.steps.end(),
                                   [&](const work::Step &s) { return has(c.ofDecoding, s); });
  EXPECT_EQ(joined.steps.size(), prefill.steps.size() + static_cast<size_t>(alone));
  // An overlap group stays in one piece.
  for (size_t i = 1; i + 1 < joined.steps.size(); ++i)
    if (joined.steps[i - 1].overlap == joined.steps[i + 1].overlap)
      EXPECT_EQ(joined.steps[i].overlap, joined.steps[i - 1].overlap) << joined.steps[i].name;
}

const std::vector<std::string> kAttend{"layers.attention.attend"};
INSTANTIATE_TEST_SUITE_P(
    Models, MixedStep,
    ::testing::Values(Case{"llama-3.1-8b", {}, work::Overlap::none, kAttend},
                      Case{"mixtral-8x7b", {.tp = 4}, work::Overlap::none, kAttend},
                      Case{"deepseek-v3",
                           {.dp = 8, .ep = 8},
                           work::Overlap::none,
                           {"layers.mla.attend", "layers.mla.k_b_proj", "layers.mla.v_b_proj"}},
                      Case{"deepseek-v3",
                           {.dp = 8, .ep = 8},
                           work::Overlap::two_batch,
                           {"layers.mla.attend", "layers.mla.k_b_proj", "layers.mla.v_b_proj"}}));

} // namespace
} // namespace mansard::test
