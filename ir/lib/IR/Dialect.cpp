// Registration of the dialect and what its ops share.
#include "Verify.h"

#include <mansard/base/names.h>
#include <mansard/base/units.h>

#include <mlir/IR/DialectImplementation.h>

#include <llvm/ADT/TypeSwitch.h>

#include "IR/Dialect.cpp.inc"
#include "IR/Enums.cpp.inc"
#include "IR/Interfaces.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "IR/Types.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "IR/Attributes.cpp.inc"

#define GET_OP_CLASSES
#include "IR/Ops.cpp.inc"

namespace mansard::ir {

static_assert(static_cast<uint32_t>(Scaling::group) == MANSARD_SCALING_GROUP &&
              static_cast<uint32_t>(Activation::silu_mul) == MANSARD_EPILOGUE_SILU_MUL &&
              static_cast<uint32_t>(Activation::gelu) == MANSARD_EPILOGUE_GELU &&
              static_cast<uint32_t>(ElementwiseKind::add) == MANSARD_VECTOR_ADD &&
              static_cast<uint32_t>(ElementwiseKind::silu_mul) == MANSARD_VECTOR_SILU_MUL &&
              static_cast<uint32_t>(ElementwiseKind::gelu) == MANSARD_VECTOR_GELU &&
              static_cast<uint32_t>(ElementwiseKind::copy) == MANSARD_VECTOR_COPY &&
              static_cast<uint32_t>(ElementwiseKind::mul) == MANSARD_VECTOR_MUL &&
              static_cast<uint32_t>(NormKind::rmsnorm) == MANSARD_VECTOR_RMSNORM &&
              static_cast<uint32_t>(NormKind::layernorm) == MANSARD_VECTOR_LAYERNORM &&
              static_cast<uint32_t>(NormKind::softmax) == MANSARD_VECTOR_SOFTMAX &&
              static_cast<uint32_t>(CollectiveKind::send) == MANSARD_COLLECTIVE_SEND &&
              static_cast<uint32_t>(ExchangeMode::normal) == MANSARD_EP_MODE_NORMAL);

void MansardDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "IR/Types.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "IR/Attributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "IR/Ops.cpp.inc"
      >();
}

void updateResultTypes(KernelOpInterface op) {
  const Shapes shapes = op.inferShapes();
  for (auto [result, shape] : llvm::zip(op->getResults(), shapes))
    result.setType(llvm::cast<mlir::RankedTensorType>(result.getType()).clone(shape));
}

llvm::StringRef labelOf(mlir::Operation *op) {
  if (auto label = op->getAttrOfType<mlir::StringAttr>("label"))
    return label.getValue();
  return op->getName().stripDialect();
}

int64_t localChoices(ExpertsAttr experts) {
  return ceilDiv(static_cast<long>(experts.getTokens() * experts.getTopk()),
                 static_cast<long>(experts.getEp()));
}

std::string text(llvm::ArrayRef<int64_t> shape) {
  std::string result;
  for (int64_t size : shape)
    result += (result.empty() ? "" : "x") + std::to_string(size);
  return result.empty() ? "a scalar" : result;
}

mlir::LogicalResult verifyShapes(KernelOpInterface op) {
  const Shapes shapes = op.inferShapes();
  if (shapes.size() != op->getNumResults())
    return op->emitOpError() << "has " << op->getNumResults() << " results; its operands imply "
                             << shapes.size();
  for (auto [index, shape] : llvm::enumerate(shapes))
    if (shapeOf(op->getResult(index)) != llvm::ArrayRef(shape))
      return op->emitOpError() << "result " << index << " is "
                               << text(shapeOf(op->getResult(index))) << ", but its operands imply "
                               << text(shape);
  return mlir::success();
}

mlir::LogicalResult verifyRank(mlir::Operation *op, mlir::Value value, llvm::StringRef what,
                               llvm::ArrayRef<int64_t> ranks) {
  const auto rank = static_cast<int64_t>(shapeOf(value).size());
  if (llvm::is_contained(ranks, rank))
    return mlir::success();
  auto diagnostic = op->emitOpError() << "has " << what << " of rank " << rank << "; it must be ";
  llvm::interleave(
      ranks, [&](int64_t r) { diagnostic << r; }, [&] { diagnostic << " or "; });
  return diagnostic;
}

mlir::LogicalResult verifyPositive(mlir::Operation *op, llvm::StringRef what, int64_t value) {
  if (value > 0)
    return mlir::success();
  return op->emitOpError() << "has " << what << " " << value << "; it must be positive";
}

} // namespace mansard::ir
