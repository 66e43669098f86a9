// How parameters, caches and heads are cut.
#include "Sharder.h"

#include <numeric>

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

FailureOr<int64_t> Sharder::divide(mlir::Operation *op, llvm::StringRef what, int64_t size,
                                   int64_t ways, llvm::StringRef degree) {
  if (size % ways == 0)
    return size / ways;
  int64_t nearest = 1;
  for (int64_t candidate = 1; candidate <= std::min(size, 2 * ways); ++candidate)
    if (size % candidate == 0 && std::abs(candidate - ways) < std::abs(nearest - ways))
      nearest = candidate;
  return op->emitError() << "'" << labelOf(op) << "' has " << size << " " << what << ", which "
                         << degree << " = " << ways << " does not divide; the nearest that does is "
                         << nearest;
}

FailureOr<int64_t> Sharder::localHeads(mlir::Operation *op, int64_t heads) {
  if (heads < p_.tp && p_.tp % heads == 0)
    return 1;
  return divide(op, "heads", heads, p_.tp, "tp");
}

FailureOr<llvm::SmallVector<int64_t>> Sharder::localHeads(mlir::Operation *op,
                                                          llvm::ArrayRef<int64_t> parts) {
  llvm::SmallVector<int64_t> result;
  for (int64_t part : parts) {
    FailureOr<int64_t> local = localHeads(op, part);
    if (failed(local))
      return failure();
    result.push_back(*local);
  }
  return result;
}

LogicalResult Sharder::visitWeight(WeightOp op) {
  const mlir::RankedTensorType type = op.getResult().getType();
  Shape shape(type.getShape());
  const auto cut = [&](int64_t &size, llvm::StringRef what, int64_t ways,
                       llvm::StringRef degree) -> LogicalResult {
    FailureOr<int64_t> local = divide(op, what, size, ways, degree);
    if (failed(local))
      return failure();
    size = *local;
    return success();
  };
  LogicalResult result = success();
  switch (op.getShard()) {
  case Shard::replicated:
  case Shard::router:
    break;
  case Shard::shared_column:
    if (exchanges())
      break;
    [[fallthrough]];
  case Shard::column:
    if (auto parts = op.getParts()) {
      FailureOr<llvm::SmallVector<int64_t>> local = localHeads(op, *parts);
      if (failed(local))
        return failure();
      if (auto widths = op.getWidths()) {
        shape.back() =
            std::inner_product(local->begin(), local->end(), widths->begin(), int64_t{0});
      } else {
        const int64_t width =
            shape.back() / std::accumulate(parts->begin(), parts->end(), int64_t{0});
        shape.back() = width * std::accumulate(local->begin(), local->end(), int64_t{0});
      }
      op.setParts(*local);
    } else {
      result = cut(shape.back(), "columns", p_.tp, "tp");
    }
    break;
  case Shard::shared_row:
    if (exchanges())
      break;
    [[fallthrough]];
  case Shard::row:
    result = cut(shape[0], "rows", p_.tp, "tp");
    break;
  case Shard::heads:
    result = cut(shape[0], "heads", p_.tp, "tp");
    break;
  case Shard::vocab: // padded, as engines do
    shape[0] = (shape[0] + p_.tp - 1) / p_.tp;
    break;
  case Shard::expert_column:
  case Shard::expert_row: {
    const int64_t ways = p_.expertWidthWays();
    const llvm::StringRef degree = p_.moe_tp > 0 ? "moe_tp" : "tp / ep";
    shape[0] = expertPlaces(shape[0]);
    result = cut(shape[0], "experts", p_.ep, "ep");
    if (result.succeeded() && shape.size() == 3)
      result = op.getShard() == Shard::expert_row ? cut(shape[1], "rows", ways, degree)
                                                  : cut(shape[2], "columns", ways, degree);
    if (result.succeeded() && shape.size() == 2 && op.getShard() == Shard::expert_column)
      result = cut(shape[1], "columns", ways, degree);
    break;
  }
  }
  op.getResult().setType(type.clone(shape));
  return result;
}

LogicalResult Sharder::visitCache(KvCacheOp op) {
  const mlir::RankedTensorType type = op.getResult().getType();
  Shape shape(type.getShape());
  const auto heads = static_cast<int64_t>(op.getHeads());
  FailureOr<int64_t> local = localHeads(op, heads), sequences = replicaRows(op, shape[0]);
  if (failed(local) || failed(sequences))
    return failure();
  shape[0] = *sequences;
  positions_[op.getResult()] = shape[1];
  shape[1] = (shape[1] + p_.cp - 1) / p_.cp;
  shape[2] = shape[2] / heads * *local;
  op.setHeads(*local);
  op.getResult().setType(type.clone(shape));
  return success();
}

LogicalResult Sharder::localiseHeads(mlir::Operation *op) {
  const auto counts = [&](llvm::StringRef name) -> LogicalResult {
    if (auto attr = op->getAttrOfType<mlir::IntegerAttr>(name)) {
      FailureOr<int64_t> local = localHeads(op, attr.getInt());
      if (failed(local))
        return failure();
      op->setAttr(name, mlir::IntegerAttr::get(attr.getType(), *local));
    } else if (auto parts = op->getAttrOfType<mlir::DenseI64ArrayAttr>(name)) {
      FailureOr<llvm::SmallVector<int64_t>> local = localHeads(op, parts.asArrayRef());
      if (failed(local))
        return failure();
      op->setAttr(name, mlir::DenseI64ArrayAttr::get(op->getContext(), *local));
    }
    return success();
  };
  if (llvm::isa<TopkOp>(op)) // its groups are of columns
    return success();
  if (counts("heads").failed() || counts("kv_heads").failed() || counts("groups").failed())
    return failure();
  if (auto attention = llvm::dyn_cast<AttentionOp>(op);
      attention && attention.getHeads() % attention.getKvHeads() != 0)
    return op->emitError() << "'" << labelOf(op) << "' leaves " << attention.getHeads()
                           << " heads and " << attention.getKvHeads()
                           << " key-value heads on a device with tp = " << p_.tp;
  return success();
}

} // namespace mansard::ir
