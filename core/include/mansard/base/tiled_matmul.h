// Matmuls cut into output tiles that cores work at side by side: the schedule that takes least.
//
// A core accumulates a tile over K in steps; loads of the next steps run under the matrix unit's
// work on this one. What each resource is busy for:
//   matrix  the padded tiles of the busiest core, ceil(tiles x splits / cores) of them;
//   sram    what one step moves in the core's own memories, for those tiles;
//   L2      every tile's panels, so A once for each column of tiles and W once for each row;
//   DRAM    each operand once, and again where neither the block of output that all cores
//           accumulate together (side `reach`: traffic 2 m n k / reach, Hong and Kung, STOC 1981)
//           nor a panel kept in the L2 spares it; and never faster than one step for each load
//           latency and step in flight (Little's law).
// These overlap (see overlap.h). Splitting K among cores adds a pass over fp32 partial sums.
//
// Every candidate's cost is non-decreasing in m, n, k and groups and non-increasing in every rate;
// candidates depend on sizes of memories only, so the minimum has the same properties. Times in
// microseconds. Pure, allocates nothing.
#pragma once

#include <mansard/base/counts.h>
#include <mansard/base/overlap.h>
#include <mansard/base/power_cap.h>
#include <mansard/base/vector_work.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace mansard {

struct MatmulShape {
  double groups = 1, m = 0, n = 0, k = 0;
  bool ragged = false; // groups differ in rows, m is their mean
};

/// One way for a core to work. Made once for each chip.
struct Tile {
  double m, n, k;              // of the output; depth of a step
  double sramA = 0, sramW = 0; // elements of A and W that a step moves in the core's memories
  double sramBytes = 0;        // bytes that it moves there whatever the types (partial sums)
  double depth = 2;            // steps whose loads are under way
  double resident = 1;         // tiles that one core holds side by side
  double reach = 0;            // set by tileFor: sqrt(output elements that all cores hold)
  // Of a stated tile, which need not suit the matrix unit nor the memories:
  double padding = 1; // what the matrix unit multiplies over 2 m n k
  double spilled = 0; // bytes of accumulators that a step writes to the cache and reads back
  double exposed = 0; // share of the operands' loads that waits for the work on the step before
  double turns = 1;   // hand-overs in a step
};

inline Tile tileFor(Tile tile, double cores) {
  tile.reach = std::sqrt(cores * tile.resident * tile.m * tile.n);
  return tile;
}

/// `padded`, a stated tile as the matrix unit takes it, counted as what was stated.
inline Tile asStated(Tile padded, const mansard_matmul &g) {
  Tile tile = padded;
  tile.m = g.tile_m;
  tile.n = g.tile_n;
  if (g.tile_k > 0)
    tile.k = g.tile_k;
  tile.padding = padded.m * padded.n * padded.k / (tile.m * tile.n * tile.k);
  return tile;
}

/// A family's constants for matmuls.
struct MatmulTuning {
  double matrixEfficiency = 1, sramEfficiency = 1, vectorEfficiency = 1;
  double l2Efficiency = 1, dramEfficiency = 1;
  double residentShare = 0; // weights that fit this share of the L2 are found there
  double reuseShare = 0.5;  // share of the L2 that holds panels for tiles to come
  double tile_us = 0;       // first load and last store of a tile, where no other tile hides them
  double step_us = 0;       // hand-over between two steps, which nothing hides
  double split_us = 0;      // starting the pass over partial sums
  bool cacheHoldsWrites = true;
  PowerCap power;
};

/// What tiles are spread over: cores, or clusters of cores where those share one.
struct CoreArray {
  double count = 1;
  double share = 1;            // of the chip's matrix rate that one of them has
  double sram_bytes_per_s = 0; // of one; 0: never limits
};

/// The best schedule found, and what it keeps busy.
struct MatmulPlan {
  Busy busy;             // overlapped
  double fixed_us = 0;   // beside it: tiles' and steps' own costs, start of the second pass
  double reduce_us = 0;  // beside it: the pass over partial sums, and sums that spill
  double exposed_us = 0; // beside it: loads of a tile that the memories cannot hold twice
  uint32_t reduceIn = MANSARD_BOUND_L2; // where they lie
  double total_us = std::numeric_limits<double>::infinity();
  const Tile *tile = nullptr;
  double split = 1, tiles = 0, perCore = 0;
  double dramReadBytes = 0, dramWriteBytes = 0;
};

inline constexpr double kSplits[] = {1, 2, 4, 8, 16, 32};

