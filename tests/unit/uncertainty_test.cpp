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
  return spreadsOf(inputs(), 1,
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
  const auto spreads = spreadsOf(inputs(), 1, [](std::span<const double> x, std::span<double> y) {
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

TEST(Uncertainty, SharesOfAProductAreThoseOfItsLogs) {
  // Narrow enough that a product's variance is the sum of its factors': 3 to 1 in log, 9 to 1 in
  // variance.
  const std::vector<UncertainInput> factors{
      {Shape::lognormal, "wide", 1, 1 / 1.3, 1.3},
      {Shape::lognormal, "narrow", 1, std::pow(1.3, -1 / 3.0), std::pow(1.3, 1 / 3.0)}};
  const auto spreads = spreadsOf(factors, 2,
                                 [](std::span<const double> x, std::span<double> y) {
                                   y[0] = x[0] * x[1];
                                   y[1] = 1 / x[1];
                                   return true;
                                 },
                                 {.samples = 2048});
  ASSERT_TRUE(spreads.ok());
  const Spread &product = spreads->at(0), &inverse = spreads->at(1);
  ASSERT_EQ(product.shares.size(), 2u);
  EXPECT_EQ(factors[product.shares[0].input].name, "wide");
  EXPECT_NEAR(product.shares[0].share, 0.9, 0.03);
  EXPECT_NEAR(product.shares[1].share, 0.1, 0.03);
  EXPECT_NEAR(std::log(product.high / product.low), 2 * std::log(1.3) * std::sqrt(10 / 9.0), 0.02);
  ASSERT_EQ(inverse.shares.size(), 1u);
  EXPECT_EQ(factors[inverse.shares[0].input].name, "narrow");
}

TEST(Uncertainty, SharesOfManyInputsSumToOneAtMost) {
  std::vector<UncertainInput> many;
  for (int i = 0; i < 20; ++i)
    many.push_back({Shape::triangular, "input " + std::to_string(i), 1, 0, 2.0 + i});
  const auto spreads = spreadsOf(many, 1, [](std::span<const double> x, std::span<double> y) {
    y[0] = 0;
    for (size_t i = 0; i + 1 < x.size(); ++i)
      y[0] += x[i] * x[i + 1];
    return true;
  });
  ASSERT_TRUE(spreads.ok());
  double sum = 0;
  for (const InputShare &share : spreads->front().shares) {
    EXPECT_GT(share.share, 0);
    sum += share.share;
  }
  EXPECT_GT(sum, 0.3);
  EXPECT_LE(sum, 1 + 1e-9);
}

Spread samplesOf(const std::vector<UncertainInput> &inputs, uint64_t seed, double failsBelow = 0) {
  auto spreads = spreadsOf(inputs, 1,
                           [&](std::span<const double> x, std::span<double> y) {
                             y[0] = x[0];
                             return x[0] >= failsBelow;
                           },
                           {.samples = 64, .seed = seed});
  EXPECT_TRUE(spreads.ok());
  return spreads.ok() ? std::move(spreads->front()) : Spread{};
}

TEST(Uncertainty, InputsOfOneNameAreOneUnknownInAllExperiments) {
  const std::vector<UncertainInput> all = inputs(), alone{all[0]}, other{all[1]};
  const Spread first = samplesOf(alone, 0);
  ASSERT_EQ(first.samples.size(), 64u);
  EXPECT_EQ(samplesOf({all[0], all[2]}, 0).samples, first.samples);
  EXPECT_NE(samplesOf(alone, 1).samples, first.samples);
  double correlation = 0;
  const Spread second = samplesOf(other, 0);
  for (size_t i = 0; i < 64; ++i)
    correlation += (first.samples[i] - 10) * (second.samples[i] - 5) / 64;
  EXPECT_LT(std::fabs(correlation), 0.4 * std::sqrt(6 / 6.0)) << "independent but for chance";
}

TEST(Uncertainty, SamplesKeepTheirPlacesWherePointsFail) {
  const std::vector<UncertainInput> alone{inputs()[0]};
  const Spread whole = samplesOf(alone, 0), holed = samplesOf(alone, 0, 8);
  ASSERT_EQ(whole.samples.size(), holed.samples.size());
  for (size_t i = 0; i < whole.samples.size(); ++i)
    if (whole.samples[i] < 8)
      EXPECT_TRUE(std::isnan(holed.samples[i]));
    else
      EXPECT_EQ(whole.samples[i], holed.samples[i]);
}

TEST(Uncertainty, KnownInputsHaveNoInterval) {
  const Spread spread = spreadsOf({}, 1, [](std::span<const double>, std::span<double> y) {
                          y[0] = 3;
                          return true;
                        })->front();
  EXPECT_EQ(spread.low, 3);
  EXPECT_EQ(spread.high, 3);
  EXPECT_EQ(spread.samples, std::vector<double>(SamplingOptions{}.samples, 3.0));
  EXPECT_EQ(withInterval(spread), "3");
}

TEST(Uncertainty, FailuresAreToldAlikeInAnyOrder) {
  Failures one, other;
  EXPECT_FALSE(one.add("too hot"));
  EXPECT_FALSE(one.add("too cold"));
  EXPECT_FALSE(other.add("too cold"));
  EXPECT_FALSE(other.add("too hot"));
  EXPECT_EQ(one.note(10, true), other.note(10, true));
  ASSERT_EQ(one.note(10, true).size(), 1u);
  EXPECT_NE(one.note(10, true)[0].find("20.0 %"), std::string::npos) << one.note(10, true)[0];
  EXPECT_TRUE(Failures().note(10, true).empty());
}

} // namespace
} // namespace mansard::explore
