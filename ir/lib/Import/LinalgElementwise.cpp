// Kernels that models know by name, from the body of one op: add, mul, copy, silu_mul, gelu,
// quantize.
#include "LinalgBody.h"
#include "LinalgRecognisers.h"

#include <mlir/Dialect/Arith/IR/Arith.h>
#include <mlir/Dialect/Math/IR/Math.h>

#include <cmath>

namespace mansard::ir {
namespace {

using mlir::Value;
namespace arith = mlir::arith;
namespace math = mlir::math;

/// A product of quotients taken apart: what is multiplied, and what it is divided by.
struct Factors {
  llvm::SmallVector<Value, 4> above, below;

  explicit Factors(Value value) { visit(value, 0); }

private:
  void visit(Value value, int depth) {
    constexpr int kDeepest = 16;
    value = skipCasts(value);
    auto product = value.getDefiningOp<arith::MulFOp>();
    auto quotient = value.getDefiningOp<arith::DivFOp>();
    if (depth > kDeepest || (!product && !quotient)) {
      above.push_back(value);
      return;
    }
    if (product) {
      visit(product.getLhs(), depth + 1);
      visit(product.getRhs(), depth + 1);
      return;
    }
    visit(quotient.getLhs(), depth + 1);
    below.push_back(skipCasts(quotient.getRhs()));
  }
};

bool isConstant(Value value, double wanted) {
  const std::optional<double> constant = constantOf(value);
  return constant && std::abs(*constant - wanted) < 1e-6;
}

/// The other operand of a commutative `Op` of which one operand is `wanted`.
template <typename Op> Value besides(Value value, double wanted) {
  auto op = skipCasts(value).getDefiningOp<Op>();
  if (!op)
    return {};
  if (isConstant(op.getLhs(), wanted))
    return op.getRhs();
  return isConstant(op.getRhs(), wanted) ? op.getLhs() : Value();
}

/// x of 1 + exp(-x).
Value ofLogistic(Value value) {
  const Value power = besides<arith::AddFOp>(value, 1);
  auto exponential = power ? skipCasts(power).getDefiningOp<math::ExpOp>() : math::ExpOp();
  if (!exponential)
    return {};
  const Value argument = skipCasts(exponential.getOperand());
  if (auto negated = argument.getDefiningOp<arith::NegFOp>())
    return skipCasts(negated.getOperand());
  if (auto difference = argument.getDefiningOp<arith::SubFOp>();
      difference && isConstant(difference.getLhs(), 0))
    return skipCasts(difference.getRhs());
  const Value negated = besides<arith::MulFOp>(argument, -1);
  return negated ? skipCasts(negated) : Value();
}

/// Whether `value` changes with `argument` alone.
bool dependsOnlyOn(Value value, Value argument, int depth = 0) {
  constexpr int kDeepest = 16;
  value = skipCasts(value);
  if (value == argument || constantOf(value))
    return true;
  mlir::Operation *op = value.getDefiningOp();
  return op && depth < kDeepest && op->getNumOperands() > 0 &&
         llvm::all_of(op->getOperands(),
                      [&](Value one) { return dependsOnlyOn(one, argument, depth + 1); });
}

class Elementwise {
public:
  Elementwise(Emitter &emitter, const LoopNest &nest) : emitter_(emitter), nest_(nest) {}

  Values run() {
    const bool parallel = llvm::all_of(nest_.iterators, [](auto iterator) {
      return iterator == mlir::utils::IteratorType::parallel;
    });
    if (!parallel || nest_.outputs.size() != 1 || !coversAll(nest_.outputs[0]))
      return {};
    for (const auto match : {&Elementwise::copy, &Elementwise::binary, &Elementwise::siluMul,
                             &Elementwise::gelu, &Elementwise::quantize})
      if (const Value value = (this->*match)())
        return {emitter_.reshape(value, out().shape)};
    return {};
  }

private:
  const NestOperand &out() const { return nest_.outputs[0]; }
  Value result() const { return skipCasts(yielded(nest_, 0)); }

  /// Whether the operand has one element for each iteration.
  bool coversAll(const NestOperand &operand) const {
    return touched(nest_, operand) == nest_.iterations();
  }

  /// The operand that is the body's argument `index`.
  const NestOperand &operand(int index) const {
    const auto at = static_cast<size_t>(index);
    return at < nest_.inputs.size() ? nest_.inputs[at] : nest_.outputs[at - nest_.inputs.size()];
  }

  /// The whole tensor behind an argument; null if it is none, is not covered or holds nothing.
  const NestOperand *whole(Value value) const {
    const int index = argumentOf(nest_, value);
    if (index < 0 || !coversAll(operand(index)) || operand(index).content != Content::data)
      return nullptr;
    return &operand(index);
  }

  Value shaped(const NestOperand &operand) {
    return emitter_.reshape(operand.value, flattened(out().shape));
  }

  Value emit(ElementwiseKind kind, llvm::ArrayRef<Value> inputs) {
    const auto shape = llvm::cast<mlir::RankedTensorType>(inputs[0].getType()).getShape();
    return emitter_.builder.create<ElementwiseOp>(
        emitter_.location, emitter_.type(shape, out().element), kind,
        emitter_.builder.getStringAttr(nest_.label), inputs, Scaling::none);
  }

  Value copy() {
    const NestOperand *input = whole(result());
    return input ? emit(ElementwiseKind::copy, {shaped(*input)}) : Value();
  }

