#include "LinalgBody.h"

#include <mlir/Dialect/Arith/IR/Arith.h>
#include <mlir/Dialect/Linalg/IR/Linalg.h>
#include <mlir/Dialect/MemRef/IR/MemRef.h>
#include <mlir/Dialect/Tensor/IR/Tensor.h>

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/StringMap.h>

#include <algorithm>
#include <cmath>

namespace mansard::ir {
namespace {

using mlir::Value;

struct Cost {
  double vector, special, integer;
};

/// Of one scalar op. A division is a reciprocal and a multiplication; logarithms, powers and the
/// like are exponentials or logarithms and what surrounds them; erf is formula 7.1.26 of Abramowitz
/// and Stegun: five coefficients by Horner's rule, an exponential and a reciprocal.
const llvm::StringMap<Cost> &costs() {
  static const llvm::StringMap<Cost> table = [] {
    llvm::StringMap<Cost> t;
    for (const char *name :
         {"arith.addf",     "arith.subf",     "arith.mulf",    "arith.negf",     "arith.cmpf",
          "arith.maximumf", "arith.minimumf", "arith.maxnumf", "arith.minnumf",  "arith.select",
          "arith.sitofp",   "arith.uitofp",   "arith.fptosi",  "arith.fptoui",   "math.absf",
          "math.ceil",      "math.floor",     "math.round",    "math.roundeven", "math.trunc",
          "math.copysign"})
      t[name] = {1, 0, 0};
    for (const char *name :
         {"arith.addi", "arith.subi", "arith.muli", "arith.andi", "arith.ori", "arith.xori",
          "arith.shli", "arith.shrsi", "arith.shrui", "arith.cmpi", "arith.maxsi", "arith.maxui",
          "arith.minsi", "arith.minui", "math.absi", "math.ctpop", "math.ctlz", "math.cttz"})
      t[name] = {0, 0, 1};
    // Through a reciprocal, with one step that corrects the quotient.
    for (const char *name : {"arith.divsi", "arith.divui", "arith.remsi", "arith.remui",
                             "arith.ceildivsi", "arith.ceildivui", "arith.floordivsi"})
      t[name] = {2, 1, 2};
    for (const char *name : {"math.exp", "math.exp2", "math.log", "math.log2", "math.log10",
                             "math.rsqrt", "math.sqrt", "math.sin", "math.cos", "math.tanh"})
      t[name] = {0, 1, 0};
    t["arith.divf"] = {1, 1, 0};
    t["math.fma"] = {2, 0, 0};
    t["math.expm1"] = t["math.log1p"] = {1, 1, 0};
    t["math.cbrt"] = t["math.powf"] = {1, 2, 0};
    t["arith.remf"] = {3, 1, 0};
    t["math.tan"] = {1, 3, 0};
    t["math.sinh"] = t["math.cosh"] = {2, 2, 0};
    t["math.erf"] = {14, 2, 0};
    return t;
  }();
  return table;
}

bool isFree(mlir::Operation &op) {
  return llvm::isa<mlir::linalg::YieldOp, mlir::linalg::IndexOp>(op) ||
         op.hasTrait<mlir::OpTrait::ConstantLike>() || op.hasTrait<mlir::OpTrait::IsTerminator>();
}

/// Whether a conversion costs nothing: those between 16 bits and wider ride along with load and
/// store, and integers of another width are the same registers.
bool isFreeCast(mlir::Operation &op) {
  if (llvm::isa<mlir::arith::ExtSIOp, mlir::arith::ExtUIOp, mlir::arith::TruncIOp,
                mlir::arith::BitcastOp, mlir::arith::IndexCastOp, mlir::arith::IndexCastUIOp>(op))
    return true;
  return llvm::isa<mlir::arith::ExtFOp, mlir::arith::TruncFOp>(op) &&
         bitsOf(op.getOperand(0).getType()).value_or(32) >= 16 &&
         bitsOf(op.getResult(0).getType()).value_or(32) >= 16;
}

double timesOf(const LoopNest &nest, uint64_t loops) {
  double product = 1;
  for (size_t loop = 0; loop < nest.sizes.size(); ++loop)
    if (loop >= 64 || loops >> loop & 1)
      product *= static_cast<double>(nest.sizes[loop]);
  return product;
}

class Counter {
public:
  explicit Counter(const LoopNest &nest) : nest_(nest) {}

