// Experts: inside of one replica, where its devices have the tokens already and add up their
// results; or over several replicas, which exchange tokens.
#include "Sharder.h"

#include <cmath>

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;

int64_t Sharder::groupTokens(int64_t tokensPerSequence) const {
  const auto share = [](int64_t size, int64_t ways) { return (size + ways - 1) / ways; };
  const int64_t replicas = p_.expertGroup() / p_.tp;
  // The busiest replica's, but no more than the group has.
  const int64_t sequences = std::max(localSequences_, share(sequences_ * replicas, p_.dp * p_.pp));
  return share(sequences * tokensPerSequence, p_.cp);
}

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
  const auto spread = [&](int64_t all) {
    return ExpertsAttr::get(op.getContext(), all, whole.getTopk(), places, p_.ep,
                            p_.expertWidthWays());
  };
  const auto ofBusiest = [&](int64_t all) {
    return spread(static_cast<int64_t>(std::ceil(static_cast<double>(all) * imbalance_)));
  };
  if (exchanges()) {
    const int64_t all = groupTokens(whole.getTokens() / sequences_);
    return exchange(op, spread(all), ofBusiest(all));
  }
  op.setExpertsAttr(p_.ep > 1 ? ofBusiest(*tokens) : spread(*tokens));
  require(op.getTableMutable(), Share::whole);
  require(op.getIndicesMutable()[0], Share::whole);
  return update(op, Share::whole);
}

static bool travelsQuantised(Value value) {
  const DType type = dtypeOf(value);
  return type == DType::fp8 || type == DType::int8 || type == DType::mxfp8;
}

LogicalResult Sharder::exchange(GatherOp op, ExpertsAttr experts, ExpertsAttr busiest) {
  mlir::OpBuilder builder(op);
  const Value indices = op.getIndices();
  // Rows travel in 8 bits if they are quantised to that, otherwise in 16.
  auto quantize = op.getTable().getDefiningOp<QuantizeOp>();
  const bool later = quantize && !travelsQuantised(op.getTable());
  const Value rows = convert(later ? quantize.getInput() : op.getTable(), Share::rows);
  const Value choices = convert(indices, Share::rows);
  auto topk = indices.getDefiningOp<TopkOp>();
  const bool gathers = p_.gathersTokens();
  if (!gathers) // all of the tokens, whichever device their experts are on
    experts = busiest;
  const int64_t limit = topk && !gathers ? static_cast<int64_t>(topk.getKept()) : 0;
  const int64_t received = gathers ? experts.getTokens() : localChoices(experts);
  const int64_t choicesEach = gathers ? experts.getTopk() : 1;
  const auto rowsType = llvm::cast<mlir::RankedTensorType>(rows.getType());
  auto dispatch = builder.create<DispatchOp>(
      op.getLoc(), rowsType.clone({received, rowsType.getDimSize(1)}),
      mlir::RankedTensorType::get({received, choicesEach}, builder.getI32Type()),
      builder.getStringAttr(siblingLabel(op, gathers ? "all_gather" : "dispatch")),
      gathers ? ExchangeMode::all_gather : mode_, rows, choices, experts, limit,
      quantize && !later ? quantize.getScaling() : Scaling::none);
  dispatched_[indices] = dispatch;
  Value table = dispatch.getRows();
  if (later)
    table = builder.create<QuantizeOp>(
        op.getLoc(),
        llvm::cast<mlir::RankedTensorType>(op.getTable().getType()).clone(shapeOf(table)),
        builder.getStringAttr(siblingLabel(op, "quantize")), table, quantize.getScaling());
  LogicalResult result = success();
  if (dispatch.getMode() == ExchangeMode::low_latency) { // rows arrive in their experts' order
    op.getResult().replaceAllUsesWith(table);
    op.erase();
  } else {
    op.getTableMutable().assign(table);
    op.getIndicesMutable().assign(dispatch.getChoices());
    op.setExpertsAttr(busiest);
    result = update(op, Share::whole);
  }
  if (later && quantize->use_empty())
    quantize->erase();
  return result;
}

void Sharder::combineAfter(ScatterOp op, DispatchOp dispatch) {
  const bool sorted = dispatch.getMode() == ExchangeMode::low_latency;
  if (!sorted) {
    op.getIndicesMutable().assign(dispatch.getChoices());
    updateResultTypes(op);
  }
  mlir::OpBuilder builder(op);
  builder.setInsertionPointAfter(op);
  const auto type = llvm::cast<mlir::RankedTensorType>(op.getResult().getType());
  auto combine = builder.create<CombineOp>(
      op.getLoc(), type.clone({shapeOf(dispatch.getIndices())[0], type.getDimSize(1)}),
      builder.getStringAttr(siblingLabel(op, p_.gathersTokens() ? "reduce_scatter" : "combine")),
      dispatch.getMode(), sorted ? op.getInput() : op.getResult(), dispatch.getIndices(),
      dispatch.getExperts(), dispatch.getNodeLimit());
  op.getResult().replaceAllUsesExcept(combine.getResult(), combine);
  const bool cut = p_.tp > 1;
  setShare(combine.getResult(), cut ? Share::rows : Share::whole);
  if (cut)
    wholeRows_[combine.getResult()] = wholeRows_.lookup(dispatch.getIndices());
  if (sorted)
    op.erase();
}

} // namespace mansard::ir
