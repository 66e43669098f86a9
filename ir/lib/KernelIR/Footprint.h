// Distinct bytes of regular accesses, and what caches leave of their traffic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mansard::ir {

/// A sector: what one request brings at least (NVIDIA's caches; half an AMD line of 64).
inline constexpr double kSector = 32;

/// `count` places, `stride` bytes apart.
struct Extent {
  double stride = 0, count = 1;
};

/// Bytes that pieces of `bytes` at all sums of the extents' places cover, each piece rounded to
/// `grain` (0: not). Exact where the extents nest (each stride at least the span of the shorter
/// ones, or a multiple of a stride that continues it); else an upper bound.
double distinctBytes(std::vector<Extent> extents, double bytes, double grain);

/// Several accesses that differ by constant distances only.
struct Cluster {
  double bytes = 0;             // of one piece
  std::vector<int64_t> offsets; // of each access
  std::vector<Extent> inner;    // what happens at once: the threads of a group (and more)
  struct Level {
    int loop = 0; // which loop; equal numbers are the same loop
    Extent extent;
  };
  std::vector<Level> levels; // from outside to inside
  double active = 1;         // share of the box that runs: guards, triangular loops
};

/// Distinct bytes of a cluster over its inner extents and its levels from `from` on.
double distinctBytes(const Cluster &cluster, size_t from, double grain);

/// What passes a cache of `capacity` bytes that all clusters share: from inside out, a loop whose
/// turn fits keeps its data for the next turn, one whose turn does not fit brings all again. One
/// figure for each cluster, of one run of the levels.
std::vector<double> trafficPast(double capacity, const std::vector<Cluster> &clusters);

/// Distinct bytes of `accesses` random ones that fall evenly on `footprint` bytes.
double distinctRandom(double accesses, double bytes, double footprint);

} // namespace mansard::ir
