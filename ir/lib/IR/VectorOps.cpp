// norm, elementwise, quantize, topk.
#include "Kernels.h"
#include "Verify.h"

#include <numeric>

namespace mansard::ir {

using mlir::failure;
using mlir::LogicalResult;
using mlir::success;

// ---- norm

static int64_t slicesOf(NormOp op) {
  if (auto groups = op.getGroups())
    return std::accumulate(groups->begin(), groups->end(), int64_t{0});
  return 1;
}

Shapes NormOp::inferShapes() {
  Shapes shapes{Shape(shapeOf(getInput()))};
  if (getResidual())
    shapes.push_back(Shape(shapeOf(getInput())));
  return shapes;
}

void NormOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const int64_t slices = slicesOf(*this);
  const Matrix matrix = matrixOf(getInput());
  const int64_t columns = getWidth() ? static_cast<int64_t>(*getWidth()) : matrix.cols / slices;
  const uint32_t in = codeOf(getInput()), out = codeOf(getResult());
  auto kind = static_cast<uint32_t>(getKind());
  if (getResidual() && getKind() == NormKind::rmsnorm)
    kind = MANSARD_VECTOR_ADD_RMSNORM;
  else if (getResidual())
    kernels.push_back(makeVector(MANSARD_VECTOR_ADD, matrix.rows, matrix.cols, in, in));
  kernels.push_back(makeVector(kind, matrix.rows * slices, columns, in, out, code(getScaling())));
  if (getRanks() > 1) { // a sum of squares in single precision for each part of a row
    mansard_kernel kernel = makeKernel(MANSARD_OP_COLLECTIVE, MANSARD_DTYPE_FP32,
                                       MANSARD_DTYPE_FP32, MANSARD_DTYPE_FP32);
    const auto parts = static_cast<int64_t>(getGroupsAttr().size());
    kernel.u.collective = {static_cast<int64_t>(getRanks()), 4 * parts * matrix.rows,
                           MANSARD_COLLECTIVE_ALL_REDUCE, 0};
    kernels.push_back(kernel);
  }
}

LogicalResult NormOp::verify() {
  if (verifyPositive(*this, "ranks", getRanks()).failed())
    return failure();
  if (getWhole() && !getGroups())
    return emitOpError() << "takes groups whole, but has none";
  if (getRanks() > 1 && !getWhole())
    return emitOpError() << "is over " << getRanks() << " devices, but its slices have means of "
                         << "their own";
  if (verifyRank(*this, getInput(), "an input", {2}).failed())
    return failure();
  if (getGroups())
    for (int64_t part : getGroupsAttr().asArrayRef())
      if (verifyPositive(*this, "a part of groups", part).failed())
        return failure();
  const int64_t columns = shapeOf(getInput())[1], slices = slicesOf(*this);
  if (verifyPositive(*this, "groups", slices).failed())
    return failure();
  if (getWidth()) {
    const auto width = static_cast<int64_t>(*getWidth());
    if (verifyPositive(*this, "width", width).failed())
      return failure();
    if (slices * width > columns)
      return emitOpError() << "normalises " << slices << " slices of " << width
                           << " columns of only " << columns;
  } else if (columns % slices != 0) {
    return emitOpError() << "has " << columns << " columns, which " << slices
                         << " slices do not share equally";
  }
  if (getWeight()) {
    const int64_t width = getWidth() ? static_cast<int64_t>(*getWidth()) : columns / slices;
    if (shapeOf(getWeight()).size() != 1 || shapeOf(getWeight())[0] % width != 0)
      return emitOpError() << "has a weight of " << text(shapeOf(getWeight())) << " for slices of "
                           << width << " columns";
  }
  if (getResidual() && shapeOf(getResidual()) != shapeOf(getInput()))
    return emitOpError() << "adds a residual of " << text(shapeOf(getResidual())) << " to "
                         << text(shapeOf(getInput()));
  if (getResidual() && slices != 1)
    return emitOpError() << "adds a residual to whole rows, but normalises slices";
  if (bool(getResidual()) != bool(getSum()))
    return emitOpError() << "has the sum as its second result if it adds a residual, and only then";
  return verifyShapes(*this);
}

