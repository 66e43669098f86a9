// Construction of the ABI's kernels from ops.
#pragma once

#include <IR/Mansard.h>

namespace mansard::ir {

/// A kernel of `op` with dtypes and a zeroed union.
mansard_kernel makeKernel(uint32_t op, uint32_t dtype, uint32_t weightDtype, uint32_t outDtype,
                          uint32_t scaling = MANSARD_SCALING_NONE);

mansard_kernel makeVector(uint32_t kind, int64_t rows, int64_t cols, uint32_t dtype,
                          uint32_t outDtype, uint32_t scaling = MANSARD_SCALING_NONE);

inline uint32_t code(Scaling scaling) { return static_cast<uint32_t>(scaling); }

/// Rows and columns of a matrix, or of all matrices of a stack one below the other.
struct Matrix {
  int64_t rows, cols;
};
Matrix matrixOf(mlir::Value tensor);

} // namespace mansard::ir
