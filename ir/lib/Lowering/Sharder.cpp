#include "Sharder.h"

#include <Lowering/Attributes.h>
#include <mansard/base/units.h>

#include <fmt/format.h>

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/TypeSwitch.h>

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;

static int64_t ceilOf(int64_t a, int64_t b) { return (a + b - 1) / b; }

std::string siblingLabel(mlir::Operation *op, llvm::StringRef name) {
  const llvm::StringRef label = op ? labelOf(op) : "";
  const size_t dot = label.rfind('.');
  if (dot == llvm::StringRef::npos)
    return label.empty() ? name.str() : (label + "." + name).str();
  return (label.take_front(dot + 1) + name).str();
}

LogicalResult Sharder::run(mlir::func::FuncOp step) {
  if (step->hasAttr(kDevicesAttr))
    return step.emitError() << "is sharded already";
  const auto sequences = step->getAttrOfType<mlir::IntegerAttr>(kSequencesAttr);
  if (!sequences || sequences.getInt() < 1)
    return step.emitError() << "does not say to how many sequences its rows belong ("
                            << kSequencesAttr << ")";
  sequences_ = sequences.getInt();
  localSequences_ = ceilOf(sequences_, p_.dp * p_.pp);
  if (auto phase = step->getAttrOfType<mlir::StringAttr>(kPhaseAttr)) {
    mode_ = phase.getValue() == "decode" ? ExchangeMode::low_latency : ExchangeMode::normal;
    training_ = phase.getValue() == "training";
  }

  mlir::Block &body = step.getBody().front();
  for (mlir::BlockArgument argument : body.getArguments()) {
    auto type = llvm::dyn_cast<mlir::RankedTensorType>(argument.getType());
    if (!type || type.getRank() == 0)
      return step.emitError() << "takes " << argument.getType() << "; only tensors can be sharded";
    Shape shape(type.getShape());
    FailureOr<int64_t> rows = localRows(step, shape[0]);
    if (failed(rows))
      return failure();
    shape[0] = *rows;
    argument.setType(type.clone(shape));
  }
  if (sharesContext() && prepareContexts(step).failed())
    return failure();
  if (visit(body).failed())
    return failure();
  if (p_.pp > 1)
    sendBetweenStages(step);
  if (const int64_t shares = p_.dp * p_.pp; sequences_ % shares != 0)
    addNote(step, fmt::format("{} sequences do not spread evenly over {} replicas and stages: the "
                              "time is that of the busiest, with {}",
                              sequences_, shares, localSequences_));
  if (const int64_t places = expertPlaces(routedExperts_); places != routedExperts_)
    addNote(step, fmt::format("{} experts fill {} places, {} of them with second copies that share "
                              "their experts' tokens",
                              routedExperts_, places, places - routedExperts_));
  step.setFunctionType(mlir::FunctionType::get(step.getContext(), body.getArgumentTypes(),
                                               body.getTerminator()->getOperandTypes()));
  mlir::Builder builder(step.getContext());
  step->setAttr(kSequencesAttr, builder.getI64IntegerAttr(localSequences_));
  step->setAttr(kDevicesAttr, builder.getI64IntegerAttr(p_.devices()));
  step->setAttr(kStagesAttr, builder.getI64IntegerAttr(p_.pp));
  return success();
}

LogicalResult Sharder::visit(mlir::Block &block) {
  for (mlir::Operation &op : llvm::make_early_inc_range(block)) {
    llvm::SmallVector<Value, 1> queries;
    llvm::copy_if(op.getResults(), std::back_inserter(queries),
                  [&](Value result) { return queries_.contains(result); });
    if (visit(&op).failed())
      return failure();
    for (Value query : queries)
      gatherQueries(query);
  }
  return success();
}