  BodyCost run() {
    const size_t inputs = nest_.inputs.size();
    const bool reduces = llvm::is_contained(nest_.iterators, mlir::utils::IteratorType::reduction);
    for (auto [index, argument] : llvm::enumerate(nest_.body->getArguments())) {
      if (index < inputs)
        loops_[argument] = loopsOf(nest_.inputs[index].map);
      else if (index - inputs < nest_.outputs.size())
        loops_[argument] = reduces ? ~uint64_t{0} : loopsOf(nest_.outputs[index - inputs].map);
    }
    count(*nest_.body, 0);
    return cost_;
  }

private:
  void count(mlir::Block &block, uint64_t around) {
    for (mlir::Operation &op : block) {
      uint64_t loops = around;
      for (Value operand : op.getOperands())
        loops |= loops_.lookup(operand);
      if (auto index = llvm::dyn_cast<mlir::linalg::IndexOp>(op))
        loops |= index.getDim() < 64 ? uint64_t{1} << index.getDim() : ~uint64_t{0};
      for (Value result : op.getResults())
        loops_[result] = loops;
      for (mlir::Region &region : op.getRegions())
        for (mlir::Block &inner : region) {
          for (Value argument : inner.getArguments())
            loops_[argument] = loops;
          count(inner, loops);
        }
      add(op, timesOf(nest_, loops));
    }
  }

  void add(mlir::Operation &op, double times) {
    if (isFree(op) || isFreeCast(op) || op.getNumRegions() > 0)
      return;
    if (op.getNumResults() > 0 && op.getResult(0).getType().isIndex())
      return;
    if (llvm::isa<mlir::tensor::ExtractOp, mlir::memref::LoadOp>(op)) {
      const auto table = llvm::cast<mlir::ShapedType>(op.getOperand(0).getType());
      double elements = times;
      if (table.hasStaticShape()) {
        double all = 1;
        for (int64_t size : table.getShape())
          all *= static_cast<double>(size);
        elements = std::min(elements, all);
      }
      cost_.gathered +=
          elements * static_cast<double>(bitsOf(table.getElementType()).value_or(32)) / 8;
      return;
    }
    if (llvm::isa<mlir::arith::ExtFOp, mlir::arith::TruncFOp>(op)) {
      cost_.vector += times;
      return;
    }
    const auto found = costs().find(op.getName().getStringRef());
    if (found == costs().end()) {
      if (!cost_.unknown)
        cost_.unknown = &op;
      cost_.special += 2 * times;
      return;
    }
    cost_.vector += found->second.vector * times;
    cost_.special += found->second.special * times;
    cost_.integer += found->second.integer * times;
  }

