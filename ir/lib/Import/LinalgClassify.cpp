// Which part a nest plays in a group.
#include "LinalgBody.h"
#include "LinalgGroups.h"

#include <mlir/Dialect/Arith/IR/Arith.h>
#include <mlir/Dialect/Math/IR/Math.h>

namespace mansard::ir {

using mlir::Value;
namespace arith = mlir::arith;
namespace math = mlir::math;
namespace linalg = mlir::linalg;

namespace {

/// Looks at one nest.
class Classifier {
public:
  explicit Classifier(const LoopNest &nest) : nest_(nest) {}

  std::optional<Member> run() {
    if (nest_.outputs.size() != 1)
      return std::nullopt;
    const bool reduces = llvm::is_contained(nest_.iterators, mlir::utils::IteratorType::reduction);
    return reduces ? reduction() : parallel();
  }

private:
  using Answer = std::optional<Member>;

  const NestOperand *input(int index) const {
    const auto at = static_cast<size_t>(index);
    return index >= 0 && at < nest_.inputs.size() && nest_.inputs[at].value ? &nest_.inputs[at]
                                                                            : nullptr;
  }
  bool isSum(Value value) const {
    return argumentOf(nest_, value) == static_cast<int>(nest_.inputs.size());
  }
  static double elements(const NestOperand &operand) {
    double product = 1;
    for (int64_t size : operand.shape)
      product *= static_cast<double>(size);
    return product;
  }
  bool isWhole(const NestOperand &operand) const {
    return elements(operand) == nest_.iterations() && touched(nest_, operand) == elements(operand);
  }
  /// One element for each row of the last dimension.
  bool isOfRows(const NestOperand &operand) const {
    const NestOperand &out = nest_.outputs[0];
    return !out.shape.empty() &&
           elements(operand) * static_cast<double>(out.shape.back()) == nest_.iterations() &&
           touched(nest_, operand) == elements(operand) && (loopsOf(operand.map) & lastLoop()) == 0;
  }
  bool isOfColumns(const NestOperand &operand) const {
    return elements(operand) == static_cast<double>(nest_.outputs[0].shape.back()) &&
           loopsOf(operand.map) == lastLoop();
  }
  uint64_t lastLoop() const {
    const mlir::AffineMap map = nest_.outputs[0].map;
    const mlir::AffineExpr last = map.getNumResults() ? map.getResults().back() : nullptr;
    auto dim = llvm::dyn_cast_or_null<mlir::AffineDimExpr>(last);
    return dim && dim.getPosition() < 64 ? uint64_t{1} << dim.getPosition() : 0;
  }

  /// Along the last dimension of one input.
  Answer reduction() const {
    mlir::Operation *op = skipCasts(yielded(nest_, 0)).getDefiningOp();
    if (!op || op->getNumOperands() != 2)
      return std::nullopt;
    const bool first = isSum(op->getOperand(0));
    if (!first && !isSum(op->getOperand(1)))
      return std::nullopt;
    const Value added = skipCasts(op->getOperand(first ? 1 : 0));
    const auto row = [&](Value value, Part part) -> Answer {
      const NestOperand *x = input(argumentOf(nest_, value));
      if (!x || !isWhole(*x) || x->shape.empty() ||
          elements(nest_.outputs[0]) * static_cast<double>(x->shape.back()) != elements(*x))
        return std::nullopt;
      const mlir::AffineExpr last = x->map.getResults().back();
      auto dim = llvm::dyn_cast<mlir::AffineDimExpr>(last);
      if (!dim || nest_.iterators[dim.getPosition()] != mlir::utils::IteratorType::reduction)
        return std::nullopt;
      return Member{part, x->value, {}};
    };
    if (llvm::isa<arith::MaximumFOp, arith::MaxNumFOp>(op))
      return row(added, Part::rowMaximum);
    if (!llvm::isa<arith::AddFOp>(op))
      return std::nullopt;
    if (auto square = added.getDefiningOp<arith::MulFOp>();
        square && skipCasts(square.getLhs()) == skipCasts(square.getRhs()))
      return row(skipCasts(square.getLhs()), Part::rowSquares);
    if (auto power = added.getDefiningOp<math::PowFOp>(); power && constantOf(power.getRhs()) == 2)
      return row(skipCasts(power.getLhs()), Part::rowSquares);
    return row(added, Part::rowSum);
  }

