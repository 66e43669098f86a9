// How matrix products use an Ascend's cube cores: 24 cores at 1800 cycles a microsecond, 8192 bf16
// operations, 110 bytes from the L2 and 32 from DRAM a cycle and core.
#include "ascend_fixture.h"

#include <cmath>

namespace mansard {
namespace {

class AscendMatmul : public test::AscendTest {};

TEST_F(AscendMatmul, LargeProductLoadsAlmostAsLongAsItComputes) {
  const mansard_estimate out = estimate(ideal(), matmul(6144, 6144, 6144));
  // 48 x 24 blocks of 128 x 256 on 24 cores: 48 waves.
  EXPECT_EQ(out.tiling.tile_m, 128);
  EXPECT_EQ(out.tiling.tile_n, 256);
  EXPECT_EQ(out.tiling.tiles, 1152);
  EXPECT_EQ(out.tiling.waves, 48);
  const double cube = 48 * 2.0 * 128 * 256 * 6144 / (8192 * 1800);  // 1310.7 us
  const double load = 48 * (128 + 256) * 6144 * 2.0 / (110 * 1800); // 1143.9 us
  EXPECT_GT(out.latency_us, cube);                                  // stores drain beside the cube
  EXPECT_LT(out.latency_us, 1.1 * std::hypot(cube, load));
  EXPECT_EQ(out.bound, MANSARD_BOUND_MATRIX);
}

TEST_F(AscendMatmul, SixThousandCubedOnOneDieTakesOneAndAHalfMilliseconds) {
  work::Kernel kernel = matmul(6144, 6144, 6144, DType::fp16);
  const double us = estimate(open("ascend-910c"), kernel).latency_us;
  EXPECT_GT(us, 1500 / 1.15);
  EXPECT_LT(us, 1500 * 1.15);
}

TEST_F(AscendMatmul, OneCoreDrawsAtMostItsShareOfDram) {
  // One fractal row of blocks: eight of 16 x 512 would be, on so many cores, 32 bytes a cycle each.
  const host::Model model = ideal({{"calibration.warm_low", "0"},
                                   {"calibration.warm_high", "0.000001"},
                                   {"compute.cores", "8"},
                                   {"l2.size_MiB", "192"}});
  const double bytes = 4096.0 * 16384 * 2;
  const double us = estimate(model, matmul(16, 4096, 16384)).latency_us;
  EXPECT_GE(us, bytes / (8 * 32 * 1800)); // 291 us: 0.46 TB/s, although the chip has 1.6
}

TEST_F(AscendMatmul, WarmWeightsOutrunDram) {
  const host::Model model = ideal();
  // 16 MiB lie in a 192 MiB L2, 96 MiB do not; per byte the cold ones take over twice as long.
  const double warm = estimate(model, matmul(16, 2048, 4096)).latency_us / (2048.0 * 4096);
  const double cold = estimate(model, matmul(16, 12288, 4096)).latency_us / (12288.0 * 4096);
  EXPECT_GT(cold, 2 * warm);
}

TEST_F(AscendMatmul, TwentyFiveBlocksTakeTwoWaves) {
  const host::Model model = ideal();
  // Thin K: blocks of 128 x 256 win, and the 25th waits for a second wave.
  const mansard_estimate full = estimate(model, matmul(128 * 24, 256, 8192));
  const mansard_estimate over = estimate(model, matmul(128 * 25, 256, 8192));
  EXPECT_GT(over.latency_us, 1.25 * full.latency_us);
}

TEST_F(AscendMatmul, FewBlocksAreCutNarrowForMoreCores) {
  const mansard_estimate out = estimate(open("ascend-910b"), matmul(128, 256, 16384));
  EXPECT_GE(out.tiling.tiles, 8); // two of 128 x 256 would leave 22 cores idle
  EXPECT_LE(out.tiling.tiles, 24);
  EXPECT_EQ(out.tiling.split_k, 1);
}

TEST_F(AscendMatmul, CoresThatShareAColdPanelWaitForItTogether) {
  // Two rows of blocks want each panel of B at the same time: twice the loads at DRAM's pace.
  const host::Model together = ideal({{"calibration.shared_misses", "2"}});
  const work::Kernel kernel = matmul(256, 12288, 12288); // 288 MiB of weights
  const double alone = estimate(ideal(), kernel).latency_us;
  EXPECT_GT(estimate(together, kernel).latency_us, 1.3 * alone);
  // Sixteen rows of blocks find most of it in the L2.
  const work::Kernel tall = matmul(2048, 12288, 12288);
  EXPECT_LT(estimate(together, tall).latency_us, 1.1 * estimate(ideal(), tall).latency_us);
}

TEST_F(AscendMatmul, RowsFarApartLoadSlower) {
  const host::Model model = open("ascend-910b");
  const double near = estimate(model, matmul(1024, 8192, 12288)).latency_us / 12288;
  const double far = estimate(model, matmul(1024, 8192, 16384)).latency_us / 16384;
  EXPECT_GT(far, 1.1 * near);
}

TEST_F(AscendMatmul, PackedWeightsStreamPastTheL2) {
  // 16 MiB would be warm; integer weights are read from DRAM every time.
  const work::Kernel kernel = matmul(1, 4096, 4096, DType::int8, MANSARD_SCALING_CHANNEL);
  EXPECT_GE(estimate(open("ascend-910b"), kernel).dram_read_bytes, 4096.0 * 4096);
  EXPECT_LT(estimate(open("ascend-910b"), matmul(1, 2048, 4096)).dram_read_bytes, 4096.0 * 4096);
}

TEST_F(AscendMatmul, LargerAccumulatorsTakeLargerBlocks) {
  const mansard_estimate out = estimate(open("ascend-950pr"), matmul(8192, 8192, 8192));
  EXPECT_EQ(out.tiling.tile_m, 256);
  EXPECT_EQ(out.tiling.tile_n, 256);
  EXPECT_EQ(estimate(open("ascend-910b"), matmul(8192, 8192, 8192)).tiling.tile_m, 128);
}

TEST_F(AscendMatmul, NothingIsFasterThanALaunch) {
  const mansard_estimate out = estimate(open("ascend-910b"), matmul(1, 16, 16));
  EXPECT_GT(out.latency_us, 5);
  EXPECT_LT(out.latency_us, 9);
  EXPECT_EQ(out.bound, MANSARD_BOUND_FIXED);
}

TEST_F(AscendMatmul, DequantisingPassesTheL2OnlyWithoutADirectPath) {
  const std::vector<hw::Override> direct{{"ascend.direct_exchange", "1"}};
  const work::Kernel kernel = matmul(8192, 8192, 256, DType::int8, MANSARD_SCALING_CHANNEL);
  const double through = estimate(ideal(), kernel).latency_us;
  const double straight = estimate(ideal(direct), kernel).latency_us;
  // 8192^2 accumulators: four bytes out, four back, two out, on 24 cores.
  const double trip = 8192.0 * 8192 / 24 * (4 / 86.0 + 4 / 110.0 + 2 / 86.0) / 1800; // 165 us
  EXPECT_GE(through, trip);
  EXPECT_LT(straight, trip);
}

TEST_F(AscendMatmul, MixedKernelStartsLater) {
  const host::Model model = open("ascend-910b");
  const double plain = estimate(model, matmul(1, 512, 512)).latency_us;
  const double scaled =
      estimate(model, matmul(1, 512, 512, DType::int8, MANSARD_SCALING_CHANNEL)).latency_us;
  EXPECT_GT(scaled, plain + 5);
}

TEST_F(AscendMatmul, TokenScalesAreFoundInTheSameOperator) {
  const host::Model model = open("ascend-910b");
  work::Kernel token = matmul(4096, 512, 4096, DType::int8, MANSARD_SCALING_TOKEN);
  token.u.matmul.epilogue = MANSARD_PROLOGUE_QUANTIZE;
  const work::Kernel channel = matmul(4096, 512, 4096, DType::int8, MANSARD_SCALING_CHANNEL);
  EXPECT_GT(estimate(model, token).latency_us, estimate(model, channel).latency_us + 10);
}

TEST_F(AscendMatmul, NarrowWeightsAreWidenedOnTheVectorCores) {
  work::Kernel kernel = matmul(16, 8192, 8192);
  kernel.weight_dtype = MANSARD_DTYPE_INT4;
  kernel.scaling = MANSARD_SCALING_GROUP;
  const mansard_estimate narrow = estimate(open("ascend-910b"), kernel);
  const mansard_estimate wide = estimate(open("ascend-910b"), matmul(16, 8192, 8192));
  EXPECT_LT(narrow.dram_read_bytes, wide.dram_read_bytes / 3);
  EXPECT_GT(narrow.part_us[MANSARD_BOUND_VECTOR], 0);
}

TEST_F(AscendMatmul, MissingTypeIsRefused) {
  const mansard_estimate out = estimate(open("ascend-910b"), matmul(64, 64, 64, DType::fp8));
  EXPECT_EQ(out.status, MANSARD_ERROR_UNSUPPORTED);
  EXPECT_EQ(estimate(open("ascend-950dt"), matmul(64, 64, 64, DType::fp8)).status, MANSARD_OK);
}

TEST_F(AscendMatmul, GroupsShareOneStart) {
  const host::Model model = open("ascend-910b");
  work::Kernel grouped =
      work::makeKernel(MANSARD_OP_GROUPED_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  grouped.u.grouped_matmul = {32, 16, 512, 128};
  EXPECT_LT(estimate(model, grouped).latency_us,
            8 * estimate(model, matmul(16, 512, 128)).latency_us);
}

TEST_F(AscendMatmul, ChipNobodyMeasuredSaysSo) {
  EXPECT_FALSE(estimate(open("ascend-910c"), matmul(64, 64, 64)).flags &
               MANSARD_ESTIMATE_UNCALIBRATED);
  EXPECT_TRUE(estimate(open("ascend-950pr"), matmul(64, 64, 64)).flags &
              MANSARD_ESTIMATE_UNCALIBRATED);
}

} // namespace
} // namespace mansard
