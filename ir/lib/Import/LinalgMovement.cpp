// Tensor ops: what is only seen in another way costs nothing, what is copied is a copy.
#include "LinalgImporter.h"
#include "LinalgRecognisers.h"

#include <mlir/Dialect/Bufferization/IR/Bufferization.h>
#include <mlir/Dialect/Tensor/IR/Tensor.h>

#include <llvm/ADT/TypeSwitch.h>

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;
namespace tensor = mlir::tensor;

static double elementsOf(llvm::ArrayRef<int64_t> shape) {
  double product = 1;
  for (int64_t size : shape)
    product *= static_cast<double>(size);
  return product;
}

static double bytesOf(llvm::ArrayRef<int64_t> shape, mlir::Type element) {
  return elementsOf(shape) * static_cast<double>(bitsOf(element).value_or(0)) / 8;
}

LogicalResult LinalgImporter::view(mlir::Operation &op, Value from, FailureOr<Sizes> shape) {
  if (failed(shape))
    return failure();
  FailureOr<Tensor> input = tensorOf(op, from);
  if (failed(input))
    return failure();
  const double before = elementsOf(input->shape), after = elementsOf(*shape);
  if (after > before)
    return fail(op) << "makes " << after << " elements of " << before
                    << "; only views and parts are possible";
  Tensor made = *input;
  made.value = emitter(op).reshape(input->value, *shape, after < before);
  made.shape = std::move(*shape);
  define(op.getResult(0), std::move(made));
  return success();
}

LogicalResult LinalgImporter::move(mlir::Operation &op, Value result, Sizes shape,
                                   llvm::ArrayRef<Value> sources, double read, double written,
                                   double vector) {
  const auto type = llvm::cast<mlir::ShapedType>(result.getType());
  llvm::SmallVector<Value, 4> inputs;
  for (Value source : sources) {
    const FailureOr<Tensor> held = tensorOf(op, source);
    if (failed(held))
      return failure();
    inputs.push_back(held->value);
  }
  Emitter out = emitter(op);
  const Values made = emitCounted(out, labelFor(op), inputs, out.type(shape, type.getElementType()),
                                  {0, vector, 0, read, written});
  define(result, {made.front(), std::move(shape), type.getElementType(), Content::data});
  return success();
}

/// Copies `source` into a part of `into`, which stays where it is.
LogicalResult LinalgImporter::insert(mlir::Operation &op, Value source, Value into, Value result) {
  const FailureOr<Tensor> part = tensorOf(op, source);
  const FailureOr<Tensor> whole = tensorOf(op, into);
  if (failed(part) || failed(whole))
    return failure();
  Tensor made = *whole;
  made.content = Content::data;
  if (part->content == Content::data) {
    Emitter out = emitter(op);
    const Value copied = builder_.create<ElementwiseOp>(
        op.getLoc(), out.type(flattened(part->shape), part->element), ElementwiseKind::copy,
        builder_.getStringAttr(labelFor(op)),
        mlir::ValueRange{out.reshape(part->value, flattened(part->shape))}, Scaling::none);
    if (elementsOf(part->shape) == elementsOf(whole->shape))
      made.value = out.reshape(copied, whole->shape);
  }
  store(into, result, std::move(made));
  return success();
}

Value LinalgImporter::parameter(mlir::Operation *key, llvm::StringRef label,
                                mlir::RankedTensorType type) {
  Value &made = parameters_[key];
  if (!made) {
    const mlir::OpBuilder::InsertionGuard guard(builder_);
    builder_.setInsertionPointToStart(&step_.getBody().front());
    made = builder_.create<WeightOp>(key->getLoc(), type, builder_.getStringAttr(label),
                                     Shard::replicated, nullptr, nullptr, Scaling::none);
  }
  return made;
}

LogicalResult LinalgImporter::visitConstant(mlir::Operation &op, mlir::ElementsAttr values) {
  const auto type = llvm::cast<mlir::ShapedType>(op.getResult(0).getType());
  const FailureOr<Sizes> shape = shapeFrom(op, type, {});
  if (failed(shape))
    return failure();
  const mlir::RankedTensorType own = emitter(op).type(*shape, type.getElementType());
  Tensor made{Value(), *shape, type.getElementType(), Content::data};
  if (values.isSplat()) {
    made.content = Content::constant;
    made.value = builder_.create<ViewOp>(op.getLoc(), own, ViewKind::zeros, mlir::ValueRange(), 1);
  } else {
    made.value = parameter(&op, labelFor(op), own);
  }
  define(op.getResult(0), std::move(made));
  return success();
}

