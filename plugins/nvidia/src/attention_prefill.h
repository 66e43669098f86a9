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
  bool generic = false; // only a generic kernel takes heads of this width
  double again = 1;     // how often the keys pass the L2 for each of its tiles
  uint32_t compute = MANSARD_DTYPE_BF16;
  double keyBytes = 2, cacheBytes = 2; // an element's: of the queries' own keys, and as cached
  double readBytes = 0, writeBytes = 0,
         queryBytes = 0;               // compulsory; queries are part of what is read
  double startUs = 0, matrixShare = 1; // the share of a matmul's rate
};

/// Adds the phases to `parts` and stores them, the traffic and the tiling in `out`.
void pricePrefill(const NvidiaModel &model, const PrefillShape &shape, Parts &parts,
                  mansard_estimate &out);

} // namespace mansard::nvidia
