// How long work that is given by its counts alone (a compiled kernel, say) keeps a machine's
// resources busy.
//
// Where the launch's groups are known, whole groups go to cores: the busiest core has ceil(groups /
// cores) of them, so that a launch of few groups uses few cores, and a last round that is not full
// takes as long as a full one. What all cores share (DRAM, L2, links, the power of the matrix
// units) is taken as evenly used. Rates are per microsecond; a rate of 0 is not known and its work
// taken as free. Pure, allocates nothing.
#pragma once

#include <mansard/base/overlap.h>
#include <mansard/sdk/abi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mansard {

struct CustomRates {
  double cores = 1;
  double clocksPerUs = 0;                    // of a core
  double matrixOfChip = 0, matrixOfCore = 0; // operations
  double vectorOfCore = 0;                   // operations, a multiply-add counting two
  double integerOfCore = 0;                  // operations
  double specialOfCore = 0;                  // operations
  double sramOfCore = 0;                     // bytes
  double l2Read = 0, l2Write = 0;            // bytes, of the chip; l2Write 0: writes pass it by
  double l2OfCore = 0;                       // bytes: the most that one core draws
  double dram = 0;                           // bytes, of the chip, for this mix
  double link = 0;                           // bytes
};

struct CustomWork {
  Busy busy;
  double cores = 0;  // busy at the widest
  double rounds = 0; // groups of the busiest core; 0: the groups are not known
};

/// Integer operations of `chip` in a second, for a rate of `vectorOps` that counts a multiply-add
/// as two: the unit's own figure, or one for each lane and clock.
inline double integerRate(const mansard_chip &chip, double vectorOps) {
  const double own = chip.vector_ops_per_s[MANSARD_DTYPE_INT32];
  return own > 0 ? own : vectorOps / 2;
}

/// The type whose vector rate counts: double precision where the kernel says so, else single.
inline double customVectorRate(const mansard_chip &chip, uint32_t dtype) {
  const double twice = chip.vector_ops_per_s[MANSARD_DTYPE_FP64];
  return dtype == MANSARD_DTYPE_FP64 && twice > 0 ? twice
                                                  : chip.vector_ops_per_s[MANSARD_DTYPE_FP32];
}

inline CustomWork customWork(const mansard_custom &u, const CustomRates &rates) {
  CustomWork work;
  const double cores = std::max(1.0, rates.cores);
  const double groups = u.groups >= 1 ? u.groups : 0;
  work.rounds = groups > 0 ? std::ceil(groups / cores) : 0;
  work.cores = groups > 0 ? std::min(groups, cores) : cores;
  // The busiest core's part of the whole.
  const double part = groups > 0 ? work.rounds / groups : 1 / cores;
  const auto time = [](double amount, double rate) { return rate > 0 ? amount / rate : 0.0; };

  Busy &busy = work.busy;
  busy[MANSARD_BOUND_MATRIX] = std::max(time(u.matrix_operations, rates.matrixOfChip),
                                        time(u.matrix_operations * part, rates.matrixOfCore));
  const double issued = work.rounds * time(u.group_cycles, rates.clocksPerUs);
  busy[MANSARD_BOUND_VECTOR] =
      std::max(issued, time(u.vector_operations * part, rates.vectorOfCore) +
                           time(u.integer_operations * part, rates.integerOfCore) +
                           time(u.special_operations * part, rates.specialOfCore));
  busy[MANSARD_BOUND_SRAM] = time(u.sram_bytes * part, rates.sramOfCore);
  const double passed = u.l2_bytes + u.read_bytes + u.write_bytes;
  busy[MANSARD_BOUND_L2] =
      std::max(time(u.l2_bytes + u.read_bytes, rates.l2Read) + time(u.write_bytes, rates.l2Write),
               time(passed * part, rates.l2OfCore));
  busy[MANSARD_BOUND_DRAM] = time(u.read_bytes + u.write_bytes, rates.dram);
  busy[MANSARD_BOUND_LINK] = time(u.link_bytes, rates.link);
  return work;
}

/// Latency, parts and counts of `work` with the start of a kernel.
inline void storeCustom(const CustomWork &work, const mansard_custom &u, double start_us,
                        mansard_estimate &out) {
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, start_us);
  parts.addOverlapped(work.busy);
  parts.store(out);
  out.operations = u.matrix_operations + u.vector_operations + u.special_operations;
  out.dram_read_bytes = u.read_bytes;
  out.dram_write_bytes = u.write_bytes;
  out.link_bytes = u.link_bytes;
  if (!(u.groups >= 1))
    return;
  out.tiling.tiles = static_cast<int64_t>(std::min(u.groups, 1e18));
  out.tiling.cores = static_cast<int32_t>(std::min(work.cores, 2e9));
  out.tiling.waves =
      u.groups_per_core >= 1 ? std::ceil(work.rounds / u.groups_per_core) : work.rounds;
}

} // namespace mansard
