// How matmuls use a GPU: waves of tiles, split K, L2 reuse, power. Numbers worked for an H100
// without power limit or fixed costs: 132 cores, 989.4 TFLOPS bf16 (7.4957 a core), 128 bytes of
// shared memory a clock.
#include "family_fixture.h"

#include <mansard/hw/chip_energy.h>

#include <cmath>

namespace mansard {
namespace {

using test::Opened;

/// Nothing but the tensor cores costs time.
std::vector<hw::Override> onlyTensorCores() {
  return {{"calibration.gemm.start_us", "0"},
          {"calibration.gemm.issue", "1"},
          {"calibration.gemm.energy_16bit_pJ_per_GHz2", "0"},
          {"calibration.gemm.epilogue", "0"},
          {"calibration.gemm.load_latency_us", "0"},
          {"calibration.gemm.split_us", "1e6"},
          {"calibration.gemm.l2", "1000"},
          {"calibration.gemm.dram", "1"},
          {"calibration.gemm.warm", "1"}};
}

constexpr double kCoreOpsPerUs = 4096 * 1830.0;

TEST(NvidiaMatmul, EightThousandCubedOnH100TakesAboutOnePointFourMilliseconds) {
  const mansard_estimate out = Opened("h100-sxm").matmul(8192, 8192, 8192);
  EXPECT_GT(out.latency_us, 1400 / 1.15);
  EXPECT_LT(out.latency_us, 1400 * 1.15);
  EXPECT_EQ(out.bound, MANSARD_BOUND_MATRIX);
}

TEST(NvidiaMatmul, SmallMatmulIsLaunchBound) {
  const mansard_estimate out = Opened("h100-sxm").matmul(16, 64, 64);
  EXPECT_EQ(out.bound, MANSARD_BOUND_FIXED);
  EXPECT_LT(out.latency_us, 4);
}

TEST(NvidiaMatmul, WholeWaveRunsAtTheTensorCoresRate) {
  const Opened h100("h100-sxm", onlyTensorCores());
  // 12 x 11 tiles of 256 x 128 fill 132 cores once; 65536 deep, DRAM and L2 are far from busy.
  const mansard_estimate out = h100.matmul(12 * 256, 11 * 128, 65536);
  const double ideal = 2.0 * 256 * 128 * 65536 / kCoreOpsPerUs; // 573 us
  EXPECT_NEAR(out.latency_us, ideal, 0.1 * ideal);
  EXPECT_DOUBLE_EQ(out.tiling.waves, 1);
  EXPECT_EQ(out.tiling.cores, 132);
}

TEST(NvidiaMatmul, WaveQuantisation) {
  // One row of tiles more than whole waves costs a wave, or ragged tiles: a step up in time for
  // each operation.
  const Opened h100("h100-sxm", onlyTensorCores());
  const auto perOperation = [&](int64_t m) {
    const mansard_estimate out = h100.matmul(m, 11 * 128, 65536);
    return out.latency_us / out.operations;
  };
  EXPECT_GT(perOperation(12 * 256 + 1), 1.08 * perOperation(12 * 256));
  EXPECT_LT(perOperation(24 * 256), 1.01 * perOperation(12 * 256));
}

TEST(NvidiaMatmul, FewTilesAreSplitAlongK) {
  const Opened h100("h100-sxm");
  EXPECT_GT(h100.matmul(64, 256, 65536).tiling.split_k, 1);
  EXPECT_EQ(h100.matmul(8192, 8192, 8192).tiling.split_k, 1);
}

TEST(NvidiaMatmul, SkinnyMatmulStreamsItsWeights) {
  const Opened h100("h100-sxm");
  const mansard_estimate out = h100.matmul(16, 16384, 16384);
  EXPECT_EQ(out.bound, MANSARD_BOUND_DRAM);
  const double bytes = 16384.0 * 16384 * 2;
  EXPECT_GT(out.latency_us, bytes / h100.chip().dram_peak_bytes_per_s * 1e6); // 160 us
  EXPECT_LT(out.latency_us, 1.2 * bytes / h100.chip().dram_peak_bytes_per_s * 1e6);
}

TEST(NvidiaMatmul, RowsBelowTheInstructionsAreFree) {
  const Opened h100("h100-sxm");
  EXPECT_NEAR(h100.matmul(1, 8192, 8192).latency_us, h100.matmul(16, 8192, 8192).latency_us,
              0.02 * h100.matmul(16, 8192, 8192).latency_us);
}

TEST(NvidiaMatmul, HotWeightsComeFromL2) {
  // A repeated loop finds 4 MiB in the 50 MiB L2, not 64.
  const Opened h100("h100-sxm");
  EXPECT_EQ(h100.matmul(16, 2048, 1024).dram_read_bytes, 0);
  EXPECT_GE(h100.matmul(16, 8192, 4096).dram_read_bytes, 8192.0 * 4096 * 2);
}

TEST(NvidiaMatmul, TileOrderReadsLittleMoreThanOnceFromDram) {
  const mansard_estimate out = Opened("h100-sxm").matmul(8192, 8192, 8192);
  const double once = 2 * 8192.0 * 8192 * 2;
  EXPECT_GT(out.dram_read_bytes, once);
  EXPECT_LT(out.dram_read_bytes, 8 * once); // 32 tiles a side without reuse
}

TEST(NvidiaMatmul, LargerL2ReadsLess) {
  const double small =
      Opened("h100-sxm", {{"l2.size_MiB", "10"}}).matmul(8192, 8192, 8192).dram_read_bytes;
  const double large =
      Opened("h100-sxm", {{"l2.size_MiB", "200"}}).matmul(8192, 8192, 8192).dram_read_bytes;
  EXPECT_GT(small, large);
}

TEST(NvidiaMatmul, PowerLimitsLargeMatmulsOnly) {
  const std::vector<hw::Override> half = {{"power.tdp_W", "350"}};
  const Opened full("h100-sxm"), capped("h100-sxm", half);
  EXPECT_GT(capped.matmul(8192, 8192, 8192).latency_us,
            1.15 * full.matmul(8192, 8192, 8192).latency_us);
  EXPECT_NEAR(capped.matmul(16, 16384, 16384).latency_us, full.matmul(16, 16384, 16384).latency_us,
              0.01 * full.matmul(16, 16384, 16384).latency_us);
}

TEST(NvidiaMatmul, ClockGrowsWithTheCubeRootOfWhatStaticPowerLeaves) {
  const double static_W = hw::staticPower_W(Opened("h100-sxm").description());
  const Opened some("h100-sxm", {{"power.tdp_W", std::to_string(static_W + 160)}}),
      eighth("h100-sxm", {{"power.tdp_W", std::to_string(static_W + 20)}});
  EXPECT_NEAR(eighth.matmul(8192, 8192, 8192).latency_us / some.matmul(8192, 8192, 8192).latency_us,
              2, 0.06);
}

TEST(NvidiaMatmul, SlowTensorCoresDoNotMeetThePowerLimit) {
  // A quarter of H100's rate leaves H20 within its 400 W: it comes nearer to its own peak.
  const mansard_estimate h20 = Opened("h20").matmul(8192, 8192, 8192);
  const mansard_estimate h100 = Opened("h100-sxm").matmul(8192, 8192, 8192);
  const auto rate = [](const mansard_estimate &e) { return e.operations / e.latency_us * 1e6; };
  EXPECT_GT(rate(h20) / Opened("h20").chip().matrix_ops_per_s[MANSARD_DTYPE_BF16],
            rate(h100) / Opened("h100-sxm").chip().matrix_ops_per_s[MANSARD_DTYPE_BF16]);
}

TEST(NvidiaMatmul, QuantisingActivationsPassesMemory) {
  const Opened h100("h100-sxm");
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::fp8, DType::fp8, DType::bf16,
                                         MANSARD_SCALING_BLOCK);
  kernel.u.matmul = {16384, 512, 12288, 0, 0, 0, 0, 0, 0};
  const double plain = h100.estimate(kernel).latency_us;
  kernel.u.matmul.epilogue = MANSARD_PROLOGUE_QUANTIZE;
  const double quantised = h100.estimate(kernel).latency_us;
  // 201 M elements: two bytes read, one written, at 3.35 TB/s: 180 us at least.
  EXPECT_GT(quantised, plain + 180);
  kernel.scaling = MANSARD_SCALING_TENSOR; // the tensor's maximum takes a pass of its own
  EXPECT_GT(h100.estimate(kernel).latency_us, plain + 300);
}

TEST(NvidiaMatmul, QuantisedActivationsAreReadNarrow) {
  const Opened h100("h100-sxm");
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::fp8, DType::fp8, DType::bf16,
                                         MANSARD_SCALING_BLOCK);
  kernel.u.matmul = {16384, 512, 12288, 0, 0, 0, 0, 0, 0};
  const double plain = h100.estimate(kernel).dram_read_bytes;
  kernel.u.matmul.epilogue = MANSARD_PROLOGUE_QUANTIZE;
  // The matmul itself reads no more than before; the kernel ahead of it reads 16 bits.
  EXPECT_DOUBLE_EQ(h100.estimate(kernel).dram_read_bytes, plain + 16384.0 * 12288 * 2);
}

