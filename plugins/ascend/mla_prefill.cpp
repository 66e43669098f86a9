// Multi-head latent attention with keys and values expanded for each head.
#include "attention.h"

#include <mansard/base/counts.h>

namespace mansard::ascend {

void estimateMlaPrefill(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_mla &a = kernel.u.mla;
  const Counts counts = countWork(kernel);
  PrefillShape s{};
  s.sequences = static_cast<double>(a.batch);
  s.heads = s.kvHeads = static_cast<double>(a.heads);
  s.queries = static_cast<double>(a.q_len);
  s.keys = static_cast<double>(a.kv_len);
  s.pairs = visiblePairs(a);
  s.scoreDim = static_cast<double>(a.nope_dim + a.rope_dim);
  s.valueDim = static_cast<double>(a.value_dim);
  s.keyBytes = (s.scoreDim + s.valueDim) * bytesOf(kernel.weight_dtype);
  s.readBytes = counts.readBytes;
  s.writeBytes = counts.writeBytes;
  s.causal = true;
  estimatePrefill(d, kernel, s, {d.c.mlaPrefillStart_us, d.c.mlaPrefillTask_us, d.c.mlaPrefillOps},
                  out);
}

} // namespace mansard::ascend
