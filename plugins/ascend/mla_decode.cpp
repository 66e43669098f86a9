// Multi-head latent attention in the absorbed form: all heads of a sequence share one latent cache,
// which is read once as keys and once as values.
#include "attention.h"

#include <mansard/base/counts.h>

#include <algorithm>
#include <cmath>

namespace mansard::ascend {
namespace {

constexpr double kKeyBuffer = 64; // positions of each of two buffers

/// Query rows that stay in L1 beside two buffers of the cache while it streams past: those of two
/// tokens of 128 heads on an L1 of 512 KiB.
double residentRows(const Device &d, double rowBytes) {
  const double rows = d.l1Bytes / rowBytes - 2 * kKeyBuffer;
  return std::max(1.0, std::floor(rows / kQueryRows)) * kQueryRows;
}

} // namespace

void estimateMlaDecode(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_mla &a = kernel.u.mla;
  if (!(d.cubeOps[kernel.dtype] > 0))
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, kNoScoreType);
  const Counts counts = countWork(kernel);
  const double batch = static_cast<double>(a.batch), keys = static_cast<double>(a.kv_len);
  const double latent = static_cast<double>(a.latent_dim), rope = static_cast<double>(a.rope_dim);
  const double rows = roundUp(static_cast<double>(a.heads * a.q_len), 16);
  const double cacheBytes = batch * keys * (latent + rope) * bytesOf(kernel.weight_dtype);
  const double passes = std::ceil(rows / residentRows(d, (latent + rope) * bytesOf(kernel.dtype)));

  Busy busy;
  busy[MANSARD_BOUND_MATRIX] =
      2 * batch * rows * keys * (2 * latent + rope) / (d.cubeOps[kernel.dtype] * d.cores);
  busy[MANSARD_BOUND_VECTOR] = batch * rows * keys * d.c.prefillOps / d.vectorOps;
  const double loaded = cacheBytes * (1 + latent / (latent + rope)) * passes;
  busy[MANSARD_BOUND_L2] = loaded / (d.chipL2Read * d.c.mlaL2);
  const double others = counts.readBytes + counts.writeBytes - cacheBytes;
  const double cold = std::max(coldCacheBytes(d, cacheBytes), cacheBytes + others - d.l2Bytes);
  busy[MANSARD_BOUND_DRAM] = cold > 0 ? cold / d.chipDramRead : 0;
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED,
                  d.c.mlaStart_us + d.c.mlaTask_us * std::ceil(batch * passes / d.cores));
  parts.addOverlapped(busy);
  // Scores and weighted values wait for each other's round trip, the more so the more rows.
  parts.addSerial(MANSARD_BOUND_MATRIX, d.c.mlaExposed * busy[MANSARD_BOUND_MATRIX]);
  parts.store(out);
  out.operations = counts.matrixOperations;
  out.dram_read_bytes = std::max(0.0, cold);
  out.tiling.tile_m = static_cast<int32_t>(std::min(rows, kQueryRows));
  out.tiling.split_k = static_cast<int32_t>(
      std::clamp(std::floor(d.cores / (batch * passes)), 1.0, std::ceil(keys / 128)));
  out.tiling.tiles = static_cast<int64_t>(batch * passes) * out.tiling.split_k;
  out.tiling.waves = static_cast<double>(out.tiling.tiles) / d.cores;
  out.tiling.cores = static_cast<int32_t>(std::min(static_cast<double>(out.tiling.tiles), d.cores));
  out.tiling.stages = 2;
}

} // namespace mansard::ascend
