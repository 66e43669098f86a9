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

/// Columns of cores beside `rows` rows of them.
double columnsOf(const Cluster &cluster, double rows) {
  return std::max(1.0, std::floor(cluster.cores / rows));
}

Tile tileOf(const Cluster &cluster, const Shape &s, double columns, double depth,
            double elementBytes) {
  Tile tile{};
  tile.m = s.coreM * s.rows;
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
  return tile;
}

/// Both slices of the ping-pong in each memory, and the partial sums.
TileFit fitOf(const Cluster &cluster, const Shape &s, double columns, double depth,
              double elementBytes) {
  TileFit fit;
  fit.add({"NRAM", 2 * s.coreM * depth * elementBytes + s.coreM * s.coreN * 4, cluster.nramBytes,
           "two slices of a core's activations and its sums"});
  fit.add({"WRAM", 2 * s.coreN * depth * elementBytes, cluster.wramBytes,
           "two slices of a core's weights"});
  fit.add({"SRAM", 2 * (s.coreM * s.rows + s.coreN * columns) * depth * elementBytes,
           cluster.sramBytes, "two slices of the cluster's operands"});
  return fit;
}

/// One way for a cluster's cores to share a stated tile.
struct Stated {
  Shape shape;
  double columns, depth;
  TileFit fit;
};

Stated stated(const Cluster &cluster, const mansard_matmul &g, double rows, double elementBytes) {
  Stated s{};
  s.columns = columnsOf(cluster, rows);
  s.shape.rows = rows;
  s.shape.coreM = std::ceil(g.tile_m / rows);
  s.shape.coreN = paddedTo(g.tile_n / s.columns, kLanes);
  s.depth = g.tile_k > 0 ? g.tile_k : kDepths[1];
  s.fit = fitOf(cluster, s.shape, s.columns, s.depth, elementBytes);
  const double m = s.shape.coreM * rows, n = s.shape.coreN * s.columns;
  if (m != g.tile_m || n != g.tile_n)
    s.fit.setPadded(m, n, s.depth);
  return s;
}

constexpr double kRows[] = {1, 2, 4}; // of cores, as in kShapes

/// A core's share of the bytes that NRAM cannot hold beside the slices.
double spilledOf(const Cluster &cluster, const Stated &s, double elementBytes) {
  const double slices = 2 * s.shape.coreM * s.depth * elementBytes;
  const double sums = s.shape.coreM * s.shape.coreN * 4;
  const double over = slices + sums - cluster.nramBytes;
  return std::clamp(over, 0.0, sums) * s.shape.rows * s.columns;
}

} // namespace

TileSet statedTiles(const Cluster &cluster, double clusters, const mansard_kernel &kernel) {
  const mansard_matmul &g = kernel.u.matmul;
  const double elementBytes = stagedBytes(kernel);
  TileSet set;
  for (const bool fitting : {true, false}) { // those that fit; only where none does, the others
    set.fits = fitting;
    for (const double rows : kRows) {
      const Stated s = stated(cluster, g, std::min(rows, cluster.cores), elementBytes);
      if (s.fit.fits() != fitting)
        continue;
      Tile tile = tileOf(cluster, s.shape, s.columns, s.depth, elementBytes);
      const double padded = tile.m * tile.n;
      tile.m = g.tile_m;
      tile.n = g.tile_n;
      tile.padding = padded / (tile.m * tile.n);
      tile.spilled = spilledOf(cluster, s, elementBytes);
      const double slices = 2 * s.depth * elementBytes;
      setRoom(tile, std::min({cluster.nramBytes / (slices * s.shape.coreM),
                              cluster.wramBytes / (slices * s.shape.coreN),
                              cluster.sramBytes / (slices * (s.shape.coreM * s.shape.rows +
                                                             s.shape.coreN * s.columns))}));
      set.add(tileFor(tile, clusters));
    }
    if (set.count > 0)
      break;
  }
  return set;
}

TileFit fitTile(const Cluster &cluster, const mansard_kernel &kernel) {
  const double elementBytes = stagedBytes(kernel);
  TileFit best;
  for (const double rows : kRows)
    if (const Stated s =
            stated(cluster, kernel.u.matmul, std::min(rows, cluster.cores), elementBytes);
        rows == kRows[0] || s.fit.room() > best.room())
      best = s.fit;
  return best;
}

TileSet tilesFor(const Cluster &cluster, double clusters, double elementBytes) {
  TileSet set;
  const auto offer = [&](Shape s, double columns, double depth) {
    set.add(tileFor(tileOf(cluster, s, columns, depth, elementBytes), clusters));
  };
  for (Shape s : kShapes) {
    s.rows = std::min(s.rows, cluster.cores);
    const double columns = columnsOf(cluster, s.rows);
    for (const double depth : kDepths)
      if (fitOf(cluster, s, columns, depth, elementBytes).fits())
        offer(s, columns, depth);
  }
  if (set.count == 0) {
    offer({16, 64, 1}, cluster.cores, 128);
    set.fits = false;
  }
  return set;
}

} // namespace mansard::cambricon
