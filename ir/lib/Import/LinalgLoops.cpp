// Loops that repeat their body, and branches that are known.
#include "LinalgImporter.h"
#include "LinalgTiling.h"

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;

FailureOr<int64_t> LinalgImporter::turns(mlir::Operation &op, mlir::OpFoldResult from,
                                         mlir::OpFoldResult to, mlir::OpFoldResult step) {
  const auto low = number(from), high = number(to), stride = number(step);
  if (!low || !high || !stride) {
    const char *which = !low ? "a lower bound" : !high ? "an upper bound" : "a step";
    return fail(op) << "has " << which
                    << " that is known only at run time; it must follow from constants, static "
                       "shapes and what --dim gives";
  }
  if (*stride <= 0)
    return fail(op) << "has a step of " << *stride << "; it must be positive";
  if (*high <= *low)
    return int64_t{0};
  const double span = static_cast<double>(*high) - static_cast<double>(*low);
  if (span > 0x1p40)
    return fail(op) << "runs from " << *low << " to " << *high << "; at most 2^40 are possible";
  return (*high - *low + *stride - 1) / *stride;
}

LogicalResult LinalgImporter::repeat(mlir::Operation &op, int64_t count, mlir::Block &body,
                                     mlir::ValueRange arguments, mlir::ValueRange inits,
                                     mlir::ValueRange yields, mlir::ValueRange results) {
  llvm::SmallVector<Tensor, 4> carried;
  llvm::SmallVector<Value, 4> values;
  llvm::SmallVector<size_t, 4> positions;
  for (auto [index, init] : llvm::enumerate(inits)) {
    if (isBuffer(init)) {
      const Sizes *shape = knownShape(init);
      if (!shape)
        return (void)tensorOf(op, init), failure();
      aliases_[arguments[index]] = {rootOf(init), *shape};
      if (index < results.size())
        aliases_[results[index]] = {rootOf(init), *shape};
    } else if (isShaped(init)) {
      FailureOr<Tensor> tensor = tensorOf(op, init);
      if (failed(tensor))
        return failure();
      tensor->content = Content::data;
      values.push_back(tensor->value);
      carried.push_back(std::move(*tensor));
      positions.push_back(index);
    }
  }
  if (count == 0) {
    for (auto [position, tensor] : llvm::zip(positions, carried))
      if (position < results.size())
        define(results[position], tensor);
    return success();
  }
  auto loop = builder_.create<RepeatOp>(op.getLoc(), mlir::ValueRange(values).getTypes(),
                                        builder_.getI64IntegerAttr(count), values);
  const mlir::OpBuilder::InsertionGuard guard(builder_);
  const llvm::SmallVector<mlir::Location, 4> places(values.size(), op.getLoc());
  mlir::Block *block =
      builder_.createBlock(&loop.getBody(), {}, mlir::ValueRange(values).getTypes(), places);
  for (size_t i = 0; i < positions.size(); ++i) {
    Tensor inside = carried[i];
    inside.value = block->getArgument(i);
    define(arguments[positions[i]], std::move(inside));
  }
  const size_t before = writes_.size();
  if (walk(body).failed())
    return failure();
  llvm::SmallVector<Value, 4> yielded;
  for (auto [position, tensor] : llvm::zip(positions, carried)) {
    FailureOr<Tensor> next = tensorOf(op, yields[position]);
    if (failed(next))
      return failure();
    if (next->shape != tensor.shape)
      return fail(op) << "carries value " << position
                      << " into its next turn in another shape; it must stay the same";
    yielded.push_back(emitter(op).reshape(next->value, tensor.shape));
  }
  builder_.create<YieldOp>(op.getLoc(), yielded);
  // The values that buffers hold inside are not seen outside; what they held before is.
  for (size_t i = writes_.size(); i > before; --i) {
    Tensor &held = tensors_[writes_[i - 1].root];
    held = writes_[i - 1].before;
    held.content = Content::data;
  }
  for (size_t i = 0; i < positions.size(); ++i)
    if (positions[i] < results.size()) {
      carried[i].value = loop.getOutputs()[i];
      define(results[positions[i]], std::move(carried[i]));
    }
  return success();
}

