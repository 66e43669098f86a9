// matmul, grouped_matmul.
#include "Kernels.h"
#include "Verify.h"

#include <mansard/base/units.h>
#include <mansard/work/kernel.h>

#include <algorithm>
#include <limits>
#include <tuple>

namespace mansard::ir {

using mlir::failure;
using mlir::LogicalResult;
using mlir::success;

static LogicalResult verifyInner(mlir::Operation *op, mlir::Value lhs, mlir::Value rhs) {
  const llvm::ArrayRef<int64_t> left = shapeOf(lhs), right = shapeOf(rhs);
  if (left.back() == right[right.size() - 2])
    return success();
  return op->emitOpError() << "multiplies " << text(left) << " by " << text(right)
                           << ": the inner dimensions " << left.back() << " and "
                           << right[right.size() - 2] << " differ";
}

// ---- matmul

LogicalResult TileAttr::verify(llvm::function_ref<mlir::InFlightDiagnostic()> emitError, int64_t m,
                               int64_t n, int64_t k, int64_t splitK) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  for (const auto &[name, value, least] :
       {std::tuple{"m", m, 1}, {"n", n, 1}, {"k", k, 0}, {"split_k", splitK, 0}})
    if (value < least || value > kMost)
      return emitError() << "a tile's " << name << " is " << value << "; it may be " << least
                         << " to " << kMost;
  return success();
}

void MatmulOp::build(mlir::OpBuilder &builder, mlir::OperationState &state, mlir::Type result,
                     mlir::StringAttr label, mlir::Value lhs, mlir::Value rhs, mlir::Value bias,
                     mlir::Value residual, Activation activation, Scaling scaling) {
  build(builder, state, result, label, lhs, rhs, bias, residual, activation, scaling, TileAttr());
}

Shapes MatmulOp::inferShapes() {
  const int64_t columns = shapeOf(getRhs())[1];
  return {{shapeOf(getLhs())[0], getActivation() == Activation::silu_mul ? columns / 2 : columns}};
}

void MatmulOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  mansard_kernel kernel = makeKernel(MANSARD_OP_MATMUL, codeOf(getLhs()), codeOf(getRhs()),
                                     codeOf(getResult()), code(getScaling()));
  uint32_t epilogue = static_cast<uint32_t>(getActivation());
  if (getBias())
    epilogue |= MANSARD_EPILOGUE_BIAS;
  if (getResidual())
    epilogue |= MANSARD_EPILOGUE_ADD;
  if (mansard::bytesOf(codeOf(getResult())) < 2)
    epilogue |= MANSARD_EPILOGUE_QUANTIZE;
  kernel.u.matmul = {
      shapeOf(getLhs())[0], shapeOf(getRhs())[1], shapeOf(getLhs())[1], epilogue, 0, 0, 0, 0, 0};
  if (const TileAttr tile = getTileAttr()) { // small enough: see its verifier
    kernel.u.matmul.tile_m = static_cast<int32_t>(tile.getM());
    kernel.u.matmul.tile_n = static_cast<int32_t>(tile.getN());
    kernel.u.matmul.tile_k = static_cast<int32_t>(tile.getK());
    kernel.u.matmul.split_k = static_cast<int32_t>(tile.getSplitK());
  }
  kernels.push_back(kernel);
}

LogicalResult MatmulOp::verify() {
  if (verifyRank(*this, getLhs(), "a left operand", {2}).failed() ||
      verifyRank(*this, getRhs(), "a right operand", {2}).failed() ||
      verifyRank(*this, getResult(), "a result", {2}).failed() ||
      verifyInner(*this, getLhs(), getRhs()).failed())
    return failure();
  const int64_t rows = shapeOf(getLhs())[0], columns = shapeOf(getRhs())[1];
  if (getBias() && shapeOf(getBias()) != llvm::ArrayRef<int64_t>({columns}))
    return emitOpError() << "adds a bias of " << text(shapeOf(getBias())) << " to " << columns
                         << " columns";
  if (getResidual() && shapeOf(getResidual()) != llvm::ArrayRef<int64_t>({rows, columns}))
    return emitOpError() << "adds a residual of " << text(shapeOf(getResidual())) << " to "
                         << text({rows, columns});
  if (getActivation() == Activation::silu_mul && columns % 2 != 0)
    return emitOpError() << "halves " << columns << " columns";
  if (getTileAttr()) {
    llvm::SmallVector<mansard_kernel, 1> kernels;
    getKernels(kernels);
    if (auto valid = work::check(kernels[0]); !valid)
      return emitOpError() << valid.error().message;
  }
  return verifyShapes(*this);
}

// ---- grouped_matmul

Shapes GroupedMatmulOp::inferShapes() {
  Shape shape(shapeOf(getLhs()));
  shape.back() = shapeOf(getRhs())[2];
  return {shape};
}

void GroupedMatmulOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  mansard_kernel kernel = makeKernel(MANSARD_OP_GROUPED_MATMUL, codeOf(getLhs()), codeOf(getRhs()),
                                     codeOf(getResult()), code(getScaling()));
  const llvm::ArrayRef<int64_t> left = shapeOf(getLhs()), right = shapeOf(getRhs());
  // Fewer rows than groups leave groups without any, whose right operands nobody reads.
  const int64_t groups = left.size() == 3 ? right[0] : std::min(right[0], left[0]);
  const int64_t rows =
      left.size() == 3 ? left[1] : ceilDiv(static_cast<long>(left[0]), static_cast<long>(groups));
  kernel.u.grouped_matmul = {groups, rows, right[2], right[1]};
  kernels.push_back(kernel);
}

LogicalResult GroupedMatmulOp::verify() {
  if (verifyRank(*this, getLhs(), "a left operand", {2, 3}).failed() ||
      verifyRank(*this, getRhs(), "a right operand", {3}).failed() ||
      verifyInner(*this, getLhs(), getRhs()).failed())
    return failure();
  const llvm::ArrayRef<int64_t> left = shapeOf(getLhs()), right = shapeOf(getRhs());
  if (left.size() == 3 && left[0] != right[0])
    return emitOpError() << "has " << left[0] << " groups on the left and " << right[0]
                         << " on the right";
  if (getBias() && shapeOf(getBias()) != llvm::ArrayRef<int64_t>({right[0], right[2]}))
    return emitOpError() << "adds a bias of " << text(shapeOf(getBias())) << ", not of "
                         << text({right[0], right[2]});
  return verifyShapes(*this);
}

} // namespace mansard::ir
