// Context parallelism: several devices share the positions of each sequence.
//
// In prefill each device works on its own tokens and gathers the keys and values of all for
// attention (Llama 3, arXiv 2407.21783, section 3.3.2). Of a causal sequence it has two parts, the
// one as far from the begin as the other from the end: so all devices have equally much to do.
//
// In decode each device keeps its share of the cache. It gathers the queries of its group, attends
// to what it keeps, and the partial results are weighted by their softmax' denominators and added
// up where their tokens belong (decode context parallelism in vLLM; Helix, arXiv 2507.07120).
#include "Sharder.h"

namespace mansard::ir {

using mlir::failure;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;

/// The latent that `op` expands, of its own tokens: from the cache instead, which will have those
/// of other devices as well.
static void expandFromCache(MlaOp op) {
  mlir::Operation *maker = op.getOther().getDefiningOp();
  while (maker && llvm::isa<MatmulOp, QuantizeOp>(maker)) {
    mlir::OpOperand &input = maker->getOpOperand(0);
    auto own = input.get().getDefiningOp<ViewOp>();
    if (own && own.getKind() == ViewKind::columns) {
      mlir::OpBuilder builder(maker);
      input.set(builder.create<GatherOp>(own.getLoc(), own.getResult().getType(),
                                         builder.getStringAttr(siblingLabel(op, "kv_read")),
                                         op.getCache(), Value(), nullptr));
      return;
    }
    maker = input.get().getDefiningOp();
  }
}

LogicalResult Sharder::prepareContexts(mlir::func::FuncOp step) {
  const auto refused = step.walk([](mlir::Operation *op) {
    auto latent = llvm::dyn_cast<MlaOp>(op);
    if (!llvm::isa<IndexOp, DeltaRuleOp>(op) && !(latent && latent.getSelected()))
      return mlir::WalkResult::advance();
    op->emitError() << "'" << labelOf(op) << "' cannot share its positions among devices (cp = 1)";
    return mlir::WalkResult::interrupt();
  });
  if (refused.wasInterrupted())
    return failure();
  if (!decodes()) {
    step.walk([](MlaOp op) {
      if (!op.getAbsorbed())
        expandFromCache(op);
    });
    return success();
  }
  const auto remember = [&](Value query) { queries_[query] = shapeOf(query)[0]; };
  step.walk([&](AttentionOp op) { remember(op.getQuery()); });
  step.walk([&](MlaOp op) { remember(op.getQuery()); });
  return success();
}

void Sharder::gatherQueries(Value query) {
  const auto type = llvm::cast<mlir::RankedTensorType>(query.getType());
  const int64_t rows = queries_.lookup(query) / sequences_ * localSequences_;
  mlir::OpBuilder builder(query.getContext());
  builder.setInsertionPointAfterValue(query);
  auto gathered = builder.create<CollectiveOp>(
      query.getLoc(), type.clone({rows, type.getDimSize(1)}), CollectiveKind::all_gather,
      builder.getStringAttr(siblingLabel(query.getDefiningOp(), "query_gather")), query, p_.cp, 0);
  // What is written to the cache stays where its tokens are; who keeps it gets it with the query.
  query.replaceUsesWithIf(gathered.getResult(), [&](mlir::OpOperand &use) {
    auto write = llvm::dyn_cast<ScatterOp>(use.getOwner());
    return use.getOwner() != gathered && !(write && write.getInto());
  });
  setShare(gathered.getResult(), shareOf(query));
}

void Sharder::gatherCache(ScatterOp write) {
  Value own = write.getResult();
  const auto type = llvm::cast<mlir::RankedTensorType>(own.getType());
  mlir::OpBuilder builder(write.getContext());
  builder.setInsertionPointAfter(write);
  auto gathered = builder.create<CollectiveOp>(
      write.getLoc(),
      type.clone({type.getDimSize(0), positions_.lookup(write.getInto()), type.getDimSize(2)}),
      CollectiveKind::all_gather, builder.getStringAttr(siblingLabel(write, "kv_gather")), own,
      p_.cp, 1);
  own.replaceAllUsesExcept(gathered.getResult(), gathered);
  setShare(gathered.getResult(), Share::whole);
}

/// Leaves to `op` the later of its device's two parts of each sequence. The earlier one goes to the
/// copy that is returned; none if a device has one query only. Both must still be updated.
template <typename Op> static Op splitInParts(Op op) {
  const Value query = op.getQuery();
  const auto type = llvm::cast<mlir::RankedTensorType>(query.getType());
  const int64_t sequences = shapeOf(op.getCache())[0], own = type.getDimSize(0) / sequences;
  if (own < 2)
    return {};
  mlir::OpBuilder builder(op);
  const auto part = [&](int64_t queries) -> Value {
    return builder.create<ViewOp>(op.getLoc(),
                                  type.clone({sequences * queries, type.getDimSize(1)}),
                                  ViewKind::rows, mlir::ValueRange{query}, 1);
  };
  const Value first = part(own / 2), second = part(own - own / 2);
  auto earlier = llvm::cast<Op>(builder.clone(*op));
  earlier.getQueryMutable().assign(first);
  op.getQueryMutable().assign(second);
  return earlier;
}

/// The results of both parts as one, in place of that of `op`.
template <typename Op> static Value joinParts(Op earlier, Op op) {
  mlir::OpBuilder builder(op);
  builder.setInsertionPointAfter(op);
  auto joined = builder.create<ViewOp>(op.getLoc(), op.getResult().getType(), ViewKind::concat,
                                       mlir::ValueRange{earlier.getResult(), op.getResult()}, 1);
  updateResultTypes(joined);
  op.getResult().replaceAllUsesExcept(joined.getResult(), joined);
  return joined.getResult();
}

LogicalResult Sharder::visitAttention(AttentionOp op) {
  const int64_t asked = shapeOf(op.getResult())[0] / sequences_; // by each sequence, on all devices
  if (localiseHeads(op).failed())
    return failure();
  for (mlir::OpOperand &operand : op->getOpOperands())
    require(operand, Share::whole);
  const auto own = [&](uint64_t positions) {
    return (static_cast<int64_t>(positions) + p_.cp - 1) / p_.cp;
  };
  if (sharesContext() && decodes()) {
    // Positions are dealt out in turn, those in a window as well.
    op.setKvLen(own(op.getKvLen()));
    op.setWindow(own(op.getWindow()));
    op.setChunk(own(op.getChunk()));
  }
  AttentionOp earlier;
  if (sharesContext() && !decodes() && op.getCausal())
    earlier = splitInParts(op);
  if (update(op, Share::whole).failed())
    return failure();
  if (earlier) {
    const int64_t count = shapeOf(earlier.getQuery())[0] / shapeOf(earlier.getCache())[0];
    earlier.setKvLen(static_cast<int64_t>(op.getKvLen()) - asked + count);
    updateResultTypes(earlier);
    setShare(joinParts(earlier, op), Share::whole);
  }
  if (sharesContext() && decodes())
    addUpContexts(op, op.getHeads());
  return success();
}

LogicalResult Sharder::visitLatentAttention(MlaOp op) {
  const llvm::ArrayRef<int64_t> whole = shapeOf(op.getResult());
  const int64_t asked = whole[op.getAbsorbed() ? 1 : 0] / sequences_;
  if (localiseHeads(op).failed())
    return failure();
  for (mlir::OpOperand &operand : op->getOpOperands())
    require(operand, Share::whole);
  MlaOp earlier;
  if (sharesContext() && !op.getAbsorbed())
    earlier = splitInParts(op);
  if (update(op, Share::whole).failed())
    return failure();
  if (earlier) {
    const auto cache = llvm::cast<mlir::RankedTensorType>(op.getCache().getType());
    const auto keys = llvm::cast<mlir::RankedTensorType>(op.getOther().getType());
    const int64_t sequences = cache.getDimSize(0);
    const int64_t seen = cache.getDimSize(1) - asked + shapeOf(earlier.getQuery())[0] / sequences;
    mlir::OpBuilder builder(earlier);
    earlier.getCacheMutable().assign(
        builder.create<ViewOp>(op.getLoc(), cache.clone({sequences, seen, cache.getDimSize(2)}),
                               ViewKind::part, mlir::ValueRange{op.getCache()}, 1));
    earlier.getOtherMutable().assign(
        builder.create<ViewOp>(op.getLoc(), keys.clone({sequences * seen, keys.getDimSize(1)}),
                               ViewKind::rows, mlir::ValueRange{op.getOther()}, 1));
    updateResultTypes(earlier);
    setShare(joinParts(earlier, op), Share::whole);
  }
  if (sharesContext() && op.getAbsorbed())
    addUpContexts(op, op.getHeads());
  return success();
}

void Sharder::addUpContexts(mlir::Operation *op, int64_t heads) {
  const Value partial = op->getResult(0);
  const auto type = llvm::cast<mlir::RankedTensorType>(partial.getType());
  const int64_t dim = type.getRank() == 3 ? 1 : 0; // of the rows
  mlir::OpBuilder builder(op);
  builder.setInsertionPointAfter(op);
  const auto label = [&](llvm::StringRef name) {
    return builder.getStringAttr(siblingLabel(op, name));
  };
  const auto collective = [&](CollectiveKind kind, llvm::StringRef name, Value input,
                              int64_t along) {
    auto made = builder.create<CollectiveOp>(op->getLoc(), input.getType(), kind, label(name),
                                             input, p_.cp, along);
    updateResultTypes(made);
    return made;
  };
  // The logarithms of the denominators, 32 bits for each query and head, from all to all.
  const Value logarithms = builder.create<ViewOp>(
      op->getLoc(),
      mlir::RankedTensorType::get({type.getDimSize(dim), heads}, builder.getF32Type()),
      ViewKind::zeros, mlir::ValueRange{}, 1);
  mlir::Operation *first = collective(CollectiveKind::all_gather, "lse_gather", logarithms, 0);
  auto weighted =
      builder.create<ElementwiseOp>(op->getLoc(), type, ElementwiseKind::copy, label("lse_weigh"),
                                    mlir::ValueRange{partial}, Scaling::none);
  auto sum = collective(CollectiveKind::reduce_scatter, "context_reduce_scatter", weighted, dim);
  op->getResult(0).replaceUsesWithIf(sum.getResult(), [&](mlir::OpOperand &use) {
    return use.getOwner() != weighted && use.getOwner() != first;
  });
  setShare(sum.getResult(), Share::whole);
}

} // namespace mansard::ir
