// The cost of attention of few queries over a cache, shared by grouped-query and latent attention.
#pragma once

#include "nvidia_model.h"

#include <mansard/base/counts.h>

namespace mansard::nvidia {

struct DecodeShape {
  double sequences = 1;   // caches walked over: batch times key heads
  double keys = 1;        // positions of each
  double rows = 1;        // query rows that share a cache
  double keyElements = 0; // loaded for each position: keys and values, or the latent
  double productDims = 0; // of both products together
  double valueDim = 0;
  double keyBytes = 2, convertClocks = 0;
  double readBytes = 0, writeBytes = 0; // compulsory
  double startUs = 0, itemUs = 0, latencyUs = 0;
  double dramShare = 1, matrixShare = 1; // the latter of a matmul's rate
  double mostSplit = 128;
  uint32_t compute = MANSARD_DTYPE_BF16;
};

/// Rows that one tensor instruction takes.
double instructionRows(Generation generation);

/// Positions of a paged cache that are loaded at once, whatever part of them is filled.
double pageKeys(Generation generation);

/// What an attention kernel over grouped-query heads asks for; its types must be supported.
DecodeShape decodeShape(const NvidiaModel &model, const mansard_kernel &kernel,
                        const Counts &counts);

/// Writes parts, traffic and tiling.
void priceDecode(const NvidiaModel &model, const DecodeShape &shape, mansard_estimate &out);

} // namespace mansard::nvidia