std::optional<LogicalResult> LinalgImporter::visitTensorOp(mlir::Operation &op) {
  using Answer = std::optional<LogicalResult>;
  const auto empty = [&](FailureOr<Sizes> shape) -> LogicalResult {
    if (failed(shape))
      return failure();
    const auto type = llvm::cast<mlir::ShapedType>(op.getResult(0).getType());
    const Value zeros =
        builder_.create<ViewOp>(op.getLoc(), emitter(op).type(*shape, type.getElementType()),
                                ViewKind::zeros, mlir::ValueRange(), 1);
    define(op.getResult(0), {zeros, *shape, type.getElementType(), Content::undefined});
    return success();
  };
  const auto resultType = [&] { return llvm::cast<mlir::ShapedType>(op.getResult(0).getType()); };
  const auto bytes = [&](const Sizes &shape, Value value) {
    return bytesOf(shape, llvm::cast<mlir::ShapedType>(value.getType()).getElementType());
  };
  /// The shape of an operand, or nothing after saying why.
  const auto shapeOfOperand = [&](Value value) -> FailureOr<Sizes> {
    const FailureOr<Tensor> held = tensorOf(op, value);
    if (failed(held))
      return failure();
    return held->shape;
  };
  return llvm::TypeSwitch<mlir::Operation *, Answer>(&op)
      .Case<tensor::EmptyOp>(
          [&](auto typed) { return empty(shapeFrom(op, resultType(), typed.getMixedSizes())); })
      .Case<mlir::bufferization::AllocTensorOp>([&](auto typed) -> Answer {
        if (typed.getCopy())
          return fail(op) << "copies on its way; write the copy as linalg.copy";
        return empty(shapeFrom(
            op, resultType(),
            mlir::getMixedValues(resultType().getShape(), typed.getDynamicSizes(), builder_)));
      })
      .Case<tensor::CastOp>([&](auto typed) {
        return view(op, typed.getSource(), shapeOfOperand(typed.getSource()));
      })
      .Case<tensor::BitcastOp>([&](auto typed) -> Answer {
        FailureOr<Tensor> held = tensorOf(op, typed.getSource());
        if (failed(held))
          return failure();
        held->element = resultType().getElementType();
        const mlir::RankedTensorType type = emitter(op).type(held->shape, held->element);
        if (type != held->value.getType())
          held->value =
              builder_.create<ViewOp>(op.getLoc(), type, ViewKind::zeros, mlir::ValueRange(), 1);
        define(op.getResult(0), std::move(*held));
        return success();
      })
      .Case<tensor::CollapseShapeOp>([&](auto typed) -> Answer {
        const FailureOr<Sizes> from = shapeOfOperand(typed.getSrc());
        if (failed(from))
          return failure();
        return view(op, typed.getSrc(), collapsed(*from, typed.getReassociationIndices()));
      })
      .Case<tensor::ExpandShapeOp>([&](auto typed) {
        return view(op, typed.getSrc(),
                    shapeFrom(op, resultType(),
                              mlir::getMixedValues(typed.getStaticOutputShape(),
                                                   typed.getOutputShape(), builder_)));
      })
      .Case<tensor::ReshapeOp>(
          [&](auto typed) { return view(op, typed.getSource(), shapeFrom(op, resultType(), {})); })
      .Case<tensor::ExtractSliceOp>([&](auto typed) -> Answer {
        Sizes shape;
        const llvm::SmallBitVector dropped = typed.getDroppedDims();
        llvm::SmallVector<mlir::OpFoldResult, 4> sizes;
        for (auto [index, size] : llvm::enumerate(typed.getMixedSizes()))
          if (!dropped.test(index))
            sizes.push_back(size);
        return view(op, typed.getSource(), shapeFrom(op, resultType(), sizes));
      })
      .Case<tensor::InsertSliceOp>([&](auto typed) {
        return insert(op, typed.getSource(), typed.getDest(), op.getResult(0));
      })
      .Case<tensor::PadOp>([&](auto typed) -> Answer {
        const FailureOr<Sizes> from = shapeOfOperand(typed.getSource());
        if (failed(from))
          return failure();
        llvm::SmallVector<mlir::OpFoldResult, 4> sizes;
        const auto low = typed.getMixedLowPad(), high = typed.getMixedHighPad();
        for (size_t i = 0; i < from->size(); ++i) {
          const auto before = number(low[i]), after = number(high[i]);
          sizes.push_back(builder_.getIndexAttr(before && after ? (*from)[i] + *before + *after
                                                                : mlir::ShapedType::kDynamic));
        }
        const FailureOr<Sizes> shape = shapeFrom(op, resultType(), sizes);
        if (failed(shape))
          return failure();
        return move(op, op.getResult(0), *shape, {typed.getSource()},
                    bytes(*from, typed.getSource()), bytes(*shape, op.getResult(0)));
      })
      .Case<tensor::ConcatOp>([&](auto typed) -> Answer {
        const auto dim = static_cast<size_t>(typed.getDim());
        Sizes shape;
        llvm::SmallVector<Value, 4> sources(typed.getInputs());
        for (Value input : sources) {
          const FailureOr<Sizes> one = shapeOfOperand(input);
          if (failed(one))
            return failure();
          if (shape.empty())
            shape = *one;
          else
            shape[dim] += (*one)[dim];
        }
        const FailureOr<Sizes> valid = checked(op, shape, resultType().getElementType());
        if (failed(valid))
          return failure();
        const double all = bytes(shape, op.getResult(0));
        return move(op, op.getResult(0), shape, sources, all, all);
      })
      .Case<tensor::PackOp, tensor::UnPackOp>([&](auto typed) -> Answer {
        const FailureOr<Sizes> from = shapeOfOperand(typed.getSource()),
                               to = shapeOfOperand(typed.getDest());
        if (failed(from) || failed(to))
          return failure();
        return move(op, op.getResult(0), *to, {typed.getSource()}, bytes(*from, typed.getSource()),
                    bytes(*to, op.getResult(0)));
      })
      .Case<tensor::GatherOp>([&](auto typed) -> Answer {
        const FailureOr<Sizes> places = shapeOfOperand(typed.getIndices());
        const FailureOr<Sizes> shape = shapeFrom(op, resultType(), {});
        if (failed(places) || failed(shape))
          return failure();
        const double all = bytes(*shape, op.getResult(0));
        return move(op, op.getResult(0), *shape, {typed.getSource(), typed.getIndices()},
                    all + bytes(*places, typed.getIndices()), all);
      })
      .Case<tensor::ScatterOp>([&](auto typed) -> Answer {
        const FailureOr<Sizes> from = shapeOfOperand(typed.getSource()),
                               places = shapeOfOperand(typed.getIndices()),
                               to = shapeOfOperand(typed.getDest());
        if (failed(from) || failed(places) || failed(to))
          return failure();
        const double all = bytes(*from, typed.getSource());
        return move(op, op.getResult(0), *to, {typed.getSource(), typed.getIndices()},
                    all + bytes(*places, typed.getIndices()), all);
      })
      .Case<tensor::SplatOp>([&](auto typed) -> Answer {
        const FailureOr<Sizes> shape = shapeFrom(
            op, resultType(),
            mlir::getMixedValues(resultType().getShape(), typed.getDynamicSizes(), builder_));
        if (failed(shape))
          return failure();
        return move(op, op.getResult(0), *shape, {}, 0, bytes(*shape, op.getResult(0)));
      })
      .Case<tensor::FromElementsOp>([&](auto) -> Answer {
        const FailureOr<Sizes> shape = shapeFrom(op, resultType(), {});
        if (failed(shape))
          return failure();
        return empty(shape); // as few as can be written out: no kernel
      })
      .Case<tensor::ExtractOp>([&](auto) -> Answer { return success(); })
      .Case<tensor::DimOp>([&](auto typed) -> Answer {
        const Sizes *shape = knownShape(typed.getSource());
        const auto index = number(mlir::OpFoldResult(typed.getIndex()));
        if (shape && index && *index >= 0 && static_cast<size_t>(*index) < shape->size())
          numbers_[op.getResult(0)] = (*shape)[static_cast<size_t>(*index)];
        return success();
      })
      .Case<tensor::RankOp>([&](auto typed) -> Answer {
        if (const Sizes *shape = knownShape(typed.getTensor()))
          numbers_[op.getResult(0)] = static_cast<int64_t>(shape->size());
        return success();
      })
      .Default([](auto) { return Answer(); });
}

} // namespace mansard::ir
