// Ops that are loop nests: linalg's structured ops, softmax, arithmetic on whole tensors.
#include "LinalgBody.h"
#include "LinalgImporter.h"
#include "LinalgRecognisers.h"

#include <mlir/Dialect/MemRef/IR/MemRef.h>
#include <mlir/Dialect/Tensor/IR/Tensor.h>
#include <mlir/IR/Matchers.h>

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;
namespace linalg = mlir::linalg;

/// The bounds of all loops by what they index, checked against one another.
static LogicalResult findSizes(LoopNest &nest,
                               llvm::function_ref<mlir::InFlightDiagnostic()> fail) {
  constexpr int64_t kUnknown = -1;
  llvm::SmallVector<size_t, 6> from(nest.sizes.size());
  nest.sizes.assign(nest.sizes.size(), kUnknown);
  size_t position = 0;
  for (auto *operands : {&nest.inputs, &nest.outputs})
    for (const NestOperand &operand : *operands) {
      const size_t here = position++;
      for (auto [index, expr] : llvm::enumerate(operand.map.getResults())) {
        auto dim = llvm::dyn_cast<mlir::AffineDimExpr>(expr);
        if (!dim || index >= operand.shape.size())
          continue;
        int64_t &size = nest.sizes[dim.getPosition()];
        if (size != kUnknown && size != operand.shape[index])
          return fail() << "has a loop d" << dim.getPosition() << " of " << size
                        << " iterations by operand " << from[dim.getPosition()] << " and of "
                        << operand.shape[index] << " by dimension " << index << " of operand "
                        << here << "; they must be the same";
        size = operand.shape[index];
        from[dim.getPosition()] = here;
      }
    }
  for (auto [loop, size] : llvm::enumerate(nest.sizes))
    if (size == kUnknown)
      return fail() << "has a loop d" << loop
                    << " that no operand's dimension bounds by itself; an operand indexed by d"
                    << loop << " alone is needed";
  return success();
}

FailureOr<LoopNest> LinalgImporter::nestOf(linalg::LinalgOp op) {
  LoopNest nest;
  nest.label = labelFor(*op);
  nest.iterators = llvm::SmallVector<mlir::utils::IteratorType, 6>(op.getIteratorTypesArray());
  nest.sizes.assign(nest.iterators.size(), 0);
  nest.body = op.getBlock();
  for (mlir::OpOperand &operand : op->getOpOperands()) {
    const mlir::AffineMap map = op.getMatchingIndexingMap(&operand);
    NestOperand made{Value(), {}, operand.get().getType(), map, Content::data};
    if (llvm::isa<mlir::ShapedType>(operand.get().getType())) {
      FailureOr<Tensor> tensor = tensorOf(*op, operand.get());
      if (failed(tensor))
        return failure();
      if (tensor->shape.size() != map.getNumResults())
        return fail(*op) << "picks from operand " << operand.getOperandNumber() << " of rank "
                         << tensor->shape.size() << " by " << map.getNumResults() << " indices";
      made = {tensor->value, tensor->shape, tensor->element, map, tensor->content};
    }
    (op.isDpsInit(&operand) ? nest.outputs : nest.inputs).push_back(std::move(made));
  }
  if (findSizes(nest, [&] { return fail(*op); }).failed())
    return failure();
  if (nest.iterations() > 0x1p100)
    return fail(*op) << "runs " << nest.iterations() << " iterations; at most 2^100 are possible";
  return nest;
}

