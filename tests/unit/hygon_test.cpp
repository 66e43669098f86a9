#include "family_fixture.h"

namespace mansard {
namespace {

using test::bf16;
using test::Opened;

/// The gfx936 card of the CSCC notes: 395 TFLOPS, so 1.2054 GHz under load.
Opened card() { return Opened("dcu-bw1000", {{"compute.clock_GHz", "1.2054"}}); }

TEST(Hygon, ProjectionsReachEightTenthsOfTheMicrobenchmark) {
  // Qwen3.5-27B, 13964 tokens: 320 of 395 TFLOPS measured.
  const Opened opened = card();
  double operations = 0, us = 0;
  for (const auto &[n, k] :
       {std::pair<int64_t, int64_t>{34816, 5120}, {5120, 17408}, {14336, 5120}, {5120, 6144}}) {
    const mansard_estimate e = opened.matmul(13964, n, k);
    operations += e.operations;
    us += e.latency_us;
  }
  EXPECT_NEAR(operations / us * 1e-6, 320, 0.05 * 320);
}

TEST(Hygon, LargeMatmulsAreBoundByTheLds) {
  // 128 x 256 and 32 deep: 2 x 2 waves read each operand twice and it is written once:
  // 2 x 3 x (128 + 256) x 32 bytes at 128 a clock are 576 clocks; 4096 operations a clock do it in
  // 512.
  const mansard_estimate e = Opened("dcu-bw1000").matmul(8192, 8192, 8192);
  EXPECT_EQ(e.bound, MANSARD_BOUND_SRAM);
  EXPECT_EQ(e.tiling.tile_m * e.tiling.tile_n, 128 * 256);
}

TEST(Hygon, ASlowerMatrixUnitHasLdsToSpare) {
  EXPECT_EQ(Opened("dcu-k100-ai").matmul(8192, 8192, 8192).bound, MANSARD_BOUND_MATRIX);
}

TEST(Hygon, MatrixVectorWorkRunsAtTheMemorysPace) {
  // 0.92 to 1.01 of 1206 GB/s when tuned; another card reads 1339.
  const mansard_estimate e = Opened("dcu-bw1000").matmul(1, 34816, 5120);
  const double GBps = 2.0 * 34816 * 5120 / e.latency_us * 1e-3;
  EXPECT_GT(GBps, 0.92 * 1206);
  EXPECT_LT(GBps, 1339);
  EXPECT_EQ(e.bound, MANSARD_BOUND_DRAM);
}

TEST(Hygon, AttentionTakesWhatTheMeasuredLayerTook) {
  work::Kernel kernel = bf16(MANSARD_OP_ATTENTION_PREFILL);
  kernel.u.attention = {1, 8192, 8192, 24, 4, 256, 0, 1, 0};
  const mansard_estimate e = card().estimate(kernel);
  EXPECT_NEAR(e.latency_us, 23700, 0.05 * 23700);
  EXPECT_NE(test::noteOf(e).find("far from tuned"), std::string::npos);
}

TEST(Hygon, ClocksOfAGroupAreItsCoresTime) {
  // 160 groups on 80 units: two each, of 15000 clocks at 1.5 GHz; after the start of 2.05 us.
  work::Kernel kernel = bf16(MANSARD_OP_CUSTOM);
  kernel.u.custom = {};
  kernel.u.custom.groups = 160;
  kernel.u.custom.groups_per_core = 2;
  kernel.u.custom.group_cycles = 15000;
  const mansard_estimate two = Opened("dcu-bw1000").estimate(kernel);
  EXPECT_NEAR(two.latency_us, 2.05 + 2 * 10, 1e-9);
  EXPECT_EQ(two.bound, MANSARD_BOUND_VECTOR);
  kernel.u.custom.groups = 161;
  EXPECT_NEAR(Opened("dcu-bw1000").estimate(kernel).latency_us, 2.05 + 3 * 10, 1e-9);
}

TEST(Hygon, CardsWithoutLinksShareThePcieBus) {
  work::Kernel kernel = bf16(MANSARD_OP_COLLECTIVE);
  kernel.u.collective = {8, int64_t{1} << 28, MANSARD_COLLECTIVE_ALL_REDUCE, 0};
  const mansard_estimate e = Opened("dcu-k100-ai").estimate(kernel);
  const double GBps = e.link_bytes / e.latency_us * 1e-3;
  EXPECT_GT(GBps, 1.5);
  EXPECT_LT(GBps, 5.7);
  EXPECT_EQ(e.bound, MANSARD_BOUND_LINK);
}

TEST(Hygon, FewerRegistersMeanSmallerTiles) {
  const mansard_estimate full = Opened("dcu-bw1000").matmul(8192, 8192, 8192);
  const mansard_estimate quarter =
      Opened("dcu-bw1000", {{"registers.per_core_KiB", "64"}}).matmul(8192, 8192, 8192);
  EXPECT_LT(quarter.tiling.tile_m * quarter.tiling.tile_n, full.tiling.tile_m * full.tiling.tile_n);
  EXPECT_GT(quarter.latency_us, full.latency_us);
}

TEST(Hygon, WithoutFp8UnitsAnFp8MatmulIsRefused) {
  const mansard_estimate e = Opened("dcu-bw1000").matmul(128, 128, 128, DType::fp8);
  EXPECT_EQ(e.status, MANSARD_ERROR_UNSUPPORTED);
  EXPECT_NE(test::noteOf(e).find("no such data type"), std::string::npos);
}

TEST(Hygon, UnmeasuredOperationsSaySo) {
  work::Kernel kernel = bf16(MANSARD_OP_MLA_DECODE);
  kernel.u.mla = {8, 1, 4096, 128, 512, 64, 128, 128};
  const mansard_estimate e = Opened("dcu-bw1000").estimate(kernel);
  EXPECT_TRUE(e.flags & MANSARD_ESTIMATE_UNCALIBRATED);
  EXPECT_FALSE(Opened("dcu-bw1000").matmul(64, 64, 64).flags & MANSARD_ESTIMATE_UNCALIBRATED);
}

} // namespace
} // namespace mansard
