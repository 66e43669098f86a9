// Operations and bytes against numbers worked by hand.

#include <mansard/base/counts.h>
#include <mansard/work/kernel.h>

#include <gtest/gtest.h>

namespace mansard {
namespace {

TEST(Counts, MatmulReadsBothOperandsAndWritesOnce) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.matmul = {64, 128, 256, 0, 0, 0, 0, 0, 0};
  const Counts counts = countWork(kernel);
  EXPECT_EQ(counts.matrixOperations, 2.0 * 64 * 128 * 256);
  EXPECT_EQ(counts.weightBytes, 128.0 * 256 * 2);
  EXPECT_EQ(counts.readBytes, 128.0 * 256 * 2 + 64.0 * 256 * 2);
  EXPECT_EQ(counts.writeBytes, 64.0 * 128 * 2);
}

TEST(Counts, BlockScalesAreAFloatPerTile) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::fp8, DType::fp8, DType::bf16,
                                         MANSARD_SCALING_BLOCK);
  kernel.u.matmul = {256, 512, 1024, 0, 0, 0, 0, 0, 0};
  const Counts counts = countWork(kernel);
  EXPECT_EQ(counts.weightBytes, 512.0 * 1024 + 4.0 * (512 / 128) * (1024 / 128));
  EXPECT_EQ(counts.readBytes - counts.weightBytes, 256.0 * 1024 + 4.0 * 256 * (1024 / 128));
}

TEST(Counts, SiluMulEpilogueHalvesWhatIsStored) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.matmul = {64, 128, 256, MANSARD_EPILOGUE_SILU_MUL, 0, 0, 0, 0, 0};
  EXPECT_EQ(countWork(kernel).writeBytes, 64.0 * 64 * 2);
}

double bruteForcePairs(const mansard_attention &a) {
  double pairs = 0;
  for (int64_t q = 0; q < a.q_len; ++q)
    for (int64_t k = 0; k < a.kv_len; ++k) {
      const int64_t position = a.kv_len - a.q_len + q;
      const bool causal = !a.causal || k <= position;
      const bool inWindow = a.window == 0 || (a.causal ? position - k < a.window : true);
      pairs += causal && inWindow;
    }
  return pairs;
}

TEST(Counts, VisiblePairsMatchABruteForceMask) {
  for (const mansard_attention &a : {mansard_attention{1, 7, 7, 1, 1, 64, 0, 1, 0},
                                     {1, 7, 20, 1, 1, 64, 0, 1, 0},
                                     {1, 7, 20, 1, 1, 64, 5, 1, 0},
                                     {1, 20, 20, 1, 1, 64, 5, 1, 0},
                                     {1, 20, 20, 1, 1, 64, 100, 1, 0},
                                     {1, 3, 9, 1, 1, 64, 0, 0, 0},
                                     {1, 1, 50, 1, 1, 64, 8, 1, 0}})
    EXPECT_EQ(visiblePairs(a), bruteForcePairs(a))
        << a.q_len << " of " << a.kv_len << " window " << a.window;
}

TEST(Counts, DecodeAttentionReadsTheCacheOnce) {
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_ATTENTION_DECODE, DType::bf16, DType::fp8, DType::bf16);
  kernel.u.attention = {4, 1, 1000, 32, 8, 128, 0, 1, 0};
  const Counts counts = countWork(kernel);
  EXPECT_EQ(counts.matrixOperations, 4.0 * 4 * 32 * 1000 * 128);
  EXPECT_EQ(counts.readBytes, 4.0 * 32 * 128 * 2 + 2.0 * 4 * 8 * 1000 * 128);
}

TEST(Counts, AbsorbedLatentAttentionReadsOneLatentForAllHeads) {
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_MLA_DECODE, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.mla = {2, 1, 100, 128, 512, 64, 128, 128};
  const Counts counts = countWork(kernel);
  EXPECT_EQ(counts.matrixOperations, 2.0 * 2 * 128 * 100 * (2 * 512 + 64));
  EXPECT_EQ(counts.readBytes, 2.0 * 128 * 576 * 2 + 2.0 * 100 * 576 * 2);
}

TEST(Counts, BalancedExpertsTouchEveryWeightOnceTokensSuffice) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MOE, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.moe = {1024, 512, 256, 8, 64, 1, 8, 0, MANSARD_DISTRIBUTION_BALANCED, 1};
  const Counts counts = countWork(kernel);
  EXPECT_EQ(counts.weightBytes, 8.0 * 3 * 512 * 256 * 2);
  EXPECT_EQ(counts.matrixOperations, 2.0 * (1024 * 8 / 8) * 3 * 512 * 256);
}

TEST(Counts, OneTokenTouchesOnlyItsExperts) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MOE, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.moe = {1, 512, 256, 8, 64, 1, 1, 0, MANSARD_DISTRIBUTION_BALANCED, 1};
  EXPECT_EQ(countWork(kernel).weightBytes, 8.0 * 3 * 512 * 256 * 2);
}

TEST(Counts, RingAllReduceSendsTwiceLessOneShare) {
  EXPECT_EQ(collectiveBytes({8, 800, MANSARD_COLLECTIVE_ALL_REDUCE, 0}), 2.0 * 700);
  EXPECT_EQ(collectiveBytes({8, 800, MANSARD_COLLECTIVE_ALL_GATHER, 0}), 700);
  EXPECT_EQ(collectiveBytes({1, 800, MANSARD_COLLECTIVE_ALL_REDUCE, 0}), 0);
}

} // namespace
} // namespace mansard
