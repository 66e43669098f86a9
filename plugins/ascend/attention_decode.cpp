// Decode attention: one task is one sequence's key-value head with all the queries that share it;
// few tasks split their keys over the idle cores.
#include "attention.h"

#include <mansard/base/counts.h>

#include <algorithm>
#include <cmath>

namespace mansard::ascend {

double coldCacheBytes(const Device &d, double bytes) {
  const double fits = d.c.cacheFits * d.l2Bytes, exceeds = d.c.cacheExceeds * d.l2Bytes;
  const double kept = d.c.cacheKept * d.l2Bytes;
  if (bytes <= fits)
    return 0;
  if (bytes >= exceeds)
    return bytes - kept;
  return (bytes - fits) / (exceeds - fits) * (exceeds - kept);
}

void estimateAttentionDecode(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_attention &a = kernel.u.attention;
  if (!(d.cubeOps[kernel.dtype] > 0))
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, kNoScoreType);
  const Counts counts = countWork(kernel);
  const double batch = static_cast<double>(a.batch), kvHeads = static_cast<double>(a.kv_heads);
  const double dim = static_cast<double>(a.head_dim), keys = visibleKeys(a);
  const double tasks = batch * kvHeads;
  const double rows =
      roundUp(static_cast<double>(a.heads) / kvHeads * static_cast<double>(a.q_len), 16);
  const double kvBytes = 2 * tasks * keys * dim * bytesOf(kernel.weight_dtype);

  Busy busy;
  busy[MANSARD_BOUND_MATRIX] = 4 * tasks * rows * keys * dim / (d.cubeOps[kernel.dtype] * d.cores);
  const double scores = counts.specialOperations;
  busy[MANSARD_BOUND_VECTOR] = scores * d.c.prefillOps / d.vectorOps;
  busy[MANSARD_BOUND_L2] = kvBytes / (d.chipL2Read * d.c.decodeL2);
  const double others = counts.readBytes + counts.writeBytes - kvBytes;
  const double cold = std::max(coldCacheBytes(d, kvBytes), kvBytes + others - d.l2Bytes);
  busy[MANSARD_BOUND_DRAM] = cold > 0 ? cold / (d.chipDramRead * d.c.decodeDram) : 0;
  // Each task waits for its first keys, its scores' round trip and its flags.
  busy[MANSARD_BOUND_FIXED] = d.c.decodeTask_us * std::ceil(tasks / d.cores) +
                              d.c.decodeBatch_us * std::ceil(batch / d.cores);
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, d.c.decodeStart_us);
  parts.addOverlapped(busy);
  parts.store(out);
  out.operations = counts.matrixOperations;
  out.dram_read_bytes = std::max(0.0, cold);
  out.tiling.tile_m = static_cast<int32_t>(rows);
  out.tiling.split_k =
      static_cast<int32_t>(std::clamp(std::floor(d.cores / tasks), 1.0, std::ceil(keys / 128)));
  out.tiling.tiles = static_cast<int64_t>(tasks) * out.tiling.split_k;
  out.tiling.waves = static_cast<double>(out.tiling.tiles) / d.cores;
  out.tiling.cores = static_cast<int32_t>(std::min(static_cast<double>(out.tiling.tiles), d.cores));
  out.tiling.stages = 2;
}

} // namespace mansard::ascend
