#include "cube.h"

#include <algorithm>
#include <cmath>

namespace mansard::ascend {
namespace {

struct Block {
  double m, n;
};

// Fractals are 16 wide; these are the blocks of CANN's matmul templates, from square ones to
// slivers for thin operands.
constexpr Block kBlocks[] = {{128, 256}, {128, 176}, {128, 128}, {64, 256}, {64, 176}, {64, 128},
                             {32, 256},  {32, 176},  {32, 128},  {16, 512}, {16, 256}, {16, 176},
                             {16, 128},  {16, 96},   {64, 64},   {32, 64},  {16, 64}};
constexpr const Block &kSmallest = kBlocks[16];

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

constexpr double kSplits[] = {1, 2, 4};

constexpr double wholeDiv(double a, double b) { // both whole and below 2^53
  const auto quotient = static_cast<int64_t>(a / b);
  return static_cast<double>(quotient) * b < a ? static_cast<double>(quotient + 1)
                                               : static_cast<double>(quotient);
}

/// L1 holds two steps of both panels, 256 bytes of each row; L0A and L0B two of 32 bytes.
bool fits(const Device &d, const Block &block) {
  return block.m * block.n * 4 <= d.l0cBytes && 2 * (block.m + block.n) * 256 <= d.l1Bytes &&
         2 * block.m * 32 <= d.l0aBytes && 2 * block.n * 32 <= d.l0bBytes;
}

/// What all candidates share, so that a candidate multiplies instead of dividing.
struct Search {
  const Device &d;
  const Gemm &g;
  double m16, n16, depth, dram_us, outputs;
  double perProduct, perA, perB, perHit, perMiss, perStore, perTrip, perLast, perVector, perChip;
  double reducePerSplit, reduceOut;
  bool trips;

  Search(const Device &device, const Gemm &gemm)
      : d(device), g(gemm), m16(roundUp(g.m, 16)), n16(roundUp(g.n, 16)), depth(32 / g.aBytes) {
    const double bytes = g.dramRead + g.dramWrite;
    const double unseen = std::max(0.0, g.leastDram - bytes);
    dram_us = (bytes > 0 ? bytes / d.dram(g.dramRead, g.dramWrite) : 0) + unseen / d.chipDramRead;
    outputs = g.groups * g.m * g.n;
    perProduct = 2 / d.cubeOps[g.dtype];
    perA = g.aBytes / d.l0aLoad;
    perB = g.aBytes / d.l0bLoad;
    perHit = 1 / d.l2Read;
    perMiss = 1 / d.dramLoad;
    perStore = 1 / d.l2Write;
    trips = g.exchange && !d.direct;
    perTrip = (4 / d.l2Write + 4 / d.l2Read + g.outBytes / d.l2Write) / d.c.exchangeEfficiency;
    perLast = d.c.epilogue_us / (128 * 256);
    perVector = g.vector / d.vectorOps;
    perChip = 1 / d.chipL2Read;
    reducePerSplit = outputs * 4 * perChip / d.c.exchangeEfficiency;
    reduceOut = d.c.splitStart_us + outputs * g.outBytes / (d.chipL2Write * d.c.exchangeEfficiency);
  }

  /// Cold panels that the busiest core loads: its own, and again a share of those whose blocks
  /// follow in the next waves; beyond eight, the order of blocks keeps them in the L2.
  double panels(double own, double waves) const {
    return own + g.reread * (std::min(waves, 8 * own) - own);
  }

