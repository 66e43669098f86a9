#include <mansard/explore/uncertainty.h>

#include <gtest/gtest.h>

#include <cmath>

namespace mansard::explore {
namespace {

using Shape = UncertainInput::Shape;

std::vector<UncertainInput> inputs() {
  return {{Shape::triangular, "a", 10, 4, 16},
          {Shape::triangular, "b", 5, 4, 6},
          {Shape::triangular, "idle", 1, 0, 3}};
}

Result<std::vector<Spread>> sum(unsigned threads) {
  return spreadsOf(
      inputs(), 1,
      [](std::span<const double> x, std::span<double> y) {
        y[0] = x[0] + x[1];
        return true;
      },
      {512, threads});
}

TEST(Uncertainty, TriangularMeetsItsCornersAndItsPeak) {
  const UncertainInput input{Shape::triangular, "", 2, 1, 5};
  EXPECT_NEAR(input.at(1e-12), 1, 1e-3);
  EXPECT_NEAR(input.at(1 - 1e-12), 5, 1e-3);
  EXPECT_NEAR(input.at(0.25), 2, 1e-9); // a quarter of the triangle lies below its peak
}

TEST(Uncertainty, LognormalMeetsItsPercentiles) {
  const UncertainInput input{Shape::lognormal, "", 1, 0.8, 1.5};
  EXPECT_NEAR(input.at(0.1), 0.8, 1e-6);
  EXPECT_NEAR(input.at(0.9), 1.5, 1e-6);
  EXPECT_NEAR(input.at(0.5), std::sqrt(0.8 * 1.5), 1e-6);
}

TEST(Uncertainty, SharesAreThoseOfTheVariances) {
  const auto spreads = sum(1);
  ASSERT_TRUE(spreads.ok());
  const Spread &spread = spreads->front();
  EXPECT_EQ(spread.value, 15);
  // Variances of symmetric triangles: (half width)^2 / 6, so 6 and 1/6.
  ASSERT_EQ(spread.shares.size(), 1u);
  EXPECT_EQ(spread.shares[0].input, 0u);
  EXPECT_NEAR(spread.shares[0].share, 6 / (6 + 1.0 / 6), 0.03);
  // p90 of the wide triangle alone is 16 - 6 sqrt(0.2).
  EXPECT_NEAR(spread.high, 15 + (6 - 6 * std::sqrt(0.2)), 0.15);
  EXPECT_NEAR(spread.low, 15 - (6 - 6 * std::sqrt(0.2)), 0.15);
}

TEST(Uncertainty, IsTheSameOnAnyNumberOfThreads) {
  const auto one = sum(1), four = sum(4);
  ASSERT_TRUE(one.ok() && four.ok());
  EXPECT_EQ(one->front().low, four->front().low);
  EXPECT_EQ(one->front().high, four->front().high);
  EXPECT_EQ(one->front().shares[0].share, four->front().shares[0].share);
}

TEST(Uncertainty, IntervalsHoldFourOfFiveTruths) {
  const auto spreads = spreadsOf(inputs(), 1, [](std::span<const double> x, std::span<double> y) {
    y[0] = x[0] * x[1];
    return true;
  });
  ASSERT_TRUE(spreads.ok());
  size_t inside = 0, all = 0;
  for (double a = 0.005; a < 1; a += 0.01)
    for (double b = 0.005; b < 1; b += 0.01, ++all) {
      const double truth = inputs()[0].at(a) * inputs()[1].at(b);
      inside += truth >= spreads->front().low && truth <= spreads->front().high;
    }
  EXPECT_NEAR(static_cast<double>(inside) / static_cast<double>(all), 0.8, 0.02);
}

TEST(Uncertainty, SaysWhenMostCombinationsMakeNoSense) {
  const auto spreads =
      spreadsOf(inputs(), 1, [](std::span<const double> x, std::span<double> y) {
        y[0] = 1;
        return x[0] <= 10;
      });
  EXPECT_TRUE(spreads.ok()); // half of them do
  const auto none = spreadsOf(inputs(), 1, [](std::span<const double> x, std::span<double> y) {
    y[0] = 1;
    return x[0] == 10;
  });
  EXPECT_FALSE(none.ok());
}

} // namespace
} // namespace mansard::explore
