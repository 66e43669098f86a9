// A mixture's local experts: permute (init routing), gate and up projections, activation, down
// projection, un-permute (finalize), as CANN runs them: five kernels one after another.
#include "matmul.h"
#include "ops.h"

#include <mansard/base/counts.h>

#include <algorithm>
#include <cmath>

namespace mansard::ascend {
namespace {

struct Routing {
  double rows, experts, tokens; // assignments here, experts touched, tokens present
};

/// Balanced: each token picks its experts uniformly and independently, as traces of a trained
/// router look from one rank; so a few tokens touch few of the local experts.
Routing route(const mansard_moe &moe) {
  const MoeLoad load = moeLoad(moe);
  Routing r{load.assignments, load.touchedExperts, load.distinctTokens};
  if (moe.distribution == MANSARD_DISTRIBUTION_BALANCED) {
    const double experts = static_cast<double>(std::max<int64_t>(moe.experts, 1));
    const double tokens = static_cast<double>(moe.tokens), topk = static_cast<double>(moe.topk);
    const double local = experts / static_cast<double>(std::max<int64_t>(moe.ep, 1));
    const double share = std::min(1.0, topk / experts);
    r.experts = local * (1 - std::pow(1 - share, tokens));
    r.rows = tokens * topk * local / experts;
    r.tokens = std::min(r.rows, tokens);
  }
  return r;
}

void addStep(const Device &d, uint32_t kind, uint32_t dtype, uint32_t outDtype, double rows,
             double cols, Parts &parts) {
  mansard_kernel kernel{};
  kernel.op = MANSARD_OP_VECTOR;
  kernel.dtype = dtype;
  kernel.out_dtype = outDtype;
  kernel.u.vector = {static_cast<int64_t>(std::ceil(rows)), static_cast<int64_t>(cols), 0, kind, 0};
  addVector(d, kernel, parts);
}

} // namespace

void estimateMoe(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_moe &moe = kernel.u.moe;
  Gemm g;
  if (!setTypes(d, kernel, g))
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, kNoDType);
  const Counts counts = countWork(kernel);
  const Routing r = route(moe);
  const double hidden = static_cast<double>(moe.hidden);
  const double inter =
      static_cast<double>(moe.inter) / static_cast<double>(std::max<int64_t>(moe.tp, 1));
  const bool scaled = dequantises(kernel);
  const uint32_t wide = MANSARD_DTYPE_BF16;

  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, d.c.moeStart_us);
  addStep(d, MANSARD_VECTOR_GATHER, wide, kernel.dtype, r.rows, hidden, parts);
  if (scaled)
    dynamicQuantize_us(d, std::ceil(r.rows), hidden, parts);

  // What no cache can hold back, shared out over the two products as their weights are.
  const double least = counts.readBytes - counts.chanceBytes + counts.writeBytes - d.l2Bytes;
  const double first = moe.gated ? 2.0 / 3 : 0.5;
  const auto product = [&](double n, double k, double part) {
    g.leastDram = part * least;
    g.groups = r.experts;
    g.m = r.rows / r.experts;
    g.spread = std::sqrt(3 * g.m); // chance fills the experts unevenly: an even spread's deviation
    g.n = n;
    g.k = k;
    g.vector = dequantOps(kernel, k);
    g.exchange = scaled;
    g.extraVector_us = widen_us(d, kernel, g.groups * n * k);
    const double weights = g.groups * n * k * bytesOf(kernel.weight_dtype);
    const double activations = r.rows * (k * g.aBytes + n * g.outBytes);
    g.coldB = g.packed ? 1 : d.coldShare(weights, d.c.warmLow, d.c.warmHigh);
    g.coldA = d.coldShare(activations, d.c.cacheFits, d.c.cacheExceeds);
    g.dramRead = g.coldB * weights + g.coldA * activations;
    g.dramWrite = 0;
    const GemmPlan plan = planGemm(d, g);
    out.dram_read_bytes += g.coldB * weights + g.coldA * activations;
    addPlan(d, g, plan, parts, out);
  };
  product(moe.gated ? 2 * inter : inter, hidden, first);
  addStep(d, moe.gated ? MANSARD_VECTOR_SILU_MUL : MANSARD_VECTOR_GELU, wide, wide, r.rows, inter,
          parts);
  if (scaled)
    dynamicQuantize_us(d, std::ceil(r.rows), inter, parts);
  product(hidden, inter, 1 - first);
  addStep(d, MANSARD_VECTOR_SCATTER, wide, wide, r.rows, hidden, parts);
  parts.store(out);
  out.operations = counts.matrixOperations;
}

} // namespace mansard::ascend
