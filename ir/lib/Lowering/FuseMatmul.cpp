#include "Fuse.h"

namespace mansard::ir {

using mlir::Value;

/// Matmul of `op`'s operand, with room for what `op` does: nothing comes before it in an epilogue
/// that must come after (bias, residual, activation, in this order).
static MatmulOp openMatmul(Value value) {
  MatmulOp matmul = soleMaker<MatmulOp>(value);
  if (!matmul || matmul.getActivation() != Activation::none ||
      mansard::bytesOf(codeOf(matmul.getResult())) < 2)
    return {};
  return matmul;
}

static void replace(ElementwiseOp op, MatmulOp matmul, Value bias, Value residual,
                    Activation activation, mlir::IRRewriter &rewriter) {
  rewriter.setInsertionPoint(op);
  auto fused = rewriter.create<MatmulOp>(matmul.getLoc(), op.getResult().getType(),
                                         matmul.getLabelAttr(), matmul.getLhs(), matmul.getRhs(),
                                         bias, residual, activation, matmul.getScaling());
  rewriter.replaceOp(op, fused);
  rewriter.eraseOp(matmul);
}

bool fuseIntoMatmul(ElementwiseOp op, mlir::IRRewriter &rewriter, bool quantiseIsFused) {
  const ElementwiseKind kind = op.getKind();
  if (kind == ElementwiseKind::silu_mul || kind == ElementwiseKind::gelu) {
    MatmulOp matmul = openMatmul(op.getInputs()[0]);
    // With a quantisation behind it, the activation is better fused with that: a row's or a block's
    // scale is not known in the matmul's epilogue.
    const bool quantisedNext = quantiseIsFused && op.getResult().hasOneUse() &&
                               llvm::isa<QuantizeOp>(*op.getResult().getUsers().begin());
    if (!matmul || quantisedNext || mansard::bytesOf(codeOf(op.getResult())) < 2)
      return false;
    replace(op, matmul, matmul.getBias(), matmul.getResidual(),
            kind == ElementwiseKind::gelu ? Activation::gelu : Activation::silu_mul, rewriter);
    return true;
  }
  if (kind != ElementwiseKind::add || mansard::bytesOf(codeOf(op.getResult())) < 2)
    return false;
  const Value first = op.getInputs()[0], second = op.getInputs()[1];
  if (shapeOf(second).size() == 1) {
    MatmulOp matmul = openMatmul(first);
    if (!matmul || matmul.getBias() || matmul.getResidual())
      return false;
    replace(op, matmul, second, Value(), Activation::none, rewriter);
    return true;
  }
  for (auto [product, other] : {std::pair(second, first), std::pair(first, second)}) {
    MatmulOp matmul = openMatmul(product);
    if (!matmul || matmul.getResidual())
      continue;
    replace(op, matmul, matmul.getBias(), other, Activation::none, rewriter);
    return true;
  }
  return false;
}

} // namespace mansard::ir