LogicalResult Sharder::visit(mlir::Operation *op) {
  using Answer = LogicalResult;
  return llvm::TypeSwitch<mlir::Operation *, Answer>(op)
      .Case([&](WeightOp o) { return visitWeight(o); })
      .Case([&](KvCacheOp o) { return visitCache(o); })
      .Case([&](RepeatOp o) { return visitRepeat(o); })
      .Case([&](MatmulOp o) { return visitMatmul(o); })
      .Case([&](GatherOp o) { return visitGather(o); })
      .Case([&](ScatterOp o) { return visitScatter(o); })
      .Case([&](ViewOp o) { return visitView(o); })
      .Case([&](ElementwiseOp o) { return visitElementwise(o); })
      .Case<NormOp, QuantizeOp, TopkOp>([&](auto o) {
        if (localiseHeads(o).failed())
          return Answer(failure());
        if constexpr (std::is_same_v<decltype(o), NormOp>)
          if (o.getWhole())
            o.setRanks(p_.tp);
        return visitByRow(o);
      })
      .Case([&](AttentionOp o) { return visitAttention(o); })
      .Case([&](MlaOp o) { return visitLatentAttention(o); })
      .Case<RopeOp, DeltaRuleOp, GroupedMatmulOp>([&](auto o) {
        if (localiseHeads(o).failed())
          return Answer(failure());
        for (mlir::OpOperand &operand : o->getOpOperands())
          require(operand, Share::whole);
        return update(o, Share::whole);
      })
      .Case([&](IndexOp o) { // every device picks for itself
        for (mlir::OpOperand &operand : o->getOpOperands())
          require(operand, Share::whole);
        return update(o, Share::whole);
      })
      .Case([&](YieldOp o) {
        for (mlir::OpOperand &operand : o->getOpOperands())
          require(operand, shareOf(o->getParentRegion()->getArgument(operand.getOperandNumber())));
        return success();
      })
      .Case([&](mlir::func::ReturnOp o) {
        for (mlir::OpOperand &operand : o->getOpOperands())
          require(operand, Share::whole);
        return success();
      })
      .Default([](mlir::Operation *o) {
        return Answer(o->emitError() << "'" << o->getName()
                                     << "' cannot be sharded; sharding comes first, on modules of "
                                        "the whole deployment");
      });
}

FailureOr<int64_t> Sharder::replicaRows(mlir::Operation *op, int64_t rows) {
  if (rows % sequences_ != 0)
    return op->emitError() << "has " << rows << " rows, which do not belong to " << sequences_
                           << " sequences equally";
  return rows / sequences_ * localSequences_;
}

FailureOr<int64_t> Sharder::localRows(mlir::Operation *op, int64_t rows) {
  FailureOr<int64_t> own = replicaRows(op, rows);
  if (failed(own) || !sharesContext())
    return own;
  // Prefill shares the tokens of each sequence, decode whatever tokens there are.
  return decodes() ? ceilOf(*own, p_.cp) : localSequences_ * ceilOf(*own / localSequences_, p_.cp);
}

LogicalResult Sharder::update(mlir::Operation *op, Share share) {
  updateResultTypes(llvm::cast<KernelOpInterface>(op));
  for (Value result : op->getResults())
    setShare(result, share);
  if (share == Share::rows)
    for (Value operand : op->getOperands())
      if (const int64_t rows = wholeRows_.lookup(operand))
        wholeRows_[op->getResult(0)] = rows;
  return success();
}

void Sharder::require(mlir::OpOperand &operand, Share share) {
  if (operand.get().getDefiningOp<WeightOp>())
    return;
  operand.set(convert(operand.get(), share));
}

