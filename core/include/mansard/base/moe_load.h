// How many routed tokens and how many experts' weights the measured device of an expert-parallel
// group sees.
#pragma once

#include <mansard/sdk/abi.h>

#include <algorithm>
#include <cmath>

namespace mansard {

struct MoeLoad {
  double assignments;    // (token, expert) pairs on this device
  double touchedExperts; // local experts with at least one token: their weights are read
  double distinctTokens; // tokens with at least one expert here: their activations are read
  double busiestExpert;  // assignments of the fullest local expert
};

/// `balanced`: assignments are dealt round-robin over the experts. `power_law`: expert shares are
/// independent draws from a density ~ x^-alpha on [1, 0.8 tokens] ([0.01, 2] where tokens x topk <=
/// experts), normalised, at most one per token and expert; the device is the most loaded one. The
/// draws are replaced by their quantiles and the most loaded device by its expectation under a
/// normal approximation of the sum.
inline MoeLoad moeLoad(const mansard_moe &moe) {
  const double experts = static_cast<double>(std::max<int64_t>(moe.experts, 1));
  const double ep = static_cast<double>(std::max<int64_t>(moe.ep, 1));
  const double tokens = static_cast<double>(std::max<int64_t>(moe.tokens, 0));
  const double topk = static_cast<double>(moe.topk);
  const double all = tokens * topk, local = std::max(1.0, experts / ep);
  MoeLoad load{};
  if (moe.distribution == MANSARD_DISTRIBUTION_BALANCED || !(all > 0)) {
    load.assignments = std::min(all, std::ceil(all / experts) * local);
    load.touchedExperts = std::min(local, load.assignments);
    load.busiestExpert = std::ceil(all / experts);
  } else {
    const double low = all <= experts ? 0.01 : 1.0,
                 high = all <= experts ? 2.0 : std::max(1.5, 0.8 * tokens);
    const double exponent = 1 - moe.alpha;
    double sum = 0, squares = 0, biggest = 0;
    const auto share = [&](int64_t i) {
      const double u = (static_cast<double>(i) + 0.5) / experts;
      if (std::fabs(exponent) < 1e-6)
        return low * std::pow(high / low, u);
      const double a = std::pow(low, exponent), b = std::pow(high, exponent);
      return std::pow(a + u * (b - a), 1 / exponent);
    };
    for (int64_t i = 0; i < moe.experts; ++i) {
      const double x = share(i);
      sum += x;
      squares += x * x;
      biggest = std::max(biggest, x);
    }
    const double mean = sum / experts, variance = std::max(0.0, squares / experts - mean * mean);
    // Expected largest of `ep` sums of `local` draws each.
    const double spread = ep > 1 ? std::sqrt(2 * std::log(ep)) * std::sqrt(variance * local) : 0;
    const double fraction = std::clamp((mean * local + spread) / sum, 1 / ep, 1.0);
    load.assignments = std::min(all * fraction, tokens * std::min(local, topk));
    double touched = 0;
    for (int64_t i = 0; i < moe.experts; ++i)
      touched += 1 - std::exp(-all * share(i) / sum);
    load.touchedExperts = std::min({local, touched / ep * (fraction * ep), load.assignments});
    load.busiestExpert = std::min(tokens, all * biggest / sum);
  }
  // A token's choices fall on this device independently: it misses with probability (1 -
  // share)^topk.
  const double reach = std::min(1.0, load.assignments / std::max(1.0, all));
  load.distinctTokens = std::min(load.assignments, tokens * (1 - std::pow(1 - reach, topk)));
  return load;
}

} // namespace mansard
