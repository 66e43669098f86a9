// How many routed tokens and how many experts' weights the measured device of an expert-parallel
// group sees, and how the tokens lie over its experts.
//
// Pure; allocates nothing. Source of the distributions: the benchmark that the measured tables come
// from (ai-dynamo/aiconfigurator, collector/helper.py: balanced_logits, power_law_logits_v3).
#pragma once

#include <mansard/base/power_law.h>
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
  static constexpr int kMostBins = PowerLawSlices::kMost + 1;
  double assignments = 0;    // (token, expert) pairs on this device
  double touchedExperts = 0; // local experts with at least one token: their weights are read
  double distinctTokens = 0; // tokens with at least one expert here: their activations are read
  ExpertBin bins[kMostBins] = {};
  int binCount = 0;

  /// Tiles of `height` rows that cover every expert's tokens.
  double tilesOf(double height) const {
    double tiles = 0;
    for (int i = 0; i < binCount; ++i)
      tiles += bins[i].experts * std::ceil(bins[i].rows / height - 1e-9);
    return tiles;
  }
  /// Adds experts that each have at least one row.
  void add(double experts, double rows) {
    if (!(experts > 0) || !(rows > 0))
      return;
    bins[binCount++] = {experts, rows};
    assignments += experts * rows;
    touchedExperts += experts;
  }
};

