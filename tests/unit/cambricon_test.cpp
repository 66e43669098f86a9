#include "family_fixture.h"

namespace mansard {
namespace {

using test::bf16;
using test::Opened;

TEST(Cambricon, EveryResultSaysThatNothingWasMeasured) {
  const Opened opened("mlu590");
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op) {
    work::Kernel kernel = bf16(op);
    switch (op) {
    case MANSARD_OP_MATMUL:
      kernel.u.matmul = {64, 64, 64, 0, 0, 0, 0, 0, 0};
      break;
    case MANSARD_OP_GROUPED_MATMUL:
      kernel.u.grouped_matmul = {4, 64, 64, 64};
      break;
    case MANSARD_OP_ATTENTION_PREFILL:
    case MANSARD_OP_ATTENTION_DECODE:
      kernel.u.attention = {1, 1, 128, 8, 1, 128, 0, 1, 0};
      break;
    case MANSARD_OP_MLA_PREFILL:
    case MANSARD_OP_MLA_DECODE:
      kernel.u.mla = {1, 1, 128, 16, 512, 64, 128, 128};
      break;
    case MANSARD_OP_VECTOR:
      kernel.u.vector = {16, 128, 0, MANSARD_VECTOR_ADD, 0};
      break;
    case MANSARD_OP_MOE:
      kernel.u.moe = {64, 512, 256, 2, 8, 1, 1, 0, 0, 1};
      break;
    case MANSARD_OP_COLLECTIVE:
      kernel.u.collective = {2, 1024, 0, 0};
      break;
    case MANSARD_OP_EXPERT_PARALLEL:
      kernel.u.expert_parallel = {2, 512, 16, 2, 8, 0, 0, 0};
      break;
    default:
      kernel.u.custom = {1e6, 0, 0, 1e6, 1e6, 0, 0, 0, 0, 0, 0, 0};
    }
    const mansard_estimate e = opened.estimate(kernel);
    EXPECT_EQ(e.status, MANSARD_OK) << op;
    EXPECT_TRUE(e.flags & MANSARD_ESTIMATE_UNCALIBRATED) << op;
    EXPECT_NE(test::noteOf(e).find("no public kernel measurement"), std::string::npos) << op;
  }
}

TEST(Cambricon, LargeMatmulsComeNearTheMatrixUnits) {
  const Opened opened("mlu370-x8");
  const mansard_estimate e = opened.matmul(8192, 8192, 8192);
  const double share =
      e.operations / e.latency_us * 1e6 / opened.chip().matrix_ops_per_s[MANSARD_DTYPE_BF16];
  EXPECT_GT(share, 0.75);
  EXPECT_LT(share, 0.9); // the family's share of the peak
  EXPECT_EQ(e.bound, MANSARD_BOUND_MATRIX);
}

TEST(Cambricon, ATileBelongsToAClusterOfFourCores) {
  const mansard_estimate e = Opened("mlu370-x8").matmul(8192, 8192, 8192);
  EXPECT_EQ(e.tiling.cores, 8); // of 32 IPU cores
}

TEST(Cambricon, CoresThatMakeNoWholeClusterStayIdle) {
  const double whole =
      Opened("mlu590", {{"compute.cores", "64"}}).matmul(4096, 4096, 4096).latency_us;
  const double odd =
      Opened("mlu590", {{"compute.cores", "67"}}).matmul(4096, 4096, 4096).latency_us;
  const double next =
      Opened("mlu590", {{"compute.cores", "68"}}).matmul(4096, 4096, 4096).latency_us;
  EXPECT_NEAR(odd, whole, 1e-9 * whole);
  EXPECT_LE(next, whole);
}

TEST(Cambricon, SmallerNramMeansSmallerTilesOrShallowerSteps) {
  const mansard_estimate full = Opened("mlu370-x8").matmul(8192, 8192, 8192);
  const mansard_estimate small =
      Opened("mlu370-x8", {{"sram.per_core_KiB", "96"}}).matmul(8192, 8192, 8192);
  EXPECT_LT(small.tiling.tile_m * small.tiling.tile_n * small.tiling.tile_k,
            full.tiling.tile_m * full.tiling.tile_n * full.tiling.tile_k);
  EXPECT_GE(small.latency_us, full.latency_us);
}

TEST(Cambricon, NoTileInATinyNramIsSaid) {
  const mansard_estimate e =
      Opened("mlu370-x8", {{"sram.per_core_KiB", "2"}}).matmul(512, 512, 512);
  EXPECT_EQ(e.status, MANSARD_OK);
  EXPECT_TRUE(e.flags & MANSARD_ESTIMATE_DOES_NOT_TILE);
}

TEST(Cambricon, AStarvedClusterSramBecomesTheBound) {
  const mansard_estimate e =
      Opened("mlu590", {{"cambricon.cluster_sram_bytes_per_clock", "32"}}).matmul(4096, 4096, 4096);
  EXPECT_EQ(e.bound, MANSARD_BOUND_SRAM);
}

TEST(Cambricon, Int8DoublesAndMoreWhatBf16Reaches) {
  const Opened opened("mlu370-x8");
  const double ratio = opened.matmul(8192, 8192, 8192).latency_us /
                       opened.matmul(8192, 8192, 8192, DType::int8).latency_us;
  EXPECT_GT(ratio, 1.8); // 2 x 4096 against 2 x 1536 a clock, NRAM and SRAM permitting
  EXPECT_LT(ratio, 8192.0 / 3072 + 1e-9);
}

TEST(Cambricon, WritesGoPastTheCache) {
  // 64 KiB: it would fit the cache many times over.
  work::Kernel kernel = bf16(MANSARD_OP_VECTOR);
  kernel.u.vector = {16, 2048, 0, MANSARD_VECTOR_COPY, 0};
  EXPECT_EQ(Opened("mlu590").estimate(kernel).dram_write_bytes, 16 * 2048 * 2);
}

} // namespace
} // namespace mansard
