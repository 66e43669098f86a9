// gather, scatter.
#include "Kernels.h"
#include "Verify.h"

namespace mansard::ir {

using mlir::failure;
using mlir::LogicalResult;

static int64_t elementsOf(mlir::Value tensor) {
  const Matrix matrix = matrixOf(tensor);
  return matrix.rows * matrix.cols;
}

// ---- gather

Shapes GatherOp::inferShapes() {
  if (!getIndices())
    return {{shapeOf(getTable())[0] * shapeOf(getTable())[1], shapeOf(getResult())[1]}};
  return {{getExperts() ? localChoices(*getExperts()) : elementsOf(getIndices()),
           shapeOf(getTable())[1]}};
}

void GatherOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const Matrix matrix = matrixOf(getResult());
  kernels.push_back(makeVector(MANSARD_VECTOR_GATHER, matrix.rows, matrix.cols, codeOf(getTable()),
                               codeOf(getResult())));
}

LogicalResult GatherOp::verify() {
  if (!getIndices()) {
    if (verifyRank(*this, getTable(), "a cache", {3}).failed() ||
        verifyRank(*this, getResult(), "a result", {2}).failed())
      return failure();
    if (shapeOf(getResult())[1] > shapeOf(getTable())[2])
      return emitOpError() << "takes " << shapeOf(getResult())[1] << " columns of a cache of "
                           << shapeOf(getTable())[2];
    return verifyShapes(*this);
  }
  if (verifyRank(*this, getTable(), "a table", {2}).failed() ||
      verifyRank(*this, getIndices(), "indices", {1, 2}).failed())
    return failure();
  if (dtypeOf(getIndices()) != DType::int32)
    return emitOpError() << "picks rows by " << nameOf(dtypeOf(getIndices()))
                         << "; their numbers are i32";
  return verifyShapes(*this);
}

// ---- scatter

Shapes ScatterOp::inferShapes() {
  if (getInto())
    return {Shape(shapeOf(getInto()))};
  return {{shapeOf(getIndices())[0], shapeOf(getInput())[1]}};
}

void ScatterOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const Matrix input = matrixOf(getInput());
  const int64_t columns = getInto() ? shapeOf(getInto()).back() : input.cols;
  kernels.push_back(makeVector(MANSARD_VECTOR_SCATTER, input.rows, columns, codeOf(getInput()),
                               codeOf(getResult())));
}

LogicalResult ScatterOp::verify() {
  if (verifyRank(*this, getInput(), "an input", {2}).failed())
    return failure();
  if (bool(getInto()) == bool(getIndices()))
    return emitOpError() << "writes into a cache or puts rows back by indices: one of the two";
  if (getInto()) {
    if (verifyRank(*this, getInto(), "a cache", {3}).failed())
      return failure();
    if (shapeOf(getInput())[1] < shapeOf(getInto())[2])
      return emitOpError() << "writes " << shapeOf(getInput())[1] << " columns into a cache of "
                           << shapeOf(getInto())[2];
  } else if (verifyRank(*this, getIndices(), "indices", {2}).failed()) {
    return failure();
  }
  return verifyShapes(*this);
}

} // namespace mansard::ir
