#include "Fuse.h"
#include "Sharder.h"

namespace mansard::ir {

using mlir::Value;

Fusion fuseExperts(ScatterOp op, mlir::IRRewriter &rewriter) {
  if (!op.getIndices() || !op.getInput().getDefiningOp<GroupedMatmulOp>())
    return Fusion::unrelated();
  GroupedMatmulOp down = soleMaker<GroupedMatmulOp>(op.getInput());
  if (!down)
    return Fusion::refused("the experts' result is used elsewhere, too");
  Value narrowed = down.getLhs();
  QuantizeOp quantize = soleMaker<QuantizeOp>(narrowed);
  ElementwiseOp activation = soleMaker<ElementwiseOp>(quantize ? quantize.getInput() : narrowed);
  if (!activation || (activation.getKind() != ElementwiseKind::silu_mul &&
                      activation.getKind() != ElementwiseKind::gelu))
    return Fusion::refused("no activation of its own lies between the experts' two projections");
  GroupedMatmulOp up = soleMaker<GroupedMatmulOp>(activation.getInputs()[0]);
  GatherOp permute = up ? soleMaker<GatherOp>(up.getLhs()) : GatherOp();
  if (!permute || !permute.getExperts() || permute.getIndices() != op.getIndices())
    return Fusion::refused("its rows were not permuted by the same choice of experts");
  if (up.getScaling() != down.getScaling())
    return Fusion::refused("the two projections are scaled in different ways");
  llvm::SmallVector<Value, 2> biases;
  if (up.getBias())
    biases.push_back(up.getBias());
  if (down.getBias())
    biases.push_back(down.getBias());
  rewriter.setInsertionPoint(op);
  auto moe = rewriter.create<MoeOp>(
      op.getLoc(), op.getResult().getType(),
      rewriter.getStringAttr(siblingLabel(permute, "experts")), permute.getTable(), op.getIndices(),
      up.getRhs(), down.getRhs(), biases, *permute.getExperts(),
      activation.getKind() == ElementwiseKind::silu_mul, up.getScaling());
  rewriter.replaceOp(op, moe);
  rewriter.eraseOp(down);
  if (quantize)
    rewriter.eraseOp(quantize);
  rewriter.eraseOp(activation);
  rewriter.eraseOp(up);
  rewriter.eraseOp(permute);
  return Fusion::fused();
}

} // namespace mansard::ir
