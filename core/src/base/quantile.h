// Percentiles of a sample.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mansard {

/// At `share` (0 to 1) of a sorted sample that is not empty, linear between its values.
inline double quantile(const std::vector<double> &sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

} // namespace mansard
