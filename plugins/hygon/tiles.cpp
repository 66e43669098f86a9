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

double depthFor(double elementBytes) {
  return std::max(kInstruction, std::floor(kDepthBytes / elementBytes));
}

/// Both buffers of a step in the LDS.
double stagedBytes(const Shape &s, double depth, double elementBytes) {
  return 2 * (s.waveM * s.gridM + s.waveN * s.gridN) * depth * elementBytes;
}

Tile tileOf(const Shape &s, double depth, double resident) {
  Tile tile{};
  tile.m = s.waveM * s.gridM;
  tile.n = s.waveN * s.gridN;
  tile.k = depth;
  // Each element is written to the LDS once and read by every wave of its row or column.
  tile.sramA = tile.m * tile.k * (1 + s.gridN);
  tile.sramW = tile.n * tile.k * (1 + s.gridM);
  tile.depth = 2; // the LDS's second buffer and the registers behind it
  tile.resident = resident;
  return tile;
}

/// Workgroups that a unit holds: waves over its SIMDs, staged operands over its LDS.
double residentOf(const ComputeUnit &unit, const Shape &s, double depth, double elementBytes) {
  const double waves = s.gridM * s.gridN;
  const double wavesOfSimd =
      std::min(unit.waveSlots, std::floor(unit.registerBytes / waveBytes(s, depth, elementBytes)));
  return std::min(std::floor(wavesOfSimd * unit.simds / waves),
                  std::floor(unit.ldsBytes / stagedBytes(s, depth, elementBytes)));
}

/// How a workgroup divides a stated tile among its waves, and what it then takes.
struct Stated {
  Shape shape;
  double depth;
  TileFit fit;
  double ldsRoom, spilled;
};

/// The ladder's grid where it has the tile; else four waves, in a row where there are few rows.
Stated stated(const ComputeUnit &unit, const mansard_matmul &g, double elementBytes) {
  Stated s{};
  const double m = g.tile_m, n = g.tile_n;
  s.shape.gridM = m < 64 ? 1 : 2;
  s.shape.gridN = std::min(m < 64 ? 4.0 : 2.0, std::ceil(n / kInstruction));
  for (const Shape &known : kShapes)
    if (known.waveM * known.gridM == m && known.waveN * known.gridN == n)
      s.shape = known;
  s.shape.waveM = paddedTo(m / s.shape.gridM, kInstruction);
  s.shape.waveN = paddedTo(n / s.shape.gridN, kInstruction);
  s.depth = g.tile_k > 0 ? paddedTo(g.tile_k, kInstruction) : depthFor(elementBytes);
  const double lds = stagedBytes(s.shape, s.depth, elementBytes);
  s.ldsRoom = unit.ldsBytes / lds;
  const double wavesOfSimd = std::ceil(s.shape.gridM * s.shape.gridN / unit.simds);
  const double registers = wavesOfSimd * waveBytes(s.shape, s.depth, elementBytes);
  s.fit.add({"LDS", lds, unit.ldsBytes, "two steps of both operands"});
  s.fit.add({"VGPRs of a SIMD", registers, unit.registerBytes, "accumulators and fragments"});
  const double padM = s.shape.waveM * s.shape.gridM, padN = s.shape.waveN * s.shape.gridN;
  if (padM != m || padN != n || (g.tile_k > 0 && s.depth != g.tile_k))
    s.fit.setPadded(padM, padN, s.depth);
  // What a SIMD cannot hold goes to scratch memory, in the L2; operands are not kept there.
  s.spilled = unit.simds * std::clamp(registers - unit.registerBytes, 0.0,
                                      wavesOfSimd * s.shape.waveM * s.shape.waveN * 4);
  return s;
}

} // namespace

TileFit fitTile(const ComputeUnit &unit, const mansard_kernel &kernel) {
  return stated(unit, kernel.u.matmul, mansard::stagedBytes(kernel)).fit;
}

TileSet statedTiles(const ComputeUnit &unit, double cores, const mansard_kernel &kernel) {
  const mansard_matmul &g = kernel.u.matmul;
  const double elementBytes = mansard::stagedBytes(kernel);
  const Stated s = stated(unit, g, elementBytes);
  Tile tile =
      tileOf(s.shape, s.depth, std::max(1.0, residentOf(unit, s.shape, s.depth, elementBytes)));
  tile.spilled = s.spilled;
  setRoom(tile, s.ldsRoom);
  TileSet set;
  set.add(tileFor(mansard::asStated(tile, g), cores));
  set.fits = s.fit.fits();
  return set;
}

double bytesInFlight(const ComputeUnit &unit) {
  return unit.simds * unit.waveSlots * kWavefront * kVectorLoadBytes;
}

TileSet tilesFor(const ComputeUnit &unit, double cores, double elementBytes) {
  TileSet set;
  const double depth = depthFor(elementBytes);
  for (const Shape &s : kShapes)
    if (const double resident = residentOf(unit, s, depth, elementBytes); resident >= 1)
      set.add(tileFor(tileOf(s, depth, resident), cores));
  if (set.count == 0) {
    set.add(tileFor(tileOf({16, 16, 1, 4}, depth, 1), cores));
    set.fits = false;
  }
  return set;
}

} // namespace mansard::hygon