/// Whether loops that carry `value`, or use the buffer that it is, only add to slices of it, or
/// hand them to loops that do.
static bool startsTiles(mlir::Operation *loop, Value value) {
  constexpr size_t kMost = 256; // uses looked at
  llvm::SmallVector<Value, 8> open;
  const auto enter = [&](mlir::Operation *op, Value carried) {
    if (auto one = llvm::dyn_cast<mlir::scf::ForOp>(op)) {
      for (auto [init, argument] : llvm::zip(one.getInitArgs(), one.getRegionIterArgs()))
        if (init == carried)
          open.push_back(argument);
    } else if (auto all = llvm::dyn_cast<mlir::scf::ForallOp>(op)) {
      for (auto [init, argument] : llvm::zip(all.getOutputs(), all.getRegionIterArgs()))
        if (init == carried)
          open.push_back(argument);
    }
    return !open.empty();
  };
  if (llvm::isa<mlir::BaseMemRefType>(value.getType()))
    open.push_back(value);
  else if (!enter(loop, value))
    return false;
  bool added = false;
  for (size_t i = 0; i < open.size(); ++i) {
    const Value here = open[i];
    for (mlir::Operation *user : here.getUsers()) {
      if (open.size() > kMost)
        return false;
      if (!loop->isProperAncestor(user) && user != loop)
        continue; // a buffer's uses elsewhere
      if (llvm::isa<mlir::tensor::ExtractSliceOp, mlir::memref::SubViewOp>(user)) {
        open.push_back(user->getResult(0));
      } else if (llvm::isa<mlir::scf::ForOp, mlir::scf::ForallOp>(user)) {
        enter(user, here);
      } else if (auto structured = llvm::dyn_cast<linalg::LinalgOp>(user)) {
        if (llvm::is_contained(structured.getDpsInputs(), here))
          return false;
        added = true;
      } else if (auto insert = llvm::dyn_cast<mlir::tensor::InsertSliceOp>(user)) {
        if (insert.getSource() == here)
          return false;
      } else if (auto insert = llvm::dyn_cast<mlir::tensor::ParallelInsertSliceOp>(user)) {
        if (insert.getSource() == here)
          return false;
      } else if (!llvm::isa<mlir::scf::YieldOp>(user)) {
        return false;
      }
    }
  }
  return added;
}

/// Whether what the op writes is only the start of sums, so that no kernel of its own writes it.
bool LinalgImporter::isOnlyStart(linalg::LinalgOp fill) const {
  const auto starts = [](mlir::Operation *user, Value value) {
    if (llvm::isa<mlir::scf::ForOp, mlir::scf::ForallOp>(user))
      return startsTiles(user, value);
    if (!llvm::isa<linalg::LinalgOp, linalg::SoftmaxOp>(user))
      return false;
    auto writes = llvm::cast<mlir::DestinationStyleOpInterface>(user);
    return llvm::none_of(writes.getDpsInputs(), [&](Value input) { return input == value; });
  };
  if (fill->getNumResults() == 1) {
    const Value result = fill->getResult(0);
    return !result.use_empty() && llvm::all_of(result.getUsers(), [&](mlir::Operation *user) {
      return starts(user, result);
    });
  }
  // A buffer: what comes next and uses it.
  constexpr int kFar = 16;
  const Value buffer = fill.getDpsInits()[0];
  mlir::Operation *next = fill->getNextNode();
  for (int i = 0; next && i < kFar; ++i, next = next->getNextNode()) {
    if (llvm::is_contained(next->getOperands(), buffer))
      return starts(next, buffer);
    if (next->getNumRegions() > 0 && !llvm::isa<linalg::LinalgOp>(next))
      return startsTiles(next, buffer);
  }
  return false;
}

/// Whether a nest writes one and the same known value everywhere.
static bool isFill(const LoopNest &nest) {
  if (nest.outputs.size() != 1)
    return false;
  const Value value = yielded(nest, 0);
  if (constantOf(value))
    return true;
  const int argument = argumentOf(nest, value);
  return argument >= 0 && static_cast<size_t>(argument) < nest.inputs.size() &&
         !nest.inputs[static_cast<size_t>(argument)].value;
}

LogicalResult LinalgImporter::visitStructured(linalg::LinalgOp op) {
  const FailureOr<LoopNest> nest = nestOf(op);
  if (failed(nest))
    return failure();
  Emitter out = emitter(*op);
  const auto storeAll = [&](mlir::ValueRange values, Content content) {
    for (size_t i = 0; i < nest->outputs.size(); ++i) {
      const NestOperand &output = nest->outputs[i];
      store(op.getDpsInits()[i], op->getNumResults() ? op->getResult(i) : Value(),
            {values[i], output.shape, output.element, content});
    }
  };
  if (isFill(*nest) && isOnlyStart(op)) {
    const mlir::RankedTensorType type = out.type(nest->outputs[0].shape, nest->outputs[0].element);
    const Value zeros =
        builder_.create<ViewOp>(op->getLoc(), type, ViewKind::zeros, mlir::ValueRange(), 1);
    storeAll(zeros, Content::constant);
    return success();
  }
  Values values = emitNest(out, *nest);
  if (values.size() == 1) {
    groups_.keep(*nest, op, values[0]);
    Value whole;
    if (options_.attention)
      whole = groups_.fuseAttention(out, nest->label, values[0]);
    if (!whole && options_.rows)
      whole = groups_.fuseRows(out, nest->label, values[0]);
    if (whole)
      values[0] = whole;
  }
  storeAll(values, Content::data);
  return success();
}

