#include "matmul_schedule.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mansard::nvidia {
namespace {

constexpr double kWidths[] = {64, 128, 256, 32}; // columns of weights
constexpr double kLeastWidth = 32;
constexpr double kSplits[] = {1, 2, 3, 4, 8, 16, 32};
constexpr double kMostOutputs = 128 * 256; // of a tile: its FP32 sums fill half the registers

constexpr double kPortBytes = 64;      // a clock, from L2 into one core
constexpr double kResidentPanel = 0.5; // of the L2 that a panel kept between waves may fill
constexpr double kUnpriced = 1e30;     // microseconds; its eighth power is still finite
constexpr double kSplitWaves = 3;      // K is not split further once the parts fill so many waves

// A block of 256 threads that streams weights: each loads 16 bytes of each of its columns at a
// time.
constexpr double kStreamBlocks = 8, kStreamBytes = 4096;
constexpr double kWidenedDepth = 512; // of K in a round, where registers hold widened weights
constexpr double kStreamClocks = 1;   // of a lane for each product, conversions included

/// Of non-negative numbers below 2^63; a call to ceil() would cost more than all else in a
/// candidate.
double ceilOf(double x) {
  const auto whole = static_cast<int64_t>(x - 1e-9);
  return x <= 1e-9 ? 0 : static_cast<double>(whole + 1);
}

double eighth(double x) {
  const double x2 = x * x, x4 = x2 * x2;
  return x4 * x4;
}

/// Bytes that one block loads for each step of one along k. Blackwell's tensor cores work in pairs,
/// each of which loads half of the operand that both use.
double tileLoads(Generation generation, double m, double n, double a, double w) {
  if (generation != Generation::blackwell || std::max(m, n) < 128)
    return m * a + n * w;
  return std::min(m * a + n * w / 2, m * a / 2 + n * w);
}

/// Bytes that the tensor cores read from shared memory for each step of one along k.
double sharedReads(Generation generation, double m, double n, double a, double w) {
  switch (generation) {
  case Generation::ampere:
  case Generation::ada: // warps of 64 x 64 load fragments of their own into registers
    return m * a * std::max(1.0, n / 64) + n * w * std::max(1.0, m / 64);
  case Generation::hopper: { // instructions of 64 rows; the rows may be tokens or weights
    const double tokens = m * a + n * w * std::max(1.0, m / 64);
    const double weights = n * w + m * a * std::max(1.0, n / 64);
    return m >= 64 ? std::min(tokens, weights) : weights;
  }
  case Generation::blackwell: // 128 rows an instruction; a pair of cores shares the wider operand
    return tileLoads(generation, m, n, a, w);
  }
  return m * a + n * w;
}

class Search {
public:
  Search(const NvidiaModel &model, const MatmulWork &work) : model_(model), work_(work) {
    const Constants &c = model.constants;
    const NvidiaModel::MatrixRate rate = model.matrixRate(work.compute, work.matrixShare);
    usPerMatrixOp_ = 1 / rate.core;
    usPerPoweredOp_ = 1 / rate.chip;
    usPerLaneClock_ = model.cores / model.lanesPerUs;
    usPerSpecial_ = model.cores / model.specialPerUs;
    usPerL2Byte_ = 1 / (model.l2BytesPerUs * c.gemmL2);
    usPerPortByte_ = 1 / (kPortBytes * model.clocksPerUs);
    usPerSramByte_ = 1 / model.sramBytesPerUs;
    perCore_ = 1 / model.cores;
    stepK_ = work.stated.k > 0 ? work.stated.k
                               : kStepBytes / std::max(work.activationBytes, work.weightBytes);
    if (work.stated.split > 0)
      splits_ = {&work.stated.split, 1};
    steps_ = ceilOf(work.k / stepK_);
    depthOfAll_ = steps_ * stepK_;
    leastPart_ = 1 / std::min(work.mostSplit, std::max(1.0, steps_)); // of the depth, at best
    mostStages_ = c.gemmStages;
    usPerStep_ = c.gemmLoadLatencyUs / stepK_;
    // How often an operand is read again if a panel of the other one stays in L2.
    const double panel = kResidentPanel * model.l2Bytes;
    groupRows_ = work.rows / work.groups;
    const double weightsAgain =
        work.weightDram * std::max(0.0, groupRows_ * work.k * work.activationBytes / panel - 1);
    const double activationsAgain =
        work.activationDram * std::max(0.0, work.n * work.k * work.weightBytes / panel - 1);
    panelAgain_ = std::min(weightsAgain, activationsAgain);
    compulsory_ = work.weightDram + work.activationDram;
    usPerDramByte_ = 1 / (model.chip.dram_read_bytes_per_s * kMicro * work.dramShare);
    compulsoryUs_ = model.dramUs(compulsory_, work.outDram, work.dramShare);
    const double readUs = model.dramUs(compulsory_, 0, work.dramShare);
    drainUs_ = compulsoryUs_ - readUs;
    readEighth_ = eighth(readUs);
    splitSums_ = 2 * work.rows * work.n * 4 * usPerL2Byte_;
    ladder_ = model.generation == Generation::hopper || model.generation == Generation::blackwell;
    multicast_ = ladder_ && work.multicast;
  }

