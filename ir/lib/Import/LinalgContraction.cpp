// Sums of products as matmuls.
#include "LinalgBody.h"
#include "LinalgRecognisers.h"

#include <mlir/Dialect/Arith/IR/Arith.h>
#include <mlir/Dialect/Math/IR/Math.h>

namespace mansard::ir {
namespace {

using mlir::Value;
namespace arith = mlir::arith;

/// A scale or a zero point has at most an eighth of the elements of what it belongs to.
constexpr double kScaleShare = 0.125;

/// The input whose elements `value` is, but for conversions, scales and zero points.
class Factor {
public:
  Factor(const LoopNest &nest, Value value) : nest_(nest) { visit(value, 0); }

  bool valid() const { return valid_ && largest_ >= 0; }
  unsigned input() const { return static_cast<unsigned>(largest_); }
  llvm::ArrayRef<unsigned> scales() const { return scales_; }

private:
  void visit(Value value, int depth) {
    constexpr int kDeepest = 8;
    value = skipCasts(value);
    if (const int argument = argumentOf(nest_, value); argument >= 0)
      return add(argument);
    if (constantOf(value))
      return;
    mlir::Operation *op = value.getDefiningOp();
    if (!op || depth > kDeepest ||
        !llvm::isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp, arith::AddIOp,
                   arith::SubIOp, arith::MulIOp>(op)) {
      valid_ = false;
      return;
    }
    for (Value operand : op->getOperands())
      visit(operand, depth + 1);
  }

  void add(int argument) {
    if (static_cast<size_t>(argument) >= nest_.inputs.size()) { // what is summed up
      valid_ = false;
      return;
    }
    if (argument == largest_ || llvm::is_contained(scales_, static_cast<unsigned>(argument))) {
      valid_ = false; // a square is no product of two operands
      return;
    }
    if (largest_ < 0) {
      largest_ = argument;
      return;
    }
    const double own = elements(argument), other = elements(largest_);
    if (std::min(own, other) > kScaleShare * std::max(own, other))
      valid_ = false;
    scales_.push_back(static_cast<unsigned>(own > other ? largest_ : argument));
    if (own > other)
      largest_ = argument;
  }

  double elements(int argument) const {
    return touched(nest_, nest_.inputs[static_cast<size_t>(argument)]);
  }

  const LoopNest &nest_;
  bool valid_ = true;
  int largest_ = -1;
  llvm::SmallVector<unsigned, 2> scales_;
};

bool picksElements(mlir::AffineMap map) {
  return map.isProjectedPermutation(/*allowZeroInResults=*/true);
}

bool narrower(const NestOperand &a, const NestOperand &b) {
  return bitsOf(a.element).value_or(0) < bitsOf(b.element).value_or(0);
}

/// What a core works on of these loops; 0 if that is not stated.
int64_t tileOf(const LoopNest &nest, llvm::ArrayRef<unsigned> loops) {
  int64_t product = 1;
  for (unsigned loop : loops)
    product *= nest.tile[loop];
  return product;
}

} // namespace

Scaling scalingOf(const LoopNest &nest, llvm::ArrayRef<unsigned> scales, const Contraction &c) {
  if (!narrower(nest.inputs[c.right], nest.inputs[c.left]))
    return Scaling::none;
  Scaling scaling = Scaling::none;
  for (unsigned scale : scales) {
    const uint64_t loops = loopsOf(nest.inputs[scale].map);
    const auto has = [&](llvm::ArrayRef<unsigned> some) {
      return llvm::any_of(some, [&](unsigned loop) { return loops >> loop & 1; });
    };
    if (has(c.inner))
      return Scaling::group;
    if (has(c.columns))
      scaling = Scaling::channel;
    else if (scaling == Scaling::none)
      scaling = Scaling::tensor;
  }
  return scaling;
}

bool classifyLoops(const LoopNest &nest, Contraction &c) {
  const uint64_t inLeft = loopsOf(nest.inputs[c.left].map),
                 inRight = loopsOf(nest.inputs[c.right].map), inOut = loopsOf(nest.outputs[0].map);
  for (unsigned loop = 0; loop < nest.sizes.size(); ++loop) {
    const bool l = inLeft >> loop & 1, r = inRight >> loop & 1, o = inOut >> loop & 1;
    if (o && l && r)
      c.batch.push_back(loop);
    else if (o && l)
      c.rows.push_back(loop);
    else if (o && r)
      c.columns.push_back(loop);
    else if (!o && l && r)
      c.inner.push_back(loop);
    else if (nest.sizes[loop] != 1)
      return false;
  }
  c.accumulates = nest.outputs[0].content == Content::data;
  return true;
}

bool isMultiplied(mlir::Type element) {
  const std::optional<DType> dtype = dtypeOf(element);
  if (dtype)
    return *dtype != DType::int32;
  return llvm::isa<mlir::FloatType>(element) && bitsOf(element) == 8;
}

std::optional<Product> matchSumOfProducts(const LoopNest &nest) {
  if (nest.outputs.size() != 1 || nest.inputs.size() < 2)
    return std::nullopt;
  mlir::Operation *sum = skipCasts(yielded(nest, 0)).getDefiningOp();
  const auto isSum = [&](Value value) {
    return argumentOf(nest, value) == static_cast<int>(nest.inputs.size());
  };
  Value left, right;
  if (auto fma = llvm::dyn_cast_or_null<mlir::math::FmaOp>(sum)) {
    if (!isSum(fma.getC()))
      return std::nullopt;
    left = fma.getA(), right = fma.getB();
  } else if (llvm::isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum)) {
    const bool first = isSum(sum->getOperand(0));
    if (!first && !isSum(sum->getOperand(1)))
      return std::nullopt;
    mlir::Operation *product = skipCasts(sum->getOperand(first ? 1 : 0)).getDefiningOp();
    if (!llvm::isa_and_nonnull<arith::MulFOp, arith::MulIOp>(product))
      return std::nullopt;
    left = product->getOperand(0), right = product->getOperand(1);
  } else {
    return std::nullopt;
  }
  const Factor a(nest, left), b(nest, right);
  if (!a.valid() || !b.valid() || a.input() == b.input())
    return std::nullopt;
  Product result{a.input(), b.input(), {}};
  result.scales.append(a.scales().begin(), a.scales().end());
  result.scales.append(b.scales().begin(), b.scales().end());
  return result;
}

