// Multi-head latent attention, expanded and absorbed.
#include "lowering_fixture.h"

namespace mansard::test {
namespace {

TEST(Latent, DecodeAttendsToTheLatent) {
  work::Workload workload;
  workload.batch = 64;
  workload.context = 4096;
  workload.quantisation = work::Quantisation::fp8_block;
  workload.parallelism.tp = 8;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  const mansard_kernel attend = kernelOf(program, "layers.mla.attend");
  EXPECT_EQ(attend.op, MANSARD_OP_MLA_DECODE);
  EXPECT_EQ(attend.u.mla.batch, 64);
  EXPECT_EQ(attend.u.mla.q_len, 1);
  EXPECT_EQ(attend.u.mla.kv_len, 4096);
  EXPECT_EQ(attend.u.mla.heads, 16);
  EXPECT_EQ(attend.u.mla.latent_dim, 512);
  const mansard_kernel keys = kernelOf(program, "layers.mla.k_b_proj");
  EXPECT_EQ(keys.op, MANSARD_OP_GROUPED_MATMUL);
  EXPECT_EQ(keys.u.grouped_matmul.groups, 16);
  EXPECT_EQ(keys.u.grouped_matmul.m, 64);
  EXPECT_EQ(keys.u.grouped_matmul.n, 512);
  EXPECT_EQ(keys.u.grouped_matmul.k, 128);
  const mansard_kernel values = kernelOf(program, "layers.mla.v_b_proj");
  EXPECT_EQ(values.u.grouped_matmul.n, 128);
  EXPECT_EQ(values.u.grouped_matmul.k, 512);
  EXPECT_EQ(kernelOf(program, "layers.mla.q_b_proj").u.matmul.n, 16 * 192);
  EXPECT_EQ(kernelOf(program, "layers.mla.o_proj").u.matmul.k, 16 * 128);
  // The compressions are the same on all devices.
  EXPECT_EQ(kernelOf(program, "layers.mla.q_a_proj").u.matmul.n, 1536);
  EXPECT_EQ(kernelOf(program, "layers.mla.kv_a_proj").u.matmul.n, 576);
}

TEST(Latent, PrefillExpandsKeysAndValues) {
  work::Workload workload;
  workload.phase = work::Phase::prefill;
  workload.batch = 2;
  workload.context = 1024;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  const mansard_kernel attend = kernelOf(program, "layers.mla.attend");
  EXPECT_EQ(attend.op, MANSARD_OP_MLA_PREFILL);
  EXPECT_EQ(attend.u.mla.q_len, 1024);
  EXPECT_EQ(attend.weight_dtype, MANSARD_DTYPE_BF16);
  const mansard_kernel expand = kernelOf(program, "layers.mla.kv_b_proj");
  EXPECT_EQ(expand.u.matmul.m, 2048);
  EXPECT_EQ(expand.u.matmul.n, 128 * 256);
  EXPECT_EQ(expand.u.matmul.k, 512);
  EXPECT_EQ(runsOf(program, "layers.mla.k_b_proj"), 0);
}

TEST(Latent, NormsAndRotationsSeeTheirPartOfTheRow) {
  work::Workload workload;
  workload.batch = 4;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(kernelOf(program, "layers.mla.kv_a_norm").u.vector.cols, 512);
  EXPECT_EQ(kernelOf(program, "layers.mla.q_a_norm").u.vector.cols, 1536);
  EXPECT_EQ(kernelOf(program, "layers.mla.rope").u.vector.cols, (128 + 1) * 64);
  EXPECT_EQ(kernelOf(program, "layers.mla.kv_write").u.vector.cols, 576);
}

TEST(Latent, QueryMayBeUncompressed) {
  work::Transformer model = readModel("deepseek-v3");
  model.attentions[0].q_lora_rank = 0;
  const work::Program program = lower(model, {});
  EXPECT_EQ(kernelOf(program, "layers.mla.q_proj").u.matmul.n, 128 * 192);
  EXPECT_EQ(runsOf(program, "layers.mla.q_a_proj"), 0);
}

} // namespace
} // namespace mansard::test
