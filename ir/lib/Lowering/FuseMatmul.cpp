#include "Fuse.h"

namespace mansard::ir {

using mlir::Value;

/// Why `value` is not what a matmul with room in its epilogue makes; null if it is. What comes
/// there comes in the order bias, residual, activation.
static const char *obstacle(Value value, mlir::Operation *op) {
  auto matmul = value.getDefiningOp<MatmulOp>();
  if (!matmul)
    return "its input comes from no matmul";
  if (!value.hasOneUse())
    return "the product has other uses and must be stored anyway";
  if (matmul->getBlock() != op->getBlock())
    return "the matmul before it is outside of its region";
  if (matmul.getActivation() != Activation::none)
    return "the matmul's epilogue ends with an activation already";
  if (mansard::bytesOf(codeOf(matmul.getResult())) < 2)
    return "the product is stored quantised";
  return nullptr;
}

static void replace(ElementwiseOp op, MatmulOp matmul, Value bias, Value residual,
                    Activation activation, mlir::IRRewriter &rewriter) {
  rewriter.setInsertionPoint(op);
  auto fused = rewriter.create<MatmulOp>(
      matmul.getLoc(), op.getResult().getType(), matmul.getLabelAttr(), matmul.getLhs(),
      matmul.getRhs(), bias, residual, activation, matmul.getScaling(), matmul.getTileAttr());
  rewriter.replaceOp(op, fused);
  rewriter.eraseOp(matmul);
}

Fusion fuseIntoMatmul(ElementwiseOp op, mlir::IRRewriter &rewriter, bool quantiseIsFused,
                      bool training) {
  const ElementwiseKind kind = op.getKind();
  const bool activates = kind == ElementwiseKind::silu_mul || kind == ElementwiseKind::gelu;
  if (!activates && kind != ElementwiseKind::add)
    return Fusion::unrelated();
  if (mansard::bytesOf(codeOf(op.getResult())) < 2)
    return Fusion::refused("it writes quantised values");
  if (training && (activates || shapeOf(op.getInputs()[1]).size() != 1))
    return Fusion::refused("the backward pass needs what goes into it");
  if (activates) {
    if (const char *why = obstacle(op.getInputs()[0], op))
      return Fusion::refused(why);
    // With a quantisation behind it, the activation is better fused with that: a row's or a block's
    // scale is not known in the matmul's epilogue.
    if (quantiseIsFused && op.getResult().hasOneUse() &&
        llvm::isa<QuantizeOp>(*op.getResult().getUsers().begin()))
      return Fusion::refused("it is left to the quantisation after it");
    auto matmul = op.getInputs()[0].getDefiningOp<MatmulOp>();
    replace(op, matmul, matmul.getBias(), matmul.getResidual(),
            kind == ElementwiseKind::gelu ? Activation::gelu : Activation::silu_mul, rewriter);
    return Fusion::fused();
  }
  const Value first = op.getInputs()[0], second = op.getInputs()[1];
  if (shapeOf(second).size() == 1) {
    if (const char *why = obstacle(first, op))
      return Fusion::refused(why);
    auto matmul = first.getDefiningOp<MatmulOp>();
    if (matmul.getBias() || matmul.getResidual())
      return Fusion::refused("the matmul's epilogue has a bias or a residual already");
    replace(op, matmul, second, Value(), Activation::none, rewriter);
    return Fusion::fused();
  }
  const char *why = nullptr;
  for (auto [product, other] : {std::pair(second, first), std::pair(first, second)}) {
    auto matmul = product.getDefiningOp<MatmulOp>();
    const char *here = obstacle(product, op);
    if (!here && matmul.getResidual())
      here = "the matmul's epilogue has a residual already";
    if (!here) {
      replace(op, matmul, matmul.getBias(), other, Activation::none, rewriter);
      return Fusion::fused();
    }
    if (!why || matmul) // a matmul's obstacle says more than that there is none
      why = here;
  }
  return Fusion::refused(why);
}

} // namespace mansard::ir
