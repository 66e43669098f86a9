// DeepSeek Sparse Attention: an indexer picks what latent attention sees.
#include "lowering_fixture.h"

namespace mansard::test {
namespace {

work::Workload decode(int64_t context, int64_t tp = 1) {
  work::Workload workload;
  workload.batch = 4;
  workload.context = context;
  workload.parallelism.tp = tp;
  return workload;
}

work::Workload prefill(int64_t context) {
  work::Workload workload = decode(context);
  workload.phase = work::Phase::prefill;
  workload.batch = 1;
  return workload;
}

double attended(const work::Program &program) {
  return matrixOperations(program, MANSARD_OP_MLA_DECODE) +
         matrixOperations(program, MANSARD_OP_MLA_PREFILL) +
         matrixOperations(program, MANSARD_OP_CUSTOM);
}

TEST(SparseAttention, DecodeSeesWhatIsSelected) {
  const work::Program program = lower(readModel("deepseek-v3.2"), decode(100000));
  const mansard_kernel attend = kernelOf(program, "layers.mla.attend");
  EXPECT_EQ(attend.op, MANSARD_OP_MLA_DECODE);
  EXPECT_EQ(attend.u.mla.batch, 4);
  EXPECT_EQ(attend.u.mla.kv_len, 2048);
  const mansard_kernel scores = kernelOf(program, "layers.indexer.select");
  EXPECT_EQ(scores.op, MANSARD_OP_CUSTOM);
  EXPECT_EQ(scores.dtype, MANSARD_DTYPE_FP8);
  EXPECT_EQ(scores.u.custom.matrix_operations, 2.0 * 4 * 100000 * 64 * 128);
  EXPECT_EQ(runsOf(program, "layers.indexer.select"), 61 * 2); // scores and the best of them
  EXPECT_EQ(kernelOf(program, "layers.indexer.q_b_proj").u.matmul.n, 64 * 128);
  EXPECT_EQ(kernelOf(program, "layers.indexer.k_proj").u.matmul.n, 128);
}

TEST(SparseAttention, EveryDeviceSelectsForItself) {
  const work::Program one = lower(readModel("deepseek-v3.2"), decode(100000)),
                      eight = lower(readModel("deepseek-v3.2"), decode(100000, 8));
  EXPECT_TRUE(work::equal(kernelOf(one, "layers.indexer.select"),
                          kernelOf(eight, "layers.indexer.select")));
  EXPECT_EQ(kernelOf(eight, "layers.indexer.q_b_proj").u.matmul.n, 64 * 128);
  EXPECT_EQ(kernelOf(eight, "layers.mla.attend").u.mla.heads, 16);
}

TEST(SparseAttention, ShortSequencesAreSeenWhole) {
  const work::Transformer model = readModel("deepseek-v3.2");
  const work::Program decoded = lower(model, decode(2048)), read = lower(model, prefill(2048));
  EXPECT_EQ(kernelOf(decoded, "layers.mla.attend").u.mla.kv_len, 2048);
  EXPECT_EQ(kernelOf(read, "layers.mla.attend").op, MANSARD_OP_MLA_PREFILL);
  for (const work::Program *program : {&decoded, &read}) {
    EXPECT_EQ(runsOf(*program, "layers.indexer.select"), 0);
    EXPECT_EQ(runsOf(*program, "layers.indexer.k_write"), 61); // later tokens score them
  }
}

TEST(SparseAttention, PrefillSelectsForEachQuery) {
  const work::Program program = lower(readModel("deepseek-v3.2"), prefill(8192));
  const mansard_kernel attend = kernelOf(program, "layers.mla.attend");
  EXPECT_EQ(attend.op, MANSARD_OP_MLA_DECODE); // absorbed
  EXPECT_EQ(attend.u.mla.batch, 8192);
  EXPECT_EQ(attend.u.mla.q_len, 1);
  EXPECT_EQ(attend.u.mla.kv_len, (2048 * 2049 / 2 + 6144 * 2048) / 8192 + 1);
  EXPECT_EQ(kernelOf(program, "layers.indexer.select").u.custom.matrix_operations,
            8192.0 * 8193 / 2 * 2 * 64 * 128);
}

TEST(SparseAttention, IsCheaperThanAllBeyondTheLimit) {
  const work::Transformer dense = readModel("deepseek-v3"), sparse = readModel("deepseek-v3.2");
  for (int64_t context : {4096, 16384, 131072})
    EXPECT_LT(attended(lower(sparse, decode(context))), attended(lower(dense, decode(context))))
        << context;
  // The indexer still looks at everything, at 8 bits and 64 x 128 to latent attention's 128 x 1088.
  const double more =
      attended(lower(sparse, decode(131072))) - attended(lower(sparse, decode(131072 - 1000)));
  EXPECT_EQ(more, 61.0 * 4 * 1000 * 2 * 64 * 128);
}

TEST(SparseAttention, ReadsAtLeastWhatIsSelected) {
  const work::Transformer model = readModel("deepseek-v3.2");
  for (int64_t context : {4096, 131072})
    EXPECT_GE(countWork(kernelOf(lower(model, decode(context)), "layers.mla.attend")).readBytes,
              4.0 * 2048 * 576 * 2);
}

TEST(SparseAttention, KeysOfTheIndexerAreKept) {
  const double sparse = lower(readModel("deepseek-v3.2"), decode(10000)).memory.kvCache,
               dense = lower(readModel("deepseek-v3"), decode(10000)).memory.kvCache;
  EXPECT_EQ(sparse - dense, 61.0 * 4 * 10000 * 128); // of 8 bits
}

TEST(SparseAttention, WithoutFp8TheIndexerMultipliesInSixteenBits) {
  const work::Program program =
      lower(readModel("deepseek-v3.2"), decode(10000), targetWith({DType::bf16, DType::int8}));
  EXPECT_EQ(kernelOf(program, "layers.indexer.select").dtype, MANSARD_DTYPE_BF16);
}

TEST(SparseAttention, ParametersAreThePublishedOnes) {
  const work::Transformer glm = readModel("glm-5"), deepseek = readModel("deepseek-v3.2");
  EXPECT_NEAR(glm.parameters(), 744e9, 1e9);
  EXPECT_NEAR(glm.activeParameters(), 40e9, 1.5e9);
  // DeepSeek-V3's 671 B and the indexers.
  EXPECT_EQ(deepseek.parameters() - readModel("deepseek-v3").parameters(),
            61.0 * (1536 * 64 * 128 + 7168 * (128 + 64) + 2 * 128));
}

} // namespace
} // namespace mansard::test