  /// Prices a tile with every split of K that may cost less than `bound`; where one does, sets `s`
  /// and `bound`.
  void priceTile(double m, double rowTiles, double n, double colTiles, double &bound,
                 MatmulSchedule &s) const {
    const double outputTiles = rowTiles * colTiles, outputs = m * n;
    const double a = work_.activationBytes, w = work_.weightBytes;
    const double tileBytes = tileLoads(model_.generation, m, n, a, w);
    const double matrixUs = outputs * 2 * usPerMatrixOp_, poweredUs = outputs * 2 * usPerPoweredOp_;
    const double portUs = tileBytes * usPerPortByte_;
    const double storeUs = model_.constants.gemmEpilogue * outputs * 4 * usPerPortByte_;
    // Even with all cores busy all the time:
    const double least = std::max(outputTiles * perCore_ * depthOfAll_, depthOfAll_ * leastPart_);
    const double leastWaves = std::max(1.0, outputTiles * perCore_);
    const double leastMatrix = std::max(least * matrixUs, outputTiles * depthOfAll_ * poweredUs);
    if (eighth(leastMatrix) + eighth(least * portUs) + readEighth_ >=
        eighth(std::max(0.0, bound - leastWaves * storeUs)))
      return;
    const double sramUs = sharedReads(model_.generation, m, n, a, w) * usPerSramByte_;
    const double vectorUs =
        (outputs * work_.promoteClocks / 128 + n * work_.dequantizeClocks) * usPerLaneClock_;
    const double outputUs =
        outputs * (work_.outputClocks * usPerLaneClock_ + work_.outputSpecial * usPerSpecial_);

    // Into the cores. Pairs of blocks may share one operand by multicast.
    const double fromActivations = outputTiles * m * a, fromWeights = outputTiles * n * w;
    double loads = fromActivations + fromWeights;
    if (multicast_)
      loads = std::min(fromActivations + ceilOf(rowTiles / 2) * colTiles * n * w,
                       rowTiles * ceilOf(colTiles / 2) * m * a + fromWeights);
    const double loadUs = loads * depthOfAll_ * usPerL2Byte_;
    const double stages = std::min(mostStages_, model_.sramBytes / (stepK_ * (m * a + n * w)));
    const double streamUs = usPerStep_ / stages + work_.scaleUs;
    const double side2 = model_.cores * outputs;

    double shallowest = HUGE_VAL;
    for (double split : splits_) {
      if (splits_.size() > 1 &&
          (split > work_.mostSplit ||
           (split > 1 &&
            (split >= 2 * steps_ || outputTiles * split > 2 * kSplitWaves * model_.cores))))
        break;
      const double k = split > 1 ? ceilOf(steps_ / split) * stepK_ : depthOfAll_;
      const double waves = ceilOf(outputTiles * split * perCore_);
      const double depth = waves * k; // steps of one along k that the busiest core makes
      if (depth >= shallowest)        // fewer parts do as well
        continue;
      shallowest = depth;
      const double splitUs =
          split > 1 ? model_.constants.gemmSplitUs + split * splitSums_ : 0; // sums pass L2 twice
      const double left = bound - splitUs - waves * storeUs, leftEighth = eighth(left);
      const double matrix = std::max(depth * matrixUs, outputTiles * split * k * poweredUs);
      const double port = depth * portUs;
      if (left <= 0 || eighth(matrix) + eighth(port) + readEighth_ >= leftEighth)
        continue;
      // From DRAM: tiles of one wave walk along k together; between waves a panel may stay in L2.
      double again = panelAgain_;
      if (again > 0) {
        const double side = std::sqrt(side2 / split);
        again = std::min(again, work_.weightDram * std::max(0.0, groupRows_ / side - 1) +
                                    work_.activationDram * std::max(0.0, work_.n / side - 1));
      }
      // Results drain to DRAM while tiles are stored.
      const double bus =
          compulsoryUs_ - std::min(drainUs_, waves * storeUs) + again * usPerDramByte_;
      const double stream = depth * streamUs;
      const double dram = std::sqrt(bus * bus + stream * stream);
      const double sram = depth * sramUs, vector = depth * vectorUs + waves * outputUs;
      double l2 = std::max(loadUs, port), waitUs = 0;
      if (spilled_ + exposed_ > 0) {
        l2 += k / stepK_ * spilled_ *
              std::max(outputTiles * split * usPerL2Byte_, waves * usPerPortByte_);
        waitUs = exposed_ * std::max(l2, dram);
      }
      const double sum = eighth(matrix) + eighth(sram) + eighth(vector) + eighth(l2) + eighth(dram);
      if (waitUs >= left || sum >= (waitUs > 0 ? eighth(left - waitUs) : leftEighth))
        continue;
      s.busy[MANSARD_BOUND_MATRIX] = matrix;
      s.busy[MANSARD_BOUND_VECTOR] = vector;
      s.busy[MANSARD_BOUND_SRAM] = sram;
      s.busy[MANSARD_BOUND_L2] = l2;
      s.busy[MANSARD_BOUND_DRAM] = dram;
      s.storeUs = waves * storeUs;
      s.splitUs = splitUs;
      s.waitUs = waitUs;
      s.dramRead = compulsory_ + again;
      s.tileM = static_cast<int>(m);
      s.tileN = static_cast<int>(n);
      s.split = static_cast<int>(split);
      s.tiles = outputTiles * split;
      s.waves = waves;
      bound = std::sqrt(std::sqrt(std::sqrt(sum))) + s.storeUs + splitUs + waitUs; // overlapped()
    }
  }