  Answer parallel() const {
    const Value value = skipCasts(yielded(nest_, 0));
    if (const NestOperand *x = input(argumentOf(nest_, value)); x && isWhole(*x))
      return Member{Part::converted, x->value, {}};
    if (comparesPositions() && !anyWhole())
      return Member{Part::causalMask, {}, {}};
    mlir::Operation *op = value.getDefiningOp();
    if (!op)
      return std::nullopt;
    if (auto exponential = llvm::dyn_cast<math::ExpOp>(op)) {
      if (const NestOperand *x = input(argumentOf(nest_, exponential.getOperand())))
        return isWhole(*x) ? Answer(Member{Part::exponential, x->value, {}}) : std::nullopt;
      return withRow(skipCasts(exponential.getOperand()), Part::expMinusRow);
    }
    if (llvm::isa<math::RsqrtOp>(op))
      return Member{Part::root, soleInput(), {}};
    if (const Answer found = withRoot(value))
      return found;
    for (Part part : {Part::minusRow, Part::overRow, Part::timesRow})
      if (const Answer found = withRow(value, part))
        return found;
    return onData(value);
  }

  /// x - r, x / r, x r.
  Answer withRow(Value value, Part part) const {
    mlir::Operation *op = value.getDefiningOp();
    if (!op)
      return std::nullopt;
    const bool fits = part == Part::overRow    ? llvm::isa<arith::DivFOp>(op)
                      : part == Part::timesRow ? llvm::isa<arith::MulFOp>(op)
                                               : llvm::isa<arith::SubFOp>(op);
    if (!fits)
      return std::nullopt;
    const NestOperand *x = input(argumentOf(nest_, op->getOperand(0))),
                      *r = input(argumentOf(nest_, op->getOperand(1)));
    if (x && r && part == Part::timesRow && isOfRows(*x))
      std::swap(x, r);
    if (!x || !r || !isWhole(*x) || !isOfRows(*r))
      return std::nullopt;
    return Member{part, x->value, r->value};
  }

  /// x times the reciprocal root of what has one element for each row.
  Answer withRoot(Value value) const {
    llvm::SmallVector<Value, 4> factors{value};
    const NestOperand *x = nullptr, *r = nullptr;
    constexpr size_t kMost = 8;
    for (size_t i = 0; i < factors.size() && i < kMost; ++i) {
      const Value factor = skipCasts(factors[i]);
      if (auto more = factor.getDefiningOp<arith::MulFOp>()) {
        factors.append({more.getLhs(), more.getRhs()});
      } else if (auto root = factor.getDefiningOp<math::RsqrtOp>()) {
        const NestOperand *found = nullptr;
        for (auto [index, operand] : llvm::enumerate(nest_.inputs))
          if (operand.value && isOfRows(operand) && leadsTo(root.getOperand(), index))
            found = &operand;
        if (r || !found)
          return std::nullopt;
        r = found;
      } else if (const NestOperand *operand = input(argumentOf(nest_, factor))) {
        if (isWhole(*operand) && !x)
          x = operand;
        else if (!isOfColumns(*operand))
          return std::nullopt;
      } else {
        return std::nullopt;
      }
    }
    return x && r ? Answer(Member{Part::timesRoot, x->value, r->value}) : std::nullopt;
  }

  /// Whether input `index` and constants alone make `value`.
  bool leadsTo(Value value, size_t index, int depth = 0) const {
    constexpr int kDeepest = 8;
    value = skipCasts(value);
    if (argumentOf(nest_, value) == static_cast<int>(index) || constantOf(value) || isScalar(value))
      return true;
    mlir::Operation *op = value.getDefiningOp();
    return op && depth < kDeepest && op->getNumOperands() > 0 &&
           llvm::all_of(op->getOperands(),
                        [&](Value one) { return leadsTo(one, index, depth + 1); });
  }