std::optional<LogicalResult> LinalgImporter::visitTiled(mlir::Operation &loop) {
  TiledLoops tiled(*this, loop);
  if (tiled.match())
    return tiled.emit();
  if (tiled.looksTiled())
    mlir::emitRemark(loop.getLoc())
        << "'" << loop.getName()
        << "' is priced turn by turn, not as one tiled kernel: " << tiled.why();
  return std::nullopt;
}

LogicalResult LinalgImporter::visitFor(mlir::scf::ForOp op) {
  if (const auto tiled = visitTiled(*op))
    return *tiled;
  const FailureOr<int64_t> count = turns(*op, op.getLowerBound(), op.getUpperBound(), op.getStep());
  if (failed(count))
    return failure();
  // Sizes that change from turn to turn are those of the first, which is the whole tile.
  numbers_[op.getInductionVar()] = *number(mlir::OpFoldResult(op.getLowerBound()));
  return repeat(*op, *count, *op.getBody(), op.getRegionIterArgs(), op.getInitArgs(),
                op.getYieldedValues(), op.getResults());
}

LogicalResult LinalgImporter::visitForall(mlir::scf::ForallOp op) {
  if (const auto tiled = visitTiled(*op))
    return *tiled;
  int64_t count = 1;
  for (auto [from, to, step, variable] : llvm::zip(op.getMixedLowerBound(), op.getMixedUpperBound(),
                                                   op.getMixedStep(), op.getInductionVars())) {
    const FailureOr<int64_t> own = turns(*op, from, to, step);
    if (failed(own))
      return failure();
    numbers_[variable] = *number(from);
    if (count > 0 && *own > (int64_t{1} << 40) / count)
      return fail(*op) << "has more than 2^40 turns";
    count *= *own;
  }
  return repeat(*op, count, *op.getBody(), op.getRegionIterArgs(), op.getOutputs(),
                op.getRegionIterArgs(), op.getResults());
}

LogicalResult LinalgImporter::visitParallel(mlir::scf::ParallelOp op) {
  if (const auto tiled = visitTiled(*op))
    return *tiled;
  int64_t count = 1;
  for (auto [from, to, step, variable] :
       llvm::zip(op.getLowerBound(), op.getUpperBound(), op.getStep(), op.getInductionVars())) {
    const FailureOr<int64_t> own = turns(*op, from, to, step);
    if (failed(own))
      return failure();
    numbers_[variable] = *number(mlir::OpFoldResult(from));
    if (count > 0 && *own > (int64_t{1} << 40) / count)
      return fail(*op) << "has more than 2^40 turns";
    count *= *own;
  }
  return repeat(*op, count, *op.getBody(), {}, {}, {}, {});
}

LogicalResult LinalgImporter::visitIf(mlir::scf::IfOp op) {
  const auto condition = number(mlir::OpFoldResult(op.getCondition()));
  if (!condition)
    return fail(*op) << "branches on what is known only at run time; price the branches as "
                        "functions of their own, or give the condition as a constant";
  mlir::Region &taken = *condition != 0 ? op.getThenRegion() : op.getElseRegion();
  if (taken.empty())
    return success();
  if (walk(taken.front()).failed())
    return failure();
  for (auto [result, value] :
       llvm::zip(op.getResults(), taken.front().getTerminator()->getOperands()))
    if (isBuffer(value)) {
      if (const Sizes *shape = knownShape(value))
        aliases_[result] = {rootOf(value), *shape};
    } else if (isShaped(value)) {
      FailureOr<Tensor> tensor = tensorOf(*op, value);
      if (failed(tensor))
        return failure();
      define(result, std::move(*tensor));
    } else if (const auto known = number(value)) {
      numbers_[result] = *known;
    }
  return success();
}

} // namespace mansard::ir