int64_t Contraction::product(const LoopNest &nest, llvm::ArrayRef<unsigned> loops) {
  int64_t product = 1;
  for (unsigned loop : loops)
    product *= nest.sizes[loop];
  return product;
}

std::optional<Contraction> matchContraction(const LoopNest &nest) {
  const std::optional<Product> product = matchSumOfProducts(nest);
  if (!product || nest.sizes.size() > 63)
    return std::nullopt;
  const NestOperand *left = &nest.inputs[product->first], *right = &nest.inputs[product->second];
  const NestOperand &out = nest.outputs[0];
  if (!picksElements(left->map) || !picksElements(right->map) || !picksElements(out.map) ||
      !isMultiplied(left->element) || !isMultiplied(right->element))
    return std::nullopt;
  Contraction c{product->first, product->second, {}, {}, {}, {}, false, Scaling::none};
  if (!left->value || !right->value || !classifyLoops(nest, c))
    return std::nullopt;
  // A sum along vectors alone is the vector unit's.
  if (c.inner.empty() ||
      Contraction::product(nest, c.rows) * Contraction::product(nest, c.columns) == 1)
    return std::nullopt;
  const auto swap = [&] {
    std::swap(c.left, c.right);
    std::swap(c.rows, c.columns);
  };
  // The result's outermost loop that is no batch counts rows; a lone vector is one row.
  for (mlir::AffineExpr expr : out.map.getResults())
    if (auto dim = llvm::dyn_cast<mlir::AffineDimExpr>(expr))
      if (!llvm::is_contained(c.batch, dim.getPosition())) {
        if (llvm::is_contained(c.columns, dim.getPosition()) && !c.rows.empty())
          swap();
        break;
      }
  if (c.columns.empty())
    swap();
  // What is stored narrow is the right operand.
  if (narrower(nest.inputs[c.left], nest.inputs[c.right]))
    swap();
  c.scaling = scalingOf(nest, product->scales, c);
  return c;
}

Values emitContraction(Emitter &emitter, const LoopNest &nest) {
  const std::optional<Contraction> c = matchContraction(nest);
  return c ? emitProduct(emitter, nest, *c) : Values();
}

Values emitProduct(Emitter &emitter, const LoopNest &nest, const Contraction &c) {
  const int64_t groups = Contraction::product(nest, c.batch),
                rows = Contraction::product(nest, c.rows),
                columns = Contraction::product(nest, c.columns),
                inner = Contraction::product(nest, c.inner);
  mlir::OpBuilder &builder = emitter.builder;
  const mlir::StringAttr label = builder.getStringAttr(nest.label);
  const NestOperand &out = nest.outputs[0];
  const auto matrix = [&](const NestOperand &operand, llvm::ArrayRef<int64_t> shape) -> Value {
    double all = 1, wanted = 1;
    for (int64_t size : operand.shape)
      all *= static_cast<double>(size);
    for (int64_t size : shape)
      wanted *= static_cast<double>(size);
    if (wanted > all)
      return builder
          .create<ViewOp>(emitter.location, emitter.type(shape, operand.element), ViewKind::windows,
                          mlir::ValueRange{operand.value}, 1)
          .getResult();
    return emitter.reshape(operand.value, shape, all != wanted);
  };
  const NestOperand &left = nest.inputs[c.left], &right = nest.inputs[c.right];
  if (groups == 1) {
    const mlir::Value residual = c.accumulates ? matrix(out, {rows, columns}) : mlir::Value();
    auto product = builder.create<MatmulOp>(
        emitter.location, emitter.type({rows, columns}, out.element), label,
        matrix(left, {rows, inner}), matrix(right, {inner, columns}), nullptr, residual,
        Activation::none, c.scaling);
    if (!nest.tile.empty())
      product.setTileAttr(TileAttr::get(builder.getContext(), tileOf(nest, c.rows),
                                        tileOf(nest, c.columns), tileOf(nest, c.inner),
                                        nest.split));
    return {emitter.reshape(product.getResult(), out.shape)};
  }
  if (!nest.tile.empty())
    emitter.note(
        "a batch of products is priced in the schedule that the target's model finds, not in "
        "the tiles of its loops");
  auto product = builder.create<GroupedMatmulOp>(
      emitter.location, emitter.type({groups, rows, columns}, out.element), label,
      matrix(left, {groups, rows, inner}), matrix(right, {groups, inner, columns}), nullptr,
      c.scaling);
  mlir::Value result = product.getResult();
  if (c.accumulates) {
    emitter.note("a batch of products that adds to what its result held is priced as the products "
                 "and an addition of their own");
    result = builder.create<ElementwiseOp>(
        emitter.location, result.getType(), ElementwiseKind::add,
        builder.getStringAttr(nest.label + ".add"),
        mlir::ValueRange{result, matrix(out, {groups, rows, columns})}, Scaling::none);
  }
  return {emitter.reshape(result, out.shape)};
}

} // namespace mansard::ir