  /// Accumulators that have no place are written to the L2 and read back in each step; without room
  /// for two steps in shared memory, loads take turns with the tensor cores.
  MatmulSchedule runStated() {
    const StatedTile &tile = work_.stated;
    const double stages =
        model_.sramBytes / (stepK_ * (tile.m * work_.activationBytes + tile.n * work_.weightBytes));
    spilled_ = 2 * std::max(0.0, tile.m * tile.n * 4 - model_.accumulatorBytes());
    exposed_ = std::clamp(kLeastStages - stages, 0.0, 1.0);
    MatmulSchedule s;
    s.fillUs = model_.constants.gemmLoadLatencyUs;
    double bound = kUnpriced;
    if (tile.streams && work_.rows <= work_.mostStreamed)
      priceStream(bound, s);
    else
      priceTile(tile.m, ceilOf(work_.rows / tile.m), tile.n, ceilOf(work_.n / tile.n), bound, s);
    s.stepK = stepK_;
    s.fits = fitStated(model_, work_).fits();
    return s;
  }

  /// Few rows need no tensor cores: blocks of threads stream a few columns of weights each, all of
  /// K at a time, and add up across the block.
  void priceStream(double &bound, MatmulSchedule &s) const {
    const double blocks = ceilOf(work_.n / kStreamColumns);
    const double waves = ceilOf(blocks / (kStreamBlocks * model_.cores));
    const double weights = work_.n * work_.k * work_.weightBytes;
    const double activations = work_.rows * work_.k * work_.activationBytes;
    const double depth =
        work_.dequantizeClocks > 0 ? kWidenedDepth : kStreamBytes / work_.weightBytes;
    const double rounds = waves * ceilOf(work_.k / depth);
    const double latencyUs = rounds * model_.constants.gemmLoadLatencyUs;
    Busy busy;
    busy[MANSARD_BOUND_VECTOR] =
        work_.rows * work_.n *
        ((work_.k * kStreamClocks + work_.outputClocks) / model_.lanesPerUs +
         work_.outputSpecial / model_.specialPerUs);
    busy[MANSARD_BOUND_L2] = (weights + blocks * activations) * usPerL2Byte_;
    busy[MANSARD_BOUND_DRAM] = std::sqrt(compulsoryUs_ * compulsoryUs_ + latencyUs * latencyUs);
    const double us = overlapped(busy);
    if (us >= bound)
      return;
    bound = us;
    s.busy = busy;
    s.storeUs = s.splitUs = 0;
    s.dramRead = compulsory_;
    s.tileM = static_cast<int>(work_.rows);
    s.tileN = static_cast<int>(kStreamColumns);
    s.split = 1;
    s.tiles = blocks;
    s.waves = waves;
  }

