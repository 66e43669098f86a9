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
  ShardPass(const work::Parallelism &p, double busiest) {
    tp = p.tp, dp = p.dp, ep = p.ep, pp = p.pp, moeTp = p.moe_tp, cp = p.cp, sp = p.sp;
    gather = p.exchange == work::ExpertExchange::all_gather;
    redundant = p.redundant_experts;
    imbalance = busiest;
  }
  ShardPass(const ShardPass &other) : PassWrapper(other) {}

  llvm::StringRef getArgument() const override { return "mansard-shard"; }
  llvm::StringRef getDescription() const override {
    return "Cut a step of the whole deployment down to one device, with its collectives";
  }

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    work::Parallelism p{tp, pp, dp, ep};
    p.moe_tp = moeTp, p.cp = cp, p.sp = sp, p.redundant_experts = redundant;
    if (gather)
      p.exchange = work::ExpertExchange::all_gather;
    work::Workload workload;
    workload.parallelism = p;
    workload.imbalance = imbalance;
    if (auto valid = work::check(workload); !valid) {
      getOperation().emitError() << valid.error().message;
      return signalPassFailure();
    }
    if (Sharder(p, imbalance).run(getOperation()).failed())
      signalPassFailure();
  }

private:
  Option<int64_t> tp{*this, "tp", llvm::cl::desc("Tensor-parallel devices"), llvm::cl::init(1)};
  Option<int64_t> dp{*this, "dp", llvm::cl::desc("Replicas over the batch"), llvm::cl::init(1)};
  Option<int64_t> ep{*this, "ep",
                     llvm::cl::desc("Devices over which experts are spread (1: by tp)"),
                     llvm::cl::init(1)};
  Option<int64_t> pp{*this, "pp", llvm::cl::desc("Pipeline stages"), llvm::cl::init(1)};
  Option<int64_t> moeTp{
      *this, "moe-tp", llvm::cl::desc("Parts that each expert is cut in (0: what ep leaves of tp)"),
      llvm::cl::init(0)};
  Option<int64_t> cp{*this, "cp", llvm::cl::desc("Devices that share a sequence's positions"),
                     llvm::cl::init(1)};
  Option<bool> sp{*this, "sp", llvm::cl::desc("Norms on shares of the rows"),
                  llvm::cl::init(false)};
  Option<bool> gather{*this, "gather-tokens",
                      llvm::cl::desc("All tokens to all devices with experts, in place of each to "
                                     "its experts"),
                      llvm::cl::init(false)};
  Option<int64_t> redundant{*this, "redundant-experts", llvm::cl::desc("Second copies of experts"),
                            llvm::cl::init(0)};
  Option<double> imbalance{
      *this, "imbalance",
      llvm::cl::desc("Rows of the busiest device of experts over the mean of all"),
      llvm::cl::init(1)};
};

} // namespace

/// A micro-batch passes from stage to stage behind the layers; which layer stands before the cut
/// does not matter to its time. Stages are the outermost cut: between two of them lie the links
/// that join all devices.
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
    sent.push_back(builder.create<CollectiveOp>(
        last.getLoc(), value.getType(), CollectiveKind::send,
        builder.getStringAttr("pipeline.send"), value, p_.devices(), 0));
  builder.create<YieldOp>(last.getLoc(), sent);
}

std::unique_ptr<mlir::Pass> createShardPass(work::Parallelism parallelism, double imbalance) {
  return std::make_unique<ShardPass>(parallelism, imbalance);
}

} // namespace mansard::ir