namespace detail {

struct MoeGroup {
  double tokens, topk, experts, ranks, local; // of the whole group, but `local`
};

/// Choice j of token i is expert i + j * stride, stride = experts / topk; tokens fewer than a
/// stride lie evenly on it. The device is the first.
inline MoeLoad balancedLoad(const MoeGroup &g) {
  const double stride = g.experts / g.topk;
  const double cycles = std::floor(g.tokens / g.experts), rest = g.tokens - cycles * g.experts;
  const bool sparse = g.tokens < stride;
  double rows = cycles * g.topk * g.local;
  for (int64_t j = 0; j < static_cast<int64_t>(g.topk); ++j) { // `rest` experts on from the j-th
    const double first = std::floor(static_cast<double>(j) * stride);
    const double here = std::max(0.0, g.local - first);
    rows += sparse ? std::min(g.tokens, std::ceil(here * g.tokens / stride - 1e-9))
                   : std::min(rest, here) + std::clamp(first + rest - g.experts, 0.0, g.local);
  }
  MoeLoad load;
  if (g.tokens <= stride) { // nobody has two
    load.add(std::min(rows, g.local), 1);
  } else {
    const double each = std::floor(rows / g.local), more = rows - each * g.local;
    load.add(more, each + 1);
    load.add(g.local - more, each);
  }
  const double window = std::min(g.local, stride), rounds = std::floor(g.tokens / stride);
  load.distinctTokens = sparse ? std::ceil(window * g.tokens / stride - 1e-9)
                               : rounds * window + std::min(g.tokens - rounds * stride, window);
  return load;
}

/// Rows that rounding and the limit of one a token and expert left over; every rank gets as many.
/// They go to the experts that have fewest.
inline void spreadEvenly(MoeLoad &load, double rows, const MoeGroup &g) {
  const double idle = std::max(0.0, g.local - load.touchedExperts);
  const double woken = std::min(idle, rows);
  double left = rows - woken, experts = woken;
  load.add(woken, 1);
  std::sort(load.bins, load.bins + load.binCount,
            [](const ExpertBin &a, const ExpertBin &b) { return a.rows < b.rows; });
  for (int i = 0; i < load.binCount && left > 0; ++i) {
    experts = 0;
    for (int k = 0; k <= i; ++k)
      experts += load.bins[k].experts;
    const double level = load.bins[i].rows;
    const double next =
        i + 1 < load.binCount ? std::min(load.bins[i + 1].rows, g.tokens) : g.tokens;
    const double raised = std::min(next, level + left / experts);
    for (int k = 0; k <= i; ++k)
      load.bins[k].rows = std::max(load.bins[k].rows, raised);
    load.assignments += (raised - level) * experts;
    if (raised < next)
      return;
    left -= (raised - level) * experts;
  }
}

/// Each expert's share is an independent draw from a density ~ x^-alpha on [1, 0.8 tokens] ([0.01,
/// 2] where tokens x topk <= experts); shares are normalised, rounded, and cut to one a token; what
/// that takes or leaves goes to all ranks alike. The device is the most loaded. Expectations: the
/// largest of the ranks' sums of draws and what it is made of by a saddle point (power_law.h).
inline MoeLoad powerLawLoad(const MoeGroup &g, double alpha) {
  const double all = g.tokens * g.topk;
  const bool sparse = all <= g.experts;
  const double low = sparse ? 0.01 : 1, high = sparse ? 2 : std::max(1.5, 0.8 * g.tokens);
  PowerLawSlices slices(alpha, low / high);
  const double scale = all / (g.experts * slices.mean()); // rows of a draw of 1
  double rows[PowerLawSlices::kMost], touched[PowerLawSlices::kMost];
  double kept = 0; // of an average expert's rows
  for (int i = 0; i < slices.count; ++i) {
    const double mean = slices.draw[i] * scale;
    touched[i] = slices.shareAbove(i, 0.5 / scale);
    rows[i] = touched[i] > 0 ? std::max(1.0, std::min(mean / touched[i], g.tokens)) : 0;
    kept += slices.probability[i] * touched[i] * rows[i];
  }
  double chosen[PowerLawSlices::kMost];
  slices.fullest(g.ranks, g.local, g.tokens / scale, chosen);
  MoeLoad load;
  for (int i = slices.count - 1; i >= 0; --i)
    load.add(g.local * chosen[i] * touched[i], rows[i]);
  const double left = (all - (g.ranks > 1 ? kept * g.experts : load.assignments)) / g.ranks;
  if (left > 0) {
    spreadEvenly(load, load.assignments > 0 ? left : std::ceil(left - 1e-9), g);
  } else if (load.assignments > 0) {
    const double cut = std::max(0.0, 1 + left / load.assignments);
    load.assignments *= cut;
    for (int i = 0; i < load.binCount; ++i)
      load.bins[i].rows = std::max(1.0, load.bins[i].rows * cut);
  }
  load.assignments = std::min(load.assignments, all);

  // Experts sorted by load fill the tokens' choices one after another: within one choice no token
  // is met twice; a token misses this device in each choice on its own, and each expert on its own.
  double choices = 1, column = 1, filled = 0, logExperts = 0;
  for (int i = slices.count - 1; i >= 0; --i) {
    const double mass = g.experts * slices.probability[i] * touched[i] * rows[i] / g.tokens;
    const double here = g.local * chosen[i] * touched[i] * rows[i] / g.tokens;
    for (double rest = mass; rest > 0;) {
      const double part = std::min(rest, 1 - filled);
      column -= here * part / mass;
      filled += part;
      rest -= part;
      if (filled >= 1 - 1e-9) {
        choices *= std::max(0.0, column);
        column = 1;
        filled = 0;
      }
    }
  }
  choices *= std::max(0.0, column);
  for (int i = 0; i < load.binCount; ++i) {
    const double share = std::min(load.bins[i].rows / g.tokens, 1 - 1e-9);
    logExperts += load.bins[i].experts * (share < 0.02 ? -share : std::log(1 - share));
  }
  const double missed = std::min(choices, std::exp(logExperts));
  load.distinctTokens = g.topk > 1 ? std::min({load.assignments, g.tokens, g.tokens * (1 - missed)})
                                   : load.assignments;
  return load;
}

} // namespace detail

/// What the first device (balanced) or the most loaded one (power law) of the group sees.
inline MoeLoad moeLoad(const mansard_moe &moe) {
  detail::MoeGroup g{};
  g.experts = static_cast<double>(std::max<int64_t>(moe.experts, 1));
  g.ranks = std::clamp(static_cast<double>(moe.ep), 1.0, g.experts);
  g.tokens = static_cast<double>(std::max<int64_t>(moe.tokens, 0));
  g.topk = std::min(static_cast<double>(moe.topk), g.experts);
  g.local = std::max(1.0, std::floor(g.experts / g.ranks));
  if (!(g.tokens * g.topk > 0))
    return {};
  return moe.distribution == MANSARD_DISTRIBUTION_BALANCED ? detail::balancedLoad(g)
                                                           : detail::powerLawLoad(g, moe.alpha);
}

} // namespace mansard
