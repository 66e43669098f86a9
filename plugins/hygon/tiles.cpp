// Macro tiles of a workgroup and how many of them a compute unit holds.
#include "device.h"

#include <algorithm>
#include <cmath>

namespace mansard::hygon {
namespace {

constexpr double kWavefront = 64;
constexpr double kDepthBytes = 64;      // of K that one step stages for each row: a cache line
constexpr double kInstruction = 16;     // rows, columns and (two-byte) depth of v_mmac
constexpr double kVectorLoadBytes = 16; // of one lane: the widest load

/// A workgroup's waves form a grid, each accumulating a tile of its own.
struct Shape {
  double waveM, waveN, gridM, gridN;
};

constexpr Shape kShapes[] = {
    {64, 128, 2, 2}, {128, 64, 2, 2}, {64, 64, 2, 2}, {32, 64, 2, 2},
    {64, 32, 2, 2},  {32, 32, 2, 2},  {16, 64, 1, 4}, {16, 32, 1, 4},
    {16, 16, 1, 4},  {32, 32, 1, 4},  {32, 64, 1, 4}, {16, 32, 2, 2},
};

/// Vector registers that a wave needs: accumulators in fp32, two fragments of each operand (one in
/// use, one being read from the LDS), and its share of the tile on its way to the LDS.
double waveBytes(const Shape &s, double depth, double elementBytes) {
  const double accumulators = s.waveM * s.waveN * 4;
  const double fragmentDepth = std::max(kInstruction, 32 / elementBytes);
  const double fragments = 2 * (s.waveM + s.waveN) * fragmentDepth * elementBytes;
  const double staging =
      (s.waveM * s.gridM + s.waveN * s.gridN) * depth * elementBytes / (s.gridM * s.gridN);
  return accumulators + fragments + staging;
}

} // namespace

double bytesInFlight(const ComputeUnit &unit) {
  return unit.simds * unit.waveSlots * kWavefront * kVectorLoadBytes;
}

TileSet tilesFor(const ComputeUnit &unit, double cores, double elementBytes) {
  TileSet set;
  const auto offer = [&](const Shape &s, double resident) {
    Tile tile{};
    tile.m = s.waveM * s.gridM;
    tile.n = s.waveN * s.gridN;
    tile.k = std::max(kInstruction, std::floor(kDepthBytes / elementBytes));
    // Each element is written to the LDS once and read by every wave of its row or column.
    tile.sramA = tile.m * tile.k * (1 + s.gridN);
    tile.sramW = tile.n * tile.k * (1 + s.gridM);
    tile.depth = 2; // the LDS's second buffer and the registers behind it
    tile.resident = resident;
    set.add(tileFor(tile, cores));
  };
  for (const Shape &s : kShapes) {
    const double depth = std::max(kInstruction, std::floor(kDepthBytes / elementBytes));
    const double staged = 2 * (s.waveM * s.gridM + s.waveN * s.gridN) * depth * elementBytes;
    const double waves = s.gridM * s.gridN;
    const double wavesOfSimd = std::min(
        unit.waveSlots, std::floor(unit.registerBytes / waveBytes(s, depth, elementBytes)));
    const double resident =
        std::min(std::floor(wavesOfSimd * unit.simds / waves), std::floor(unit.ldsBytes / staged));
    if (resident >= 1)
      offer(s, resident);
  }
  if (set.count == 0) {
    offer({16, 16, 1, 4}, 1);
    set.fits = false;
  }
  return set;
}

} // namespace mansard::hygon
