// Mixtures of experts, grouped matmuls, vector work and links on a GPU.
#include "family_fixture.h"

namespace mansard {
namespace {

using test::Opened;

work::Kernel mixture(int64_t tokens, int64_t experts, int64_t ep) {
  work::Kernel kernel = test::bf16(MANSARD_OP_MOE);
  kernel.u.moe = {tokens, 4096, 1536, 8, experts, 1, ep, 0, MANSARD_DISTRIBUTION_BALANCED, 1};
  return kernel;
}

work::Kernel collective(uint32_t kind, int64_t ranks, int64_t bytes) {
  work::Kernel kernel = test::bf16(MANSARD_OP_COLLECTIVE);
  kernel.u.collective = {ranks, bytes, kind, 0};
  return kernel;
}

work::Kernel grouped(int64_t groups, int64_t m, DType type, uint32_t scaling) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_GROUPED_MATMUL, type, type, DType::bf16);
  kernel.scaling = scaling;
  kernel.u.grouped_matmul = {groups, m, 4096, 7168};
  return kernel;
}

// Rows of experts are padded to 128, or to 64 where no expert is expected to have more.
TEST(NvidiaMoe, ExpertsAfterAnExchangeHaveTilesOfTheirOwn) {
  for (const char *target : {"h20", "b200-sxm"}) {
    const Opened chip(target);
    const auto height = [&](int64_t m, DType type, uint32_t scaling) {
      return chip.estimate(grouped(8, m, type, scaling)).tiling.tile_m;
    };
    EXPECT_EQ(height(16, DType::fp8, MANSARD_SCALING_BLOCK), 64) << target;
    EXPECT_EQ(height(72, DType::fp8, MANSARD_SCALING_BLOCK), 128) << target;
    EXPECT_EQ(height(2048, DType::fp8, MANSARD_SCALING_BLOCK), 128) << target;
    // Equal matrices, batched, have any.
    EXPECT_LT(height(16, DType::bf16, MANSARD_SCALING_NONE), 64) << target;
  }
  EXPECT_EQ(Opened("b200-sxm")
                .estimate(grouped(8, 72, DType::nvfp4, MANSARD_SCALING_GROUP))
                .tiling.tile_m,
            128);
}

TEST(NvidiaMoe, ManyRowsOfExpertsRunAsOneMatmulDoes) {
  const Opened h800("h800");
  work::Kernel dense = work::makeKernel(MANSARD_OP_MATMUL, DType::fp8, DType::fp8, DType::bf16);
  dense.scaling = MANSARD_SCALING_BLOCK;
  dense.u.matmul = {8 * 8192, 4096, 7168, 0, 0, 0, 0, 0, 0};
  const double one = h800.estimate(dense).latency_us;
  const double eight =
      h800.estimate(grouped(8, 8192, DType::fp8, MANSARD_SCALING_BLOCK)).latency_us;
  EXPECT_GT(eight, one);
  EXPECT_LT(eight, 1.15 * one);
}

TEST(NvidiaMoe, RowsThatArePermutedNarrowTakeHalfTheTrips) {
  const Opened h800("h800");
  const auto gather = [&](DType type) {
    work::Kernel kernel = work::makeKernel(MANSARD_OP_VECTOR, type, type, type);
    kernel.u.vector = {65536, 8192, 0, MANSARD_VECTOR_GATHER, 0};
    return h800.estimate(kernel).latency_us;
  };
  EXPECT_NEAR(gather(DType::fp8) / gather(DType::bf16), 0.5, 0.03);
}

TEST(NvidiaMoe, FewTokensReadTheTouchedExpertsWeights) {
  const Opened h100("h100-sxm");
  // 8 tokens x 8 experts touch 64 of 128; each has 3 x 4096 x 1536 weights of two bytes.
  const mansard_estimate out = h100.estimate(mixture(8, 128, 1));
  const double weights = 64 * 3.0 * 4096 * 1536 * 2;
  EXPECT_GE(out.dram_read_bytes, weights);
  EXPECT_LT(out.dram_read_bytes, 1.1 * weights);
  EXPECT_EQ(out.bound, MANSARD_BOUND_DRAM);
}