  /// What leaves the tensor its shape: a scale, a mask, a row of weights, in any combination of the
  /// first two.
  Answer onData(Value value) const {
    Member member{Part::scaled, {}, {}};
    constexpr int kDeepest = 8;
    for (int depth = 0; depth < kDeepest; ++depth) {
      value = skipCasts(value);
      if (const NestOperand *x = input(argumentOf(nest_, value))) {
        if (!isWhole(*x))
          return std::nullopt;
        member.data = x->value;
        return member;
      }
      mlir::Operation *op = value.getDefiningOp();
      if (auto choice = llvm::dyn_cast_or_null<arith::SelectOp>(op)) {
        const bool first = constantOf(choice.getTrueValue()).has_value();
        if (!first && !constantOf(choice.getFalseValue()))
          return std::nullopt;
        member.part = Part::masked;
        member.causal |= comparesPositions();
        const Value condition = choice.getCondition();
        if (const NestOperand *mask = input(argumentOf(nest_, condition)))
          member.other = mask->value;
        value = first ? choice.getFalseValue() : choice.getTrueValue();
        continue;
      }
      if (!llvm::isa_and_nonnull<arith::AddFOp, arith::MulFOp, arith::DivFOp>(op))
        return std::nullopt;
      // The flowing tensor is the operand that is whole and not a mask: the first if both are.
      Value flows = op->getOperand(0), beside = op->getOperand(1);
      if (!flowsFrom(flows) && !llvm::isa<arith::DivFOp>(op))
        std::swap(flows, beside);
      const NestOperand *other = input(argumentOf(nest_, beside));
      if (llvm::isa<arith::AddFOp>(op)) {
        if (!other)
          return std::nullopt;
        member.part = Part::masked;
        member.other = other->value;
      } else if (other && isOfColumns(*other) && member.part == Part::scaled &&
                 llvm::isa<arith::MulFOp>(op)) {
        member.part = Part::timesColumns;
        member.other = other->value;
      } else if (!constantOf(beside) && !isScalar(beside)) {
        return std::nullopt;
      }
      value = flows;
    }
    return std::nullopt;
  }

  /// Whether a whole tensor, and nothing but constants beside it, leads to `value`.
  bool flowsFrom(Value value) const {
    value = skipCasts(value);
    if (const NestOperand *x = input(argumentOf(nest_, value)))
      return isWhole(*x) && x->content == Content::data;
    mlir::Operation *op = value.getDefiningOp();
    return op && llvm::isa<arith::MulFOp, arith::DivFOp, arith::AddFOp, arith::SelectOp>(op);
  }

  bool isScalar(Value value) const {
    const int index = argumentOf(nest_, value);
    if (index < 0 || static_cast<size_t>(index) >= nest_.inputs.size())
      return false;
    const NestOperand &operand = nest_.inputs[static_cast<size_t>(index)];
    return !operand.value || operand.content == Content::constant || elements(operand) == 1;
  }

  bool anyWhole() const {
    return llvm::any_of(nest_.inputs,
                        [&](const NestOperand &one) { return one.value && isWhole(one); });
  }
  Value soleInput() const {
    Value found;
    for (const NestOperand &one : nest_.inputs)
      if (one.value && isWhole(one))
        found = found ? found : one.value;
    return found;
  }

  /// Whether the body compares the counters of two loops.
  bool comparesPositions() const {
    for (mlir::Operation &op : *nest_.body) {
      auto compare = llvm::dyn_cast<arith::CmpIOp>(op);
      if (!compare)
        continue;
      const int64_t left = positionOf(compare.getLhs()), right = positionOf(compare.getRhs());
      if (left >= 0 && right >= 0 && left != right)
        return true;
    }
    return false;
  }
  /// The loop whose counter, perhaps shifted by a constant, `value` is; -1 if it is none.
  static int64_t positionOf(Value value) {
    for (mlir::Operation *op = value.getDefiningOp(); op; op = value.getDefiningOp()) {
      if (auto index = llvm::dyn_cast<linalg::IndexOp>(op))
        return static_cast<int64_t>(index.getDim());
      if (llvm::isa<arith::IndexCastOp, arith::IndexCastUIOp>(op) || isCast(op)) {
        value = op->getOperand(0);
        continue;
      }
      if (!llvm::isa<arith::AddIOp, arith::SubIOp>(op))
        return -1;
      const bool second = constantOf(op->getOperand(0)).has_value();
      if (!second && !constantOf(op->getOperand(1)))
        return -1;
      value = op->getOperand(second ? 1 : 0);
    }
    return -1;
  }

  const LoopNest &nest_;
};

} // namespace

std::optional<Member> classify(const LoopNest &nest) { return Classifier(nest).run(); }

} // namespace mansard::ir
