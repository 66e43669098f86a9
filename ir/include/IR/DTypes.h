// Between MLIR's element types and Mansard's data types.
#pragma once

#include <mansard/base/dtype.h>

#include <mlir/IR/BuiltinTypes.h>

#include <optional>

namespace mansard::ir {

/// Nothing for a type that kernels do not have.
std::optional<DType> dtypeOf(mlir::Type elementType);
mlir::Type typeOf(mlir::MLIRContext *context, DType dtype);

/// Of a value whose type the dialect's verifiers have accepted.
DType dtypeOf(mlir::Value tensor);
uint32_t codeOf(mlir::Value tensor);
llvm::ArrayRef<int64_t> shapeOf(mlir::Value tensor);
/// Without scales kept beside the tensor.
double bytesOf(mlir::RankedTensorType type);

} // namespace mansard::ir