  const LoopNest &nest_;
  BodyCost cost_;
  llvm::DenseMap<Value, uint64_t> loops_; // that a value changes with
};

/// Values that an expression of the loops' counters takes, as an interval.
struct Interval {
  double low = 0, high = 0;
};

std::optional<Interval> rangeOf(mlir::AffineExpr expr, llvm::ArrayRef<int64_t> sizes) {
  if (auto constant = llvm::dyn_cast<mlir::AffineConstantExpr>(expr)) {
    const auto value = static_cast<double>(constant.getValue());
    return Interval{value, value};
  }
  if (auto dim = llvm::dyn_cast<mlir::AffineDimExpr>(expr)) {
    if (dim.getPosition() >= sizes.size())
      return std::nullopt;
    return Interval{0, static_cast<double>(sizes[dim.getPosition()]) - 1};
  }
  auto binary = llvm::dyn_cast<mlir::AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  const auto left = rangeOf(binary.getLHS(), sizes), right = rangeOf(binary.getRHS(), sizes);
  if (!left || !right)
    return std::nullopt;
  switch (binary.getKind()) {
  case mlir::AffineExprKind::Add:
    return Interval{left->low + right->low, left->high + right->high};
  case mlir::AffineExprKind::Mul: {
    const auto corners = {left->low * right->low, left->low * right->high, left->high * right->low,
                          left->high * right->high};
    return Interval{std::min(corners), std::max(corners)};
  }
  case mlir::AffineExprKind::FloorDiv:
    if (right->low != right->high || right->low <= 0)
      return std::nullopt;
    return Interval{std::floor(left->low / right->low), std::floor(left->high / right->low)};
  case mlir::AffineExprKind::CeilDiv:
    if (right->low != right->high || right->low <= 0)
      return std::nullopt;
    return Interval{std::ceil(left->low / right->low), std::ceil(left->high / right->low)};
  case mlir::AffineExprKind::Mod:
    return Interval{0, right->high - 1};
  default:
    return std::nullopt;
  }
}

} // namespace

BodyCost costOf(const LoopNest &nest) { return Counter(nest).run(); }

bool isCast(mlir::Operation *op) {
  return op && llvm::isa<mlir::arith::ExtFOp, mlir::arith::TruncFOp, mlir::arith::ExtSIOp,
                         mlir::arith::ExtUIOp, mlir::arith::TruncIOp, mlir::arith::SIToFPOp,
                         mlir::arith::UIToFPOp, mlir::arith::FPToSIOp, mlir::arith::FPToUIOp>(op);
}

Value skipCasts(Value value) {
  while (isCast(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

int argumentOf(const LoopNest &nest, Value value) {
  const auto argument = llvm::dyn_cast<mlir::BlockArgument>(skipCasts(value));
  return argument && argument.getOwner() == nest.body ? static_cast<int>(argument.getArgNumber())
                                                      : -1;
}

Value yielded(const LoopNest &nest, unsigned index) {
  return nest.body->getTerminator()->getOperand(index);
}

std::optional<double> constantOf(Value value) {
  value = skipCasts(value);
  mlir::Attribute attribute;
  if (!mlir::matchPattern(value, mlir::m_Constant(&attribute)))
    return std::nullopt;
  if (auto real = llvm::dyn_cast<mlir::FloatAttr>(attribute))
    return real.getValueAsDouble();
  if (auto integer = llvm::dyn_cast<mlir::IntegerAttr>(attribute))
    if (integer.getValue().getSignificantBits() <= 64)
      return static_cast<double>(integer.getValue().getSExtValue());
  return std::nullopt;
}

uint64_t loopsOf(mlir::AffineMap map) {
  uint64_t loops = 0;
  map.walkExprs([&](mlir::AffineExpr expr) {
    if (auto dim = llvm::dyn_cast<mlir::AffineDimExpr>(expr))
      loops |= dim.getPosition() < 64 ? uint64_t{1} << dim.getPosition() : ~uint64_t{0};
  });
  return loops;
}

double touched(const LoopNest &nest, const NestOperand &operand) {
  double all = 1, reached = 1;
  for (auto [size, expr] : llvm::zip(operand.shape, operand.map.getResults())) {
    all *= static_cast<double>(size);
    const auto range = rangeOf(expr, nest.sizes);
    reached *= range ? std::min(range->high - range->low + 1, static_cast<double>(size))
                     : static_cast<double>(size);
  }
  // Never more than one for each iteration of the loops that it changes with.
  return std::min({all, reached, timesOf(nest, loopsOf(operand.map))});
}

double bytesTouched(const LoopNest &nest, const NestOperand &operand) {
  return touched(nest, operand) * static_cast<double>(bitsOf(operand.element).value_or(0)) / 8;
}

} // namespace mansard::ir
