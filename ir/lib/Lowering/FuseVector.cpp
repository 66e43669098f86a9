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

Fusion fuseResidual(NormOp op, mlir::IRRewriter &rewriter) {
  auto add = op.getInput().getDefiningOp<ElementwiseOp>();
  if (op.getResidual() || op.getKind() == NormKind::softmax || !add ||
      add.getKind() != ElementwiseKind::add)
    return Fusion::unrelated();
  if (op.getGroups() || op.getWidth())
    return Fusion::refused("a norm of parts of a row has no kernel that adds a residual");
  if (add->getBlock() != op->getBlock())
    return Fusion::refused("the addition before it is outside of its region");
  const Value first = add.getInputs()[0], second = add.getInputs()[1];
  if (shapeOf(first) != shapeOf(second))
    return Fusion::refused("the addition before it broadcasts");
  if (!usesFollow(add.getResult(), op))
    return Fusion::refused("the sum is needed before the norm");
  rewriter.setInsertionPoint(op);
  auto fused = rewriter.create<NormOp>(
      op.getLoc(), mlir::TypeRange{op.getResult().getType(), add.getResult().getType()},
      op.getKind(), op.getLabelAttr(), second, op.getWeight(), first, nullptr, nullptr,
      op.getScaling());
  rewriter.replaceOp(op, fused.getResult());
  rewriter.replaceOp(add, fused.getSum());
  return Fusion::fused();
}

Fusion fuseQuantize(QuantizeOp op, mlir::IRRewriter &rewriter) {
  const auto retype = [&](mlir::Operation *maker, Value result) {
    rewriter.modifyOpInPlace(maker, [&] {
      result.setType(op.getResult().getType());
      if (auto norm = llvm::dyn_cast<NormOp>(maker))
        norm.setScaling(op.getScaling());
      if (auto elementwise = llvm::dyn_cast<ElementwiseOp>(maker))
        elementwise.setScaling(op.getScaling());
    });
    rewriter.replaceOp(op, result);
    return Fusion::fused();
  };
  const Value input = op.getInput();
  mlir::Operation *maker = input.getDefiningOp();
  if (!llvm::isa_and_nonnull<NormOp, ElementwiseOp, MatmulOp>(maker))
    return Fusion::refused("what it quantises comes from no norm, activation or matmul");
  if (!input.hasOneUse())
    return Fusion::refused("what it quantises is also used as it was");
  if (maker->getBlock() != op->getBlock())
    return Fusion::refused("what it quantises is made outside of its region");
  if (auto norm = llvm::dyn_cast<NormOp>(maker)) {
    if (norm.getResult() != input)
      return Fusion::refused("it quantises the residual sum, which the norm writes as it is");
    if (norm.getGroups() || norm.getWidth())
      return Fusion::refused("a norm of parts of a row has no kernel that quantises");
  }
  // In an epilogue only the scale of a few neighbours, or one known before, can be applied.
  if (llvm::isa<MatmulOp>(maker) && op.getScaling() != Scaling::group &&
      op.getScaling() != Scaling::tensor)
    return Fusion::refused("its scale is that of a whole row or block, which a matmul's epilogue "
                           "does not see");
  return retype(maker, input);
}

Fusion fuseCacheWrite(ScatterOp op, mlir::IRRewriter &rewriter) {
  auto rope = op.getInput().getDefiningOp<RopeOp>();
  if (!op.getInto() || !rope)
    return Fusion::unrelated();
  if (rope.getCache())
    return Fusion::refused("the rotary kernel before it writes a cache already");
  if (rope->getBlock() != op->getBlock())
    return Fusion::refused("the rotary kernel before it is outside of its region");
  for (Value result : rope->getResults())
    if (!usesFollow(result, op))
      return Fusion::refused("what the rotary kernel makes is needed before the cache is written");
  rewriter.setInsertionPoint(op);
  llvm::SmallVector<mlir::Type, 2> others(rope.getOthers().getTypes());
  others.push_back(op.getResult().getType());
  auto fused =
      rewriter.create<RopeOp>(rope.getLoc(), rope.getResult().getType(), others,
                              rope.getLabelAttr(), rope.getInput(), rope.getKey(), op.getInto(),
                              rope.getHeadsAttr(), rope.getHeadDimAttr(), rope.getRopeDimAttr());
  rewriter.replaceOp(op, fused.getCacheResult());
  rewriter.replaceOp(rope, fused->getResults().drop_back());
  return Fusion::fused();
}

} // namespace mansard::ir
