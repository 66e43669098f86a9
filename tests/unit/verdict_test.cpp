// Whether claims hold, on samples whose answer is known.
#include <mansard/explore/verdict.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mansard::explore {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kMost = std::numeric_limits<double>::max();

std::vector<double> hundred(double from, double to) {
  std::vector<double> values(100);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = from + (to - from) * static_cast<double>(i) / 99;
  return values;
}

TEST(Verdict, FollowsFromTheShareOfPointsAtWhichItHolds) {
  const std::vector<double> right(100, 100);
  const auto verdict = [&](const std::vector<double> &left) {
    return verdictOf(probabilityOf(within(ratiosOf(left, right, true), 0.8, kMost)));
  };
  EXPECT_EQ(verdict(hundred(90, 150)), Verdict::confirmed);
  EXPECT_EQ(verdict(hundred(20, 70)), Verdict::refuted);
  EXPECT_EQ(verdict(hundred(60, 100)), Verdict::undecided);
}

TEST(Verdict, ItsBoundsBelongToIt) {
  EXPECT_EQ(verdictOf(0.9), Verdict::confirmed);
  EXPECT_EQ(verdictOf(0.89), Verdict::undecided);
  EXPECT_EQ(verdictOf(0.11), Verdict::undecided);
  EXPECT_EQ(verdictOf(0.1), Verdict::refuted);
}

TEST(Verdict, WhatBothSidesShareCancels) {
  const std::vector<double> left = hundred(50, 500), right = hundred(51, 510);
  EXPECT_EQ(probabilityOf(within(ratiosOf(left, right, true), 0.97, 0.99)), 1);
}

TEST(Verdict, WhoCannotServeIsBehind) {
  const double left[] = {1, kMissing, 1, kMissing}, right[] = {2, 2, kMissing, kMissing};
  const auto rates = ratiosOf(left, right, true), costs = ratiosOf(left, right, false);
  EXPECT_EQ(rates[0], 0.5);
  EXPECT_EQ(rates[1], 0);
  EXPECT_EQ(rates[2], kInfinite);
  EXPECT_TRUE(std::isnan(rates[3]));
  EXPECT_EQ(costs[1], kInfinite);
  EXPECT_EQ(costs[2], 0);
  const auto holds = within(rates, 0.4, kMost);
  EXPECT_EQ(holds[0], Holds::yes);
  EXPECT_EQ(holds[1], Holds::no);
  EXPECT_EQ(holds[3], Holds::unknown);
}

TEST(Verdict, QuantifiersCountCasesPointByPoint) {
  using enum Holds;
  // At the points none, one, two and all of three cases hold.
  const std::vector<std::vector<Holds>> cases{
      {no, yes, yes, yes}, {no, no, yes, yes}, {no, no, no, yes}};
  const auto holds = [&](Quantifier quantifier) { return combine(quantifier, cases); };
  EXPECT_EQ(holds(Quantifier::any), (std::vector{no, yes, yes, yes}));
  EXPECT_EQ(holds(Quantifier::most), (std::vector{no, no, yes, yes}));
  EXPECT_EQ(holds(Quantifier::all), (std::vector{no, no, no, yes}));
}

TEST(Verdict, TheProbabilityOfAllIsNotTheProductOfEach) {
  using enum Holds;
  const std::vector<Holds> half{yes, yes, no, no}, other{no, no, yes, yes};
  EXPECT_EQ(probabilityOf(combine(Quantifier::all, {half, half})), 0.5);
  EXPECT_EQ(probabilityOf(combine(Quantifier::all, {half, other})), 0);
  EXPECT_EQ(probabilityOf(combine(Quantifier::any, {half, other})), 1);
}

TEST(Verdict, WhatIsUnknownOnlyCountsWhereItDecides) {
  using enum Holds;
  const std::vector<std::vector<Holds>> cases{{yes, no, unknown}, {unknown, unknown, unknown}};
  EXPECT_EQ(combine(Quantifier::any, cases), (std::vector{yes, unknown, unknown}));
  EXPECT_EQ(combine(Quantifier::all, cases), (std::vector{unknown, no, unknown}));
  EXPECT_EQ(probabilityOf(combine(Quantifier::any, cases)), 1);
  EXPECT_TRUE(std::isnan(probabilityOf(std::vector{unknown})));
}

TEST(Verdict, RangesAreOfTheSamplesThatAreKnown) {
  Spread spread;
  spread.value = 50;
  spread.samples = hundred(0, 99);
  spread.samples.push_back(kMissing);
  setRange(spread);
  EXPECT_EQ(spread.low, 10);
  EXPECT_EQ(spread.high, 89);
  spread.value = 200; // the value lies within its range
  setRange(spread);
  EXPECT_EQ(spread.high, 200);
  spread.samples.assign(4, kMissing);
  setRange(spread);
  EXPECT_EQ(spread.low, 200);
}

} // namespace
} // namespace mansard::explore
