// --mansard-fuse: neighbours that one kernel can do together.
#include <Lowering/Passes.h>

#include "Fuse.h"

#include <mlir/Dialect/Func/IR/FuncOps.h>

namespace mansard::ir {
namespace {

class FusePass : public mlir::PassWrapper<FusePass, mlir::OperationPass<mlir::func::FuncOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FusePass)

  FusePass() = default;
  explicit FusePass(const FuseOptions &options) {
    epilogue = options.epilogue;
    normalise = options.normalise;
    quantise = options.quantise;
    experts = options.experts;
    cacheWrite = options.cacheWrite;
  }
  FusePass(const FusePass &other) : PassWrapper(other) {}

  llvm::StringRef getArgument() const override { return "mansard-fuse"; }
  llvm::StringRef getDescription() const override {
    return "Do in one kernel what one kernel can do";
  }

  void runOnOperation() override {
    mlir::IRRewriter rewriter(&getContext());
    if (experts)
      each<ScatterOp>([&](ScatterOp op) { return fuseExperts(op, rewriter); });
    if (cacheWrite)
      each<ScatterOp>([&](ScatterOp op) { return fuseCacheWrite(op, rewriter); });
    if (normalise)
      each<NormOp>([&](NormOp op) { return fuseResidual(op, rewriter); });
    if (epilogue)
      each<ElementwiseOp>([&](ElementwiseOp op) { return fuseIntoMatmul(op, rewriter, quantise); });
    if (quantise)
      each<QuantizeOp>([&](QuantizeOp op) { return fuseQuantize(op, rewriter); });
  }

private:
  /// `fuse` may erase the op it is given and ops before it, but none after.
  template <typename Op, typename Fuse> void each(const Fuse &fuse) {
    llvm::SmallVector<Op, 32> ops;
    getOperation().walk([&](Op op) { ops.push_back(op); });
    for (Op op : ops)
      fuse(op);
  }

  Option<bool> epilogue{*this, "epilogue",
                        llvm::cl::desc("Bias, residual and activation into the matmul before"),
                        llvm::cl::init(true)};
  Option<bool> normalise{*this, "normalise", llvm::cl::desc("Residual into the norm after"),
                         llvm::cl::init(true)};
  Option<bool> quantise{*this, "quantise",
                        llvm::cl::desc("Quantisation into the norm, activation or matmul before"),
                        llvm::cl::init(true)};
  Option<bool> experts{*this, "experts", llvm::cl::desc("Local experts into one kernel"),
                       llvm::cl::init(true)};
  Option<bool> cacheWrite{*this, "cache-write",
                          llvm::cl::desc("The cache write into the rotary kernel"),
                          llvm::cl::init(false)};
};

} // namespace

std::unique_ptr<mlir::Pass> createFusePass(FuseOptions options) {
  return std::make_unique<FusePass>(options);
}

} // namespace mansard::ir