TEST(NvidiaMatmul, QuantisingShortRowsTakesARowsTime) {
  const Opened b200("b200-sxm");
  const auto quantised = [&](DType type) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_MATMUL, type, type, DType::bf16, MANSARD_SCALING_BLOCK);
    kernel.u.matmul = {32768, 128, 128, MANSARD_PROLOGUE_QUANTIZE, 0, 0, 0, 0, 0};
    return b200.estimate(kernel).part_us[MANSARD_BOUND_VECTOR];
  };
  // FP8's scales span 128 elements, so that a block of threads takes several such rows.
  EXPECT_GT(quantised(DType::nvfp4), 5 * quantised(DType::fp8));
}

TEST(NvidiaMatmul, NarrowTypesDoNotSplitK) {
  const Opened h100("h100-sxm");
  EXPECT_GT(h100.matmul(64, 256, 65536).tiling.split_k, 1);
  EXPECT_EQ(h100.matmul(64, 256, 65536, DType::fp8).tiling.split_k, 1);
}

TEST(NvidiaMatmul, ReadingScalesTakesTimeInEachStep) {
  const auto latency = [](const char *stepUs) {
    const Opened h100("h100-sxm", {{"calibration.gemm.scale_step_us", stepUs}});
    work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::fp8, DType::fp8, DType::bf16,
                                           MANSARD_SCALING_BLOCK);
    kernel.u.matmul = {64, 256, 65536, 0, 0, 0, 0, 0, 0};
    return h100.estimate(kernel).latency_us;
  };
  EXPECT_NEAR(latency("2") - latency("1"), 65536.0 / 128, 20); // us
}

