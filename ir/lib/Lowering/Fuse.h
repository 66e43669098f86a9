// The fusions of --mansard-fuse. Each looks at one op, replaces it and its neighbours by one op if
// that computes the same in one kernel, and says whether it did or what stood in the way. Ops that
// went are erased.
#pragma once

#include <IR/Mansard.h>

#include <mlir/IR/PatternMatch.h>

namespace mansard::ir {

/// What came of looking at one op.
struct Fusion {
  enum class Kind {
    fused,
    refused,  // it could have been, but for `why`
    unrelated // not an op that this fusion is about
  };
  Kind kind;
  const char *why = ""; // static; completes "it stays a kernel of its own: "

  static Fusion fused() { return {Kind::fused}; }
  static Fusion refused(const char *why) { return {Kind::refused, why}; }
  static Fusion unrelated() { return {Kind::unrelated}; }
};

/// A bias, a residual or an activation into the matmul that `op` follows; in training only a bias.
Fusion fuseIntoMatmul(ElementwiseOp op, mlir::IRRewriter &rewriter, bool quantiseIsFused,
                      bool training);
/// The addition of a residual into the norm of the sum.
Fusion fuseResidual(NormOp op, mlir::IRRewriter &rewriter);
/// Quantisation into the norm, activation or matmul that makes its input.
Fusion fuseQuantize(QuantizeOp op, mlir::IRRewriter &rewriter);
/// Permute, projections, activation and un-permute of the local experts into a `moe`.
Fusion fuseExperts(ScatterOp op, mlir::IRRewriter &rewriter);
/// The write to the cache into the rotary kernel before it.
Fusion fuseCacheWrite(ScatterOp op, mlir::IRRewriter &rewriter);

/// The op that makes `value`, if it is a `T` of the same block and `value` has no other use.
template <typename T> T soleMaker(mlir::Value value) {
  auto maker = value.getDefiningOp<T>();
  return maker && value.hasOneUse() && maker->getBlock() == value.getUsers().begin()->getBlock()
             ? maker
             : T();
}

/// Whether every other use of `value` in its block comes after `op`.
bool usesFollow(mlir::Value value, mlir::Operation *op);

} // namespace mansard::ir
