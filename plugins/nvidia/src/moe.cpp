// Fused mixtures of experts: the local experts' two matmuls, each launched once for all experts,
// the activation between them (in the first one's epilogue), and the permutation of tokens into the
// experts' order and back.
#include "matmul_work.h"

#include <mansard/base/moe_load.h>

#include <algorithm>

namespace mansard::nvidia {
namespace {

/// Rows of all experts, in tiles of each height.
void setExpertRows(MatmulWork &work, const MoeLoad &load) {
  work.groups = std::max(1.0, load.touchedExperts);
  work.rows = load.assignments;
  for (int i = 0; i < kHeightCount; ++i)
    work.rowTiles[i] = load.tilesOf(kHeights[i]);
}

/// Marlin, which widens narrow weights up to Hopper, sizes its tiles by the pairs that each local
/// expert would have were all of the group's here (vLLM, fused_marlin_moe.py: the first of these
/// heights that leaves a tenth free).
void setMarlinHeight(const NvidiaModel &model, const mansard_moe &moe, double local,
                     MatmulWork &work) {
  if (!(work.dequantizeClocks > 0) || model.generation == Generation::blackwell)
    return;
  const double pairs = static_cast<double>(moe.tokens) * static_cast<double>(moe.topk) / local;
  double height = 64;
  for (double candidate : {32.0, 16.0})
    if (pairs < 0.9 * candidate)
      height = candidate;
  work.leastHeight = work.mostHeight = height;
}

/// Few tokens go through kernels that route, quantise and permute on the way; the more there are,
/// the more of it kernels of their own do.
double startUs(const Constants &c, const mansard_moe &moe, bool narrow) {
  constexpr double kManyTokens = 384; // from here on the measured tables have them
  const double whole = c.moeStartUs + (narrow ? c.moeQuantizeUs : 0);
  const double least = std::min(c.moeLeastStartUs, whole);
  return least + (whole - least) * std::min(1.0, static_cast<double>(moe.tokens) / kManyTokens);
}

} // namespace

void estimateMoe(const NvidiaModel &model, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_moe &moe = kernel.u.moe;
  const Constants &c = model.constants;
  MatmulWork first;
  if (!describeOperands(model, kernel, first, out))
    return;
  const MoeLoad load = moeLoad(moe);
  const double hidden = static_cast<double>(moe.hidden);
  const double inter =
      static_cast<double>(moe.inter) / static_cast<double>(std::max<int64_t>(moe.tp, 1));
  const double local =
      static_cast<double>(moe.experts) / static_cast<double>(std::max<int64_t>(moe.ep, 1));
  const bool narrow = bytesOf(kernel.weight_dtype) < 2;
  const double matrices = moe.gated ? 3 : 2;
  const Counts counts = countWork(kernel);
  setExpertRows(first, load);
  const double widened = first.dequantizeClocks > 0 ? c.moeWidened : 1;
  first.matrixShare = std::min(1.0, first.matrixShare * c.moeMatrix * widened);
  first.dramShare = std::min(1.0, first.dramShare * c.moeDram);
  setMarlinHeight(model, moe, local, first);
  MatmulWork second = first;
  first.n = (matrices - 1) * inter;
  first.k = hidden;
  second.n = hidden;
  second.k = inter;

  // The weights of all layers' experts pass through a cache far smaller; activations may stay. For
  // narrow types, kernels of their own gather, activate and quantise 16-bit values.
  const double rows = load.assignments, wide = first.outBytes;
  const double gathered = rows * hidden * first.activationBytes;
  // Kernels for 16 bits, and those for the types whose scales Blackwell's tensor cores take, gather
  // and activate in the first matmul; so do those whose one scale is known before.
  const bool scalesInside = model.matrixOpsPerUs[MANSARD_DTYPE_MXFP8] > 0 &&
                            kernel.dtype != MANSARD_DTYPE_FP8 && kernel.dtype != MANSARD_DTYPE_INT8;
  const bool fused =
      bytesOf(kernel.dtype) >= 2 || scalesInside || kernel.scaling == MANSARD_SCALING_TENSOR;
  const double activated = rows * inter * first.activationBytes;
  const double up = fused ? activated : rows * first.n * wide;
  const double down = rows * hidden * wide;
  const double cold = missShare(model, gathered + up + activated + down);
  first.weightDram = counts.weightBytes * (matrices - 1) / matrices;
  second.weightDram = counts.weightBytes / matrices;
  first.activationDram = gathered * cold;
  first.outDram = up * cold;
  second.activationDram = activated * cold;
  second.outDram = down * cold;
  const MatmulSchedule upward = scheduleMatmul(model, first);
  const MatmulSchedule downward = scheduleMatmul(model, second);

  // Rows gathered into the experts' order, activated, and gathered back, weighted and summed. The
  // whole group's tokens come in and go out: which of them have no expert here shows in routing.
  const double group = static_cast<double>(moe.tokens) * hidden;
  const double tokens =
      first.activationBytes < wide ? group * wide : load.distinctTokens * hidden * wide;
  const double wideRows = rows * hidden * wide, wideActivations = rows * inter * wide;
  const double read =
      c.moePermute * (tokens + down + (fused ? 0 : wideRows + up + wideActivations));
  const double written = c.moePermute * (gathered + group * wide +
                                         (fused ? 0 : wideRows + wideActivations + activated));
  const double routeUs = c.moeRouteUs * static_cast<double>(moe.tokens * moe.topk) / 1024;
  const double activations = rows * inter;
  Busy permute;
  permute[MANSARD_BOUND_L2] = (read + written) / (model.l2BytesPerUs * c.gemmL2);
  permute[MANSARD_BOUND_DRAM] = model.dramUs(read * cold, written * cold, first.dramShare);
  permute[MANSARD_BOUND_VECTOR] =
      activations * (kVectorMix[MANSARD_VECTOR_SILU_MUL].operations / model.lanesPerUs +
                     kVectorMix[MANSARD_VECTOR_SILU_MUL].special / model.specialPerUs);

  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED,
                  startUs(c, moe, narrow) + routeUs + c.moeExpertUs * load.touchedExperts);
  upward.addTo(parts);
  downward.addTo(parts);
  parts.addOverlapped(permute);
  parts.store(out);
  out.operations = counts.matrixOperations;
  out.dram_read_bytes = upward.dramRead + downward.dramRead + read * cold;
  out.dram_write_bytes = first.outDram + second.outDram + written * cold;
  upward.describe(out.tiling, model.cores);
  finishFlags(kernel, first, upward.fits && downward.fits, out);
}

} // namespace mansard::nvidia
