// What the verifiers of several op families share.
#pragma once

#include <IR/Mansard.h>

#include <string>

namespace mansard::ir {

/// "4x64"
std::string text(llvm::ArrayRef<int64_t> shape);

/// The results' shapes are those that the operands imply. Call it last: inferShapes() relies on the
/// ranks.
mlir::LogicalResult verifyShapes(KernelOpInterface op);
mlir::LogicalResult verifyRank(mlir::Operation *op, mlir::Value value, llvm::StringRef what,
                               llvm::ArrayRef<int64_t> ranks);
mlir::LogicalResult verifyPositive(mlir::Operation *op, llvm::StringRef what, int64_t value);

} // namespace mansard::ir
