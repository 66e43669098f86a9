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
  double startUs = 0;
  double itemUs = 0;    // of a block, hidden behind other blocks' loads
  double blockUs = 0;   // of a block, not hidden
  double keyUs = 0;     // least time of a block for a position, where it waits for each in turn
  double latencyUs = 0; // of a load
  double combineUs = 0; // of the splits' parts
  double dramShare = 1, matrixShare = 1; // the latter of a matmul's rate
  double page = 64;                      // positions loaded at once
  double step = 16, mostRows = 32;       // rows of a tile: multiples of the first, up to the second
  double mostSplit = 128;
  bool whole = false; // splits fill one wave at most
  uint32_t compute = MANSARD_DTYPE_BF16;
};

/// Rows that one tensor instruction takes.
double instructionRows(Generation generation);

/// Most parts that a sequence's keys are split into.
double mostSplits(Generation generation);

/// Positions of a paged cache that are loaded at once, whatever part of them is filled.
double pageKeys(Generation generation);

/// Heads up to this width have kernels that work on a narrow cache as it is; over wider heads it is
/// converted, or queries, keys and values for it, by kernels of their own.
inline constexpr double kFusedWidth = 64;

/// Widths of heads that no kernel is made for: padded, or left to a generic kernel. Measured at
/// 192; widths up to 128 pad within a tile.
inline bool isOdd(int64_t headDim) { return headDim > 128 && (headDim & (headDim - 1)) != 0; }

/// Whether only a generic kernel, of the warp's instructions, takes heads of this width.
inline bool isGeneric(Generation generation, int64_t headDim) {
  return generation == Generation::blackwell ? isOdd(headDim) : headDim > 256;
}

/// What an attention kernel over grouped-query heads asks for; its types must be supported.
DecodeShape decodeShape(const NvidiaModel &model, const mansard_kernel &kernel,
                        const Counts &counts);

/// Writes parts, traffic and tiling.
void priceDecode(const NvidiaModel &model, const DecodeShape &shape, mansard_estimate &out);

} // namespace mansard::nvidia
