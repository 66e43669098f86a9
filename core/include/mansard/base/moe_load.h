// How many routed tokens and how many experts' weights the measured device of an expert-parallel
// group sees, and how the tokens lie over its experts.
//
// Pure; allocates nothing. Source of the distributions: the benchmark that the measured tables come
// from (ai-dynamo/aiconfigurator, described in the tables' README).
#pragma once

#include <mansard/sdk/abi.h>

#include <algorithm>
#include <cmath>

namespace mansard {

/// Experts of one device that get about the same number of tokens.
struct ExpertBin {
  double experts; // with at least one token; a fraction where it is an expectation
  double rows;    // tokens of each
};

struct MoeLoad {
  static constexpr int kMostBins = 17;
  double assignments = 0;    // (token, expert) pairs on this device
  double touchedExperts = 0; // local experts with at least one token: their weights are read
  double distinctTokens = 0; // tokens with at least one expert here: their activations are read
  double busiestExpert = 0;  // assignments of the fullest local expert
  ExpertBin bins[kMostBins] = {};
  int binCount = 0;

  /// Tiles of `height` rows that cover every expert's tokens.
  double tilesOf(double height) const {
    double tiles = 0;
    for (int i = 0; i < binCount; ++i)
      tiles += bins[i].experts * std::ceil(bins[i].rows / height - 1e-9);
    return tiles;
  }
  /// Adds experts of `rows` tokens on average; where that is less than one, only some have any.
  void add(double experts, double rows) {
    if (!(experts > 0) || !(rows > 0))
      return;
    const double touched = experts * std::min(1.0, rows);
    bins[binCount++] = {touched, std::max(1.0, rows)};
    assignments += experts * rows;
    touchedExperts += touched;
    busiestExpert = std::max(busiestExpert, std::max(1.0, rows));
  }
};

namespace detail {

/// Draws from a density ~ x^-alpha on [low, high].
class TruncatedPowerLaw {
public:
  TruncatedPowerLaw(double alpha, double low, double high)
      : low_(low), high_(high), exponent_(std::fabs(1 - alpha) < 1e-6 ? 1e-6 : 1 - alpha),
        from_(std::pow(low, exponent_)), to_(std::pow(high, exponent_)) {}

  double quantile(double u) const { return std::pow(from_ + u * (to_ - from_), 1 / exponent_); }
  double high() const { return high_; }
  double mean() const { return moment(1, low_, high_); }
  double variance() const {
    const double m = mean();
    return std::max(0.0, moment(2, low_, high_) - m * m);
  }
  /// Of the draws between the quantiles that `a` and `b` are.
  double meanBetween(double a, double b) const { return moment(1, a, b); }

private:
  double moment(double order, double a, double b) const {
    const double p = exponent_ + order;
    const double mass = (std::pow(b, exponent_) - std::pow(a, exponent_)) / exponent_;
    if (!(std::fabs(mass) > 0))
      return std::pow(a, order);
    const double weighted =
        std::fabs(p) < 1e-9 ? std::log(b / a) : (std::pow(b, p) - std::pow(a, p)) / p;
    return weighted / mass;
  }
  double low_, high_, exponent_, from_, to_;
};

/// Inverse of the normal distribution function (Tukey's lambda approximation, within 0.01 for
/// 0.001 < p < 0.999).
inline double normalQuantile(double p) {
  return 4.91 * (std::pow(p, 0.14) - std::pow(1 - p, 0.14));
}

/// Expected largest of `groups` sums of `draws` draws each. The sums' upper tail lies between a
/// normal one (too light) and that of a gamma distribution (Wilson and Hilferty's cube root; too
/// heavy, as draws are bounded): their mean, but not less than the largest single draw with average
/// company. Within 8 % of simulated draws for 1 to 128 groups.
inline double largestSum(const TruncatedPowerLaw &law, double groups, double draws) {
  const double mean = law.mean(), variance = law.variance();
  if (groups <= 1 || !(variance > 0))
    return mean * draws;
  const double shape = draws * mean * mean / variance;
  const double z = normalQuantile((groups - 0.375) / (groups + 0.25));
  const double root = 1 - 1 / (9 * shape) + z / (3 * std::sqrt(shape));
  const double gamma = mean * draws * std::max(0.0, root * root * root);
  const double normal = mean * draws + z * std::sqrt(variance * draws);
  const double both = std::min((gamma + normal) / 2, draws * law.high());
  const double all = groups * draws;
  const double single = law.quantile((all - 0.375) / (all + 0.25)) + (draws - 1) * mean;
  return draws > 1 ? std::max(both, single) : single;
}

} // namespace detail

/// `balanced`: assignments are dealt round-robin over the experts; the device is the first, so it
/// has the experts that get one more. `power_law`: expert shares are independent draws from a
/// density ~ x^-alpha on [1, 0.8 tokens] ([0.01, 2] where tokens x topk <= experts), normalised, at
/// most one per token and expert; the device is the most loaded one. Its experts are taken at the
/// law's quantiles, and what the expected largest sum exceeds them by goes to the fullest.
inline MoeLoad moeLoad(const mansard_moe &moe) {
  const double experts = static_cast<double>(std::max<int64_t>(moe.experts, 1));
  const double ep = std::clamp(static_cast<double>(moe.ep), 1.0, experts);
  const double tokens = static_cast<double>(std::max<int64_t>(moe.tokens, 0));
  const double topk = std::min(static_cast<double>(moe.topk), experts);
  const double all = tokens * topk, local = std::max(1.0, std::floor(experts / ep));
  MoeLoad load;
  if (!(all > 0))
    return load;
  if (moe.distribution == MANSARD_DISTRIBUTION_BALANCED) {
    const double each = std::floor(all / experts), more = std::min(local, all - each * experts);
    load.add(more, each + 1);
    load.add(local - more, each);
  } else {
    const bool sparse = all <= experts;
    const detail::TruncatedPowerLaw law(moe.alpha, sparse ? 0.01 : 1.0,
                                        sparse ? 2.0 : std::max(1.5, 0.8 * tokens));
    const double largest = detail::largestSum(law, ep, local);
    const double total = std::max(law.mean() * experts, largest + law.mean() * (experts - local));
    const double scale = all / total;
    const double most = std::min(tokens, law.high() * scale); // one a token
    const double excess = std::max(0.0, largest - law.mean() * local) * scale;
    const double hot = excess > 0 ? std::min(local, std::max(1.0, std::ceil(excess / most))) : 0;
    constexpr int kSlices = MoeLoad::kMostBins - 1;
    double lower = law.quantile(0);
    double top = 0;
    for (int i = 0; i < kSlices; ++i) {
      const double upper = law.quantile((i + 1.0) / kSlices);
      top = std::min(most, law.meanBetween(lower, upper) * scale);
      load.add((local - hot) / kSlices, top);
      lower = upper;
    }
    if (hot > 0)
      load.add(hot, std::min(most, top + excess / hot));
    load.assignments = std::min(load.assignments, all);
  }
  // A token's choices fall on this device independently: it misses with probability
  // (1 - share)^topk.
  const double reach = std::min(1.0, load.assignments / all);
  load.distinctTokens = std::min(load.assignments, tokens * (1 - std::pow(1 - reach, topk)));
  return load;
}

} // namespace mansard