  GemmPlan plan(const Block &block, double split) const {
    GemmPlan p;
    const double rows = std::min(block.m, m16), cols = std::min(block.n, n16);
    const double blocksM = wholeDiv(g.m, block.m), blocksN = wholeDiv(g.n, block.n);
    p.tiles = g.groups * blocksM * blocksN * split;
    const double waves = wholeDiv(p.tiles, d.cores);
    const double k = roundUp(split > 1 ? g.k / split : g.k, depth);
    const double stored = waves * rows * cols;
    const double rowBytes = k * rows * g.aBytes, colBytes = k * cols * g.bBytes;

    p.busy[MANSARD_BOUND_MATRIX] = stored * k * perProduct;
    p.busy[MANSARD_BOUND_SRAM] = waves * k * (rows * perA + cols * perB);
    // MTE2: what DRAM must deliver once, shared out over the cores; all else hits the L2.
    double missed = 0;
    if (g.coldA > 0)
      missed += g.coldA * rowBytes * panels(wholeDiv(g.groups * blocksM * split, d.cores), waves);
    if (g.coldB > 0 && !g.packed)
      missed += g.coldB * colBytes * panels(wholeDiv(g.groups * blocksN * split, d.cores), waves);
    const double hit_us = (waves * (rowBytes + colBytes) - missed) * perHit;
    const double missed_us = missed * perMiss;
    const double chip_us =
        g.groups * split * k * (blocksN * m16 * g.aBytes + blocksM * n16 * g.bBytes) * perChip;
    p.busy[MANSARD_BOUND_L2] = std::max(hit_us + missed_us, chip_us);
    p.missedShare = missed_us / (hit_us + missed_us);
    p.busy[MANSARD_BOUND_DRAM] = dram_us;

    p.twoBlocks = 2 * block.m * block.n * 4 <= d.l0cBytes;
    double vector_us = g.extraVector_us + std::max(outputs, stored) * perVector;
    if (trips) {
      // Accumulators go out to the L2 and come back to the vector cores; the last block's trip is
      // nobody's to hide.
      vector_us = std::max(vector_us, stored * perTrip);
      p.store_us = rows * cols * perLast;
    } else {
      const double store_us = stored * (split > 1 ? 4 : g.outBytes) * perStore;
      if (p.twoBlocks)
        p.busy[MANSARD_BOUND_SRAM] = std::max(p.busy[MANSARD_BOUND_SRAM], store_us);
      else // the cube waits until its only accumulators are out; loads go on
        p.busy[MANSARD_BOUND_MATRIX] += store_us;
    }
    p.busy[MANSARD_BOUND_VECTOR] = vector_us;
    if (split > 1)
      p.reduce_us = split * reducePerSplit + reduceOut;
    return p;
  }
};

} // namespace

GemmPlan planGemm(const Device &d, const Gemm &g) {
  const Search search(d, g);
  double best_us = HUGE_VAL, bestSplit = 1;
  const Block *bestBlock = nullptr;
  // Bytes that a core loads at least, for one row or column of a block: its share of the products.
  const double share = search.outputs * g.k / d.cores * search.perHit;
  const double byM = share * g.bBytes, byN = share * g.aBytes;
  for (const Block &block : kBlocks) {
    if (block.m >= 2 * search.m16 || !fits(d, block) || byM / block.m + byN / block.n >= best_us)
      continue;
    for (double split : kSplits) {
      const GemmPlan p = search.plan(block, split);
      // Cheap lower bound first: nothing overlaps better than perfectly.
      const double serial = p.store_us + p.reduce_us;
      double longest = 0;
      for (double us : p.busy.us)
        longest = std::max(longest, us);
      if (longest + serial < best_us) {
        const double total = overlapped(p.busy) + serial;
        if (total < best_us) {
          best_us = total;
          bestBlock = &block;
          bestSplit = split;
        }
      }
      // Only idle cores are worth a split; the more cores or the less work, the more candidates.
      if (!g.allowSplit || g.exchange || p.tiles >= d.cores)
        break;
    }
  }
  if (!bestBlock) // L0C below one fractal's block: stream the smallest
    bestBlock = &kSmallest;
  GemmPlan best = search.plan(*bestBlock, bestSplit);
  best.tileM = bestBlock->m;
  best.tileN = bestBlock->n;
  best.split = bestSplit;
  return best;
}

void addPlan(const Device &d, const Gemm &g, const GemmPlan &plan, Parts &parts,
             mansard_estimate &out) {
  addPipelined(parts, plan.busy, plan.missedShare);
  parts.addSerial(g.exchange && !d.direct ? MANSARD_BOUND_VECTOR : MANSARD_BOUND_L2, plan.store_us);
  parts.addSerial(MANSARD_BOUND_VECTOR, plan.reduce_us);
  if (plan.tileM * plan.tileN * 4 > d.l0cBytes)
    out.flags |= MANSARD_ESTIMATE_DOES_NOT_TILE;
  out.tiling = {static_cast<int32_t>(plan.tileM),
                static_cast<int32_t>(plan.tileN),
                static_cast<int32_t>(256 / g.aBytes),
                static_cast<int32_t>(plan.split),
                static_cast<int64_t>(plan.tiles),
                plan.tiles / d.cores,
                static_cast<int32_t>(std::min(plan.tiles, d.cores)),
                plan.twoBlocks ? 2 : 1};
}

} // namespace mansard::ascend