Value Sharder::convert(Value value, Share share) {
  const Share now = shareOf(value);
  if (now == share || p_.tp == 1)
    return value;
  Value &result = converted_[{value, static_cast<int>(share)}];
  if (result)
    return result;
  mlir::OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  const auto type = llvm::cast<mlir::RankedTensorType>(value.getType());
  mlir::Operation *maker = value.getDefiningOp();
  const auto collective = [&](CollectiveKind kind) {
    return builder.create<CollectiveOp>(
        value.getLoc(), type, kind,
        builder.getStringAttr(siblingLabel(maker, stringifyCollectiveKind(kind))), value, p_.tp, 0);
  };
  mlir::Operation *made = nullptr;
  if (now == Share::whole) // to rows: each keeps its own
    made = builder.create<ViewOp>(value.getLoc(), type, ViewKind::rows, mlir::ValueRange{value},
                                  p_.tp);
  else if (now == Share::summand)
    made = collective(share == Share::whole ? CollectiveKind::all_reduce
                                            : CollectiveKind::reduce_scatter);
  else
    made = collective(CollectiveKind::all_gather);
  // What was cut with rounding up is put together without.
  if (const int64_t rows = wholeRows_.lookup(value))
    made->getResult(0).setType(type.clone({rows, type.getDimSize(1)}));
  updateResultTypes(llvm::cast<KernelOpInterface>(made));
  if (share == Share::rows)
    wholeRows_[made->getResult(0)] = type.getDimSize(0);
  result = made->getResult(0);
  setShare(result, share);
  return result;
}

LogicalResult Sharder::visitRepeat(RepeatOp op) {
  for (auto [operand, argument] :
       llvm::zip(op->getOpOperands(), op.getBody().front().getArguments())) {
    // Layers may hand on shares of the rows; what is done again for each token has all of them.
    const Share share = p_.sp && op->hasAttr(kLayersAttr) ? Share::rows : Share::whole;
    require(operand, share);
    argument.setType(operand.get().getType());
    setShare(argument, share);
    if (share == Share::rows)
      wholeRows_[argument] = wholeRows_.lookup(operand.get());
  }
  for (auto [result, init] : llvm::zip(op.getOutputs(), op.getInits())) {
    result.setType(init.getType());
    setShare(result, shareOf(init));
    if (shareOf(init) == Share::rows)
      wholeRows_[result] = wholeRows_.lookup(init);
  }
  return visit(op.getBody().front());
}

static WeightOp parameterOf(Value value) {
  while (auto view = value.getDefiningOp<ViewOp>()) {
    if (view.getInputs().size() != 1)
      return {};
    value = view.getInputs()[0];
  }
  return value.getDefiningOp<WeightOp>();
}

/// A schedule for the whole product, of which a device has less than one tile, says nothing about
/// what that device does. `whole` is the result's shape before.
static void dropTileThatIsTooLarge(MatmulOp op, llvm::ArrayRef<int64_t> whole) {
  const TileAttr tile = op.getTileAttr();
  if (!tile)
    return;
  const llvm::ArrayRef<int64_t> own = shapeOf(op.getResult());
  const int64_t inner = shapeOf(op.getRhs())[0];
  const auto cut = [](int64_t size, int64_t before, int64_t part) {
    return size < part && size < before;
  };
  if (!cut(own[0], whole[0], tile.getM()) && !cut(own[1], whole[1], tile.getN()) &&
      inner >= tile.getK())
    return;
  op.removeTileAttr();
  op.emitRemark() << "its tile of " << tile.getM() << " x " << tile.getN() << " x " << tile.getK()
                  << " is larger than a device's share, " << own[0] << " x " << own[1] << " x "
                  << inner << ", and is dropped";
}

LogicalResult Sharder::visitMatmul(MatmulOp op) {
  const WeightOp parameter = parameterOf(op.getRhs());
  const Shard shard = parameter ? WeightOp(parameter).getShard() : Shard::replicated;
  const bool onRows =
      ((exchanges() || p_.sp) && shard == Shard::router) ||
      (exchanges() && (shard == Shard::shared_column || shard == Shard::shared_row));
  const Share share = onRows ? Share::rows : Share::whole;
  require(op.getLhsMutable(), share);
  const bool sums = shard == Shard::row || (shard == Shard::shared_row && !exchanges());
  const Shape whole(shapeOf(op.getResult()));
  if (update(op, sums ? Share::summand : share).failed())
    return failure();
  dropTileThatIsTooLarge(op, whole);
  if (shard != Shard::vocab || p_.tp == 1 || training_) // the loss is summed up over words
    return success();
  // Each device has the logits of its words.
  mlir::OpBuilder builder(op);
  builder.setInsertionPointAfter(op);
  auto gathered = builder.create<CollectiveOp>(
      op.getLoc(), op.getResult().getType(), CollectiveKind::all_gather,
      builder.getStringAttr(siblingLabel(op, "all_gather")), op.getResult(), p_.tp, 1);
  updateResultTypes(gathered);
  op.getResult().replaceAllUsesExcept(gathered.getResult(), gathered);
  return success();
}

