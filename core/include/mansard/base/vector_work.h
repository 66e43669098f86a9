// How long vector work keeps a chip's vector unit, L2 and DRAM busy.
//
// Cores take pieces: whole rows where a row is reduced or picked, 1024 elements elsewhere; the
// busiest core has ceil(pieces / cores) of them. Every byte passes the L2; DRAM sees what exceeds
// the share of the L2 that a repeated run finds there, at the rate that the busy cores' bytes in
// flight allow (Little's law, see dram.h). Times in microseconds; start costs are the caller's.
// Pure, allocates nothing.
#pragma once

#include <mansard/base/counts.h>
#include <mansard/base/dram.h>
#include <mansard/base/dtype.h>
#include <mansard/base/overlap.h>

#include <algorithm>
#include <cmath>

namespace mansard {

/// A family's constants for vector work.
struct VectorTuning {
  double efficiency = 1;     // share of the vector unit's rate that a well-written loop reaches
  double dramEfficiency = 1; // share of the sustained DRAM bandwidth
  double l2Efficiency = 1;
  double residentShare = 0;        // share of the L2 in which a repeated run finds its data
  bool cacheHoldsWrites = true;    // false: writes go past the L2 to DRAM
  double bytesInFlightPerCore = 0; // 0: never limits
};

/// True where one core takes whole rows: because a row's elements are reduced to one value, or
/// because the row is what is picked.
constexpr bool takesWholeRows(uint32_t kind) {
  switch (kind) {
  case MANSARD_VECTOR_ADD_RMSNORM:
  case MANSARD_VECTOR_RMSNORM:
  case MANSARD_VECTOR_LAYERNORM:
  case MANSARD_VECTOR_SOFTMAX:
  case MANSARD_VECTOR_QUANTIZE_DYNAMIC:
  case MANSARD_VECTOR_TOPK:
  case MANSARD_VECTOR_GATHER:
  case MANSARD_VECTOR_SCATTER:
    return true;
  default:
    return false;
  }
}

/// Elements that one core takes at a time where rows can be cut.
inline constexpr double kVectorPiece = 1024;

/// Operations per second on elements of `dtype`; narrower types than the unit has are widened to
/// fp32. 0: the chip says nothing of its vector unit.
inline double vectorRate(const mansard_chip &chip, uint32_t dtype) {
  const double own = chip.vector_ops_per_s[dtype];
  return own > 0 ? own : chip.vector_ops_per_s[MANSARD_DTYPE_FP32];
}

/// Microseconds of `operations` and `special` operations spread evenly over the chip. Where a rate
/// is unknown (0) that work is taken as free: the memories then set the time.
inline double vectorMicroseconds(const mansard_chip &chip, uint32_t dtype, double operations,
                                 double special, double efficiency) {
  const double rate = vectorRate(chip, dtype) * efficiency;
  const double specialRate = chip.special_ops_per_s * efficiency;
  return (rate > 0 ? operations / rate : 0) * 1e6 +
         (specialRate > 0 ? special / specialRate : 0) * 1e6;
}

/// Adds to `busy` the L2 and DRAM time of streams that `cores` busy cores draw. `resident`: bytes
/// of them that are found in the L2. Returns the share of the bytes that DRAM sees.
inline double addStream(Busy &busy, const mansard_chip &chip, const VectorTuning &tuning,
                        double read, double written, double resident, double cores) {
  const double all = read + written;
  if (!(all > 0))
    return 0;
  if (chip.l2_read_bytes_per_s > 0) {
    const double writeRate =
        chip.l2_write_bytes_per_s > 0 ? chip.l2_write_bytes_per_s : chip.l2_read_bytes_per_s;
    const double seconds =
        read / chip.l2_read_bytes_per_s + (tuning.cacheHoldsWrites ? written / writeRate : 0);
    busy[MANSARD_BOUND_L2] += seconds / tuning.l2Efficiency * 1e6;
  }
  if (!tuning.cacheHoldsWrites)
    resident = std::min(resident, read);
  const double fromDram = std::max(0.0, all - resident) / all;
  double rate = dramBandwidth(chip, read, written) * tuning.dramEfficiency;
  if (tuning.bytesInFlightPerCore > 0)
    rate = dramRate(rate, cores * tuning.bytesInFlightPerCore, chip.dram_latency_s);
  busy[MANSARD_BOUND_DRAM] += all * fromDram / rate * 1e6;
  return fromDram;
}

/// What one vector kernel keeps busy, and what it moves.
struct VectorWork {
  Busy busy;
  double dramReadBytes = 0, dramWriteBytes = 0;
  double cores = 0;  // busy at the widest; fractional where less than one piece is left
  double rounds = 0; // pieces of the busiest core
};

/// Busy times of an OP_VECTOR kernel that `check` accepts. Top-k by radix selection: four passes of
/// 8-bit digits over the row, or one for each element kept if those are fewer.
inline VectorWork vectorWork(const mansard_chip &chip, const mansard_kernel &kernel,
                             const VectorTuning &tuning) {
  const mansard_vector &v = kernel.u.vector;
  Counts counts = countWork(kernel);
  const double rows = static_cast<double>(v.rows), cols = static_cast<double>(v.cols);
  const double cores = std::max(1.0, chip.cores);
  VectorWork work;
  if (v.kind == MANSARD_VECTOR_TOPK)
    counts.vectorOperations *= std::clamp(static_cast<double>(v.topk), 1.0, 4.0);
  if ((v.kind == MANSARD_VECTOR_GATHER || v.kind == MANSARD_VECTOR_SCATTER) &&
      chip.dram_access_bytes > 0) { // rows lie apart: each starts an access of its own
    const double row = cols * bytesOf(kernel.dtype);
    const double padding =
        row > 0 ? std::ceil(row / chip.dram_access_bytes) * chip.dram_access_bytes / row : 1;
    (v.kind == MANSARD_VECTOR_GATHER ? counts.readBytes : counts.writeBytes) *= padding;
  }
  const double elements = rows * cols;
  const double piece = takesWholeRows(v.kind) ? cols : std::min(kVectorPiece, elements);
  const double pieces = piece > 0 ? elements / piece : 0;
  work.rounds = std::ceil(pieces / cores);
  work.cores = std::min(cores, takesWholeRows(v.kind) ? pieces : elements / kVectorPiece);
  // The busiest core does `rounds` pieces at a core's share of the rate.
  const double imbalance = elements > 0 ? work.rounds * piece * cores / elements : 1;
  work.busy[MANSARD_BOUND_VECTOR] =
      vectorMicroseconds(chip, kernel.dtype, counts.vectorOperations, counts.specialOperations,
                         tuning.efficiency) *
      imbalance;
  const double share =
      addStream(work.busy, chip, tuning, counts.readBytes, counts.writeBytes,
                std::clamp(tuning.residentShare, 0.0, 1.0) * chip.l2_bytes, work.cores);
  work.dramReadBytes = counts.readBytes * share;
  work.dramWriteBytes = counts.writeBytes * share;
  return work;
}

} // namespace mansard
