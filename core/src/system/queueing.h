// Waiting and sharing in a system with a fixed number of requests.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace mansard::system {

/// Mean wait, in service times, for one of `servers` that serve in a fixed time and are busy
/// `utilisation` of it, while `clients` requests exist in all: a request meets at most the others.
/// (Sakasegawa's approximation of M/G/m, with half the variance: service times do not vary.)
inline double meanWait(double utilisation, double servers, double clients) {
  const double u = utilisation * std::max(0.0, clients - 1) / std::max(1.0, clients);
  if (u >= 1)
    return std::numeric_limits<double>::infinity();
  return std::pow(u, std::sqrt(2 * (servers + 1)) - 1) / (2 * servers * (1 - u));
}

/// What the busiest of `ranks` gets of a Poisson number of requests that are dealt to them in turn,
/// on average; `mean`: of each. 1 rank: the mean.
inline double busiestOf(double ranks, double mean) {
  if (ranks <= 1 || mean <= 0)
    return std::max(0.0, mean);
  const double all = ranks * mean; // the busiest has more than j where there are more than j ranks
  double sum = 0;
  const double deviation = std::sqrt(all);
  if (deviation > 4 * ranks) // the last turn is as full as may be
    return mean + (ranks - 1) / (2 * ranks);
  if (all > 50) { // where the distribution is normal
    sum = std::max(0.0, std::floor(mean - 6 * deviation / ranks));
    for (double j = sum; j < mean + 50; ++j) {
      const double beyond = 0.5 * std::erfc((j * ranks + 0.5 - all) / (std::sqrt(2.0) * deviation));
      if (beyond < 1e-9)
        break;
      sum += beyond;
    }
    return sum;
  }
  double term = std::exp(-all), below = 0; // P(= i), P(<= i)
  for (double i = 0; i < 400; ++i) {
    below += term;
    if (std::fmod(i, ranks) == 0) {
      if (1 - below < 1e-9)
        break;
      sum += 1 - below;
    }
    term *= all / (i + 1);
  }
  return sum;
}

/// Where an increasing function crosses zero in (low, high]; `high` if it does not.
template <typename F> double crossing(double low, double high, const F &function) {
  if (function(high) <= 0)
    return high;
  for (int step = 0; step < 60 && high - low > 1e-10 * high; ++step) {
    const double middle = (low + high) / 2;
    (function(middle) <= 0 ? low : high) = middle;
  }
  return (low + high) / 2;
}

} // namespace mansard::system
