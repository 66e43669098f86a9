// What a cluster works at: a tile of the output cut among its cores, weights standing in WRAM.
//
// A step of the load-compute-store pipeline brings a slice of K: weights GDRAM -> SRAM -> WRAM and
// activations GDRAM -> SRAM -> NRAM, broadcast to the cores that share them, while the matrix units
// work at the slice before. Each memory holds two slices (ping-pong). A step takes as long as its
// slowest resource.
#include "device.h"

#include <algorithm>
#include <cmath>

namespace mansard::cambricon {
namespace {

constexpr double kLanes = 64; // output channels that the matrix unit takes at a time (WRAM layout)

/// A core's tile, and how a cluster's cores stand: cores in one row share activations, cores in one
/// column share weights.
struct Shape {
  double coreM, coreN, rows; // rows of cores; columns: the others
};

constexpr Shape kShapes[] = {
    {256, 256, 2}, {128, 256, 2}, {256, 128, 2}, {128, 128, 2}, {64, 128, 2}, {128, 256, 4},
    {64, 256, 1},  {64, 128, 1},  {16, 256, 1},  {16, 128, 1},  {16, 64, 1},
};
constexpr double kDepths[] = {512, 128}; // of K a step

} // namespace

TileSet tilesFor(const Cluster &cluster, double clusters, double elementBytes) {
  TileSet set;
  const auto offer = [&](const Shape &s, double rows, double columns, double depth) {
    Tile tile{};
    tile.m = s.coreM * rows;
    tile.n = s.coreN * columns;
    tile.k = depth;
    // NRAM: activations arrive once and are read once for each group of lanes; fp32 partial sums
    // are read and written.
    const double nramA = s.coreM * depth * (1 + s.coreN / kLanes), sums = s.coreM * s.coreN * 8;
    // SRAM: every element comes in once and goes out once, broadcast.
    const double inNram = cluster.nramBytesPerSecond / cluster.sramBytesPerSecond;
    const double sramA = 2 * tile.m * depth * inNram, sramW = 2 * tile.n * depth * inNram;
    if (nramA * elementBytes + sums >= (sramA + sramW) * elementBytes) {
      tile.sramA = nramA;
      tile.sramBytes = sums;
    } else {
      tile.sramA = sramA;
      tile.sramW = sramW;
    }
    tile.depth = 2;
    set.add(tileFor(tile, clusters));
  };
  for (const Shape &s : kShapes) {
    const double rows = std::min(s.rows, cluster.cores);
    const double columns = std::max(1.0, std::floor(cluster.cores / rows));
    for (const double depth : kDepths) {
      const double nram = 2 * s.coreM * depth * elementBytes + s.coreM * s.coreN * 4;
      const double wram = 2 * s.coreN * depth * elementBytes;
      const double sram = 2 * (s.coreM * rows + s.coreN * columns) * depth * elementBytes;
      if (nram <= cluster.nramBytes && wram <= cluster.wramBytes && sram <= cluster.sramBytes)
        offer(s, rows, columns, depth);
    }
  }
  if (set.count == 0) {
    offer({16, 64, 1}, 1, cluster.cores, 128);
    set.fits = false;
  }
  return set;
}

} // namespace mansard::cambricon
