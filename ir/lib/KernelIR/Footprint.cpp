#include "Footprint.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace mansard::ir {

double distinctBytes(std::vector<Extent> extents, double bytes, double grain) {
  std::sort(extents.begin(), extents.end(), [](const Extent &a, const Extent &b) {
    return std::fabs(a.stride) < std::fabs(b.stride);
  });
  double piece = bytes, pieces = 1; // one piece without gaps; how many lie apart
  double lastStride = 0, lastCount = 1;
  for (const Extent &extent : extents) {
    const double stride = std::fabs(extent.stride), count = extent.count;
    if (!(stride > 0) || !(count > 1))
      continue;
    if (pieces == 1 && stride <= std::max(piece, grain)) {
      piece += stride * (count - 1);
      continue;
    }
    // A multiple of the last stride, near enough, makes that row longer.
    if (lastStride > 0 && std::fmod(stride, lastStride) == 0 && stride <= lastStride * lastCount) {
      const double longer = lastCount + stride / lastStride * (count - 1);
      pieces *= longer / lastCount;
      lastCount = longer;
      continue;
    }
    pieces *= count;
    lastStride = stride;
    lastCount = count;
  }
  return pieces * (grain > 0 ? std::ceil(piece / grain) * grain : piece);
}

double distinctBytes(const Cluster &cluster, size_t from, double grain) {
  std::vector<Extent> extents = cluster.inner;
  for (size_t i = from; i < cluster.levels.size(); ++i)
    extents.push_back(cluster.levels[i].extent);
  const double one = distinctBytes(extents, cluster.bytes, grain);
  double span = cluster.bytes;
  for (const Extent &extent : extents)
    span += std::fabs(extent.stride) * std::max(0.0, extent.count - 1);
  std::vector<int64_t> offsets = cluster.offsets;
  std::sort(offsets.begin(), offsets.end());
  double all = one;
  for (size_t i = 1; i < offsets.size(); ++i) {
    const double gap = static_cast<double>(offsets[i] - offsets[i - 1]);
    all += std::min(one, gap * std::min(1.0, one / span));
  }
  return all;
}

std::vector<double> trafficPast(double capacity, const std::vector<Cluster> &clusters) {
  std::map<int, double> workingSet; // of one turn of each loop
  for (const Cluster &cluster : clusters)
    for (size_t i = 0; i < cluster.levels.size(); ++i)
      workingSet[cluster.levels[i].loop] += distinctBytes(cluster, i + 1, kSector);
  std::vector<double> traffic;
  for (const Cluster &cluster : clusters) {
    size_t kept = cluster.levels.size();
    while (kept > 0 && workingSet[cluster.levels[kept - 1].loop] <= capacity)
      --kept;
    double again = 1;
    for (size_t i = 0; i < kept; ++i)
      again *= cluster.levels[i].extent.count;
    traffic.push_back(distinctBytes(cluster, kept, kSector) * again * cluster.active);
  }
  return traffic;
}

double distinctRandom(double accesses, double bytes, double footprint) {
  const double grain = std::max(bytes, kSector), places = std::max(1.0, footprint / grain);
  return std::min(footprint, places * -std::expm1(-accesses / places) * grain);
}

} // namespace mansard::ir