TEST(NvidiaMoe, FewTokensStartFasterAndPayForTheExpertsThatTheyReach) {
  for (const char *target : {"h100-sxm", "b200-sxm"}) {
    const Opened chip(target);
    const auto fixed = [&](int64_t tokens, int64_t experts) {
      return chip.estimate(mixture(tokens, experts, 1)).part_us[MANSARD_BOUND_FIXED];
    };
    // Which of a thousand experts four tokens do not reach makes no difference.
    EXPECT_NEAR(fixed(4, 128), fixed(4, 1024), 1e-6) << target;
    EXPECT_LT(fixed(4, 128), 0.5 * fixed(384, 128)) << target;
    double before = 0;
    for (int64_t tokens = 1; tokens <= 1024; tokens *= 2) {
      const double now = chip.estimate(mixture(tokens, 128, 1)).latency_us;
      EXPECT_GE(now, before) << target << ' ' << tokens;
      before = now;
    }
  }
}

TEST(NvidiaMoe, ManyTokensAreComputeBound) {
  EXPECT_EQ(Opened("h100-sxm").estimate(mixture(32768, 128, 1)).bound, MANSARD_BOUND_MATRIX);
}

TEST(NvidiaMoe, SpreadingExpertsDividesTheWork) {
  const Opened h100("h100-sxm");
  const double all = h100.estimate(mixture(16384, 128, 1)).latency_us;
  const double eighth = h100.estimate(mixture(16384, 128, 8)).latency_us;
  EXPECT_NEAR(all / eighth, 8, 2);
}

TEST(NvidiaMoe, SkewedRoutingLoadsTheBusiestDevice) {
  const Opened h100("h100-sxm");
  work::Kernel kernel = mixture(16384, 128, 16);
  const double balanced = h100.estimate(kernel).latency_us;
  kernel.u.moe.distribution = MANSARD_DISTRIBUTION_POWER_LAW;
  kernel.u.moe.alpha = 1.01;
  EXPECT_GT(h100.estimate(kernel).latency_us, 1.5 * balanced);
}

TEST(NvidiaMoe, WholeGroupIsRoutedWhereverItsExpertsAre) {
  // One expert of 1024, whose 128 tokens are all there is to compute: twice the group, the same
  // tokens here.
  const Opened b200("b200-sxm");
  work::Kernel kernel = mixture(16384, 1024, 1024);
  const double one = b200.estimate(kernel).latency_us;
  kernel.u.moe.tokens *= 2;
  kernel.u.moe.experts *= 2;
  kernel.u.moe.ep *= 2;
  const double two = b200.estimate(kernel).latency_us;
  EXPECT_GT(two, 1.3 * one);
}

TEST(NvidiaMoe, ScaledTypesActivateInTheFirstMatmul) {
  // A scale for each block of fp8 takes kernels of its own around the matmuls, those of the tensor
  // cores' own formats do not.
  const Opened b200("b200-sxm");
  work::Kernel kernel = mixture(16384, 128, 1);
  kernel.dtype = kernel.weight_dtype = MANSARD_DTYPE_FP8;
  kernel.scaling = MANSARD_SCALING_BLOCK;
  const double apart = b200.estimate(kernel).dram_write_bytes;
  kernel.dtype = kernel.weight_dtype = MANSARD_DTYPE_MXFP8;
  EXPECT_LT(b200.estimate(kernel).dram_write_bytes, 0.7 * apart);
}

TEST(NvidiaMoe, MarlinSizesItsTilesByTheWholeGroupsPairs) {
  // 384 x 16 pairs would be 110 for each of 56 local experts, which really get 7.
  const Opened h100("h100-sxm");
  work::Kernel kernel = test::bf16(MANSARD_OP_MOE);
  kernel.weight_dtype = MANSARD_DTYPE_MXFP4;
  kernel.u.moe = {384, 3584, 3072, 16, 896, 1, 16, 0, MANSARD_DISTRIBUTION_BALANCED, 1};
  EXPECT_EQ(h100.estimate(kernel).tiling.tile_m, 64);
  kernel.u.moe.tokens = 48; // 14 pairs
  EXPECT_EQ(h100.estimate(kernel).tiling.tile_m, 16);
}

TEST(NvidiaGroupedMatmul, UnevenGroupsTakeMoreTilesThanTheirMean) {
  const Opened h20("h20");
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_GROUPED_MATMUL, DType::fp8, DType::fp8, DType::bf16);
  kernel.scaling = MANSARD_SCALING_BLOCK;
  const auto of = [&](int64_t rows) {
    kernel.u.grouped_matmul = {128, rows, 2048, 2048};
    return h20.estimate(kernel).latency_us;
  };
  EXPECT_NEAR(of(48) / of(32), 1, 0.01); // a tile of 64 holds 1.3 times as many
  EXPECT_GT(of(64), 1.3 * of(48));       // half of the groups have more
}

