// --mansard-overlap: what runs beside the exchange of tokens between devices.
#include <Lowering/Attributes.h>
#include <Lowering/Passes.h>

#include "TwoBatch.h"

#include <mlir/Dialect/Func/IR/FuncOps.h>

#include <llvm/ADT/SetVector.h>

namespace mansard::ir {
namespace {

using mlir::Value;

class OverlapPass : public mlir::PassWrapper<OverlapPass, mlir::OperationPass<mlir::func::FuncOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(OverlapPass)

  OverlapPass() = default;
  explicit OverlapPass(work::Overlap value) { mode = value; }
  OverlapPass(const OverlapPass &other) : PassWrapper(other) {}

  llvm::StringRef getArgument() const override { return "mansard-overlap"; }
  llvm::StringRef getDescription() const override {
    return "Run shared experts or the other half of the batch beside the exchange of tokens";
  }

  void runOnOperation() override {
    if (mode == work::Overlap::none)
      return;
    llvm::SmallVector<RepeatOp, 4> repeats;
    getOperation().walk([&](RepeatOp op) {
      if (!op.getBody().front().getOps<DispatchOp>().empty())
        repeats.push_back(op);
    });
    if (repeats.empty())
      return addNote(getOperation(),
                     "no tokens are exchanged between devices: there is nothing to overlap with");
    if (mode == work::Overlap::shared_expert) {
      bool any = false;
      for (RepeatOp op : repeats)
        any |= overlapShared(op);
      return any ? void()
                 : addNote(getOperation(),
                           "the model has no shared experts to run beside the exchange of tokens");
    }
    const auto sequences = getOperation()->getAttrOfType<mlir::IntegerAttr>(kSequencesAttr);
    if (!sequences || sequences.getInt() < 2)
      return addNote(
          getOperation(),
          "a device has one sequence at a time: there is no second half to overlap with");
    bool any = false;
    for (RepeatOp op : repeats)
      if (op->hasAttr(kLayersAttr) && canSplitInTwo(op, sequences.getInt())) {
        splitInTwo(op, sequences.getInt());
        any = true;
      }
    if (!any)
      addNote(getOperation(), "a device's rows do not fall into two halves of its sequences: "
                              "nothing is overlapped");
  }

private:
  bool overlapShared(RepeatOp repeat) {
    mlir::Block &body = repeat.getBody().front();
    DispatchOp dispatch = *body.getOps<DispatchOp>().begin();
    const llvm::SetVector<mlir::Operation *> shared = sharedExperts({body.begin(), body.end()});
    if (shared.empty())
      return false;
    separateSum(shared.back());
    for (mlir::Operation *op : shared)
      for (Value operand : op->getOperands())
        if (mlir::Operation *maker = operand.getDefiningOp(); maker && maker->getBlock() == &body &&
                                                              !shared.contains(maker) &&
                                                              !maker->isBeforeInBlock(dispatch))
          return false;
    llvm::SmallVector<Value, 4> results(dispatch.getResults());
    results.push_back(shared.back()->getResult(0));
    mlir::OpBuilder builder(dispatch);
    auto overlap = builder.create<OverlapOp>(
        dispatch.getLoc(), mlir::ValueRange(results).getTypes(), /*staggered=*/false);
    mlir::Block *block = builder.createBlock(&overlap.getBody());
    for (auto [old, made] : llvm::zip(results, overlap.getOutputs()))
      old.replaceAllUsesWith(made);
    builder.setInsertionPointToEnd(block);
    auto yield = builder.create<YieldOp>(dispatch.getLoc(), results);
    const auto move = [&](mlir::Operation *op, int64_t lane) {
      op->moveBefore(yield);
      if (!llvm::isa<WeightOp>(op))
        op->setAttr(kLaneAttr, builder.getI64IntegerAttr(lane));
    };
    move(dispatch, 1);
    for (mlir::Operation *op : shared)
      move(op, 0);
    return true;
  }

  /// The routed experts' result is not there yet when the shared ones run: it is added afterwards.
  static void separateSum(mlir::Operation *last) {
    auto matmul = llvm::dyn_cast<MatmulOp>(last);
    if (!matmul || !matmul.getResidual())
      return;
    mlir::OpBuilder builder(matmul->getBlock(), std::next(matmul->getIterator()));
    auto add = builder.create<ElementwiseOp>(
        matmul.getLoc(), matmul.getResult().getType(), ElementwiseKind::add,
        builder.getStringAttr(labelOf(matmul) + ".add"),
        mlir::ValueRange{matmul.getResidual(), matmul.getResult()}, Scaling::none);
    matmul.getResult().replaceAllUsesExcept(add.getResult(), add);
    matmul.getResidualMutable().clear();
  }

  Option<work::Overlap> mode{
      *this, "mode", llvm::cl::desc("What runs beside the exchange"),
      llvm::cl::init(work::Overlap::none),
      llvm::cl::values(
          clEnumValN(work::Overlap::none, "none", "Nothing"),
          clEnumValN(work::Overlap::shared_expert, "shared_expert", "The shared experts"),
          clEnumValN(work::Overlap::two_batch, "two_batch", "The other half of the batch"))};
};

} // namespace

std::unique_ptr<mlir::Pass> createOverlapPass(work::Overlap mode) {
  return std::make_unique<OverlapPass>(mode);
}

} // namespace mansard::ir
