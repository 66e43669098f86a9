// The search for the cheapest way to run a matmul, or many small ones together, on streaming
// multiprocessors: which output tile a thread block computes and into how many parts K is split.
//
// One block computes one tile at a time. Its operands come from DRAM through L2 (what is read again
// depends on the order of the tiles and on the L2's size) into shared memory, from where the tensor
// cores read them, register-blocked as the generation does it. All of that overlaps; the start, the
// first load and part of each tile's store do not. Times in microseconds, sizes in bytes.
//
// Every candidate's cost is non-decreasing in the work and non-increasing in the chip's resources,
// and the set of candidates does not depend on speeds: so is the minimum.
#pragma once

#include "nvidia_model.h"

#include <mansard/base/stated_tile.h>

#include <cstdint>
#include <span>

namespace mansard::nvidia {

/// Rows of activations that a tile may have. The tensor cores' instructions take any multiple of 8
/// or 16 on that side; libraries compile a ladder like this one.
inline constexpr int kHeightCount = 9;
inline constexpr double kHeights[kHeightCount] = {16, 32, 48, 64, 96, 128, 160, 192, 256};

/// Bytes of k in one step of the software pipeline: the width of a swizzled row.
inline constexpr double kStepBytes = 128;
inline constexpr double kLeastStages = 2; // of the software pipeline

inline constexpr double kStreamColumns = 4; // of a block that needs no tensor cores: priceStream()

/// A schedule that is stated, in whole instructions of the tensor cores; 0: searched for.
struct StatedTile {
  double m = 0, n = 0, k = 0, split = 0;
  bool streams = false; // all rows, and columns as the kernels without tensor cores take them
};

struct MatmulWork {
  double rowTiles[kHeightCount] = {}; // tiles of each of kHeights that cover the rows of all groups
  double rows = 0, groups = 1;        // rows: of all groups together
  double n = 0, k = 0;                // of each group
  uint32_t compute = MANSARD_DTYPE_BF16;
  double activationBytes = 2, weightBytes = 2, outBytes = 2; // an element's, as stored
  double activationDram = 0, weightDram = 0, outDram = 0;    // compulsory bytes that DRAM sees
  double promoteClocks = 0;                   // lane clocks for each accumulator every 128 of k
  double dequantizeClocks = 0;                // lane clocks for each weight that a tile loads
  double outputClocks = 0, outputSpecial = 0; // lane clocks, special functions for each output
  double matrixShare = 1,
         dramShare = 1;    // of what a dense matmul reaches; of the sustained DRAM rate
  double mostSplit = 32;   // parts of K that the library's kernels know
  double mostStreamed = 0; // rows that its kernels without tensor cores take; see priceStream()
  double leastHeight = 16, mostHeight = 256; // rows of a tile, as the library uses the instruction
  int heightStep = 16;                       // and their common divisor
  double scaleUs = 0;                        // of each one of K, beside its load
  bool multicast = true;                     // pairs of blocks load an operand once
  StatedTile stated;
};

struct MatmulSchedule {
  Busy busy;                                   // what overlaps
  double fillUs = 0, storeUs = 0, splitUs = 0; // what does not
  double waitUs = 0; // loads of a stated tile that shared memory cannot hold twice
  double dramRead = 0;
  int tileM = 0, tileN = 0, split = 1;
  double tiles = 0, waves = 0, stepK = 0;
  bool fits = false;

  void addTo(Parts &parts) const;
  void describe(mansard_tiling &tiling, double cores) const;
};

/// What the stated tile asks of shared memory and of the accumulators' place: at most half of the
/// registers, or the tensor memory.
TileFit fitStated(const NvidiaModel &model, const MatmulWork &work);

/// The cheapest schedule, or the stated one. Where no tile fits the shared memory, the smallest
/// one, with `fits` false.
MatmulSchedule scheduleMatmul(const NvidiaModel &model, const MatmulWork &work);

/// Sets rowTiles for `groups` groups of `rows` rows each.
void setEvenRows(MatmulWork &work, double groups, double rows);

} // namespace mansard::nvidia
