#include "cube.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace mansard::ascend {
namespace {

struct Block {
  double m, n;
};

// Fractals are 16 wide; these are the blocks of CANN's matmul templates, from square ones to
// slivers for thin operands. Measured kernels spread thin products over cores by narrower blocks,
// not by splitting K.
constexpr Block kBlocks[] = {{256, 256}, {128, 256}, {128, 176}, {128, 128}, {128, 96},
                             {128, 64},  {64, 256},  {64, 176},  {64, 128},  {64, 96},
                             {64, 64},   {32, 256},  {32, 176},  {32, 128},  {32, 96},
                             {32, 64},   {32, 32},   {16, 512},  {16, 256},  {16, 176},
                             {16, 128},  {16, 96},   {16, 64},   {16, 32},   {16, 16}};
constexpr const Block &kSmallest = kBlocks[std::size(kBlocks) - 1];

/// The search leaves out blocks twice as high as the operand, because the one of half the height
/// does the same work: it must be there.
constexpr bool halvesExist() {
  for (const Block &block : kBlocks) {
    bool found = block.m <= 16;
    for (const Block &other : kBlocks)
      found = found || (other.m * 2 == block.m && other.n == block.n);
    if (!found)
      return false;
  }
  return true;
}
static_assert(halvesExist());

// Rows further apart than this fall on ever fewer banks of the L2, until they are at the second.
constexpr double kNearPitch = 24576, kFarPitch = 32768; // bytes
// Accumulators of a core that wait for the vector cores when the last block is done: half a block.
constexpr double kPending = 128 * 128;

constexpr double wholeDiv(double a, double b) { // rounded up; below 2^53
  const auto quotient = static_cast<int64_t>(a / b);
  return static_cast<double>(quotient) * b < a ? static_cast<double>(quotient + 1)
                                               : static_cast<double>(quotient);
}

/// Integral of the whole blocks of `rows` rows, from 0: for their mean over groups of other
/// heights.
double blocksUpTo(double rows, double block) {
  const double last = wholeDiv(rows, block);
  return last * rows - block * last * (last - 1) / 2;
}

/// L1 holds two steps of both panels, 256 bytes of each row; L0A and L0B two of 32 bytes.
bool fits(const Device &d, const Block &block) {
  return block.m * block.n * 4 <= d.l0cBytes && 2 * (block.m + block.n) * 256 <= d.l1Bytes &&
         2 * block.m * 32 <= d.l0aBytes && 2 * block.n * 32 <= d.l0bBytes;
}

/// Elements of K in one step: as stated, or 256 bytes of each row.
double stepOf(const Gemm &g) { return g.stepK > 0 ? g.stepK : 256 / g.aBytes; }

/// What all candidates share, so that a candidate multiplies instead of dividing.
struct Search {
  const Device &d;
  const Gemm &g;
  double m16, n16, k, dram_us, outputs;
  double perPowered; // a product, if it were the device's only one
  double perProduct, perA, perB, perHit, perMiss, perStore, perTrip, perLast, perVector, perChip;
  double perCore; // panels that all cores miss together, of each core
  bool trips;

  Search(const Device &device, const Gemm &gemm)
      : d(device), g(gemm), m16(roundUp(g.m + g.spread, 16)), n16(roundUp(g.n, 16)),
        k(roundUp(g.k, 32 / g.aBytes)) {
    const double bytes = g.dramRead + g.dramWrite;
    const double unseen = std::max(0.0, g.leastDram - bytes);
    dram_us = (bytes > 0 ? bytes / d.dram(g.dramRead, g.dramWrite) : 0) + unseen / d.chipDramRead;
    outputs = g.groups * g.m * g.n;
    perPowered = 2 * k * d.power.usPerOperation[g.dtype];
    perProduct = 2 * k / (d.cubeOps[g.dtype] * d.c.cubeEfficiency);
    perA = k * g.aBytes / d.l0aLoad;
    perB = k * g.bBytes / d.l0bLoad;
    const double pitch = (g.k * g.aBytes - kNearPitch) / (kFarPitch - kNearPitch);
    perHit = (1 + d.c.farRows * std::clamp(pitch, 0.0, 1.0)) / d.l2Read;
    perMiss = std::max(perHit, 1 / d.dramLoad);
    perStore = g.outBytes / d.l2Write;
    trips = g.exchange && !d.direct;
    perTrip = (4 / d.l2Write + 4 / d.l2Read + g.outBytes / d.l2Write) / d.c.exchangeEfficiency;
    perLast = d.c.epilogue_us / (128 * 256);
    perVector = g.vector / d.vectorOps;
    perChip = g.groups * k / d.chipL2Read;
    perCore = d.c.sharedMisses * g.groups / d.cores;
  }

