#include "Fuse.h"
#include "Sharder.h"

namespace mansard::ir {

using mlir::Value;

/// Whether an exchange has brought just the rows of this device's experts: libraries then run
/// grouped matmuls on them. A kernel that does it all expects whole tokens, and routes them itself.
static bool sortedByExchange(Value rows) {
  if (auto quantize = rows.getDefiningOp<QuantizeOp>())
    rows = quantize.getInput();
  auto dispatch = rows.getDefiningOp<DispatchOp>();
  return dispatch && dispatch.getMode() != ExchangeMode::all_gather;
}

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
  if (sortedByExchange(permute.getTable()))
    return Fusion::refused("the exchange tells each expert's rows before: they are permuted for "
                           "grouped matmuls alone");
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
