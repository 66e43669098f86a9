// FlashAttention on split cores: the cube makes scores, the vector cores the softmax, the cube the
// weighted values; on the 910B every hand-over is a write and a read of the L2.
#include "attention.h"
#include "cube.h"

#include <mansard/base/counts.h>

#include <algorithm>
#include <cmath>

namespace mansard::ascend {

void estimatePrefill(const Device &d, const mansard_kernel &kernel, const PrefillShape &s,
                     const PrefillCosts &costs, mansard_estimate &out) {
  if (!(d.cubeOps[kernel.dtype] > 0))
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, kNoScoreType);
  const double rows = std::min(kQueryRows, roundUp(s.queries, 16));
  const double heads = s.sequences * s.heads;
  const double tasks = heads * std::ceil(s.queries / kQueryRows);
  // A causal task works on whole tiles up to its last row's diagonal.
  const double padded = s.pairs + (s.causal ? s.queries * rows / 2 : 0);
  const double longest = rows * std::min(s.keys, s.pairs); // one task never splits its keys
  const double scores = std::max(heads * padded / d.cores, longest); // of the busiest core

  Busy busy;
  const double perScore = 2 * (s.scoreDim + s.valueDim);
  busy[MANSARD_BOUND_MATRIX] =
      std::max(scores * perScore / d.cubeOps[kernel.dtype],
               heads * s.pairs * perScore * d.power.usPerOperation[kernel.dtype]);
  busy[MANSARD_BOUND_VECTOR] = scores * costs.opsPerScore * d.cores / d.vectorOps;
  // FixPipe is the busiest of the engines that carry the exchange: scores in fp32, and partial
  // outputs after every block of keys.
  const double exchanged = d.direct ? 0 : 4 + 4 * s.valueDim / kKeyBlock;
  busy[MANSARD_BOUND_L2] =
      std::max(scores * exchanged / d.l2Write, scores / rows * s.keyBytes / d.l2Read);
  const double cold = coldCacheBytes(d, s.readBytes + s.writeBytes);
  busy[MANSARD_BOUND_DRAM] = cold > 0 ? cold / d.dram(s.readBytes, s.writeBytes) : 0;

  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, costs.start_us + costs.task_us * std::ceil(tasks / d.cores));
  parts.addOverlapped(busy);
  parts.store(out);
  const Counts counts = countWork(kernel);
  out.operations = counts.matrixOperations;
  out.dram_read_bytes = cold * s.readBytes / std::max(1.0, s.readBytes + s.writeBytes);
  out.dram_write_bytes = cold - out.dram_read_bytes;
  out.tiling.tile_m = static_cast<int32_t>(rows);
  out.tiling.tile_n = static_cast<int32_t>(std::min(kKeyBlock, s.keys));
  out.tiling.split_k = 1;
  out.tiling.tiles = static_cast<int64_t>(tasks);
  out.tiling.waves = tasks / d.cores;
  out.tiling.cores = static_cast<int32_t>(std::min(tasks, d.cores));
  out.tiling.stages = 2;
}

void estimateAttentionPrefill(const Device &d, const mansard_kernel &kernel,
                              mansard_estimate &out) {
  const mansard_attention &a = kernel.u.attention;
  const Counts counts = countWork(kernel);
  mansard_attention one = a;
  one.batch = one.heads = one.kv_heads = 1;
  PrefillShape s{};
  s.sequences = static_cast<double>(a.batch);
  s.heads = static_cast<double>(a.heads);
  s.kvHeads = static_cast<double>(a.kv_heads);
  s.queries = static_cast<double>(a.q_len);
  s.keys = visibleKeys(a);
  s.pairs = visiblePairs(one);
  s.scoreDim = s.valueDim = static_cast<double>(a.head_dim);
  s.keyBytes = 2 * s.scoreDim * bytesOf(kernel.weight_dtype);
  s.readBytes = counts.readBytes;
  s.writeBytes = counts.writeBytes;
  s.causal = a.causal != 0;
  estimatePrefill(d, kernel, s, {d.c.prefillStart_us, d.c.prefillTask_us, d.c.prefillOps}, out);
}

} // namespace mansard::ascend
