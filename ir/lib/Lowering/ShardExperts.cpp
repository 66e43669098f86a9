// Experts: inside of one replica, where its devices have the tokens already and add up their
// results; or over several replicas, which exchange tokens.
#include "Sharder.h"

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;

LogicalResult Sharder::permute(GatherOp op) {
  const ExpertsAttr whole = *op.getExperts();
  if (whole.getEp() != 1 || whole.getTp() != 1)
    return op.emitError() << "'" << labelOf(op) << "' has experts that are cut already";
  routedExperts_ = whole.getExperts();
  const int64_t places = expertPlaces(routedExperts_);
  FailureOr<int64_t> experts = divide(op, "experts", places, p_.ep, "ep");
  FailureOr<int64_t> tokens = localRows(op, whole.getTokens());
  if (failed(experts) || failed(tokens))
    return failure();
  if (exchanges()) {
    // The busiest replica's tokens, but no more than the group has.
    const int64_t replicas = p_.ep / p_.tp, perSequence = *tokens / localSequences_;
    const int64_t group =
        std::max(localSequences_, (sequences_ * replicas + p_.dp * p_.pp - 1) / (p_.dp * p_.pp));
    return exchange(op, ExpertsAttr::get(op.getContext(), group * perSequence, whole.getTopk(),
                                         places, p_.ep, 1));
  }
  op.setExpertsAttr(ExpertsAttr::get(op.getContext(), *tokens, whole.getTopk(), whole.getExperts(),
                                     p_.ep, expertWidthWays()));
  require(op.getTableMutable(), Share::whole);
  require(op.getIndicesMutable(), Share::whole);
  return update(op, Share::whole);
}

static bool travelsQuantised(Value value) {
  const DType type = dtypeOf(value);
  return type == DType::fp8 || type == DType::int8 || type == DType::mxfp8;
}

LogicalResult Sharder::exchange(GatherOp op, ExpertsAttr experts) {
  mlir::OpBuilder builder(op);
  const Value indices = op.getIndices();
  // Rows travel in 8 bits if they are quantised to that, otherwise in 16.
  auto quantize = op.getTable().getDefiningOp<QuantizeOp>();
  const bool later = quantize && !travelsQuantised(op.getTable());
  const Value rows = convert(later ? quantize.getInput() : op.getTable(), Share::rows);
  const Value choices = convert(indices, Share::rows);
  auto topk = indices.getDefiningOp<TopkOp>();
  const int64_t limit = topk ? static_cast<int64_t>(topk.getKept()) : 0;
  const int64_t received = localChoices(experts);
  const auto rowsType = llvm::cast<mlir::RankedTensorType>(rows.getType());
  auto dispatch = builder.create<DispatchOp>(
      op.getLoc(), rowsType.clone({received, rowsType.getDimSize(1)}),
      mlir::RankedTensorType::get({received, 1}, builder.getI32Type()),
      builder.getStringAttr(siblingLabel(op, "dispatch")), mode_, rows, choices, experts, limit,
      quantize && !later ? quantize.getScaling() : Scaling::none);
  dispatched_[indices] = dispatch;
  Value table = dispatch.getRows();
  if (later)
    table = builder.create<QuantizeOp>(
        op.getLoc(),
        llvm::cast<mlir::RankedTensorType>(op.getTable().getType()).clone(shapeOf(table)),
        builder.getStringAttr(siblingLabel(op, "quantize")), table, quantize.getScaling());
  op.getTableMutable().assign(table);
  op.getIndicesMutable().assign(dispatch.getChoices());
  op.setExpertsAttr(experts);
  const LogicalResult result = update(op, Share::whole);
  if (later && quantize->use_empty())
    quantize->erase();
  return result;
}

void Sharder::combineAfter(ScatterOp op, DispatchOp dispatch) {
  op.getIndicesMutable().assign(dispatch.getChoices());
  updateResultTypes(op);
  mlir::OpBuilder builder(op);
  builder.setInsertionPointAfter(op);
  const auto type = llvm::cast<mlir::RankedTensorType>(op.getResult().getType());
  auto combine = builder.create<CombineOp>(
      op.getLoc(), type.clone({shapeOf(dispatch.getIndices())[0], type.getDimSize(1)}),
      builder.getStringAttr(siblingLabel(op, "combine")), mode_, op.getResult(),
      dispatch.getIndices(), dispatch.getExperts(), dispatch.getNodeLimit());
  op.getResult().replaceAllUsesExcept(combine.getResult(), combine);
  const bool cut = p_.tp > 1;
  setShare(combine.getResult(), cut ? Share::rows : Share::whole);
  if (cut)
    wholeRows_[combine.getResult()] = wholeRows_.lookup(dispatch.getIndices());
}

} // namespace mansard::ir