  /// Two tensors, or a tensor and one row of the last dimension for all.
  Value binary() {
    mlir::Operation *op = result().getDefiningOp();
    if (!llvm::isa_and_nonnull<arith::AddFOp, arith::MulFOp>(op))
      return {};
    const NestOperand *first = whole(op->getOperand(0)), *second = whole(op->getOperand(1));
    Value row;
    if (!first || !second) {
      const int index = argumentOf(nest_, op->getOperand(first ? 1 : 0));
      if (!first)
        first = second;
      if (!first || index < 0 || !isRow(operand(index)))
        return {};
      second = &operand(index);
      row = emitter_.reshape(second->value, {out().shape.back()});
    }
    if (first->element != second->element || bitsOf(out().element) < 16)
      return {};
    return emit(llvm::isa<arith::AddFOp>(op) ? ElementwiseKind::add : ElementwiseKind::mul,
                {row ? emitter_.reshape(first->value, out().shape) : shaped(*first),
                 row ? row : shaped(*second)});
  }

  /// Whether an operand is what the last dimension of the result alone picks from.
  bool isRow(const NestOperand &operand) const {
    if (out().shape.empty() || operand.content != Content::data)
      return false;
    const mlir::AffineExpr last = out().map.getResults().back();
    double elements = 1;
    for (int64_t size : operand.shape)
      elements *= static_cast<double>(size);
    return llvm::isa<mlir::AffineDimExpr>(last) &&
           loopsOf(operand.map) == loopsOf(mlir::AffineMap::get(nest_.sizes.size(), 0, last)) &&
           elements == static_cast<double>(out().shape.back());
  }

  Value siluMul() {
    const Factors factors(result());
    if (factors.below.size() != 1)
      return {};
    const Value gate = ofLogistic(factors.below[0]);
    if (!gate)
      return {};
    llvm::SmallVector<Value, 2> rest;
    bool gated = false;
    for (Value factor : factors.above) {
      if (factor == gate && !gated)
        gated = true;
      else if (!isConstant(factor, 1))
        rest.push_back(factor);
    }
    if (!gated || rest.size() != 1)
      return {};
    const NestOperand *g = whole(gate), *up = whole(rest[0]);
    if (!g || !up || g->element != up->element)
      return {};
    // The kernel takes the two side by side.
    const int64_t columns = out().shape.empty() ? 1 : out().shape.back();
    const auto rows = static_cast<int64_t>(nest_.iterations()) / columns;
    const auto matrix = [&](const NestOperand &operand) {
      return emitter_.reshape(operand.value, {rows, columns});
    };
    const Value both = emitter_.builder.create<ViewOp>(
        emitter_.location, emitter_.type({rows, 2 * columns}, g->element), ViewKind::join,
        mlir::ValueRange{matrix(*g), matrix(*up)}, 1);
    return emitter_.builder.create<ElementwiseOp>(
        emitter_.location, emitter_.type({rows, columns}, out().element), ElementwiseKind::silu_mul,
        emitter_.builder.getStringAttr(nest_.label), both, Scaling::none);
  }

  /// x / 2 (1 + tanh(...)) or x / 2 (1 + erf(...)).
  Value gelu() {
    const Factors factors(result());
    const NestOperand *input = nullptr;
    Value argument, bent;
    for (Value factor : factors.above)
      if (const NestOperand *found = whole(factor)) {
        if (input)
          return {};
        input = found, argument = factor;
      } else if (const Value other = besides<arith::AddFOp>(factor, 1)) {
        if (bent)
          return {};
        bent = skipCasts(other);
      } else if (!constantOf(factor)) {
        return {};
      }
    if (!input || !bent ||
        !llvm::isa_and_nonnull<math::TanhOp, math::ErfOp>(bent.getDefiningOp()) ||
        !dependsOnlyOn(bent, argument))
      return {};
    return emit(ElementwiseKind::gelu, {shaped(*input)});
  }

  /// One tensor to eight bits or fewer by scales that are known.
  Value quantize() {
    constexpr double kScaleShare = 1.0 / 16;
    if (bitsOf(out().element) > 8)
      return {};
    const NestOperand *input = nullptr;
    for (auto [index, one] : llvm::enumerate(nest_.inputs)) {
      if (nest_.body->getArgument(index).use_empty())
        continue;
      if (coversAll(one) && !input)
        input = &one;
      else if (touched(nest_, one) > kScaleShare * nest_.iterations())
        return {};
    }
    if (!input || bitsOf(input->element) < 16 || !llvm::isa<mlir::FloatType>(input->element) ||
        !nest_.body->getArgument(nest_.inputs.size()).use_empty() || result() == nullptr)
      return {};
    for (mlir::Operation &op : *nest_.body)
      if (!isCast(&op) && !op.hasTrait<mlir::OpTrait::IsTerminator>() &&
          !llvm::isa<arith::ConstantOp, arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
                     arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp,
                     arith::AddIOp, arith::MaxSIOp, arith::MinSIOp, math::RoundOp,
                     math::RoundEvenOp, arith::CmpFOp, arith::SelectOp>(op))
        return {};
    return emitter_.builder.create<QuantizeOp>(
        emitter_.location, emitter_.type(flattened(out().shape), out().element),
        emitter_.builder.getStringAttr(nest_.label), shaped(*input), Scaling::tensor);
  }

  Emitter &emitter_;
  const LoopNest &nest_;
};

} // namespace

llvm::SmallVector<int64_t, 4> flattened(llvm::ArrayRef<int64_t> shape) {
  constexpr int64_t kWide = 1024; // enough for a core's vector width many times over
  if (shape.size() < 3)
    return llvm::SmallVector<int64_t, 4>(shape);
  int64_t columns = shape.back(), rows = 1;
  size_t outer = shape.size() - 1;
  while (outer > 1 && columns < kWide)
    columns *= shape[--outer];
  for (int64_t size : shape.take_front(outer))
    rows *= size;
  return {rows, columns};
}

Values emitElementwise(Emitter &emitter, const LoopNest &nest) {
  return Elementwise(emitter, nest).run();
}

} // namespace mansard::ir
