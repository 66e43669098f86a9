#include <mansard/base/tiled_machine.h>

#include <gtest/gtest.h>

namespace mansard {
namespace {

/// 10 cores of 10 Top/s, 1 TB/s of DRAM, 10 TB/s of L2, 10 MB.
mansard_chip chip() {
  mansard_chip c{};
  c.cores = 10;
  for (uint32_t type : {MANSARD_DTYPE_BF16, MANSARD_DTYPE_INT8})
    c.matrix_ops_per_s[type] = 1e14;
  c.vector_ops_per_s[MANSARD_DTYPE_FP32] = 1e12;
  c.special_ops_per_s = 1e11;
  c.l2_bytes = 10e6;
  c.l2_read_bytes_per_s = c.l2_write_bytes_per_s = 1e13;
  c.dram_peak_bytes_per_s = c.dram_read_bytes_per_s = c.dram_mixed_bytes_per_s = 1e12;
  return c;
}

mansard_kernel matmul(int64_t m, int64_t n, int64_t k, uint32_t weights = MANSARD_DTYPE_BF16) {
  mansard_kernel kernel{};
  kernel.struct_size = sizeof kernel;
  kernel.op = MANSARD_OP_MATMUL;
  kernel.dtype = kernel.out_dtype = MANSARD_DTYPE_BF16;
  kernel.weight_dtype = weights;
  kernel.u.matmul = {m, n, k, 0, 0, 0, 0, 0, 0};
  return kernel;
}

const Tile kLarge = tileFor({.m = 128, .n = 128, .k = 64}, 10);
const Tile kSmall = tileFor({.m = 16, .n = 128, .k = 64}, 10);

MatmulPlan plan(const mansard_kernel &kernel, std::vector<Tile> tiles, MatmulTuning tuning = {},
                const mansard_chip &on = chip()) {
  const mansard_matmul &g = kernel.u.matmul;
  const MatmulShape shape{1, static_cast<double>(g.m), static_cast<double>(g.n),
                          static_cast<double>(g.k)};
  static std::vector<Tile> kept; // a plan points to its tile

  kept = std::move(tiles);
  return planMatmul(on, kernel, shape, countWork(kernel), {10, 0.1, 0}, kept, tuning);
}

TEST(TiledMatmul, ElevenTilesOnTenCoresTakeTwoWaves) {
  // A tile of 128 x 128 over K 6400: 209.7 Mop at 10 Top/s: 20.97 us.
  MatmulTuning tuning;
  tuning.split_us = 1e9; // no splitting here
  EXPECT_NEAR(plan(matmul(128, 1280, 6400), {kLarge}, tuning).busy[MANSARD_BOUND_MATRIX], 20.97152,
              1e-6);
  EXPECT_NEAR(plan(matmul(128, 1408, 6400), {kLarge}, tuning).busy[MANSARD_BOUND_MATRIX],
              2 * 20.97152, 1e-6);
}

TEST(TiledMatmul, OneRowPaysForItsWholeTile) {
  const MatmulPlan large = plan(matmul(1, 1280, 6400), {kLarge});
  const MatmulPlan either = plan(matmul(1, 1280, 6400), {kLarge, kSmall});
  EXPECT_NEAR(large.busy[MANSARD_BOUND_MATRIX] / either.busy[MANSARD_BOUND_MATRIX], 8, 1e-9);
  EXPECT_EQ(either.tile->m, 16);
}

TEST(TiledMatmul, SplittingKGivesIdleCoresWork) {
  // One tile, K 64000: 209.7 us on one core, 26.2 us in eight parts on eight of ten.
  const MatmulPlan p = plan(matmul(128, 128, 64000), {kLarge});
  EXPECT_EQ(p.split, 8); // one part a core; 16 would give some cores two
  EXPECT_NEAR(p.busy[MANSARD_BOUND_MATRIX], 209.7152 / 8, 1e-6);
  EXPECT_GT(p.reduce_us, 0);
}

TEST(TiledMatmul, EachOperandIsReadOnceWhereTheBlockCoversIt) {
  // All cores together hold 10 x 128 x 128 outputs: the whole of 128 x 1280.
  const MatmulPlan p = plan(matmul(128, 1280, 6400), {kLarge});
  EXPECT_NEAR(p.dramReadBytes, 2 * (128 * 6400 + 1280 * 6400), 1);
  EXPECT_NEAR(p.dramWriteBytes, 2 * 128 * 1280, 1e-6);
}

TEST(TiledMatmul, LargeOperandsAreReadAgainForEachBlock) {
  // Blocks of side sqrt(10) x 128 = 404.8: 2 m n k / 404.8 elements, less than panels in 5 MB need.
  const double size = 8192;
  const MatmulPlan p = plan(matmul(8192, 8192, 8192), {kLarge});
  EXPECT_GT(p.dramReadBytes, 2 * 2 * size * size);
  EXPECT_LE(p.dramReadBytes, 2 * 2 * size * size * size / (std::sqrt(10.0) * 128) * (1 + 1e-9));
}

TEST(TiledMatmul, WarmWeightsSpareTheMemory) {
  MatmulTuning tuning;
  tuning.residentShare = 0.2; // of 10 MB
  EXPECT_NEAR(plan(matmul(16, 1000, 1000), {kSmall}, tuning).dramReadBytes, 2 * 16 * 1000, 1e-6);
  EXPECT_NEAR(plan(matmul(16, 1001, 1000), {kSmall}, tuning).dramReadBytes,
              2 * (16 * 1000 + 1001 * 1000), 1e-6);
}

TEST(TiledMatmul, ALoadsLatencyLimitsEachStep) {
  mansard_chip slow = chip();
  slow.dram_latency_s = 1e-6;
  MatmulTuning tuning;
  tuning.split_us = 1e9;
  // 100 steps of one tile, two loads under way: 50 us, though the bytes take 3.
  const MatmulPlan p = plan(matmul(16, 128, 6400), {kSmall}, tuning, slow);
  EXPECT_NEAR(p.busy[MANSARD_BOUND_DRAM], 50, 1e-9);
}

TEST(TiledMatmul, NarrowWeightsAreWidenedOnTheVectorUnit) {
  // Two operations for each of n x k weights, once for each of two rows of tiles, at 1 Top/s.
  const MatmulPlan p = plan(matmul(256, 1280, 6400, MANSARD_DTYPE_INT4), {kLarge});
  EXPECT_NEAR(p.busy[MANSARD_BOUND_VECTOR], 2.0 * 2 * 1280 * 6400 * 1e-6, 1e-9);
  EXPECT_EQ(plan(matmul(256, 1280, 6400), {kLarge}).busy[MANSARD_BOUND_VECTOR], 0);
}

TEST(TiledMatmul, RaggedGroupsWasteHalfATileEach) {
  EXPECT_EQ(tileRows({4, 128, 1, 1, false}, 128), 4);
  EXPECT_EQ(tileRows({4, 129, 1, 1, false}, 128), 8);
  EXPECT_EQ(tileRows({4, 256, 1, 1, true}, 128), 10);
  EXPECT_EQ(tileRows({4, 1, 1, 1, true}, 128), 4);
}

TEST(TiledMatmul, MoreNeverTakesLess) {
  MatmulTuning tuning;
  tuning.residentShare = 0.2;
  tuning.split_us = 0.5;
  for (int dimension = 0; dimension < 3; ++dimension) {
    double before = 0;
    for (int64_t x = 1; x < 40000; x += 1 + x / 13) {
      int64_t size[] = {200, 700, 900};
      size[dimension] = x;
      const double t = plan(matmul(size[0], size[1], size[2]), {kLarge, kSmall}, tuning).total_us;
      EXPECT_GE(t, before * (1 - 1e-12)) << dimension << " " << x;
      before = t;
    }
  }
}

TEST(MoeStages, MoveAndMultiplyWhatTheCountsSay) {
  mansard_kernel kernel = matmul(1, 1, 1);
  kernel.op = MANSARD_OP_MOE;
  kernel.u.moe = {1024, 2048, 768, 8, 128, 1, 8, 0, MANSARD_DISTRIBUTION_BALANCED, 1};
  const Counts counts = countWork(kernel);
  const MoeStages s = moeStages(kernel, counts);
  // 1024 x 8 pairs over 128 experts, 16 here with 64 rows each.
  EXPECT_EQ(s.first.groups, 16);
  EXPECT_EQ(s.first.m, 64);
  EXPECT_EQ(s.first.n, 2 * 768);
  EXPECT_EQ(s.second.n, 2048);
  EXPECT_NEAR(s.firstCounts.matrixOperations + s.secondCounts.matrixOperations,
              counts.matrixOperations, 1);
  EXPECT_NEAR(s.firstCounts.weightBytes, 16 * 2 * 2048.0 * 768 * 2, 1);
  EXPECT_NEAR(s.firstCounts.weightBytes + s.secondCounts.weightBytes, counts.weightBytes, 1);
}

} // namespace
} // namespace mansard
