#include <mansard/base/overlap.h>

#include <gtest/gtest.h>

#include <cmath>

namespace mansard {
namespace {

TEST(Overlap, IsTheOnlyBusyTimeWhenThereIsOne) {
  Busy busy;
  busy[MANSARD_BOUND_DRAM] = 7.5;
  EXPECT_DOUBLE_EQ(overlapped(busy), 7.5);
}

TEST(Overlap, CostsNinePercentWhereTwoTie) {
  Busy busy;
  busy[MANSARD_BOUND_MATRIX] = busy[MANSARD_BOUND_DRAM] = 1;
  EXPECT_NEAR(overlapped(busy), std::pow(2.0, 1.0 / 8), 1e-12);
}

TEST(Overlap, NeitherOverflowsNorUnderflows) {
  Busy busy;
  busy[0] = 1e200;
  busy[1] = 1e-200;
  EXPECT_DOUBLE_EQ(overlapped(busy), 1e200);
  EXPECT_EQ(overlapped(Busy{}), 0);
}

TEST(Parts, AddUpToTheTotalAndNameTheBound) {
  Busy busy;
  busy[MANSARD_BOUND_MATRIX] = 3;
  busy[MANSARD_BOUND_DRAM] = 2;
  Parts parts;
  parts.addOverlapped(busy);
  parts.addSerial(MANSARD_BOUND_FIXED, 1.5);
  EXPECT_NEAR(parts.total(), overlapped(busy) + 1.5, 1e-12);
  mansard_estimate out{};
  parts.store(out);
  EXPECT_EQ(out.bound, MANSARD_BOUND_MATRIX);
  EXPECT_DOUBLE_EQ(out.latency_us, parts.total());
}

/// A part is the first-order gain from a faster resource (Euler's theorem).
TEST(Parts, AreElasticities) {
  Busy busy;
  busy[MANSARD_BOUND_MATRIX] = 3;
  busy[MANSARD_BOUND_DRAM] = 2.8;
  Parts parts;
  parts.addOverlapped(busy);
  mansard_estimate out{};
  parts.store(out);
  Busy nudged = busy;
  constexpr double step = 1e-6;
  nudged[MANSARD_BOUND_DRAM] *= 1 + step;
  EXPECT_NEAR((overlapped(nudged) - overlapped(busy)) / step, out.part_us[MANSARD_BOUND_DRAM],
              1e-4);
}

} // namespace
} // namespace mansard
