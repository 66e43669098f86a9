// Draws from a truncated power law, and what the fullest of several groups of draws is made of.
//
// Pure; allocates nothing. Draws are in units of their largest value. Sources: order statistics by
// Blom's plotting position; the distribution of a sum of draws by its saddle point with
// Barndorff-Nielsen's r* (Lugannani and Rice, Adv. Appl. Prob. 12(2), 1980; Barndorff-Nielsen,
// Biometrika 73(2), 1986).
#pragma once

#include <algorithm>
#include <cmath>

namespace mansard {

namespace detail {

/// Inverse of the normal distribution function (Tukey's lambda approximation, within 0.01 for
/// 0.001 < p < 0.999).
inline double normalQuantile(double p) {
  return 4.91 * (std::pow(p, 0.14) - std::pow(1 - p, 0.14));
}

} // namespace detail

/// The law cut into slices of like draws: finer than their probability asks near the top, where the
/// fullest group's draws lie.
struct PowerLawSlices {
  static constexpr int kMost = 14;
  double probability[kMost] = {}, draw[kMost] = {}; // of a slice; mean of its draws
  int count = 0;

  /// Density ~ x^-alpha on [low, 1].
  PowerLawSlices(double alpha, double low)
      : exponent_(std::fabs(1 - alpha) < 1e-6 ? 1e-6 : 1 - alpha) {
    double before = std::max(kBreaks[0], low), powerBefore = std::pow(before, exponent_);
    const double whole = 1 - std::pow(low, exponent_);
    for (int i = 1; i <= kMost; ++i) {
      const double edge = kBreaks[i];
      if (edge <= before)
        continue;
      const double power = std::pow(edge, exponent_), mass = power - powerBefore;
      const bool first = count == 0;
      edge_[count] = first ? low : before;
      power_[count] = first ? 1 - whole : powerBefore;
      const double all = first ? power - power_[0] : mass;
      probability[count] = all / whole;
      // integral of x over the integral of 1, both times the density
      draw[count] =
          (edge * power - edge_[count] * power_[count]) / all * exponent_ / (1 + exponent_);
      ++count;
      before = edge;
      powerBefore = power;
    }
    edge_[count] = 1;
    power_[count] = 1;
  }

  double mean() const {
    double sum = 0;
    for (int i = 0; i < count; ++i)
      sum += probability[i] * draw[i];
    return sum;
  }

  /// Share of slice i's draws above x.
  double shareAbove(int i, double x) const {
    if (x <= edge_[i])
      return 1;
    if (x >= edge_[i + 1])
      return 0;
    return (power_[i + 1] - std::pow(x, exponent_)) / (power_[i + 1] - power_[i]);
  }

  /// Of `groups` groups of `size` draws, each draw cut to `most`: the share of each slice among the
  /// draws of the group with the largest sum (into `chosen`; they add up to 1). Sums come out
  /// within 2 % of simulated ones.
  void fullest(double groups, double size, double most, double *chosen) const {
    std::copy(probability, probability + count, chosen);
    if (groups <= 1)
      return;
    if (size <= 1)
      return largestDraw(groups, chosen);
    // Draws tilted by exp(s x) have the fullest group's sum for their mean, at the s whose signed
    // root, corrected, is the normal deviate of that rank.
    double value[kMost] = {}, mean = 0, variance = 0;
    for (int i = 0; i < count; ++i) {
      value[i] = std::min(draw[i], most);
      mean += probability[i] * value[i];
    }
    for (int i = 0; i < count; ++i)
      variance += probability[i] * (value[i] - mean) * (value[i] - mean);
    const double rank = detail::normalQuantile((groups - 0.375) / (groups + 0.25));
    const double top = value[count - 1];
    double s = rank / std::sqrt(size * std::max(variance, 1e-12));
    for (int round = 0; round < kRounds; ++round) {
      double sum = 0, first = 0, second = 0;
      for (int i = 0; i < count; ++i) {
        chosen[i] = probability[i] * std::exp(s * (value[i] - top));
        sum += chosen[i];
        first += chosen[i] * value[i];
        const double width = value[i] < most ? edge_[i + 1] - edge_[i] : 0;
        second += chosen[i] * (value[i] * value[i] + width * width / 12);
      }
      const double m = first / sum, v = std::max(second / sum - m * m, 1e-6 * top * top);
      const double rate = size * (s * (m - top) - std::log(sum));
      const double r = std::sqrt(std::max(2 * rate, 1e-12));
      const double corrected = r + std::log(s * std::sqrt(size * v) / r) / r;
      for (int i = 0; i < count; ++i)
        chosen[i] /= sum;
      if (std::fabs(rank - corrected) < 0.02 * rank)
        break;
      const double slope = s * size * v / r; // of r
      s = std::clamp(s + (rank - corrected) / slope, s / 4, s * 4);
    }
  }

private:
  static constexpr double kBreaks[kMost + 1] = {0,   0.0005, 0.002, 0.006, 0.015, 0.035, 0.07, 0.12,
                                                0.2, 0.3,    0.42,  0.56,  0.7,   0.85,  1};
  static constexpr int kRounds = 8;

  /// Shares of the largest of `draws` draws.
  void largestDraw(double draws, double *chosen) const {
    double below = 0, powerBelow = 0;
    for (int i = 0; i < count; ++i) {
      below = i + 1 < count ? below + probability[i] : 1;
      const double power = std::pow(below, draws);
      chosen[i] = power - powerBelow;
      powerBelow = power;
    }
  }

  double exponent_;
  double edge_[kMost + 1], power_[kMost + 1];
};

} // namespace mansard
