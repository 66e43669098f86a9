// What a fusion saves, counted while it rewrites: kernels and compulsory memory traffic of the ops
// that go, less those of the ops that come.
#pragma once

#include <IR/Mansard.h>
#include <mansard/base/counts.h>

#include <mlir/IR/PatternMatch.h>

namespace mansard::ir {

/// A rewriter that keeps the balance of what passes through it.
class SavingsRewriter : public mlir::IRRewriter, private mlir::RewriterBase::Listener {
public:
  explicit SavingsRewriter(mlir::MLIRContext *context) : IRRewriter(context) { setListener(this); }

  void reset() { kernels_ = bytes_ = 0; }
  /// Launches saved since reset(), and bytes of memory traffic.
  int64_t kernels() const { return static_cast<int64_t>(kernels_); }
  double bytes() const { return bytes_; }

private:
  void startOpModification(mlir::Operation *op) override {
    add(op, +1);
    IRRewriter::startOpModification(op);
  }
  void finalizeOpModification(mlir::Operation *op) override {
    IRRewriter::finalizeOpModification(op);
    add(op, -1);
  }
  void notifyOperationInserted(mlir::Operation *op, InsertPoint previous) override {
    if (!previous.isSet())
      add(op, -1);
  }
  void notifyOperationErased(mlir::Operation *op) override { add(op, +1); }

  void add(mlir::Operation *op, int sign) {
    auto kernelOp = llvm::dyn_cast<KernelOpInterface>(op);
    if (!kernelOp)
      return;
    llvm::SmallVector<mansard_kernel, 2> kernels;
    kernelOp.getKernels(kernels);
    for (const mansard_kernel &kernel : kernels) {
      const Counts counts = countWork(kernel);
      kernels_ += sign;
      bytes_ += sign * (counts.readBytes + counts.writeBytes);
    }
  }

  double kernels_ = 0, bytes_ = 0;
};

} // namespace mansard::ir