/// Loads of a tile whose double-buffered operands a memory has `room` for (1: exactly). With room
/// for one step alone, loads and work take turns; with less, each step is made in parts.
inline void setRoom(Tile &tile, double room) {
  if (room >= 1)
    return;
  tile.depth = std::max(2 * room, 1.0 / 16);
  tile.exposed = std::min(1.0, 2 - 2 * room);
  tile.turns = std::max(1.0, std::ceil(1 / std::max(2 * room, 1.0 / 16)));
}

/// Rows of tiles over all groups. Groups of different sizes leave half a tile each on average.
inline double tileRows(const MatmulShape &shape, double tileM) {
  if (shape.ragged)
    return shape.groups * std::max(1.0, shape.m / tileM + 0.5);
  return shape.groups * std::ceil(shape.m / tileM);
}

/// Plans `shape`, whose operations and bytes are `counts`. The chip must have the kernel's dtype. A
/// single entry in `splits` is taken as stated, whatever it costs.
inline MatmulPlan planMatmul(const mansard_chip &chip, const mansard_kernel &kernel,
                             const MatmulShape &shape, const Counts &counts, const CoreArray &array,
                             std::span<const Tile> tiles, const MatmulTuning &tuning,
                             std::span<const double> splits = kSplits) {
  MatmulPlan best;
  const double aBytes = bytesOf(kernel.dtype), wBytes = bytesOf(kernel.weight_dtype);
  const double a = shape.groups * shape.m * shape.k * aBytes; // bytes, once
  const double w = counts.weightBytes;
  const double others = std::max(0.0, counts.readBytes - a - w);
  const double written = counts.writeBytes;
  const bool warm = chip.l2_bytes > 0 && w <= tuning.residentShare * chip.l2_bytes;

  const double usPerOperation =
      1e6 / (chip.matrix_ops_per_s[kernel.dtype] * tuning.matrixEfficiency * array.share);
  const double usPowered = tuning.power.usPerOperation[kernel.dtype];
  const double usPerSramByte =
      array.sram_bytes_per_s > 0 ? 1e6 / (array.sram_bytes_per_s * tuning.sramEfficiency) : 0;
  const double usPerL2Read =
      chip.l2_read_bytes_per_s > 0 ? 1e6 / (chip.l2_read_bytes_per_s * tuning.l2Efficiency) : 0;
  const double usPerL2Write = chip.l2_write_bytes_per_s > 0
                                  ? 1e6 / (chip.l2_write_bytes_per_s * tuning.l2Efficiency)
                                  : usPerL2Read;
  const double usPerRead = 1e6 / (dramBandwidth(chip, 1, 0) * tuning.dramEfficiency);
  const double usPerMixed = 1e6 / (dramBandwidth(chip, 1, 1) * tuning.dramEfficiency);
  // Partial sums are written and read; past the cache where it holds no writes.
  const bool sumsInL2 = usPerL2Read > 0 && tuning.cacheHoldsWrites;
  const double usPerPartial = sumsInL2 ? usPerL2Read + usPerL2Write : 2 * usPerMixed;
  best.reduceIn = sumsInL2 ? MANSARD_BOUND_L2 : MANSARD_BOUND_DRAM;
  const double vectorOps = vectorRate(chip, MANSARD_DTYPE_FP32) * tuning.vectorEfficiency;
  const double usPerVector = vectorOps > 0 ? 1e6 / vectorOps : 0;
  const double latency_us =
      (warm && chip.l2_latency_s > 0 ? chip.l2_latency_s : chip.dram_latency_s) * 1e6;
  double vectorUs = vectorMicroseconds(chip, MANSARD_DTYPE_FP32, counts.vectorOperations,
                                       counts.specialOperations, tuning.vectorEfficiency);
  if (kernel.scaling == MANSARD_SCALING_BLOCK) // partial sums are rescaled every 128 of K
    vectorUs += counts.matrixOperations / 128 * usPerVector;
  const bool widens =
      wBytes < aBytes; // scale and convert every weight, again for each row of tiles
  const double widening = widens ? 2 * shape.n * shape.k * usPerVector : 0;

  // With a panel of A (or W) kept in the L2, the other operand passes once for each panel.
  const double panel = tuning.reuseShare * chip.l2_bytes;
  const double keepA = panel > 0 ? a + w * std::max(1.0, shape.m * shape.k * aBytes / panel)
                                 : std::numeric_limits<double>::infinity();
  const double keepW = panel > 0 ? w + a * std::max(1.0, shape.n * shape.k * wBytes / panel)
                                 : std::numeric_limits<double>::infinity();

  for (const Tile &tile : tiles) {
    const double rows = tileRows(shape, tile.m), columns = std::ceil(shape.n / tile.n);
    const double outputs = rows * columns, rowsEach = rows / shape.groups;
    // DRAM bytes of both operands.
    double operands = a * columns + w * rowsEach;
    if (panel > 0) {
      const double square = tile.reach * tile.reach;
      const double together = a * std::max(1.0, shape.n / std::max(tile.reach, square / shape.m)) +
                              w * std::max(1.0, shape.m / std::max(tile.reach, square / shape.n));
      operands = std::min({operands, together, keepA, keepW});
    }
    const double read = std::max(0.0, operands - (warm ? w : 0)) + others;
    const double all = read + written, apart = read - written;
    const double dramUs =
        all > 0 ? (apart * apart * usPerRead + 4 * read * written * usPerMixed) / all : 0;
    const double l2Us = (a * columns + w * rowsEach + others) * usPerL2Read +
                        (tuning.cacheHoldsWrites ? written * usPerL2Write : 0);
    const double widenUs = widening * rows;
    const double stepOperations = 2 * tile.m * tile.n * tile.k * tile.padding;
    const double stepMatrix = stepOperations * usPerOperation;
    const double stepPowered = stepOperations * usPowered; // as if it were the device's only one
    const double stepSram =
        (tile.sramA * aBytes + tile.sramW * wBytes + tile.sramBytes) * usPerSramByte;
    // No split changes these, and none spreads the work better than evenly.
    const double even = outputs / array.count * (shape.k / tile.k);
    if (std::max({dramUs, l2Us, vectorUs + widenUs, even * std::max(stepMatrix, stepSram)}) >=
        best.total_us)
      continue;
    for (const double split : splits) {
      if (split > 1 && outputs * split / 2 >= array.count && splits.size() > 1)
        break; // the last split already gave every core work
      const double perCore = std::ceil(outputs * split / array.count);
      const double steps = std::ceil(shape.k / (split * tile.k));
      const double rounds = perCore / std::min(perCore, tile.resident);
      const double fixed = rounds * tuning.tile_us + perCore * steps * tile.turns * tuning.step_us +
                           (split > 1 ? tuning.split_us : 0);
      const double partial = 4 * shape.groups * shape.m * shape.n * split;
      const double spilled = outputs * split * steps * tile.spilled;
      const double reduce = (split > 1 ? partial * usPerPartial : 0) + spilled * usPerPartial;
      Busy busy;
      busy[MANSARD_BOUND_MATRIX] =
          std::max(perCore * steps * stepMatrix, outputs * split * steps * stepPowered);
      busy[MANSARD_BOUND_VECTOR] = vectorUs + widenUs;
      busy[MANSARD_BOUND_SRAM] = perCore * steps * stepSram;
      busy[MANSARD_BOUND_L2] = l2Us;
      busy[MANSARD_BOUND_DRAM] = std::max(dramUs, rounds * steps * latency_us / tile.depth);
      const double exposed = tile.exposed * std::max(l2Us, busy[MANSARD_BOUND_DRAM]);
      const double beside = fixed + reduce + exposed;
      const double least =
          std::max({busy[MANSARD_BOUND_MATRIX], busy[MANSARD_BOUND_VECTOR],
                    busy[MANSARD_BOUND_SRAM], busy[MANSARD_BOUND_L2], busy[MANSARD_BOUND_DRAM]}) +
          beside;
      if (least >= best.total_us)
        continue; // overlap only adds to the longest
      const double total = overlapped(busy) + beside;
      if (total >= best.total_us)
        continue;
      best.busy = busy;
      best.fixed_us = fixed;
      best.reduce_us = reduce;
      best.exposed_us = exposed;
      best.total_us = total;
      best.tile = &tile;
      best.split = split;
      best.tiles = outputs;
      best.perCore = perCore;
      best.dramReadBytes = read;
      best.dramWriteBytes = written;
    }
  }
  return best;
}

/// Writes a plan's schedule into an estimate.
inline void storeTiling(const MatmulPlan &plan, double cores, mansard_estimate &out) {
  const auto whole = [](double x) { return static_cast<int32_t>(std::min(x, 2147483647.0)); };
  out.tiling = {whole(plan.tile->m),
                whole(plan.tile->n),
                whole(plan.tile->k),
                whole(plan.split),
                static_cast<int64_t>(plan.tiles * plan.split),
                plan.tiles * plan.split / cores,
                whole(std::min(cores, std::ceil(plan.tiles * plan.split))),
                whole(plan.tile->depth)};
}

/// Adds a plan to the phases of a kernel.
inline void addPlan(Parts &parts, const MatmulPlan &plan) {
  parts.addOverlapped(plan.busy);
  parts.addSerial(plan.reduceIn, plan.reduce_us);
  parts.addSerial(MANSARD_BOUND_DRAM, plan.exposed_us);
  parts.addSerial(MANSARD_BOUND_FIXED, plan.fixed_us);
}

} // namespace mansard