LogicalResult Sharder::visitGather(GatherOp op) {
  if (op.getExperts())
    return permute(op);
  // Who has a row among its own contributes it.
  const bool ofRows = shareOf(op.getTable()) == Share::rows;
  if (!ofRows)
    require(op.getTableMutable(), Share::whole);
  for (mlir::OpOperand &indices : op.getIndicesMutable())
    require(indices, Share::whole);
  auto table = op.getTable().getDefiningOp<WeightOp>();
  const bool ofWords = table && table.getShard() == Shard::vocab;
  return update(op, ofRows || ofWords ? Share::summand : Share::whole);
}

LogicalResult Sharder::visitScatter(ScatterOp op) {
  if (op.getInto()) {
    require(op.getInputMutable(), Share::whole);
    if (update(op, Share::whole).failed())
      return failure();
    if (sharesContext() && !decodes())
      gatherCache(op);
    return success();
  }
  if (DispatchOp dispatch = dispatched_.lookup(op.getIndices())) {
    combineAfter(op, dispatch);
    return success();
  }
  require(op.getIndicesMutable()[0], Share::whole);
  return update(op, Share::summand);
}

LogicalResult Sharder::visitView(ViewOp op) {
  if (op.getKind() == ViewKind::reshape || op.getKind() == ViewKind::part)
    return op.emitOpError() << stringifyViewKind(op.getKind())
                            << " does not say what its rows are; such a module is of one device "
                               "already";
  if (op.getKind() == ViewKind::rows)
    require(op.getInputsMutable()[0], Share::whole);
  Shape shape(shapeOf(op.getResult()));
  if (op.getKind() == ViewKind::zeros || (op.getKind() == ViewKind::rows && op.getParts() == 1)) {
    FailureOr<int64_t> rows = localRows(op, shape[0]);
    if (failed(rows))
      return failure();
    shape[0] = *rows;
  }
  if (op.getKind() == ViewKind::heads) {
    FailureOr<int64_t> heads = localHeads(op, shape[0]);
    if (failed(heads))
      return failure();
    shape[0] = *heads;
  }
  op.getResult().setType(op.getResult().getType().clone(shape));
  if (op.getInputs().empty() || op.getInputs()[0].getDefiningOp<WeightOp>())
    return update(op, Share::whole);
  return visitByRow(op);
}

LogicalResult Sharder::visitElementwise(ElementwiseOp op) {
  const auto isSummand = [&](Value value) {
    return shareOf(value) == Share::summand || value.getDefiningOp<WeightOp>();
  };
  // A sum may wait until more has been added; of a bias one device takes care.
  if (op.getKind() == ElementwiseKind::add && llvm::all_of(op.getInputs(), isSummand))
    return update(op, Share::summand);
  return visitByRow(op);
}

/// Work on each row by itself is done where the rows are, or with sequence parallelism, where they
/// may be.
LogicalResult Sharder::visitByRow(mlir::Operation *op) {
  bool rows = true, anyRows = false;
  for (Value operand : op->getOperands())
    if (!operand.getDefiningOp<WeightOp>()) {
      rows &= shareOf(operand) == Share::rows;
      anyRows |= shareOf(operand) != Share::whole;
    }
  rows |= p_.sp && anyRows;
  const Share share = rows && op->getNumOperands() > 0 ? Share::rows : Share::whole;
  for (mlir::OpOperand &operand : op->getOpOperands())
    require(operand, share);
  return update(op, share);
}

} // namespace mansard::ir
