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

/// The largest of `ranks` independent Poisson numbers with this mean, on average: 1 rank, the mean.
inline double busiestOf(double ranks, double mean) {
  if (ranks <= 1 || mean <= 0)
    return std::max(0.0, mean);
  if (mean > 50) // where the distribution is normal
    return mean + std::sqrt(2 * mean * std::log(ranks));
  double term = std::exp(-mean), below = 0, sum = 0; // P(= j), P(<= j)
  for (int j = 0; j < 400; ++j) {
    below = std::min(1.0, below + term);
    const double beyond = 1 - std::pow(below, ranks);
    if (beyond < 1e-9)
      break;
    sum += beyond;
    term *= mean / (j + 1);
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