TEST(NvidiaVector, LargeMapStreamsMemory) {
  const Opened h100("h100-sxm");
  work::Kernel kernel = test::bf16(MANSARD_OP_VECTOR);
  kernel.u.vector = {32768, 8192, 0, MANSARD_VECTOR_ADD, 0};
  const mansard_estimate out = h100.estimate(kernel);
  EXPECT_EQ(out.bound, MANSARD_BOUND_DRAM);
  EXPECT_GT(out.latency_us,
            3 * 32768.0 * 8192 * 2 / h100.chip().dram_peak_bytes_per_s * 1e6 * 0.95);
}

TEST(NvidiaVector, OneLongRowWaitsForItsTrips) {
  // A block of 1024 threads makes 28 trips over a row of 28672, whatever the bandwidth.
  const Opened h100("h100-sxm");
  work::Kernel kernel = test::bf16(MANSARD_OP_VECTOR);
  kernel.u.vector = {1, 28672, 0, MANSARD_VECTOR_SILU_MUL, 0};
  EXPECT_GT(h100.estimate(kernel).latency_us, 10);
  EXPECT_LT(h100.estimate(kernel).latency_us, 20);
}

TEST(NvidiaLinks, LargeAllReduceNearsTheWire) {
  const Opened h100("h100-sxm");
  const double us = h100.estimate(collective(MANSARD_COLLECTIVE_ALL_REDUCE, 8, 1 << 30)).latency_us;
  const double busGBps = 2 * 7.0 / 8 * (1 << 30) / us * 1e-3;
  EXPECT_GT(busGBps, 350); // measured: 370 by rings, 430 to 480 in the switch
  EXPECT_LT(busGBps, 500);
}

TEST(NvidiaLinks, SmallCollectiveIsLatencyBound) {
  const mansard_estimate out =
      Opened("h100-sxm").estimate(collective(MANSARD_COLLECTIVE_ALL_REDUCE, 8, 2048));
  EXPECT_EQ(out.bound, MANSARD_BOUND_FIXED);
}

TEST(NvidiaLinks, ReductionInTheSwitchHelpsAllReduce) {
  const work::Kernel kernel = collective(MANSARD_COLLECTIVE_ALL_REDUCE, 8, 1 << 28);
  const double with = Opened("h100-sxm").estimate(kernel).latency_us;
  const double without = Opened("h100-sxm", {{"links.scale_up.in_network_reduction", "0"}})
                             .estimate(kernel)
                             .latency_us;
  EXPECT_LT(with, without);
}

TEST(NvidiaLinks, ExpertsBeyondTheNodeCostTheNetwork) {
  const Opened h100("h100-sxm");
  work::Kernel kernel = test::bf16(MANSARD_OP_EXPERT_PARALLEL);
  kernel.u.expert_parallel = {
      8, 7168, 128, 8, 256, 0, MANSARD_EP_COMBINE, MANSARD_EP_MODE_LOW_LATENCY};
  const double inside = h100.estimate(kernel).latency_us;
  kernel.u.expert_parallel.ranks = 32;
  const double across = h100.estimate(kernel).latency_us;
  EXPECT_GT(across, 2 * inside);
  kernel.u.expert_parallel.mode = MANSARD_EP_MODE_NORMAL; // a token goes to each node once
  EXPECT_LT(h100.estimate(kernel).latency_us, across);
}

TEST(NvidiaLinks, FewExpertsLeaveTokensToFewBlocks) {
  // 1024 tokens for 8 blocks, at 2 to 3 us each, or for 128 of them: measured on H100 321 us and,
  // with four times the bytes, 137 us.
  const Opened h100("h100-sxm");
  work::Kernel kernel = test::bf16(MANSARD_OP_EXPERT_PARALLEL);
  kernel.dtype = MANSARD_DTYPE_FP8;
  kernel.u.expert_parallel = {
      8, 4096, 1024, 2, 8, 0, MANSARD_EP_DISPATCH, MANSARD_EP_MODE_LOW_LATENCY};
  const mansard_estimate few = h100.estimate(kernel);
  EXPECT_EQ(few.bound, MANSARD_BOUND_VECTOR);
  EXPECT_NEAR(few.latency_us, 321, 32);
  kernel.u.expert_parallel.topk = 8;
  kernel.u.expert_parallel.experts = 128;
  const mansard_estimate many = h100.estimate(kernel);
  EXPECT_EQ(many.bound, MANSARD_BOUND_LINK);
  EXPECT_NEAR(many.latency_us, 137, 14);
}

} // namespace
} // namespace mansard
