#include <mansard/explore/verdict.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace mansard::explore {

Verdict verdictOf(double probability) {
  return probability >= kConfirmed ? Verdict::confirmed
         : probability <= kRefuted ? Verdict::refuted
                                   : Verdict::undecided;
}

void setRange(Spread &spread) {
  std::vector<double> sorted;
  for (const double sample : spread.samples)
    if (!std::isnan(sample))
      sorted.push_back(sample);
  spread.low = spread.high = spread.value;
  if (sorted.empty())
    return;
  std::sort(sorted.begin(), sorted.end());
  // The nearest ranks: between a number and infinity there is no middle.
  const auto at = [&](double share) {
    return sorted[static_cast<size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)))];
  };
  spread.low = std::fmin(at(0.1), spread.value);
  spread.high = std::fmax(at(0.9), spread.value);
}

std::vector<double> ratiosOf(std::span<const double> left, std::span<const double> right,
                             bool highIsGood) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  std::vector<double> ratios(std::min(left.size(), right.size()));
  for (size_t i = 0; i < ratios.size(); ++i) {
    const bool has[] = {std::isfinite(left[i]), std::isfinite(right[i])};
    if (has[0] == has[1])
      ratios[i] = has[0] ? left[i] / right[i] : std::numeric_limits<double>::quiet_NaN();
    else
      ratios[i] = has[0] == highIsGood ? kInfinite : 0;
  }
  return ratios;
}

std::vector<Holds> within(std::span<const double> values, double least, double most) {
  std::vector<Holds> holds(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    holds[i] = std::isnan(values[i])                     ? Holds::unknown
               : values[i] >= least && values[i] <= most ? Holds::yes
                                                         : Holds::no;
  return holds;
}

std::vector<Holds> combine(Quantifier quantifier, const std::vector<std::vector<Holds>> &cases) {
  size_t points = cases.empty() ? 0 : cases.front().size();
  for (const auto &each : cases)
    points = std::min(points, each.size());
  const size_t needed = quantifier == Quantifier::any   ? 1
                        : quantifier == Quantifier::all ? cases.size()
                                                        : cases.size() / 2 + 1;
  std::vector<Holds> combined(points);
  for (size_t i = 0; i < points; ++i) {
    size_t yes = 0, unknown = 0;
    for (const auto &each : cases) {
      yes += each[i] == Holds::yes;
      unknown += each[i] == Holds::unknown;
    }
    combined[i] = yes >= needed ? Holds::yes : yes + unknown >= needed ? Holds::unknown : Holds::no;
  }
  return combined;
}

double probabilityOf(std::span<const Holds> points) {
  size_t yes = 0, known = 0;
  for (const Holds each : points) {
    yes += each == Holds::yes;
    known += each != Holds::unknown;
  }
  return known ? static_cast<double>(yes) / static_cast<double>(known)
               : std::numeric_limits<double>::quiet_NaN();
}

} // namespace mansard::explore
