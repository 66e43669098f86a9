// Buffers: where they are made, what is the same memory seen in another way, and copies.
#include "LinalgImporter.h"
#include "LinalgRecognisers.h"

#include <mlir/Dialect/Bufferization/IR/Bufferization.h>
#include <mlir/Dialect/MemRef/IR/MemRef.h>

#include <llvm/ADT/TypeSwitch.h>

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;
using mlir::Value;
namespace memref = mlir::memref;

std::optional<LogicalResult> LinalgImporter::visitBufferOp(mlir::Operation &op) {
  using Answer = std::optional<LogicalResult>;
  const auto typeOf = [](Value value) { return llvm::cast<mlir::ShapedType>(value.getType()); };
  const auto make = [&](Value buffer, FailureOr<Sizes> shape) -> LogicalResult {
    if (failed(shape))
      return failure();
    const mlir::Type element = typeOf(buffer).getElementType();
    const Value zeros = builder_.create<ViewOp>(op.getLoc(), emitter(op).type(*shape, element),
                                                ViewKind::zeros, mlir::ValueRange(), 1);
    aliases_.erase(buffer); // of an earlier turn
    define(buffer, {zeros, *shape, element, Content::undefined});
    return success();
  };
  /// `result` is part of `from`, or all of it.
  const auto alias = [&](Value from, FailureOr<Sizes> shape) -> LogicalResult {
    if (failed(shape))
      return failure();
    const Sizes *known = knownShape(from);
    if (!known)
      return (void)tensorOf(op, from), failure();
    aliases_[op.getResult(0)] = {rootOf(from), *shape};
    return success();
  };
  const auto sameShape = [&](Value from) -> FailureOr<Sizes> {
    const Sizes *known = knownShape(from);
    if (!known)
      return (void)tensorOf(op, from), failure();
    return *known;
  };
  const auto allocated = [&](mlir::ValueRange dynamic) {
    llvm::SmallVector<mlir::OpFoldResult, 4> sizes;
    unsigned next = 0;
    const mlir::ShapedType type = typeOf(op.getResult(0));
    for (int64_t size : type.hasRank() ? type.getShape() : llvm::ArrayRef<int64_t>())
      sizes.push_back(mlir::ShapedType::isDynamic(size) && next < dynamic.size()
                          ? mlir::OpFoldResult(dynamic[next++])
                          : mlir::OpFoldResult(builder_.getIndexAttr(size)));
    return shapeFrom(op, type, sizes);
  };
  return llvm::TypeSwitch<mlir::Operation *, Answer>(&op)
      .Case<memref::AllocOp, memref::AllocaOp>(
          [&](auto typed) { return make(op.getResult(0), allocated(typed.getDynamicSizes())); })
      .Case<memref::DeallocOp, memref::AssumeAlignmentOp>([&](auto) -> Answer { return success(); })
      .Case<memref::CastOp, memref::MemorySpaceCastOp>(
          [&](auto typed) { return alias(typed.getSource(), sameShape(typed.getSource())); })
      .Case<memref::SubViewOp>([&](auto typed) {
        const llvm::SmallBitVector dropped = typed.getDroppedDims();
        llvm::SmallVector<mlir::OpFoldResult, 4> sizes;
        for (auto [index, size] : llvm::enumerate(typed.getMixedSizes()))
          if (!dropped.test(index))
            sizes.push_back(size);
        return alias(typed.getSource(), shapeFrom(op, typeOf(op.getResult(0)), sizes));
      })
      .Case<memref::ReinterpretCastOp>([&](auto typed) {
        return alias(typed.getSource(),
                     shapeFrom(op, typeOf(op.getResult(0)), typed.getMixedSizes()));
      })
      .Case<memref::ExpandShapeOp>([&](auto typed) {
        return alias(typed.getSrc(),
                     shapeFrom(op, typeOf(op.getResult(0)),
                               mlir::getMixedValues(typed.getStaticOutputShape(),
                                                    typed.getOutputShape(), builder_)));
      })
      .Case<memref::CollapseShapeOp>([&](auto typed) -> Answer {
        const FailureOr<Sizes> from = sameShape(typed.getSrc());
        if (failed(from))
          return failure();
        return alias(typed.getSrc(), collapsed(*from, typed.getReassociationIndices()));
      })
      .Case<memref::TransposeOp>([&](auto typed) -> Answer {
        const FailureOr<Sizes> from = sameShape(typed.getIn());
        if (failed(from))
          return failure();
        Sizes shape;
        for (unsigned i = 0; i < typed.getPermutation().getNumResults(); ++i)
          shape.push_back((*from)[typed.getPermutation().getDimPosition(i)]);
        return alias(typed.getIn(), shape);
      })
      .Case<memref::CopyOp>(
          [&](auto typed) { return insert(op, typed.getSource(), typed.getTarget(), Value()); })
      .Case<memref::GetGlobalOp>([&](auto typed) -> Answer {
        auto global = symbols_.lookupNearestSymbolFrom<memref::GlobalOp>(&op, typed.getNameAttr());
        const FailureOr<Sizes> shape = shapeFrom(op, typeOf(op.getResult(0)), {});
        if (failed(shape))
          return failure();
        const mlir::Type element = typeOf(op.getResult(0)).getElementType();
        mlir::Operation *key = global ? global.getOperation() : &op;
        define(op.getResult(0), {parameter(key, typed.getName(), emitter(op).type(*shape, element)),
                                 *shape, element, Content::data});
        return success();
      })
      .Case<memref::DimOp>([&](auto typed) -> Answer {
        const Sizes *shape = knownShape(typed.getSource());
        const auto index = number(mlir::OpFoldResult(typed.getIndex()));
        if (shape && index && *index >= 0 && static_cast<size_t>(*index) < shape->size())
          numbers_[op.getResult(0)] = (*shape)[static_cast<size_t>(*index)];
        return success();
      })
      .Case<mlir::bufferization::ToTensorOp>([&](auto typed) -> Answer {
        FailureOr<Tensor> held = tensorOf(op, typed.getMemref());
        if (failed(held))
          return failure();
        define(op.getResult(0), std::move(*held));
        return success();
      })
      .Case<mlir::bufferization::ToMemrefOp>([&](auto typed) -> Answer {
        FailureOr<Tensor> held = tensorOf(op, typed.getTensor());
        if (failed(held))
          return failure();
        aliases_.erase(op.getResult(0));
        define(op.getResult(0), std::move(*held));
        return success();
      })
      .Case<mlir::bufferization::MaterializeInDestinationOp>([&](auto typed) {
        return insert(op, typed.getSource(), typed.getDest(),
                      op.getNumResults() ? op.getResult(0) : Value());
      })
      .Default([](auto) { return Answer(); });
}

} // namespace mansard::ir
