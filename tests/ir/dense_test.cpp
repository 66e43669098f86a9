// Dense models: operations, shapes and kernels of one device.
#include "lowering_fixture.h"

namespace mansard::test {
namespace {

// Each parameter of a linear layer is multiplied once a token: 2 x (80 x 855,638,016 +
// 1,050,673,152).
TEST(Dense, Llama70BTakes139GigaoperationsPerDecodedToken) {
  work::Workload workload;
  workload.context = 4096;
  const work::Program program = lower(readModel("llama-3.1-70b"), workload);
  EXPECT_DOUBLE_EQ(matrixOperations(program, MANSARD_OP_MATMUL), 139003428864.0);
  // 4 x 64 heads x 128 x 4096 positions in each layer.
  EXPECT_DOUBLE_EQ(matrixOperations(program, MANSARD_OP_ATTENTION_DECODE),
                   80 * 4.0 * 64 * 128 * 4096);
}

TEST(Dense, TensorParallelDevicesShareTheOperations) {
  work::Workload workload;
  const work::Transformer model = readModel("llama-3.1-70b");
  const work::Program whole = lower(model, workload);
  workload.parallelism.tp = 8;
  const work::Program part = lower(model, workload);
  for (uint32_t op : {MANSARD_OP_MATMUL, MANSARD_OP_ATTENTION_DECODE})
    EXPECT_DOUBLE_EQ(matrixOperations(whole, op), 8 * matrixOperations(part, op));
}

TEST(Dense, ShapesOfOneOfEightDevices) {
  work::Workload workload;
  workload.batch = 32;
  workload.context = 2048;
  workload.parallelism.tp = 8;
  const work::Program program = lower(readModel("llama-3.1-70b"), workload);
  const mansard_kernel qkv = kernelOf(program, "layers.attention.qkv_proj");
  EXPECT_EQ(qkv.u.matmul.m, 32);
  EXPECT_EQ(qkv.u.matmul.n, (8 + 2) * 128);
  EXPECT_EQ(qkv.u.matmul.k, 8192);
  const mansard_kernel attention = kernelOf(program, "layers.attention.attend");
  EXPECT_EQ(attention.op, MANSARD_OP_ATTENTION_DECODE);
  EXPECT_EQ(attention.u.attention.batch, 32);
  EXPECT_EQ(attention.u.attention.q_len, 1);
  EXPECT_EQ(attention.u.attention.kv_len, 2048);
  EXPECT_EQ(attention.u.attention.heads, 8);
  EXPECT_EQ(attention.u.attention.kv_heads, 1);
  const mansard_kernel reduce = kernelOf(program, "layers.attention.all_reduce");
  EXPECT_EQ(reduce.u.collective.ranks, 8);
  EXPECT_EQ(reduce.u.collective.size_bytes, 32 * 8192 * 2);
  EXPECT_EQ(runsOf(program, "layers.attention.all_reduce"), 80);
  EXPECT_EQ(runsOf(program, "layers.ffn.all_reduce"), 80);
  const mansard_kernel gather = kernelOf(program, "lm_head.all_gather");
  EXPECT_EQ(gather.u.collective.size_bytes, 32 * 128256 * 2);
  EXPECT_EQ(kernelOf(program, "lm_head").u.matmul.n, 128256 / 8);
}

TEST(Dense, OneDeviceHasNoCollectives) {
  const work::Program program = lower(readModel("llama-3.1-8b"), {});
  EXPECT_EQ(runsOf(program, MANSARD_OP_COLLECTIVE), 0);
  EXPECT_EQ(runsOf(program, MANSARD_OP_EXPERT_PARALLEL), 0);
}

TEST(Dense, PrefillComputesLogitsOfLastTokensOnly) {
  work::Workload workload;
  workload.phase = work::Phase::prefill;
  workload.batch = 4;
  workload.context = 1024;
  const work::Program program = lower(readModel("llama-3.1-8b"), workload);
  EXPECT_EQ(kernelOf(program, "layers.attention.qkv_proj").u.matmul.m, 4096);
  EXPECT_EQ(kernelOf(program, "lm_head").u.matmul.m, 4);
  EXPECT_EQ(program.tokens, 4096);
  const mansard_kernel attention = kernelOf(program, "layers.attention.attend");
  EXPECT_EQ(attention.op, MANSARD_OP_ATTENTION_PREFILL);
  EXPECT_EQ(attention.u.attention.q_len, 1024);
  EXPECT_EQ(attention.u.attention.causal, 1u);
}

TEST(Dense, BusiestReplicaCounts) {
  work::Workload workload;
  workload.batch = 10;
  workload.parallelism.dp = 4;
  const work::Program program = lower(readModel("llama-3.1-8b"), workload);
  EXPECT_EQ(kernelOf(program, "layers.attention.qkv_proj").u.matmul.m, 3);
  EXPECT_EQ(program.tokens, 10);
  EXPECT_EQ(program.devices, 4);
}

TEST(Dense, MicroBatchPassesThroughAllStages) {
  work::Workload workload;
  workload.batch = 8;
  workload.parallelism.pp = 4;
  const work::Program program = lower(readModel("llama-3.1-8b"), workload);
  EXPECT_EQ(kernelOf(program, "layers.attention.qkv_proj").u.matmul.m, 2);
  EXPECT_EQ(runsOf(program, "layers.attention.qkv_proj"), 32);
  // Residual and what is still to be added to it, between four stages.
  EXPECT_EQ(runsOf(program, "pipeline.send"), 2 * 3);
  EXPECT_EQ(program.tokens, 8);
}

TEST(Dense, SpeculatedTokensAreQueriesOfOneStep) {
  work::Workload workload;
  workload.batch = 8;
  workload.new_tokens = 3;
  workload.accept = 0.5;
  const work::Program program = lower(readModel("llama-3.1-8b"), workload);
  EXPECT_EQ(kernelOf(program, "layers.attention.qkv_proj").u.matmul.m, 24);
  EXPECT_EQ(kernelOf(program, "layers.attention.attend").u.attention.q_len, 3);
  EXPECT_EQ(kernelOf(program, "lm_head").u.matmul.m, 24);
  EXPECT_DOUBLE_EQ(program.tokens, 16);
  EXPECT_TRUE(hasNote(program, "drafting"));
}

TEST(Dense, EightBitKernelsSayWhatTheyMultiply) {
  work::Workload workload;
  workload.batch = 16;
  workload.quantisation = work::Quantisation::w8a8;
  const work::Program program = lower(readModel("llama-3.1-8b"), workload);
  const mansard_kernel qkv = kernelOf(program, "layers.attention.qkv_proj");
  EXPECT_EQ(qkv.dtype, MANSARD_DTYPE_INT8);
  EXPECT_EQ(qkv.weight_dtype, MANSARD_DTYPE_INT8);
  EXPECT_EQ(qkv.out_dtype, MANSARD_DTYPE_BF16);
  EXPECT_EQ(qkv.scaling, MANSARD_SCALING_TOKEN);
  // Quantised on their way out: the norm before qkv, the activation before the down projection.
  EXPECT_EQ(kernelOf(program, "layers.attention_norm").out_dtype, MANSARD_DTYPE_INT8);
  EXPECT_EQ(kernelOf(program, "layers.ffn.activation").out_dtype, MANSARD_DTYPE_INT8);
  EXPECT_EQ(kernelOf(program, "layers.attention.quantize").u.vector.kind,
            MANSARD_VECTOR_QUANTIZE_DYNAMIC);
  EXPECT_EQ(kernelOf(program, "lm_head").dtype, MANSARD_DTYPE_BF16);
}

TEST(Dense, WeightOnlyKernelsMultiplyInSixteenBits) {
  work::Workload workload;
  workload.quantisation = work::Quantisation::w4a16;
  const work::Program program = lower(readModel("llama-3.1-8b"), workload);
  const mansard_kernel qkv = kernelOf(program, "layers.attention.qkv_proj");
  EXPECT_EQ(qkv.dtype, MANSARD_DTYPE_BF16);
  EXPECT_EQ(qkv.weight_dtype, MANSARD_DTYPE_INT4);
  EXPECT_EQ(qkv.scaling, MANSARD_SCALING_GROUP);
}

TEST(Dense, Qwen3NormalisesEachHead) {
  work::Workload workload;
  workload.batch = 2;
  const work::Transformer model = readModel("qwen3-32b");
  const mansard_kernel norm = kernelOf(lower(model, workload), "layers.attention.qk_norm");
  EXPECT_EQ(norm.u.vector.rows, 2 * (model.attentions[0].heads + model.attentions[0].kv_heads));
  EXPECT_EQ(norm.u.vector.cols, model.attentions[0].head_dim);
}

TEST(Dense, TiedEmbeddingIsHeldOnce) {
  work::Transformer model = readModel("llama-3.1-8b");
  const double apart = lower(model, {}).memory.weights;
  model.tied_embeddings = true;
  const double tied = lower(model, {}).memory.weights;
  EXPECT_DOUBLE_EQ(apart - tied, 2 * 128256.0 * 4096);
}

} // namespace
} // namespace mansard::test
