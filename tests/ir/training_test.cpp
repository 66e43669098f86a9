// The forward pass of a training step: what a backward pass needs is there, what serves a cache is
// not.
#include "lowering_fixture.h"

namespace mansard::test {
namespace {

work::Workload training(int64_t sequences, int64_t tokens) {
  work::Workload workload;
  workload.phase = work::Phase::prefill;
  workload.training = true;
  workload.batch = sequences;
  workload.context = tokens;
  return workload;
}

// 2 x (32 x 218,103,808 + 525,336,576) for each token, the head included.
TEST(Training, TheHeadAndTheLossSeeEveryPosition) {
  const work::Program program = lower(readModel("llama-3.1-8b"), training(2, 1024));
  EXPECT_EQ(kernelOf(program, "lm_head").u.matmul.m, 2 * 1024);
  const mansard_kernel loss = kernelOf(program, "loss");
  EXPECT_EQ(loss.u.vector.rows, 2 * 1024);
  EXPECT_EQ(loss.u.vector.cols, 128256);
  EXPECT_EQ(loss.out_dtype, MANSARD_DTYPE_FP32);
  EXPECT_EQ(runsOf(program, "last_token") + runsOf(program, "sample"), 0);
  EXPECT_DOUBLE_EQ(matrixOperations(program, MANSARD_OP_MATMUL),
                   2 * (32 * 218103808.0 + 525336576.0) * 2048);
}

TEST(Training, NothingIsWrittenToACacheUnlessPositionsAreShared) {
  work::Workload workload = training(1, 1024);
  EXPECT_EQ(runsOf(lower(readModel("llama-3.1-8b"), workload), "layers.attention.kv_write"), 0);
  EXPECT_EQ(runsOf(lower(readModel("deepseek-v3"), workload), "layers.mla.kv_write"), 0);
  workload.parallelism.cp = 2;
  EXPECT_EQ(runsOf(lower(readModel("llama-3.1-8b"), workload), "layers.attention.kv_gather"), 32);
}

TEST(Training, ActivationsResidualsAndExpertsKeepTheirTensors) {
  const work::Program dense = lower(readModel("gpt-22b"), training(4, 2048));
  EXPECT_EQ(runsOf(dense, "layers.ffn.activation"), 48);
  EXPECT_EQ(runsOf(dense, "layers.ffn_norm.residual"), 48);
  EXPECT_EQ(kernelOf(dense, "layers.ffn_norm").u.vector.kind, MANSARD_VECTOR_LAYERNORM);
  EXPECT_EQ(kernelOf(dense, "layers.ffn.up_proj").u.matmul.epilogue, MANSARD_EPILOGUE_BIAS);
  EXPECT_EQ(runsOf(dense, "layers.attention.rope"), 0); // positions are learned
  const work::Program experts = lower(readModel("mixtral-8x7b"), training(1, 2048));
  EXPECT_EQ(runsOf(experts, MANSARD_OP_MOE), 0);
  EXPECT_EQ(runsOf(experts, MANSARD_OP_GROUPED_MATMUL), 2 * 32);
}

TEST(Training, LogitsStayWhereTheirWordsAre) {
  work::Workload workload = training(1, 2048);
  workload.parallelism.tp = 8;
  const work::Program program = lower(readModel("gpt-22b"), workload);
  EXPECT_EQ(kernelOf(program, "loss").u.vector.cols, 51200 / 8);
  EXPECT_EQ(runsOf(program, "all_gather"), 0);
}

TEST(Training, CachedTokensAndDecodingAreRefused) {
  work::Workload workload = training(1, 2048);
  workload.cached = 1024;
  EXPECT_FALSE(tryLower(readModel("llama-3.1-8b"), workload));
  workload.cached = 0;
  workload.phase = work::Phase::decode;
  EXPECT_FALSE(tryLower(readModel("llama-3.1-8b"), workload));
}

TEST(Training, GptModelsHaveTheirPublishedSizes) {
  EXPECT_NEAR(readModel("gpt-22b").parameters(), 22e9, 0.1e9);
  EXPECT_NEAR(readModel("gpt-175b").parameters(), 174.6e9, 0.1e9);
  EXPECT_NEAR(readModel("gpt-530b").parameters(), 529.6e9, 0.1e9);
  EXPECT_NEAR(readModel("gpt-1t").parameters(), 1.008e12, 0.001e12);
}

} // namespace
} // namespace mansard::test