TEST(NvidiaMatmul, FewRowsStreamWithoutTensorCoresBeforeHopper) {
  const Opened a100("a100-sxm-80gb");
  const mansard_estimate four = a100.matmul(4, 1024, 16384, DType::int8);
  const mansard_estimate five = a100.matmul(5, 1024, 16384, DType::int8);
  EXPECT_EQ(four.tiling.tile_m, 4);
  EXPECT_GT(five.tiling.tile_m, 5);
  EXPECT_LT(four.latency_us, 0.6 * five.latency_us); // one pass over K, not a pipeline of steps
  EXPECT_GE(Opened("h100-sxm").matmul(4, 1024, 16384, DType::int8).tiling.tile_m, 16);
}

TEST(NvidiaMatmul, ResultsDrainToDramWhileTilesAreStored) {
  // 1 GiB of results: 0.33 ms of DRAM. Storing them costs as long, but not on top.
  const auto latency = [](const char *epilogue) {
    std::vector<hw::Override> overrides = onlyTensorCores();
    overrides.push_back({"calibration.gemm.epilogue", epilogue});
    return Opened("h100-sxm", overrides).matmul(32768, 16384, 64);
  };
  const double drained = latency("0").latency_us;
  const mansard_estimate stored = latency("2");
  EXPECT_GT(stored.part_us[MANSARD_BOUND_L2], 0.5 * drained);
  EXPECT_GE(stored.latency_us, 0.99 * drained);
  EXPECT_LT(stored.latency_us, drained + 0.3 * stored.part_us[MANSARD_BOUND_L2]);
}

TEST(NvidiaMatmul, AmpereWidensFp8AndSaysSo) {
  const mansard_estimate out = Opened("a100-sxm-80gb").matmul(512, 4096, 4096, DType::fp8);
  EXPECT_EQ(out.status, MANSARD_OK);
  EXPECT_TRUE(out.flags & MANSARD_ESTIMATE_FALLBACK);
  EXPECT_NE(test::noteOf(out), "");
}

TEST(NvidiaMatmul, NarrowWeightsHalveTheSkinnyMatmul) {
  const Opened a100("a100-sxm-80gb");
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::int8, DType::bf16,
                                         MANSARD_SCALING_CHANNEL);
  kernel.u.matmul = {1, 16384, 65536, 0, 0, 0, 0, 0, 0};
  const double ratio = a100.estimate(kernel).latency_us / a100.matmul(1, 16384, 65536).latency_us;
  EXPECT_NEAR(ratio, 0.5, 0.1);
}

TEST(NvidiaMatmul, FamilyWithoutMeasurementsSaysSo) {
  EXPECT_TRUE(Opened("l40s").matmul(512, 4096, 4096).flags & MANSARD_ESTIMATE_UNCALIBRATED);
  EXPECT_FALSE(Opened("h100-sxm").matmul(512, 4096, 4096).flags & MANSARD_ESTIMATE_UNCALIBRATED);
}

TEST(NvidiaMatmul, UnknownFamilyNamesTheKnown) {
  hw::Catalog catalog;
  host::Host host(catalog);
  Result<hw::Chip> chip = catalog.target("h100-sxm");
  ASSERT_TRUE(chip.ok());
  chip->family = "nvidia-pascal";
  const Result<host::Model> model = host.bind(std::move(*chip));
  ASSERT_FALSE(model.ok());
  EXPECT_NE(model.error().text().find("nvidia-hopper"), std::string::npos);
}

} // namespace
} // namespace mansard
