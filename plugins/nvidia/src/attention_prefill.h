// The cost of attention over many queries, shared by grouped-query and expanded latent attention.
#pragma once

#include "nvidia_model.h"

#include <mansard/base/counts.h>

namespace mansard::nvidia {

/// Of the matrix share where an 8-bit cache is multiplied as it is: those products want the values
/// transposed on the way.
inline constexpr double kNarrowShare = 0.8;

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
  double keyUs = 0;                    // least time of a tile for a position it walks over
  double readBytes = 0, writeBytes = 0,
         queryBytes = 0; // compulsory; queries are part of what is read
  // Passes before it: rotary embedding, keys and values into the cache.
  double preparedTokens = 0, preparedReadBytes = 0, preparedWriteBytes = 0;
  double convertedElements = 0;        // to the cache's type
  double startUs = 0, matrixShare = 1; // the share of a matmul's rate
};

/// What the products over a cache of this kernel's type are computed in: FP8 where that is stored
/// and the tensor cores have it, else `compute`.
uint32_t cacheType(const NvidiaModel &model, const mansard_kernel &kernel, uint32_t compute);

/// Adds the phases to `parts` and stores them, the traffic and the tiling in `out`.
void pricePrefill(const NvidiaModel &model, const PrefillShape &shape, Parts &parts,
                  mansard_estimate &out);

} // namespace mansard::nvidia