  /// Blocks over the rows of a group, on average.
  double meanBlocks(double height) const {
    if (!(g.spread > 0))
      return wholeDiv(g.m, height);
    const double low = std::max(0.0, g.m - g.spread), high = g.m + g.spread;
    const double blocks = (blocksUpTo(high, height) - blocksUpTo(low, height)) / (high - low);
    return std::max(1.0, blocks * (1 - 1e-9)); // whole numbers must not round up
  }

  GemmPlan plan(const Block &block) const {
    GemmPlan p;
    const double rows = std::min(roundUp(block.m, 16), m16);
    const double cols = std::min(roundUp(block.n, 16), n16);
    const double blocksM = meanBlocks(block.m), blocksN = wholeDiv(g.n, block.n);
    p.tiles = g.groups * blocksM * blocksN;
    const double waves = wholeDiv(p.tiles, d.cores);
    const double stored = waves * rows * cols;
    const double rowBytes = k * rows * g.aBytes, colBytes = k * cols * g.bBytes;

    p.busy[MANSARD_BOUND_MATRIX] =
        std::max(stored * perProduct, p.tiles * rows * cols * perPowered);
    // FixPipe drains finished parts of a block while the cube fills others.
    p.busy[MANSARD_BOUND_SRAM] =
        std::max(waves * (rows * perA + cols * perB), trips ? 0 : stored * perStore);
    // MTE2: cores that share a panel come for it at about the same time, so that more than one of
    // them waits for DRAM; all later loads hit the L2.
    double missed = 0;
    if (g.coldA > 0)
      missed += g.coldA * rowBytes * std::min(waves, perCore * blocksM);
    if (g.coldB > 0 && !g.packed)
      missed += g.coldB * colBytes * std::min(waves, perCore * blocksN);
    const double hit_us = (waves * (rowBytes + colBytes) - missed) * perHit;
    const double missed_us = missed * perMiss;
    const double chip_us = (blocksN * m16 * g.aBytes + blocksM * n16 * g.bBytes) * perChip;
    p.busy[MANSARD_BOUND_L2] = std::max(hit_us + missed_us, chip_us);
    p.missedShare = missed_us / (hit_us + missed_us);
    p.busy[MANSARD_BOUND_DRAM] = dram_us;

    double vector_us = g.extraVector_us + std::max(outputs, stored) * perVector;
    if (trips) {
      // Accumulators go out to the L2 and come back to the vector cores; the last ones' trip is
      // nobody's to hide.
      vector_us = std::max(vector_us, stored * perTrip);
      p.store_us = std::min(waves * std::min(block.m, g.m) * cols, kPending) * perLast;
    }
    p.busy[MANSARD_BOUND_VECTOR] = vector_us;
    return p;
  }
};

} // namespace

TileFit fitBlock(const Device &d, const Gemm &g) {
  const double m = roundUp(g.blockM, 16), n = roundUp(g.blockN, 16);
  const double k = roundUp(stepOf(g), 32 / g.aBytes);
  TileFit fit;
  fit.add({"L0A", 2 * m * 32, d.l0aBytes, "two slices of 32 bytes a row"});
  fit.add({"L0B", 2 * n * 32, d.l0bBytes, "two slices of 32 bytes a column"});
  fit.add({"L0C", m * n * 4, d.l0cBytes, "accumulators"});
  fit.add({"L1", 2 * (m * g.aBytes + n * g.bBytes) * k, d.l1Bytes, "two steps of both operands"});
  if (m != g.blockM || n != g.blockN || (g.stepK > 0 && k != g.stepK))
    fit.setPadded(m, n, k);
  return fit;
}