  MatmulSchedule run() {
    if (work_.stated.m > 0)
      return runStated();
    MatmulSchedule best;
    best.fillUs = model_.constants.gemmLoadLatencyUs;
    double bound = kUnpriced;
    const uint32_t heights = usefulHeights();
    for (double n : kWidths) {
      const double colTiles = ceilOf(work_.n / n);
      for (int h = kHeightCount - 1; h >= 0; --h) {
        const double m = kHeights[h];
        if (heights >> h & 1u && m * n <= kMostOutputs && fits(m, n))
          priceTile(m, work_.rowTiles[h], n, colTiles, bound, best);
      }
    }
    if (work_.rows <= work_.mostStreamed)
      priceStream(bound, best);
    best.stepK = stepK_;
    best.fits = bound < kUnpriced;
    if (!best.fits) // the smallest tile, streamed
      priceTile(kHeights[0], work_.rowTiles[0], kLeastWidth, ceilOf(work_.n / kLeastWidth), bound,
                best);
    return best;
  }

private:
  /// Bits of kHeights: those that the library has, without those where fewer rows make no more
  /// tiles (and so cost no more).
  uint32_t usefulHeights() const {
    uint32_t bits = 0;
    double before = -1;
    for (int h = 0; h < kHeightCount; ++h) {
      const auto rows = static_cast<int>(kHeights[h]);
      const bool exists = kHeights[h] >= work_.leastHeight && kHeights[h] <= work_.mostHeight &&
                          rows % work_.heightStep == 0 && (ladder_ || (rows & (rows - 1)) == 0);
      if (!exists || work_.rowTiles[h] == before)
        continue;
      bits |= 1u << h;
      before = work_.rowTiles[h];
    }
    return bits;
  }
  bool fits(double m, double n) const {
    return kLeastStages * stepK_ * (m * work_.activationBytes + n * work_.weightBytes) <=
           model_.sramBytes;
  }

  const NvidiaModel &model_;
  const MatmulWork &work_;
  double usPerMatrixOp_, usPerPoweredOp_, usPerLaneClock_, usPerSpecial_, usPerL2Byte_;
  double usPerPortByte_, usPerSramByte_, usPerStep_, usPerDramByte_, perCore_, mostStages_;
  double readEighth_, drainUs_, depthOfAll_, leastPart_, stepK_, steps_, groupRows_, panelAgain_,
      compulsory_, compulsoryUs_, splitSums_;
  std::span<const double> splits_ = kSplits;
  double spilled_ = 0, exposed_ = 0; // of a stated tile: bytes in each step; share of its loads
  bool multicast_;                   // pairs of blocks may share a load
  bool ladder_; // all of kHeights, not only powers of two (fragments in registers)
};

} // namespace

void setEvenRows(MatmulWork &work, double groups, double rows) {
  work.groups = groups;
  work.rows = groups * rows;
  for (int i = 0; i < kHeightCount; ++i)
    work.rowTiles[i] = groups * ceilOf(rows / kHeights[i]);
}

MatmulSchedule scheduleMatmul(const NvidiaModel &model, const MatmulWork &work) {
  return Search(model, work).run();
}

void MatmulSchedule::addTo(Parts &parts) const {
  parts.addSerial(MANSARD_BOUND_DRAM, fillUs);
  parts.addOverlapped(busy);
  parts.addSerial(MANSARD_BOUND_L2, storeUs + waitUs);
  parts.addSerial(MANSARD_BOUND_FIXED, splitUs);
}

void MatmulSchedule::describe(mansard_tiling &tiling, double cores) const {
  tiling.tile_m = tileM;
  tiling.tile_n = tileN;
  tiling.tile_k = static_cast<int32_t>(std::lround(stepK));
  tiling.split_k = split;
  tiling.tiles = static_cast<int64_t>(tiles);
  tiling.waves = tiles / cores;
  tiling.cores = static_cast<int32_t>(std::min(tiles, cores));
}

} // namespace mansard::nvidia
