// --mansard-shard: tensor, expert, data and pipeline parallelism.
#include <Lowering/Attributes.h>
#include <Lowering/Passes.h>

#include "Sharder.h"

namespace mansard::ir {
namespace {

class ShardPass : public mlir::PassWrapper<ShardPass, mlir::OperationPass<mlir::func::FuncOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ShardPass)

  ShardPass() = default;
  explicit ShardPass(const work::Parallelism &p) { tp = p.tp, dp = p.dp, ep = p.ep, pp = p.pp; }
  ShardPass(const ShardPass &other) : PassWrapper(other) {}

  llvm::StringRef getArgument() const override { return "mansard-shard"; }
  llvm::StringRef getDescription() const override {
    return "Cut a step of the whole deployment down to one device, with its collectives";
  }

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    const work::Parallelism p{tp, pp, dp, ep};
    work::Workload workload;
    workload.parallelism = p;
    if (auto valid = work::check(workload); !valid) {
      getOperation().emitError() << valid.error().message;
      return signalPassFailure();
    }
    if (Sharder(p).run(getOperation()).failed())
      signalPassFailure();
  }

private:
  Option<int64_t> tp{*this, "tp", llvm::cl::desc("Tensor-parallel devices"), llvm::cl::init(1)};
  Option<int64_t> dp{*this, "dp", llvm::cl::desc("Replicas over the batch"), llvm::cl::init(1)};
  Option<int64_t> ep{*this, "ep",
                     llvm::cl::desc("Devices over which experts are spread (1: by tp)"),
                     llvm::cl::init(1)};
  Option<int64_t> pp{*this, "pp", llvm::cl::desc("Pipeline stages"), llvm::cl::init(1)};
};

} // namespace

/// A micro-batch passes from stage to stage behind the layers; which layer stands before the cut
/// does not matter to its time.
void Sharder::sendBetweenStages(mlir::func::FuncOp step) {
  RepeatOp last;
  for (auto op : step.getBody().front().getOps<RepeatOp>())
    if (op->hasAttr(kLayersAttr))
      last = op;
  if (!last)
    return;
  mlir::OpBuilder builder(last);
  builder.setInsertionPointAfter(last);
  auto stages =
      builder.create<RepeatOp>(last.getLoc(), last.getResultTypes(), p_.pp - 1, last.getOutputs());
  last->replaceUsesWithIf(stages, [&](mlir::OpOperand &use) { return use.getOwner() != stages; });
  const llvm::SmallVector<mlir::Location, 2> places(last.getNumResults(), last.getLoc());
  mlir::Block *block = builder.createBlock(&stages.getBody(), {}, last.getResultTypes(), places);
  llvm::SmallVector<mlir::Value, 2> sent;
  for (mlir::BlockArgument value : block->getArguments())
    sent.push_back(
        builder.create<CollectiveOp>(last.getLoc(), value.getType(), CollectiveKind::send,
                                     builder.getStringAttr("pipeline.send"), value, p_.pp, 0));
  builder.create<YieldOp>(last.getLoc(), sent);
}

std::unique_ptr<mlir::Pass> createShardPass(work::Parallelism parallelism) {
  return std::make_unique<ShardPass>(parallelism);
}

} // namespace mansard::ir
