// The floors that --check holds estimates against.

#include <mansard/model/floors.h>

#include <gtest/gtest.h>

namespace mansard::model {
namespace {

/// 100 TFLOPS, 1 TB/s, 10 MB of cache, one link of 100 GB/s.
mansard_chip chip() {
  mansard_chip chip{};
  chip.struct_size = sizeof chip;
  chip.matrix_ops_per_s[MANSARD_DTYPE_BF16] = 100e12;
  chip.dram_peak_bytes_per_s = 1e12;
  chip.l2_bytes = 10e6;
  chip.links[MANSARD_LINK_SCALE_UP].bytes_per_s = 100e9;
  return chip;
}

mansard_estimate lasting(double us) {
  mansard_estimate estimate{};
  estimate.struct_size = sizeof estimate;
  estimate.latency_us = us;
  estimate.part_us[MANSARD_BOUND_MATRIX] = us;
  return estimate;
}

work::Kernel matmul(int64_t m, int64_t n, int64_t k) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.matmul = {m, n, k, 0, 0, 0, 0, 0, 0};
  return kernel;
}

TEST(Floors, OperationsOverPeak) {
  // 2 x 1000 x 5000 x 10000 operations at 100 TFLOPS: 1000 us.
  EXPECT_TRUE(brokenFloors(chip(), matmul(1000, 5000, 10000), lasting(1000)).empty());
  EXPECT_EQ(brokenFloors(chip(), matmul(1000, 5000, 10000), lasting(999)).size(), 1u);
}

TEST(Floors, AttentionMayMultiplyANarrowCacheAsItIs) {
  mansard_chip narrow = chip();
  narrow.matrix_ops_per_s[MANSARD_DTYPE_FP8] = 200e12;
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_ATTENTION_PREFILL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.attention = {1, 10000, 10000, 5, 5, 100, 0, 0, 0};
  // 4 x 10^4 x 10^4 x 500 operations: 2000 us at 100 TFLOPS, 1000 us at 200.
  EXPECT_TRUE(brokenFloors(narrow, kernel, lasting(2000)).empty());
  EXPECT_EQ(brokenFloors(narrow, kernel, lasting(1000)).size(), 1u);
  kernel.weight_dtype = MANSARD_DTYPE_FP8;
  EXPECT_TRUE(brokenFloors(narrow, kernel, lasting(1000)).empty());
  EXPECT_EQ(brokenFloors(narrow, kernel, lasting(999)).size(), 1u);
}

TEST(Floors, BytesBeyondTheCacheOverBandwidth) {
  // 2 x (10^8 + 2 x 10^4) bytes, 10^7 of them maybe in the cache: 190.04 us.
  EXPECT_TRUE(brokenFloors(chip(), matmul(1, 10000, 10000), lasting(190.05)).empty());
  EXPECT_EQ(brokenFloors(chip(), matmul(1, 10000, 10000), lasting(190)).size(), 1u);
}

TEST(Floors, BytesOverTheLinksHalvedWhereASwitchAdds) {
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_COLLECTIVE, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.collective = {2, 100'000'000, MANSARD_COLLECTIVE_ALL_REDUCE, 0};
  EXPECT_EQ(brokenFloors(chip(), kernel, lasting(900)).size(), 1u); // 1000 us
  mansard_chip adding = chip();
  adding.links[MANSARD_LINK_SCALE_UP].in_network_reduction = 1;
  EXPECT_TRUE(brokenFloors(adding, kernel, lasting(900)).empty());
}

TEST(Floors, PartsAddUpAndNoneIsNegative) {
  mansard_estimate estimate = lasting(1000);
  estimate.part_us[MANSARD_BOUND_DRAM] = 10;
  EXPECT_EQ(brokenFloors(chip(), matmul(1, 1, 1), estimate).size(), 1u);
  estimate.part_us[MANSARD_BOUND_DRAM] = -10;
  EXPECT_EQ(brokenFloors(chip(), matmul(1, 1, 1), estimate).size(), 2u);
}

} // namespace
} // namespace mansard::model