LogicalResult LinalgImporter::visitSoftmax(linalg::SoftmaxOp op) {
  const FailureOr<Tensor> input = tensorOf(*op, op.getInput());
  const FailureOr<Tensor> output = tensorOf(*op, op.getOutput());
  if (failed(input) || failed(output))
    return failure();
  const auto dim = static_cast<size_t>(op.getDimension());
  if (dim >= input->shape.size())
    return fail(*op) << "works along dimension " << dim << " of a tensor of rank "
                     << input->shape.size();
  const int64_t columns = input->shape[dim];
  int64_t rows = 1;
  for (int64_t size : input->shape)
    rows *= size;
  rows /= columns;
  Emitter out = emitter(*op);
  auto norm = builder_.create<NormOp>(
      op->getLoc(), out.type({rows, columns}, output->element), mlir::Type(), NormKind::softmax,
      builder_.getStringAttr(labelFor(*op)), out.reshape(input->value, {rows, columns}), Value(),
      Value(), nullptr, nullptr, Scaling::none);
  if (dim + 1 == input->shape.size())
    groups_.keepSoftmax(op, input->value, norm.getResult());
  store(
      op.getOutput(), op->getNumResults() ? op->getResult(0) : Value(),
      {out.reshape(norm.getResult(), input->shape), input->shape, output->element, Content::data});
  return success();
}

/// arith and math ops on tensors do for every element what they do for scalars.
LogicalResult LinalgImporter::visitArithmetic(mlir::Operation &op) {
  if (auto values = llvm::dyn_cast_or_null<mlir::ElementsAttr>(op.getAttr("value"));
      values && op.hasTrait<mlir::OpTrait::ConstantLike>())
    return visitConstant(op, values);
  if (op.getNumResults() != 1)
    return fail(op) << "has " << op.getNumResults()
                    << " results on tensors; known are ops with one";
  LoopNest nest;
  nest.label = labelFor(op);
  mlir::Block body;
  mlir::OpBuilder builder(op.getContext());
  builder.setInsertionPointToEnd(&body);
  mlir::IRMapping mapping;
  const auto elementOf = [](mlir::Type type) { return mlir::getElementTypeOrSelf(type); };
  for (Value operand : op.getOperands()) {
    NestOperand made{Value(), {}, operand.getType(), {}, Content::data};
    if (llvm::isa<mlir::ShapedType>(operand.getType())) {
      const FailureOr<Tensor> tensor = tensorOf(op, operand);
      if (failed(tensor))
        return failure();
      if (nest.sizes.empty())
        nest.sizes.assign(tensor->shape.begin(), tensor->shape.end());
      if (llvm::ArrayRef<int64_t>(nest.sizes) != llvm::ArrayRef<int64_t>(tensor->shape))
        return fail(op) << "has operands of different shapes";
      made = {tensor->value, tensor->shape, tensor->element, {}, tensor->content};
    }
    mapping.map(operand, body.addArgument(elementOf(operand.getType()), op.getLoc()));
    nest.inputs.push_back(std::move(made));
  }
  const auto loops = static_cast<unsigned>(nest.sizes.size());
  const mlir::AffineMap all = builder.getMultiDimIdentityMap(loops);
  for (NestOperand &input : nest.inputs)
    input.map = input.value ? all : mlir::AffineMap::get(loops, 0, op.getContext());
  nest.iterators.assign(loops, mlir::utils::IteratorType::parallel);
  const mlir::Type element = elementOf(op.getResult(0).getType());
  const FailureOr<Sizes> shape = checked(op, Sizes(nest.sizes.begin(), nest.sizes.end()), element);
  if (failed(shape))
    return failure();
  nest.outputs.push_back({Value(), *shape, element, all, Content::undefined});
  body.addArgument(element, op.getLoc());
  mlir::Operation *scalar = builder.clone(op, mapping);
  scalar->getResult(0).setType(element);
  builder.create<linalg::YieldOp>(op.getLoc(), scalar->getResults());
  nest.body = &body;
  Emitter out = emitter(op);
  define(op.getResult(0), {emitNest(out, nest).front(), *shape, element, Content::data});
  return success();
}

} // namespace mansard::ir
