#include "Fuse.h"

namespace mansard::ir {

using mlir::Value;

bool usesFollow(Value value, mlir::Operation *op) {
  for (mlir::Operation *user : value.getUsers()) {
    mlir::Operation *inBlock = op->getBlock()->findAncestorOpInBlock(*user);
    if (inBlock && inBlock != op && inBlock->isBeforeInBlock(op))
      return false;
  }
  return true;
}

bool fuseResidual(NormOp op, mlir::IRRewriter &rewriter) {
  auto add = op.getInput().getDefiningOp<ElementwiseOp>();
  if (op.getResidual() || op.getGroups() || op.getWidth() || op.getKind() == NormKind::softmax ||
      !add || add.getKind() != ElementwiseKind::add || add->getBlock() != op->getBlock())
    return false;
  const Value first = add.getInputs()[0], second = add.getInputs()[1];
  if (shapeOf(first) != shapeOf(second) || !usesFollow(add.getResult(), op))
    return false;
  rewriter.setInsertionPoint(op);
  auto fused = rewriter.create<NormOp>(
      op.getLoc(), mlir::TypeRange{op.getResult().getType(), add.getResult().getType()},
      op.getKind(), op.getLabelAttr(), second, op.getWeight(), first, nullptr, nullptr,
      op.getScaling());
  rewriter.replaceOp(op, fused.getResult());
  rewriter.replaceOp(add, fused.getSum());
  return true;
}

bool fuseQuantize(QuantizeOp op, mlir::IRRewriter &rewriter) {
  const auto retype = [&](mlir::Operation *maker, Value result) {
    rewriter.modifyOpInPlace(maker, [&] { result.setType(op.getResult().getType()); });
    rewriter.replaceOp(op, result);
    return true;
  };
  const Value input = op.getInput();
  if (NormOp norm = soleMaker<NormOp>(input)) {
    if (norm.getResult() != input || norm.getGroups() || norm.getWidth())
      return false;
    norm.setScaling(op.getScaling());
    return retype(norm, input);
  }
  if (ElementwiseOp elementwise = soleMaker<ElementwiseOp>(input)) {
    elementwise.setScaling(op.getScaling());
    return retype(elementwise, input);
  }
  // In an epilogue only the scale of a few neighbours, or one known before, can be applied.
  const bool local = op.getScaling() == Scaling::group || op.getScaling() == Scaling::tensor;
  if (MatmulOp matmul = soleMaker<MatmulOp>(input); matmul && local)
    return retype(matmul, input);
  return false;
}

bool fuseCacheWrite(ScatterOp op, mlir::IRRewriter &rewriter) {
  auto rope = op.getInput().getDefiningOp<RopeOp>();
  if (!op.getInto() || !rope || rope.getCache() || rope->getBlock() != op->getBlock())
    return false;
  for (Value result : rope->getResults())
    if (!usesFollow(result, op))
      return false;
  rewriter.setInsertionPoint(op);
  llvm::SmallVector<mlir::Type, 2> others(rope.getOthers().getTypes());
  others.push_back(op.getResult().getType());
  auto fused =
      rewriter.create<RopeOp>(rope.getLoc(), rope.getResult().getType(), others,
                              rope.getLabelAttr(), rope.getInput(), rope.getKey(), op.getInto(),
                              rope.getHeadsAttr(), rope.getHeadDimAttr(), rope.getRopeDimAttr());
  rewriter.replaceOp(op, fused.getCacheResult());
  rewriter.replaceOp(rope, fused->getResults().drop_back());
  return true;
}

} // namespace mansard::ir
