// The schedule of matrix products on the cube cores: blocks, waves, and what each engine is busy
// with.
//
// An output block belongs to one core. Along K four engines work at once: MTE2 (GM to L1, from the
// L2 or, slower, from DRAM), MTE1 (L1 to L0A and L0B), the cube, and FixPipe (L0C to GM). The
// search takes the cheapest block shape; which candidates there are depends on capacities alone,
// never on speeds, so the result is monotone in speeds and sizes.
#pragma once

#include "device.h"

#include <mansard/base/stated_tile.h>

namespace mansard::ascend {

struct Gemm {
  double groups = 1, m = 0, n = 0, k = 0; // of each group
  double spread = 0;                      // rows by which groups differ from m, either way, evenly
  uint32_t dtype = 0;                     // what the cube multiplies
  double aBytes = 2, bBytes = 2;          // of an element, as the cube core loads it
  double outBytes = 2;                    // as stored
  double coldA = 0, coldB = 0;            // shares that come from DRAM
  double dramRead = 0, dramWrite = 0;     // bytes of the whole product, all that DRAM sees
  double leastDram = 0;                   // bytes that no cache can hold back
  bool packed = false;       // B lies in fractals: DRAM streams whole bursts, no core is the limit
  double vector = 0;         // vector operations on each output (dequantisation, activation)
  bool exchange = false;     // the output passes the vector cores
  double extraVector_us = 0; // vector work that runs beside (weights widened)
  // A schedule that is stated (0: searched for): an output block, its step of K in L1, parts of K.
  double blockM = 0, blockN = 0, stepK = 0, split = 0;
};

struct GemmPlan {
  Busy busy;           // of the overlapped engines
  double missedShare;  // of MTE2's time, spent on what misses the L2
  double store_us = 0; // output that cannot overlap
  double tiles = 0, tileM = 0, tileN = 0, stepK = 0;
  bool fits = true;
  // Of stated schedules only, beside the overlapped engines:
  double exposed_us = 0; // loads that wait for the work before, where L1 or L0 hold no second step
  double reduce_us = 0;  // converting the sums of a split K
};

/// What L0A, L0B, L0C and L1 must hold for the stated block of `gemm`, in whole fractals.
TileFit fitBlock(const Device &device, const Gemm &gemm);

/// The cheapest plan. Pure, allocates nothing.
GemmPlan planGemm(const Device &device, const Gemm &gemm);

/// Adds a plan to `parts` and writes its tiling.
void addPlan(const Device &device, const Gemm &gemm, const GemmPlan &plan, Parts &parts,
             mansard_estimate &out);

} // namespace mansard::ascend
