// Layers done for two halves of the batch in turn.
#pragma once

#include <IR/Mansard.h>

namespace mansard::ir {

/// Replaces the body of `repeat` by a staggered overlap: the same work for the first half of the
/// `sequences` and for the rest, with what travels between devices in a lane of its own. At least
/// two sequences.
void splitInTwo(RepeatOp repeat, int64_t sequences);

/// Whether splitInTwo() knows how: the turns carry matrices of whole sequences, and their ops have
/// no regions.
bool canSplitInTwo(RepeatOp repeat, int64_t sequences);

/// Whether `op` occupies the links and not the device.
bool isExchange(mlir::Operation *op);

} // namespace mansard::ir
