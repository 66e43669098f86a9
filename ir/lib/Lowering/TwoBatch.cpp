#include "TwoBatch.h"

#include <IR/Stages.h>

#include <mlir/IR/IRMapping.h>

#include <iterator>

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

  mlir::Operation &copy(mlir::Operation &op) {
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
    return *copy;
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

/// Parts of a layer that the halves take in turn.
enum class Part { toAttention, attention, dispatch, experts, combine, shared };

struct Place {
  Part part;
  int64_t layer; // of those with an exchange in a turn; one too many is the next turn's first
};

bool isOf(Value parameter, Shard shard) {
  auto weight = parameter.getDefiningOp<WeightOp>();
  return weight && weight.getShard() == shard;
}

bool attends(mlir::Operation &op) { return llvm::isa<AttentionOp, MlaOp, DeltaRuleOp>(op); }

/// By op. What follows the shared experts and the combine begins the next layer.
llvm::DenseMap<mlir::Operation *, Place> placesOf(mlir::Block &body) {
  llvm::DenseSet<mlir::Operation *> shared;
  for (auto from = body.begin(); from != body.end();) {
    const auto found = sharedExperts({from, body.end()});
    shared.insert(found.begin(), found.end());
    from = found.empty() ? body.end() : std::next(found.back()->getIterator());
  }
  llvm::DenseMap<mlir::Operation *, Place> places;
  Part part = Part::toAttention;
  int64_t layer = 0;
  for (mlir::Operation &op : body) {
    if (shared.contains(&op)) {
      const bool exchanged = layer > 0 && part == Part::toAttention;
      places.insert({&op, {Part::shared, exchanged ? layer - 1 : layer}});
      continue;
    }
    if (attends(op) && part == Part::toAttention)
      part = Part::attention;
    if (llvm::isa<DispatchOp>(op)) {
      places.insert({&op, {Part::dispatch, layer}});
      part = Part::experts;
    } else if (llvm::isa<CombineOp>(op)) {
      places.insert({&op, {Part::combine, layer++}});
      part = Part::toAttention;
    } else {
      places.insert({&op, {part, layer}});
    }
  }
  return places;
}

/// DeepSeek's schedules (github deepseek-ai/profile-data@ae7fc07, README.md and the pictures in
/// assets). Prefill has four stages a layer, each with an exchange: one half's combine is beside
/// its shared experts and the other's attention, its dispatch beside the other's experts or
/// attention. Decode has six: a dispatch is beside its half's shared experts and what the other
/// does before attention, a combine beside the other's attention and what follows that; while
/// experts work, nothing travels. The second half is three stages behind.
class Schedule {
public:
  Schedule(bool lowLatency, int64_t layers)
      : decode_(lowLatency), stages_((lowLatency ? 6 : 4) * layers) {}

  int64_t stageOf(const Place &place, bool second) const {
    const int64_t stage = place.layer * (decode_ ? 6 : 4) + offset(place.part) + (second ? 3 : 0);
    return (stage + stages_) % stages_;
  }

private:
  int64_t offset(Part part) const {
    switch (part) {
    case Part::toAttention:
      return -3;
    case Part::attention:
      return decode_ ? -1 : -3;
    case Part::dispatch:
      return decode_ ? 0 : -2;
    case Part::experts:
      return decode_ ? 1 : -1;
    case Part::combine:
      return decode_ ? 2 : 0;
    case Part::shared:
      return 0;
    }
    return 0;
  }

  bool decode_;
  int64_t stages_;
};

} // namespace

llvm::SetVector<mlir::Operation *> sharedExperts(llvm::iterator_range<mlir::Block::iterator> from) {
  llvm::SetVector<mlir::Operation *> ops;
  for (mlir::Operation &op : from) {
    auto matmul = llvm::dyn_cast<MatmulOp>(op);
    const bool begins = matmul && isOf(matmul.getRhs(), Shard::shared_column);
    const bool ends = matmul && isOf(matmul.getRhs(), Shard::shared_row);
    bool continues = false;
    for (Value operand : op.getOperands())
      if (mlir::Operation *maker = operand.getDefiningOp(); maker && ops.contains(maker))
        continues |= !llvm::isa<WeightOp>(maker);
    if (!begins && !(continues && (ends || llvm::isa<ElementwiseOp, QuantizeOp>(op))))
      continue;
    for (Value operand : op.getOperands())
      if (auto weight = operand.getDefiningOp<WeightOp>())
        ops.insert(weight);
    ops.insert(&op);
    if (ends)
      break;
  }
  return ops;
}

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

  const auto dispatches = body.getOps<DispatchOp>();
  const Schedule schedule((*dispatches.begin()).getMode() == ExchangeMode::low_latency,
                          std::distance(dispatches.begin(), dispatches.end()));
  const auto places = placesOf(body);

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
      if (!llvm::isa<WeightOp>(op)) {
        mlir::Operation &copy = copies.copy(*op);
        if (!llvm::isa<ViewOp, KvCacheOp>(copy))
          copy.setAttr(kStageAttr, builder.getI64IntegerAttr(schedule.stageOf(
                                       places.lookup(op), /*second=*/!halves.empty())));
      }
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
