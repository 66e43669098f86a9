#include "Kernels.h"

#include <mansard/work/kernel.h>

namespace mansard::ir {

mansard_kernel makeKernel(uint32_t op, uint32_t dtype, uint32_t weightDtype, uint32_t outDtype,
                          uint32_t scaling) {
  return work::makeKernel(op, static_cast<DType>(dtype), static_cast<DType>(weightDtype),
                          static_cast<DType>(outDtype), scaling);
}

mansard_kernel makeVector(uint32_t kind, int64_t rows, int64_t cols, uint32_t dtype,
                          uint32_t outDtype, uint32_t scaling) {
  mansard_kernel kernel = makeKernel(MANSARD_OP_VECTOR, dtype, dtype, outDtype, scaling);
  kernel.u.vector = {rows, cols, 0, kind, 0};
  return kernel;
}

Matrix matrixOf(mlir::Value tensor) {
  const llvm::ArrayRef<int64_t> shape = shapeOf(tensor);
  int64_t rows = 1;
  for (int64_t size : shape.drop_back())
    rows *= size;
  return {rows, shape.back()};
}

} // namespace mansard::ir
