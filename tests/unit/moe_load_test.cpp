// The load of a device of an expert-parallel group, held against a simulation of the benchmark.
#include <mansard/base/moe_load.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace mansard {
namespace {

mansard_moe group(int64_t tokens, int64_t experts, int64_t topk, int64_t ep, double alpha) {
  return {
      tokens, 64,      64,
      topk,   experts, 1,
      ep,     alpha,   alpha > 0 ? MANSARD_DISTRIBUTION_POWER_LAW : MANSARD_DISTRIBUTION_BALANCED,
      1};
}

struct Seen {
  double assignments = 0, touched = 0, tiles64 = 0, tokens = 0;
};

/// One draw of the benchmark: shares normalised, rounded, cut to one a token; what is left over
/// goes round the ranks, to each one's emptiest expert. The fullest rank's load.
Seen draw(const mansard_moe &moe, std::mt19937_64 &random) {
  const size_t experts = static_cast<size_t>(moe.experts), ranks = static_cast<size_t>(moe.ep);
  const size_t local = experts / ranks;
  const int64_t all = moe.tokens * moe.topk;
  const bool sparse = all <= moe.experts;
  const double exponent = 1 - moe.alpha, low = std::pow(sparse ? 0.01 : 1, exponent),
               high = std::pow(sparse ? 2 : 0.8 * static_cast<double>(moe.tokens), exponent);
  std::uniform_real_distribution<double> uniform;
  std::vector<double> shares(experts);
  for (double &share : shares)
    share = std::pow(low + uniform(random) * (high - low), 1 / exponent);
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  std::vector<int64_t> counts(experts);
  int64_t left = all;
  for (size_t i = 0; i < experts; ++i) {
    counts[i] =
        std::min<int64_t>(moe.tokens, std::llround(shares[i] / sum * static_cast<double>(all)));
    left -= counts[i];
  }
  for (size_t rank = 0; left != 0; rank = (rank + 1) % ranks) {
    const auto begin = counts.begin() + static_cast<ptrdiff_t>(rank * local);
    const auto end = begin + static_cast<ptrdiff_t>(local);
    const auto expert = left > 0 ? std::min_element(begin, end) : std::max_element(begin, end);
    if (left > 0 ? *expert >= moe.tokens : *expert == 0)
      continue;
    *expert += left > 0 ? 1 : -1;
    left -= left > 0 ? 1 : -1;
  }
  size_t fullest = 0;
  int64_t most = -1;
  for (size_t rank = 0; rank < ranks; ++rank) {
    const auto begin = counts.begin() + static_cast<ptrdiff_t>(rank * local);
    const int64_t rows = std::accumulate(begin, begin + static_cast<ptrdiff_t>(local), int64_t{0});
    if (rows > most) {
      most = rows;
      fullest = rank;
    }
  }
  // Sorted experts fill the tokens' first choices, then their second ones, and so on.
  std::vector<size_t> order(experts);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return counts[a] > counts[b]; });
  std::vector<bool> met(static_cast<size_t>(moe.tokens));
  int64_t slot = 0;
  Seen seen;
  for (size_t expert : order) {
    const bool here = expert / local == fullest;
    for (int64_t i = 0; i < counts[expert]; ++i, ++slot)
      if (here)
        met[static_cast<size_t>(slot % moe.tokens)] = true;
    if (!here || counts[expert] == 0)
      continue;
    seen.assignments += static_cast<double>(counts[expert]);
    seen.touched += 1;
    seen.tiles64 += std::ceil(static_cast<double>(counts[expert]) / 64);
  }
  seen.tokens = static_cast<double>(std::count(met.begin(), met.end(), true));
  return seen;
}

Seen simulate(const mansard_moe &moe, int draws) {
  std::mt19937_64 random(7);
  Seen mean;
  for (int i = 0; i < draws; ++i) {
    const Seen one = draw(moe, random);
    mean.assignments += one.assignments / draws;
    mean.touched += one.touched / draws;
    mean.tiles64 += one.tiles64 / draws;
    mean.tokens += one.tokens / draws;
  }
  return mean;
}

