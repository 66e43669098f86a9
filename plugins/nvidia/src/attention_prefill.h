// The cost of attention over many queries, shared by grouped-query and expanded latent attention.
#pragma once

#include "nvidia_model.h"

#include <mansard/base/counts.h>

namespace mansard::nvidia {

struct PrefillShape {
  double batch = 1, q = 1, kv = 1;
  double keyHeads = 1, rowsPerKey = 1; // rowsPerKey: query heads that share a key head
  double keyDim = 128, valueDim = 128;
  double window = 0; // 0: none
  bool causal = true;
  uint32_t compute = MANSARD_DTYPE_BF16;
  double keyBytes = 2;
  double readBytes = 0, writeBytes = 0, queryBytes = 0; // compulsory; queries are part of what is read
  double startUs = 0, matrixShare = 1;
};

/// Bytes of a key's element, on average: the queries' own keys come as they are, older ones from the
/// cache.
double keyBytes(const mansard_kernel &kernel, double q, double kv);

/// Adds the phases to `parts` and stores them, the traffic and the tiling in `out`.
void pricePrefill(const NvidiaModel &model, const PrefillShape &shape, Parts &parts,
                  mansard_estimate &out);

} // namespace mansard::nvidia