namespace {

/// Share of a load that waits for the work on the step before it, in a memory with `room` for so
/// many pairs of steps: all where it holds one alone.
double exposedShare(double room) { return std::clamp(2 - 2 * room, 0.0, 1.0); }

/// The stated block. Accumulators beyond L0C are added to sums in the L2 by FixPipe after each step
/// of K; operands that L1 or L0 cannot hold twice are loaded in turns with the cube's work.
GemmPlan planStated(const Device &d, const Gemm &g) {
  Gemm part = g; // one of `split` parts of K, which the L2 adds up as they are stored in fp32
  if (g.split > 1) {
    part.groups *= g.split;
    part.k = wholeDiv(g.k, g.split);
    part.outBytes = 4;
    part.vector = 0;
    part.exchange = false;
  }
  const Search search(d, part);
  GemmPlan plan = search.plan({g.blockM, g.blockN});
  plan.tileM = g.blockM;
  plan.tileN = g.blockN;
  plan.stepK = stepOf(g);
  plan.fits = fitBlock(d, g).fits();
  if (!plan.fits) {
    const double m = roundUp(g.blockM, 16), n = roundUp(g.blockN, 16);
    const double waves = wholeDiv(plan.tiles, d.cores), steps = wholeDiv(part.k, plan.stepK);
    const double excess = std::max(0.0, m * n * 4 - d.l0cBytes);
    plan.busy[MANSARD_BOUND_SRAM] =
        std::max(plan.busy[MANSARD_BOUND_SRAM], waves * steps * excess / d.l2Write);
    const double l1 = d.l1Bytes / (2 * (m * g.aBytes + n * g.bBytes) * plan.stepK);
    const double l0 = std::min(d.l0aBytes / (64 * m), d.l0bBytes / (64 * n));
    plan.exposed_us = exposedShare(l1) * plan.busy[MANSARD_BOUND_L2] +
                      exposedShare(l0) * plan.busy[MANSARD_BOUND_SRAM];
  }
  if (g.split > 1)
    plan.reduce_us = (search.outputs / g.split) *
                     ((4 / d.chipL2Read + g.outBytes / d.chipL2Write) / d.c.exchangeEfficiency +
                      g.vector / d.vectorOps);
  return plan;
}

} // namespace

GemmPlan planGemm(const Device &d, const Gemm &g) {
  if (g.blockM > 0)
    return planStated(d, g);
  const Search search(d, g);
  double best_us = HUGE_VAL;
  const Block *best = nullptr;
  // Bytes that a core loads at least, for one row or column of a block: its share of the products.
  const double share = search.outputs * g.k / d.cores * search.perHit;
  const double byM = share * g.bBytes, byN = share * g.aBytes;
  for (const Block &block : kBlocks) {
    if (block.m >= 2 * search.m16 || !fits(d, block) || byM / block.m + byN / block.n >= best_us)
      continue;
    const GemmPlan p = search.plan(block);
    // Cheap lower bound first: nothing overlaps better than perfectly.
    double longest = 0;
    for (double us : p.busy.us)
      longest = std::max(longest, us);
    if (longest + p.store_us >= best_us)
      continue;
    const double total = overlapped(p.busy) + p.store_us;
    if (total < best_us) {
      best_us = total;
      best = &block;
    }
  }
  if (!best) // L0C below one fractal's block: stream the smallest
    best = &kSmallest;
  GemmPlan plan = search.plan(*best);
  plan.tileM = best->m;
  plan.tileN = best->n;
  plan.stepK = stepOf(g);
  plan.fits = best->m * best->n * 4 <= d.l0cBytes;
  return plan;
}

void addPlan(const Device &d, const Gemm &g, const GemmPlan &plan, Parts &parts,
             mansard_estimate &out) {
  addPipelined(parts, plan.busy, plan.missedShare);
  parts.addSerial(g.exchange && !d.direct ? MANSARD_BOUND_VECTOR : MANSARD_BOUND_L2, plan.store_us);
  parts.addSerial(MANSARD_BOUND_L2, plan.exposed_us + plan.reduce_us);
  if (!plan.fits)
    out.flags |= MANSARD_ESTIMATE_DOES_NOT_TILE;
  out.tiling = {static_cast<int32_t>(plan.tileM),
                static_cast<int32_t>(plan.tileN),
                static_cast<int32_t>(plan.stepK),
                static_cast<int32_t>(std::max(1.0, g.split)),
                static_cast<int64_t>(plan.tiles),
                plan.tiles / d.cores,
                static_cast<int32_t>(std::min(plan.tiles, d.cores)),
                2};
}

} // namespace mansard::ascend