TEST(MoeLoad, PowerLawMatchesSimulation) {
  for (const mansard_moe &moe :
       {group(16384, 128, 8, 1, 1.01), group(16384, 256, 8, 8, 1.01),
        group(16384, 128, 8, 64, 1.01), group(4096, 256, 8, 16, 1.2), group(384, 512, 10, 32, 1.01),
        group(4096, 160, 8, 160, 1.01), group(4096, 8, 2, 4, 1.01), group(48, 256, 8, 8, 1.01)}) {
    const Seen mean = simulate(moe, 300);
    const MoeLoad load = moeLoad(moe);
    SCOPED_TRACE(testing::Message()
                 << moe.tokens << " tokens, " << moe.experts << " experts, ep " << moe.ep);
    EXPECT_NEAR(load.assignments, mean.assignments, 0.1 * mean.assignments);
    EXPECT_NEAR(load.touchedExperts, mean.touched, 0.05 * mean.touched + 0.5);
    EXPECT_NEAR(load.tilesOf(64), mean.tiles64, 0.1 * mean.tiles64 + 1);
    EXPECT_NEAR(load.distinctTokens, mean.tokens, 0.12 * mean.tokens);
  }
}

TEST(MoeLoad, PowerLawOfOneRankHoldsEverything) {
  const MoeLoad load = moeLoad(group(5000, 64, 6, 1, 1.2));
  EXPECT_NEAR(load.assignments, 5000 * 6, 1e-6 * 5000 * 6);
  EXPECT_NEAR(load.distinctTokens, 5000, 50);
}

TEST(MoeLoad, BalancedGivesEachTokenExpertsAStrideApart) {
  // Tokens 0 to 9 of two choices among 8 experts: i and i + 4. The first four experts get each
  // token once but for 8 and 9, whose second choices lie on the other device.
  const MoeLoad load = moeLoad(group(10, 8, 2, 2, 0));
  EXPECT_EQ(load.assignments, 10);
  EXPECT_EQ(load.touchedExperts, 4);
  EXPECT_EQ(load.tilesOf(2), 6); // two experts of three rows, two of two
  EXPECT_EQ(load.distinctTokens, 10);
}

TEST(MoeLoad, BalancedTokensSkipRanksThatAreFinerThanAStride) {
  // One choice every 32 experts, 8 experts a rank: a quarter of the tokens has one here, and one.
  const MoeLoad load = moeLoad(group(16384, 256, 8, 32, 0));
  EXPECT_EQ(load.assignments, 16384 * 8 / 32);
  EXPECT_EQ(load.distinctTokens, 16384 / 4);
}

TEST(MoeLoad, FewBalancedTokensTouchFewExperts) {
  const MoeLoad one = moeLoad(group(1, 256, 8, 32, 0)); // experts 0, 32, 64 ...
  EXPECT_EQ(one.assignments, 1);
  EXPECT_EQ(one.touchedExperts, 1);
  EXPECT_EQ(moeLoad(group(1, 256, 8, 4, 0)).assignments, 2);
}

TEST(MoeLoad, MoreTokensNeverMakeLessWork) {
  for (double alpha : {0.0, 1.01, 1.2})
    for (int64_t ep : {1, 4, 16, 128}) {
      MoeLoad before;
      for (int64_t tokens = 1; tokens < 200000; tokens += 1 + tokens / 3) {
        const MoeLoad load = moeLoad(group(tokens, 128, 8, ep, alpha));
        // Between the two laws of few and of many tokens the benchmark itself makes a step.
        const double slack = alpha > 0 && tokens < 20 ? 0.5 : 1 - 1e-9;
        EXPECT_GE(load.assignments, slack * before.assignments) << tokens << " ep " << ep;
        EXPECT_GE(load.distinctTokens, 0.8 * slack * before.distinctTokens)
            << tokens << " ep " << ep;
        before = load;
      }
    }
}

} // namespace
} // namespace mansard
