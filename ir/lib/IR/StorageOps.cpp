// weight, kv_cache, view.
#include "Kernels.h"
#include "Verify.h"

#include <mansard/base/units.h>

#include <numeric>

namespace mansard::ir {

using mlir::failure;
using mlir::LogicalResult;
using mlir::success;

static double elementsOf(mlir::Value value) {
  double product = 1;
  for (int64_t size : shapeOf(value))
    product *= static_cast<double>(size);
  return product;
}

static Shape ownShape(mlir::Value value) { return Shape(shapeOf(value)); }

// ---- weight

void WeightOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &) {}
Shapes WeightOp::inferShapes() { return {ownShape(getResult())}; }

LogicalResult WeightOp::verify() {
  const llvm::ArrayRef<int64_t> shape = shapeOf(getResult());
  const Shard shard = getShard();
  if ((shard == Shard::expert_column || shard == Shard::expert_row) &&
      verifyRank(*this, getResult(), "a parameter of experts", {2, 3}).failed())
    return failure();
  if ((shard == Shard::row || shard == Shard::shared_row) && shape.size() != 2)
    return emitOpError() << "is cut by rows, so it must be a matrix";
  if (auto parts = getParts()) {
    const bool columns = shard == Shard::column || shard == Shard::shared_column;
    if (!columns)
      return emitOpError() << "has parts, but only columns are cut in parts";
    int64_t heads = 0;
    for (int64_t part : *parts) {
      if (verifyPositive(*this, "a part of heads", part).failed())
        return failure();
      heads += part;
    }
    if (auto widths = getWidths()) {
      if (widths->size() != parts->size())
        return emitOpError() << "has " << parts->size() << " parts of " << widths->size()
                             << " widths";
      const int64_t columns =
          std::inner_product(parts->begin(), parts->end(), widths->begin(), int64_t{0});
      if (columns != shape.back())
        return emitOpError() << "has " << shape.back() << " columns, but its heads have "
                             << columns;
    } else if (heads == 0 || shape.back() % heads != 0)
      return emitOpError() << "has " << shape.back() << " columns, which " << heads
                           << " heads do not share equally";
  } else if (getWidths()) {
    return emitOpError() << "has widths, but no parts that have them";
  }
  return success();
}

// ---- kv_cache

void KvCacheOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &) {}
Shapes KvCacheOp::inferShapes() { return {ownShape(getResult())}; }

LogicalResult KvCacheOp::verify() {
  const auto heads = static_cast<int64_t>(getHeads());
  if (verifyRank(*this, getResult(), "a cache", {3}).failed() ||
      verifyPositive(*this, "heads", heads).failed())
    return failure();
  if (shapeOf(getResult())[2] % heads != 0)
    return emitOpError() << "has " << shapeOf(getResult())[2] << " columns, which " << heads
                         << " heads do not share equally";
  return success();
}

// ---- view

void ViewOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &) {}

Shapes ViewOp::inferShapes() {
  Shape shape = ownShape(getResult());
  if (getInputs().empty())
    return {shape};
  const llvm::ArrayRef<int64_t> first = shapeOf(getInputs()[0]);
  switch (getKind()) {
  case ViewKind::zeros:
  case ViewKind::reshape:
  case ViewKind::part:
  case ViewKind::windows:
    break;
  case ViewKind::bits:
    return {Shape(first)};
  case ViewKind::columns:
    shape[0] = first[0];
    break;
  case ViewKind::heads: // how many heads is the result's to say
    shape[1] = first[0];
    break;
  case ViewKind::merge:
    shape = {first[1], first[0] * first[2]};
    break;
  case ViewKind::rows:
    if (getParts() > 1)
      shape[0] = ceilDiv(static_cast<long>(first[0]), static_cast<long>(getParts()));
    shape[1] = first[1];
    break;
  case ViewKind::concat:
    shape = Shape(first);
    for (mlir::Value input : getInputs().drop_front())
      shape[0] += shapeOf(input)[0];
    break;
  case ViewKind::transpose:
    shape = {first[1], first[0]};
    break;
  case ViewKind::join:
    shape = Shape(first);
    for (mlir::Value input : getInputs().drop_front())
      shape[1] += shapeOf(input)[1];
    break;
  }
  return {shape};
}

LogicalResult ViewOp::verify() {
  const ViewKind kind = getKind();
  const size_t inputs = getInputs().size();
  if (kind == ViewKind::zeros)
    return inputs == 0
               ? success()
               : LogicalResult(emitOpError() << "of zeros looks at nothing, but has inputs");
  const bool several = kind == ViewKind::concat || kind == ViewKind::join;
  if (several ? inputs < 2 : inputs != 1)
    return emitOpError() << stringifyViewKind(kind) << " looks at "
                         << (several ? "two tensors or more" : "one tensor") << ", not " << inputs;
  if (kind == ViewKind::bits) {
    if (mansard::bytesOf(codeOf(getInputs()[0])) != mansard::bytesOf(codeOf(getResult())))
      return emitOpError() << "takes " << nameOf(dtypeOf(getInputs()[0])) << " for "
                           << nameOf(dtypeOf(getResult())) << ", which is not as wide";
    return verifyShapes(*this);
  }
  if (kind == ViewKind::reshape || kind == ViewKind::part || kind == ViewKind::windows) {
    if (llvm::cast<mlir::RankedTensorType>(getInputs()[0].getType()).getElementType() !=
        getResult().getType().getElementType())
      return emitOpError() << "changes the element type";
    const double from = elementsOf(getInputs()[0]), to = elementsOf(getResult());
    if (kind == ViewKind::reshape ? to != from : kind == ViewKind::part && to > from)
      return emitOpError() << "shows " << text(shapeOf(getResult())) << " of "
                           << text(shapeOf(getInputs()[0])) << ", which has "
                           << (to > from ? "fewer" : "more") << " elements";
    return success();
  }
  const int64_t inputRank = kind == ViewKind::merge ? 3 : 2;
  const int64_t resultRank = kind == ViewKind::heads ? 3 : 2;
  for (mlir::Value input : getInputs()) {
    if (verifyRank(*this, input, "an input", {inputRank}).failed())
      return failure();
    if (llvm::cast<mlir::RankedTensorType>(input.getType()).getElementType() !=
        getResult().getType().getElementType())
      return emitOpError() << "changes the element type";
  }
  if (verifyRank(*this, getResult(), "a result", {resultRank}).failed() ||
      verifyPositive(*this, "parts", getParts()).failed())
    return failure();
  const llvm::ArrayRef<int64_t> in = shapeOf(getInputs()[0]), out = shapeOf(getResult());
  if (kind == ViewKind::rows && out[0] > in[0])
    return emitOpError() << "shows " << out[0] << " rows of only " << in[0];
  if (kind == ViewKind::columns && out[1] > in[1])
    return emitOpError() << "shows " << out[1] << " columns of only " << in[1];
  if (kind == ViewKind::heads && (in[1] % out[0] != 0 || out[2] > in[1] / out[0]))
    return emitOpError() << "takes " << out[2] << " columns for each of " << out[0]
                         << " heads from " << in[1];
  const size_t same = kind == ViewKind::concat ? 1 : 0; // the dimension that must be
  for (mlir::Value input : getInputs())
    if (several && shapeOf(input)[same] != in[same])
      return emitOpError() << "puts " << text(shapeOf(input))
                           << (same == 1 ? " below " : " beside ") << text(in);
  return verifyShapes(*this);
}

} // namespace mansard::ir
