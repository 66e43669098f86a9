#include <mansard/base/vector_work.h>

#include <gtest/gtest.h>

namespace mansard {
namespace {

/// 10 cores, 1 Top/s of fp32, 0.1 T special; 1 TB/s of DRAM both ways, 4 TB/s of L2, 10 MB.
mansard_chip chip() {
  mansard_chip c{};
  c.cores = 10;
  c.vector_ops_per_s[MANSARD_DTYPE_FP32] = 1e12;
  c.special_ops_per_s = 1e11;
  c.l2_bytes = 10e6;
  c.l2_read_bytes_per_s = c.l2_write_bytes_per_s = 4e12;
  c.dram_peak_bytes_per_s = c.dram_read_bytes_per_s = c.dram_mixed_bytes_per_s = 1e12;
  c.dram_latency_s = 1e-6;
  c.dram_access_bytes = 64;
  return c;
}

mansard_kernel vector(uint32_t kind, int64_t rows, int64_t cols) {
  mansard_kernel k{};
  k.struct_size = sizeof k;
  k.op = MANSARD_OP_VECTOR;
  k.dtype = k.weight_dtype = k.out_dtype = MANSARD_DTYPE_BF16;
  k.u.vector = {rows, cols, 0, kind, 0};
  return k;
}

TEST(VectorWork, ACopyTakesItsBytesOverTheBandwidth) {
  // 100 MB in, 100 MB out at 1 TB/s: 200 us; through the L2 at 4 TB/s: 50 us.
  const VectorWork w = vectorWork(chip(), vector(MANSARD_VECTOR_COPY, 5000, 10000), {});
  EXPECT_NEAR(w.busy[MANSARD_BOUND_DRAM], 200, 1e-9);
  EXPECT_NEAR(w.busy[MANSARD_BOUND_L2], 50, 1e-9);
  EXPECT_EQ(w.busy[MANSARD_BOUND_VECTOR], 0);
}

TEST(VectorWork, WhatFitsTheCacheSparesTheMemory) {
  VectorTuning tuning;
  tuning.residentShare = 1;
  const VectorWork small = vectorWork(chip(), vector(MANSARD_VECTOR_COPY, 100, 10000), tuning);
  EXPECT_EQ(small.busy[MANSARD_BOUND_DRAM], 0); // 4 MB
  const VectorWork large = vectorWork(chip(), vector(MANSARD_VECTOR_COPY, 500, 10000), tuning);
  EXPECT_NEAR(large.busy[MANSARD_BOUND_DRAM], 10, 1e-9); // 20 MB less the 10 that stay
}

TEST(VectorWork, AReadOnlyCacheSparesTheReadsOnly) {
  VectorTuning tuning;
  tuning.residentShare = 1;
  tuning.cacheHoldsWrites = false;
  const VectorWork w = vectorWork(chip(), vector(MANSARD_VECTOR_COPY, 100, 10000), tuning);
  EXPECT_NEAR(w.busy[MANSARD_BOUND_DRAM], 2, 1e-9); // 2 MB written
  EXPECT_NEAR(w.busy[MANSARD_BOUND_L2], 0.5, 1e-9); // 2 MB read
}

TEST(VectorWork, WholeRowsQuantiseNormsButNotAdds) {
  // 11 rows on 10 cores: two rounds, as long as 20 rows evenly spread.
  const VectorWork eleven = vectorWork(chip(), vector(MANSARD_VECTOR_RMSNORM, 11, 4096), {});
  const VectorWork twenty = vectorWork(chip(), vector(MANSARD_VECTOR_RMSNORM, 20, 4096), {});
  EXPECT_EQ(eleven.rounds, 2);
  EXPECT_NEAR(eleven.busy[MANSARD_BOUND_VECTOR], twenty.busy[MANSARD_BOUND_VECTOR], 1e-12);
  // 4 operations an element: 20 x 4096 x 4 at 1 T/s.
  EXPECT_NEAR(twenty.busy[MANSARD_BOUND_VECTOR], 0.32768, 1e-12);
  const VectorWork add = vectorWork(chip(), vector(MANSARD_VECTOR_ADD, 11, 4096), {});
  EXPECT_NEAR(add.busy[MANSARD_BOUND_VECTOR], 0.05120, 1e-12); // 44 pieces of 1024: five rounds
}

TEST(VectorWork, ExponentialsHaveTheirOwnRate) {
  // 4 operations at 1 T/s and one exponential at 0.1 T/s for each of 10 M elements: 40 + 100 us.
  const VectorWork w = vectorWork(chip(), vector(MANSARD_VECTOR_SOFTMAX, 1000, 10000), {});
  EXPECT_NEAR(w.busy[MANSARD_BOUND_VECTOR], 140, 1e-9);
}

TEST(VectorWork, AShortRowWaitsForTheMemorysLatency) {
  VectorTuning tuning;
  tuning.bytesInFlightPerCore = 10000;
  // One row on one core: 10 kB in flight for each microsecond of latency, 10 GB/s, not 1 TB/s.
  const VectorWork w = vectorWork(chip(), vector(MANSARD_VECTOR_RMSNORM, 1, 5000), tuning);
  EXPECT_NEAR(w.busy[MANSARD_BOUND_DRAM], 2, 1e-3);
}

TEST(VectorWork, GatheredRowsCostWholeAccesses) {
  // Rows of 16 bytes, each an access of 64: 1e6 x (64 + 16) bytes.
  const VectorWork w = vectorWork(chip(), vector(MANSARD_VECTOR_GATHER, 1000000, 8), {});
  EXPECT_NEAR(w.busy[MANSARD_BOUND_DRAM], 80, 1e-9);
}

TEST(VectorWork, MoreNeverTakesLess) {
  VectorTuning tuning;
  tuning.bytesInFlightPerCore = 20000;
  tuning.residentShare = 0.3;
  for (uint32_t kind = 0; kind < MANSARD_VECTOR_COUNT; ++kind) {
    double before = 0;
    for (int64_t rows = 1; rows < 3000; rows += 1 + rows / 7) {
      const double t = overlapped(vectorWork(chip(), vector(kind, rows, 1000), tuning).busy);
      EXPECT_GE(t, before * (1 - 1e-12)) << kind << " rows " << rows;
      before = t;
    }
    before = 0;
    for (int64_t cols = 1; cols < 300000; cols += 1 + cols / 9) {
      const double t = overlapped(vectorWork(chip(), vector(kind, 7, cols), tuning).busy);
      EXPECT_GE(t, before * (1 - 1e-12)) << kind << " cols " << cols;
      before = t;
    }
  }
}

} // namespace
} // namespace mansard
