// --mansard-fuse: neighbours that one kernel can do together.
#include <Lowering/Passes.h>

#include "Fuse.h"
#include "FusionSavings.h"

#include <mlir/Dialect/Func/IR/FuncOps.h>

#include <fmt/format.h>

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
    explain = options.explain;
    training = options.training;
  }
  FusePass(const FusePass &other) : PassWrapper(other) {}

  llvm::StringRef getArgument() const override { return "mansard-fuse"; }
  llvm::StringRef getDescription() const override {
    return "Do in one kernel what one kernel can do";
  }

  void runOnOperation() override {
    if (explain) {
      SavingsRewriter rewriter(&getContext());
      fuseAll(rewriter, [&](mlir::Operation *op, auto fuse) { say(op, rewriter, fuse); });
    } else {
      mlir::IRRewriter rewriter(&getContext());
      fuseAll(rewriter, [](mlir::Operation *, auto fuse) { fuse(); });
    }
  }

private:
  /// Every fusion that is switched on, on every op it is about, through `look(op, fuse)`.
  template <typename Look> void fuseAll(mlir::IRRewriter &rewriter, const Look &look) {
    if (experts && !training)
      each<ScatterOp>(look, [&](ScatterOp op) { return fuseExperts(op, rewriter); });
    if (cacheWrite)
      each<ScatterOp>(look, [&](ScatterOp op) { return fuseCacheWrite(op, rewriter); });
    if (normalise && !training)
      each<NormOp>(look, [&](NormOp op) { return fuseResidual(op, rewriter); });
    if (epilogue)
      each<ElementwiseOp>(
          look, [&](ElementwiseOp op) { return fuseIntoMatmul(op, rewriter, quantise, training); });
    if (quantise)
      each<QuantizeOp>(look, [&](QuantizeOp op) { return fuseQuantize(op, rewriter); });
  }

  /// `fuse` may erase the op it is given and ops before it, but none after.
  template <typename Op, typename Look, typename Fuse>
  void each(const Look &look, const Fuse &fuse) {
    llvm::SmallVector<Op, 32> ops;
    getOperation().walk([&](Op op) { ops.push_back(op); });
    for (Op op : ops)
      look(op, [&] { return fuse(op); });
  }

  /// Fuses, and says what came of it in a remark on the op.
  template <typename Fuse>
  static void say(mlir::Operation *op, SavingsRewriter &rewriter, const Fuse &fuse) {
    const mlir::Location place = op->getLoc();
    const std::string name =
        fmt::format("'{}' ({})", labelOf(op).str(), op->getName().stripDialect().str());
    rewriter.reset();
    const Fusion fusion = fuse();
    if (fusion.kind == Fusion::Kind::fused)
      mlir::emitRemark(place) << fmt::format(
          "{} is fused: {} {} and {:.4g} MB of memory traffic less", name, rewriter.kernels(),
          rewriter.kernels() == 1 ? "kernel" : "kernels", rewriter.bytes() * 1e-6);
    else if (fusion.kind == Fusion::Kind::refused)
      mlir::emitRemark(place) << name << " stays a kernel of its own: " << fusion.why;
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
  Option<bool> training{*this, "training",
                        llvm::cl::desc("A backward pass follows: keep the tensors that it needs"),
                        llvm::cl::init(false)};
  Option<bool> explain{
      *this, "explain",
      llvm::cl::desc("Remarks: what was fused, what it saves, and why not the rest"),
      llvm::cl::init(true)};
};

} // namespace

std::unique_ptr<mlir::Pass> createFusePass(FuseOptions options) {
  return std::make_unique<FusePass>(options);
}

} // namespace mansard::ir
