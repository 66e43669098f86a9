// Vector kernels: rows or pieces spread over the vector cores, through the unified buffer.
#include "ops.h"

#include <algorithm>
#include <cmath>

namespace mansard::ascend {
namespace {

/// Kinds that reduce a row before they can store it: in, reduce, out follow one another.
bool reducesRows(uint32_t kind) {
  switch (kind) {
  case MANSARD_VECTOR_ADD_RMSNORM:
  case MANSARD_VECTOR_RMSNORM:
  case MANSARD_VECTOR_LAYERNORM:
  case MANSARD_VECTOR_SOFTMAX:
  case MANSARD_VECTOR_QUANTIZE_DYNAMIC:
  case MANSARD_VECTOR_TOPK:
    return true;
  default:
    return false;
  }
}

/// Kinds whose kernels walk rows too, but need nothing of a row before they store its parts.
bool walksRows(uint32_t kind) {
  return kind == MANSARD_VECTOR_SILU_MUL || kind == MANSARD_VECTOR_QUANTIZE;
}

/// Rows of the busiest vector core.
double rowRounds(const Device &d, const mansard_vector &v) {
  return std::ceil(static_cast<double>(v.rows) / d.vectorCores);
}

} // namespace

VectorWork addVector(const Device &d, const mansard_kernel &kernel, Parts &parts) {
  VectorTuning tuning;
  tuning.efficiency = d.c.vectorEfficiency;
  const mansard_vector &v = kernel.u.vector;
  VectorWork work = vectorWork(d.vectorChip, kernel, tuning);
  if (takesWholeRows(v.kind)) {
    // The busiest core's own loads; a row that does not fit the unified buffer is read once more
    // for each pass of the reduction.
    const double cols = static_cast<double>(v.cols);
    const double in = cols * vectorInputs(v.kind) * bytesOf(kernel.dtype);
    const double passes = reducesRows(v.kind) && in > d.ubBytes / 2 ? 3 : 1;
    work.busy[MANSARD_BOUND_DRAM] =
        std::max(work.busy[MANSARD_BOUND_DRAM],
                 work.rounds * (passes * in + cols * bytesOf(kernel.out_dtype)) / d.dramLoad);
  }
  // The first row's trip is part of the start.
  const double trips = std::max(0.0, rowRounds(d, v) - 1);
  const double rows_us =
      std::min(trips * d.c.rowSerial_us, d.c.rowBatch_us + trips * d.c.rowEach_us);
  if (reducesRows(v.kind)) {
    parts.addOverlapped(work.busy);
    parts.addSerial(MANSARD_BOUND_FIXED, rows_us);
    return work;
  }
  if (walksRows(v.kind))
    work.busy[MANSARD_BOUND_FIXED] = rows_us;
  parts.addOverlapped(work.busy);
  return work;
}

void estimateVector(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED,
                  d.c.vectorStart_us +
                      (kernel.u.vector.kind == MANSARD_VECTOR_QUANTIZE ? d.c.quantize_us : 0));
  const VectorWork work = addVector(d, kernel, parts);
  parts.store(out);
  out.operations = countWork(kernel).vectorOperations;
  out.dram_read_bytes = work.dramReadBytes;
  out.dram_write_bytes = work.dramWriteBytes;
  out.tiling.cores = static_cast<int32_t>(work.cores);
  out.tiling.waves = work.rounds;
}

} // namespace mansard::ascend
