// Linear attention by the gated delta rule, beside full attention with a gate.
#include "lowering_fixture.h"

#include <vector>

namespace mansard::test {
namespace {

std::vector<mansard_kernel> kernelsOf(const work::Program &program, const std::string &name) {
  std::vector<mansard_kernel> kernels;
  for (const work::Step &step : program.steps)
    if (step.name == name)
      kernels.push_back(program.kernels[step.kernel]);
  return kernels;
}

work::Workload decode(int64_t batch, int64_t context, int64_t tp) {
  work::Workload workload;
  workload.batch = batch;
  workload.context = context;
  workload.parallelism.tp = tp;
  return workload;
}

TEST(LinearAttention, DecodeReadsAndWritesItsStates) {
  const work::Program program = lower(readModel("qwen3.5-397b-a17b"), decode(64, 4096, 8));
  // 2 heads of queries, 2 of keys, 8 of values, 8 gates; two numbers for each of 8 heads.
  EXPECT_EQ(kernelOf(program, "layers.linear_attention.in_proj").u.matmul.n, 20 * 128);
  EXPECT_EQ(kernelOf(program, "layers.linear_attention.decay_proj").u.matmul.n, 16);
  EXPECT_EQ(kernelOf(program, "layers.linear_attention.o_proj").u.matmul.k, 8 * 128);
  EXPECT_EQ(runsOf(program, "layers.linear_attention.in_proj"), 45);
  const auto kernels = kernelsOf(program, "layers.linear_attention.attend");
  ASSERT_EQ(kernels.size(), 3 * 3u); // of the three layers before a full one
  const double states = 64 * 8 * 128 * 128 * 4;
  EXPECT_EQ(kernels[1].op, MANSARD_OP_CUSTOM);
  EXPECT_EQ(kernels[1].u.custom.read_bytes, states + 64 * (12 * 128 + 16) * 2);
  EXPECT_EQ(kernels[1].u.custom.write_bytes, states + 64 * 8 * 128 * 2);
  EXPECT_EQ(kernels[2].u.vector.kind, MANSARD_VECTOR_SILU_MUL);
  EXPECT_EQ(kernels[2].u.vector.cols, 8 * 128);
}

TEST(LinearAttention, CostsTheSameAtAnyContext) {
  const work::Transformer model = readModel("qwen3.5-397b-a17b");
  const work::Program few = lower(model, decode(16, 1024, 8));
  const work::Program many = lower(model, decode(16, 131072, 8));
  const auto before = kernelsOf(few, "layers.linear_attention.attend"),
             after = kernelsOf(many, "layers.linear_attention.attend");
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(work::equal(before[i], after[i])) << i;
}

TEST(LinearAttention, KeepsAStateInsteadOfKeysAndValues) {
  const work::Transformer model = readModel("qwen3.5-397b-a17b");
  const double state = 45 * (64.0 * 128 * 128 * 4 + 3 * (2 * 16 + 64) * 128 * 2);
  const double token = 15 * 2 * 2 * 256 * 2;
  EXPECT_EQ(model.stateBytes(), state);
  EXPECT_EQ(model.cachedElementsPerToken() * 2, token);
  EXPECT_EQ(lower(model, decode(4, 1000, 1)).memory.kvCache, 4 * (state + 1000 * token));
  EXPECT_EQ(lower(model, decode(4, 2000, 1)).memory.kvCache, 4 * (state + 2000 * token));
  // Cut by heads, of which keys and values of full attention have but two.
  EXPECT_EQ(lower(model, decode(4, 1000, 8)).memory.kvCache, 4 * (state / 8 + 1000 * token / 2));
}

TEST(LinearAttention, TriedTokensNeedAStateEach) {
  const work::Transformer model = readModel("qwen3.5-397b-a17b");
  work::Workload workload = decode(4, 1000, 1);
  const double one = lower(model, workload).memory.kvCache;
  workload.new_tokens = 3;
  const work::Program program = lower(model, workload);
  EXPECT_EQ(program.memory.kvCache - one,
            4 * (2 * 45 * 64.0 * 128 * 128 * 4 + 1000 * 2 * 2 * 256 * 2 /* of the draft */));
  const mansard_custom &u = kernelsOf(program, "layers.linear_attention.attend")[1].u.custom;
  EXPECT_EQ(u.write_bytes, 3 * (4 * 64 * 128 * 128 * 4 + 4.0 * 64 * 128 * 2));
  // Qwen3.5 drafts with full attention.
  EXPECT_EQ(runsOf(program, "draft.full_attention.attend"), 2 * 2);
  EXPECT_EQ(runsOf(program, "draft.linear_attention.attend"), 0);
}

TEST(LinearAttention, PrefillTakesChunks) {
  work::Workload workload = decode(2, 1000, 1);
  workload.phase = work::Phase::prefill;
  const work::Program program = lower(readModel("qwen3-next-80b-a3b"), workload);
  const auto kernels = kernelsOf(program, "layers.linear_attention.attend");
  // Convolution, six of chunks, gated norm; of the three layers before a full one.
  ASSERT_EQ(kernels.size(), 3 * 8u);
  const double rows = 2 * 1024 * 32; // sixteen chunks a sequence
  EXPECT_EQ(kernels[5].u.custom.matrix_operations, rows * 4 * 128 * 128);
  EXPECT_EQ(kernels[5].u.custom.groups, 2 * 32 * 2 / 4);
  EXPECT_EQ(kernels[5].dtype, MANSARD_DTYPE_BF16);
}

TEST(LinearAttention, DevicesBeyondTheKeysShareThem) {
  const work::Program program = lower(readModel("qwen3.5-397b-a17b"), decode(4, 1000, 32));
  // A head of queries, one of keys, two of values, two gates.
  EXPECT_EQ(kernelOf(program, "layers.linear_attention.in_proj").u.matmul.n, 6 * 128);
}

TEST(LinearAttention, FullAttentionHasAGate) {
  const work::Program program = lower(readModel("qwen3.5-397b-a17b"), decode(64, 4096, 8));
  // 4 heads, a key, a value, 4 gates.
  EXPECT_EQ(kernelOf(program, "layers.full_attention.qkv_proj").u.matmul.n, 10 * 256);
  const auto kernels = kernelsOf(program, "layers.full_attention.attend");
  ASSERT_EQ(kernels.size(), 2u);
  EXPECT_EQ(kernels[0].op, MANSARD_OP_ATTENTION_DECODE);
  EXPECT_EQ(kernels[1].u.vector.cols, 4 * 256);
  EXPECT_EQ(runsOf(program, "layers.full_attention.qkv_proj"), 15);
}

TEST(LinearAttention, AttentionStaysWideInTheFourBitCheckpoint) {
  work::Workload workload = decode(64, 4096, 8);
  workload.quantisation = work::Quantisation::nvfp4;
  const work::Program program = lower(readModel("qwen3.5-397b-a17b-nvfp4"), workload);
  EXPECT_EQ(kernelOf(program, "layers.linear_attention.in_proj").weight_dtype, MANSARD_DTYPE_BF16);
  EXPECT_EQ(kernelOf(program, "layers.full_attention.o_proj").weight_dtype, MANSARD_DTYPE_BF16);
  EXPECT_EQ(kernelOf(program, "layers.moe.experts").weight_dtype, MANSARD_DTYPE_NVFP4);
}

TEST(LinearAttention, ParametersAreThePublishedOnes) {
  const work::Transformer large = readModel("qwen3.5-397b-a17b"),
                          next = readModel("qwen3-next-80b-a3b");
  EXPECT_NEAR(large.parameters(), 397e9, 1e9); // 0.45 of these see images
  EXPECT_NEAR(large.activeParameters(), 17e9, 0.7e9);
  EXPECT_NEAR(next.parameters(), 80e9, 0.5e9);
  EXPECT_NEAR(next.activeParameters(), 3e9, 0.9e9);
}

} // namespace
} // namespace mansard::test
