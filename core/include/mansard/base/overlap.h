// How the busy times of resources that work side by side make up one duration, and whose it is.
//
// Resources of a pipelined kernel overlap, but never perfectly: near balance each waits for the
// other. The p-norm (sum busy_i^p)^(1/p) is at least the largest busy time and at most their sum; p
// = 8 costs 9 % where two resources tie. By Euler's theorem on homogeneous functions the shares
// busy_i^p / sum busy^p are the elasticities of the duration, so duration x share is both an
// attribution that adds up exactly and the first-order gain from making that resource infinitely
// fast.
#pragma once

#include <mansard/sdk/abi.h>

#include <cmath>
#include <cstdint>

namespace mansard {

/// Busy microseconds of each resource during one phase, indexed by MANSARD_BOUND_*.
struct Busy {
  double us[MANSARD_BOUND_COUNT] = {};
  double &operator[](uint32_t resource) { return us[resource]; }
  double operator[](uint32_t resource) const { return us[resource]; }
};

/// (sum us^8)^(1/8) of `count` durations, scaled by the largest so that it neither overflows nor
/// underflows. No pow(): a tile search calls it per candidate.
inline double overlapped(const double *us, uint32_t count) {
  double largest = 0;
  for (uint32_t i = 0; i < count; ++i)
    largest = us[i] > largest ? us[i] : largest;
  if (!(largest > 0))
    return 0;
  double sum = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const double r = us[i] / largest, r2 = r * r, r4 = r2 * r2;
    sum += r4 * r4;
  }
  return largest * std::sqrt(std::sqrt(std::sqrt(sum)));
}

inline double overlapped(const Busy &busy) { return overlapped(busy.us, MANSARD_BOUND_COUNT); }

/// Adds phases that follow one another into parts that sum to the total.
class Parts {
public:
  /// Resources overlap within the phase (order 8).
  void addOverlapped(const Busy &busy) {
    const double duration = overlapped(busy);
    if (!(duration > 0))
      return;
    double share[MANSARD_BOUND_COUNT], sum = 0;
    for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i) {
      const double r = busy.us[i] / duration, r2 = r * r, r4 = r2 * r2;
      sum += share[i] = r4 * r4;
    }
    for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
      part_[i] += duration * share[i] / sum;
  }
  /// `share` of what `from` has is `to`'s.
  void move(uint32_t from, uint32_t to, double share) {
    part_[to] += part_[from] * share;
    part_[from] *= 1 - share;
  }
  /// Nothing else runs meanwhile.
  void addSerial(uint32_t resource, double us) { part_[resource] += us; }

  double total() const {
    double sum = 0;
    for (double part : part_)
      sum += part;
    return sum;
  }
  /// Writes latency, parts and bound.
  void store(mansard_estimate &out) const {
    out.latency_us = total();
    out.bound = 0;
    for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i) {
      out.part_us[i] = part_[i];
      if (part_[i] > part_[out.bound])
        out.bound = i;
    }
  }

private:
  double part_[MANSARD_BOUND_COUNT] = {};
};

} // namespace mansard
