#include "TwoBatch.h"

#include <mlir/IR/IRMapping.h>

namespace mansard::ir {
namespace {

using mlir::Value;

/// Copies ops for `part` of `whole` sequences.
class PartOfBatch {
public:
  PartOfBatch(mlir::OpBuilder &builder, int64_t whole, int64_t part)
      : builder_(builder), whole_(whole), part_(part) {}

  void bind(Value value, Value copy) { mapping_.map(value, copy); }
  Value lookup(Value value) const { return mapping_.lookupOrDefault(value); }

  void copy(mlir::Operation &op) {
    mlir::Operation *copy = builder_.clone(op, mapping_);
    if (auto experts = copy->getAttrOfType<ExpertsAttr>("experts"))
      copy->setAttr("experts", ExpertsAttr::get(copy->getContext(), scaleUp(experts.getTokens()),
                                                experts.getTopk(), experts.getExperts(),
                                                experts.getEp(), experts.getTp()));
    if (hasOwnRows(*copy)) {
      auto type = llvm::cast<mlir::RankedTensorType>(copy->getResult(0).getType());
      Shape shape(type.getShape());
      shape[0] = scaleUp(shape[0]);
      copy->getResult(0).setType(type.clone(shape));
    }
    updateResultTypes(llvm::cast<KernelOpInterface>(copy));
  }

private:
  int64_t scaleUp(int64_t rows) const { return (rows * part_ + whole_ - 1) / whole_; }

  static bool hasOwnRows(mlir::Operation &op) {
    if (auto view = llvm::dyn_cast<ViewOp>(op))
      return view.getKind() == ViewKind::zeros || view.getKind() == ViewKind::part ||
             (view.getKind() == ViewKind::rows && view.getParts() == 1);
    if (auto collective = llvm::dyn_cast<CollectiveOp>(op))
      return collective.getKind() == CollectiveKind::all_gather && collective.getDim() == 0;
    return llvm::isa<KvCacheOp, CustomOp>(op);
  }

  mlir::OpBuilder &builder_;
  int64_t whole_, part_;
  mlir::IRMapping mapping_;
};

} // namespace

bool isExchange(mlir::Operation *op) { return llvm::isa<DispatchOp, CombineOp, CollectiveOp>(op); }

bool canSplitInTwo(RepeatOp repeat, int64_t sequences) {
  if (sequences < 2)
    return false;
  for (Value init : repeat.getInits()) {
    // Matrices of whole sequences, or shares of their rows that fall into the same two parts.
    const int64_t rows = shapeOf(init)[0];
    if (shapeOf(init).size() != 2 || rows * ((sequences + 1) / 2) % sequences != 0)
      return false;
  }
  for (mlir::Operation &op : repeat.getBody().front().without_terminator())
    if (op.getNumRegions() > 0 || !llvm::isa<KernelOpInterface>(op))
      return false;
  return true;
}

void splitInTwo(RepeatOp repeat, int64_t sequences) {
  mlir::Block &body = repeat.getBody().front();
  llvm::SmallVector<mlir::Operation *, 64> old;
  for (mlir::Operation &op : body.without_terminator())
    old.push_back(&op);
  auto yield = llvm::cast<YieldOp>(body.getTerminator());

  mlir::OpBuilder builder(repeat.getContext());
  builder.setInsertionPoint(yield);
  const mlir::Location location = repeat.getLoc();
  auto overlap = builder.create<OverlapOp>(location, yield.getValues().getTypes(),
                                           /*staggered=*/true);
  mlir::Block *block = builder.createBlock(&overlap.getBody());
  // Both halves use the same parameters.
  for (mlir::Operation *op : old)
    if (llvm::isa<WeightOp>(op))
      op->moveBefore(overlap);

  llvm::SmallVector<llvm::SmallVector<Value, 2>, 2> halves;
  const int64_t first = (sequences + 1) / 2;
  for (int64_t part : {first, sequences - first}) {
    PartOfBatch copies(builder, sequences, part);
    for (mlir::BlockArgument argument : body.getArguments()) {
      const auto type = llvm::cast<mlir::RankedTensorType>(argument.getType());
      const int64_t rows = type.getDimSize(0) * part / sequences;
      copies.bind(argument, builder.create<ViewOp>(location, type.clone({rows, type.getDimSize(1)}),
                                                   ViewKind::rows, mlir::ValueRange{argument}, 1));
    }
    for (mlir::Operation *op : old)
      if (!llvm::isa<WeightOp>(op))
        copies.copy(*op);
    llvm::SmallVector<Value, 2> &results = halves.emplace_back();
    for (Value value : yield.getValues())
      results.push_back(copies.lookup(value));
  }
  llvm::SmallVector<Value, 2> joined;
  for (auto [value, a, b] : llvm::zip(yield.getValues(), halves[0], halves[1]))
    joined.push_back(builder.create<ViewOp>(location, value.getType(), ViewKind::concat,
                                            mlir::ValueRange{a, b}, 1));
  builder.create<YieldOp>(location, joined);
  for (mlir::Operation &op : *block)
    if (!llvm::isa<ViewOp, KvCacheOp, YieldOp>(op))
      op.setAttr(kLaneAttr, builder.getI64IntegerAttr(isExchange(&op) ? 1 : 0));
  yield->setOperands(overlap.getOutputs());
  for (mlir::Operation *op : llvm::reverse(old))
    if (!llvm::isa<WeightOp>(op))
      op->erase();
}

} // namespace mansard::ir
