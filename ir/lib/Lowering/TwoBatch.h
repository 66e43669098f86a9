// Layers done for two halves of the batch in turn.
#pragma once

#include <IR/Mansard.h>

#include <llvm/ADT/SetVector.h>
#include <llvm/ADT/iterator_range.h>

namespace mansard::ir {

/// Replaces the body of `repeat` by a staggered overlap: the same work for the first half of the
/// `sequences` and for the rest, with what travels between devices in a lane of its own and
/// everything in its stage of the halves' schedule. The body has a dispatch. At least two
/// sequences.
void splitInTwo(RepeatOp repeat, int64_t sequences);

/// Whether splitInTwo() knows how: the turns carry matrices of whole sequences, and their ops have
/// no regions.
bool canSplitInTwo(RepeatOp repeat, int64_t sequences);

/// The first shared experts of what lies in `from`: from their first matmul to their last, with
/// parameters.
llvm::SetVector<mlir::Operation *> sharedExperts(llvm::iterator_range<mlir::Block::iterator> from);

/// Whether `op` occupies the links and not the device.
bool isExchange(mlir::Operation *op);

} // namespace mansard::ir