// ---- elementwise

Shapes ElementwiseOp::inferShapes() {
  Shape shape(shapeOf(getInputs()[0]));
  if (getKind() == ElementwiseKind::silu_mul)
    shape.back() /= 2;
  return {shape};
}

void ElementwiseOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const Matrix matrix = matrixOf(getResult());
  auto kind = static_cast<uint32_t>(getKind());
  // One row for all costs no traffic worth the name, and one operation an element is hidden behind
  // reading and writing it: what is left is a copy's work.
  if (getInputs().size() == 2 && shapeOf(getInputs()[1]) != shapeOf(getInputs()[0]))
    kind = MANSARD_VECTOR_COPY;
  kernels.push_back(makeVector(kind, matrix.rows, matrix.cols, codeOf(getInputs()[0]),
                               codeOf(getResult()), code(getScaling())));
}

LogicalResult ElementwiseOp::verify() {
  const ElementwiseKind kind = getKind();
  const size_t wanted = kind == ElementwiseKind::add || kind == ElementwiseKind::mul ? 2 : 1;
  if (getInputs().size() != wanted)
    return emitOpError() << stringifyElementwiseKind(kind) << " takes " << wanted << " inputs, not "
                         << getInputs().size();
  const llvm::ArrayRef<int64_t> first = shapeOf(getInputs()[0]);
  if (wanted == 2) {
    const llvm::ArrayRef<int64_t> second = shapeOf(getInputs()[1]);
    if (second != first && second != first.take_back(1))
      return emitOpError() << "takes " << text(first) << " and " << text(second)
                           << "; the second must be as the first, or one row of it";
  }
  if (kind == ElementwiseKind::silu_mul && first.back() % 2 != 0)
    return emitOpError() << "halves " << first.back() << " columns";
  return verifyShapes(*this);
}

// ---- quantize

Shapes QuantizeOp::inferShapes() { return {Shape(shapeOf(getInput()))}; }

void QuantizeOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const Matrix matrix = matrixOf(getInput());
  const bool known = getScaling() == Scaling::tensor;
  kernels.push_back(makeVector(known ? MANSARD_VECTOR_QUANTIZE : MANSARD_VECTOR_QUANTIZE_DYNAMIC,
                               matrix.rows, matrix.cols, codeOf(getInput()), codeOf(getResult()),
                               code(getScaling())));
}

LogicalResult QuantizeOp::verify() {
  if (getScaling() == Scaling::none || getScaling() == Scaling::channel)
    return emitOpError() << "scales by " << stringifyScaling(getScaling())
                         << "; activations are scaled by tensor, token, block or group";
  if (mansard::bytesOf(codeOf(getResult())) >= mansard::bytesOf(codeOf(getInput())))
    return emitOpError() << "does not narrow " << nameOf(dtypeOf(getInput())) << " to "
                         << nameOf(dtypeOf(getResult()));
  return verifyShapes(*this);
}

// ---- topk

Shapes TopkOp::inferShapes() { return {{shapeOf(getInput())[0], static_cast<int64_t>(getK())}}; }

void TopkOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const Matrix matrix = matrixOf(getInput());
  mansard_kernel kernel = makeVector(MANSARD_VECTOR_TOPK, matrix.rows, matrix.cols,
                                     codeOf(getInput()), codeOf(getResult()));
  kernel.u.vector.topk = getK();
  kernels.push_back(kernel);
}

LogicalResult TopkOp::verify() {
  if (verifyRank(*this, getInput(), "an input", {2}).failed())
    return failure();
  const auto k = static_cast<int64_t>(getK());
  if (k < 1 || k > shapeOf(getInput())[1])
    return emitOpError() << "keeps " << k << " of " << shapeOf(getInput())[1] << " columns";
  const auto groups = static_cast<int64_t>(getGroups()), kept = static_cast<int64_t>(getKept());
  if (groups < 0 || kept < 0 || kept > groups ||
      (groups > 0 && shapeOf(getInput())[1] % groups != 0))
    return emitOpError() << "keeps " << kept << " of " << groups << " groups of "
                         << shapeOf(getInput())[1] << " columns";
  return verifyShapes(*this);
}

} // namespace mansard::ir
