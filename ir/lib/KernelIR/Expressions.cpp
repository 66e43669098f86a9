// Scalar evolution's expressions, evaluated.
#include "Values.h"

#include <algorithm>

namespace mansard::ir {
namespace {

int64_t wrapped(int64_t value, unsigned width) {
  return width >= 64 ? value : llvm::SignExtend64(static_cast<uint64_t>(value), width);
}
uint64_t bits(int64_t value, unsigned width) {
  return width >= 64 ? static_cast<uint64_t>(value)
                     : static_cast<uint64_t>(value) & llvm::maskTrailingOnes<uint64_t>(width);
}

} // namespace

std::optional<Number> Values::expression(const llvm::SCEV *expression) {
  const auto width = [&](const llvm::SCEV *of) {
    return static_cast<unsigned>(evolution_.getTypeSizeInBits(of->getType()));
  };
  switch (expression->getSCEVType()) {
  case llvm::scConstant: {
    const llvm::APInt &value = llvm::cast<llvm::SCEVConstant>(expression)->getAPInt();
    if (value.getBitWidth() > 64)
      return std::nullopt;
    return Number{nullptr, value.getSExtValue()};
  }
  case llvm::scTruncate:
  case llvm::scZeroExtend:
  case llvm::scSignExtend:
  case llvm::scPtrToInt: {
    const llvm::SCEV *inner = llvm::cast<llvm::SCEVCastExpr>(expression)->getOperand(0);
    auto value = this->expression(inner);
    if (!value || value->base || width(expression) > 64)
      return expression->getSCEVType() == llvm::scPtrToInt ? value : std::nullopt;
    if (expression->getSCEVType() == llvm::scZeroExtend)
      value->value = static_cast<int64_t>(bits(value->value, width(inner)));
    value->value = wrapped(value->value, width(expression));
    return value;
  }
  case llvm::scAddRecExpr:
    return recurrence(*llvm::cast<llvm::SCEVAddRecExpr>(expression));
  case llvm::scUDivExpr: {
    auto *division = llvm::cast<llvm::SCEVUDivExpr>(expression);
    const auto left = integer(division->getLHS()), right = integer(division->getRHS());
    if (!left || !right || width(expression) > 64)
      return std::nullopt;
    const uint64_t by = bits(*right, width(expression));
    if (by == 0)
      return std::nullopt;
    return Number{nullptr, wrapped(static_cast<int64_t>(bits(*left, width(expression)) / by),
                                   width(expression))};
  }
  case llvm::scUnknown:
    return number(llvm::cast<llvm::SCEVUnknown>(expression)->getValue());
  case llvm::scAddExpr:
  case llvm::scMulExpr:
  case llvm::scUMaxExpr:
  case llvm::scSMaxExpr:
  case llvm::scUMinExpr:
  case llvm::scSMinExpr:
  case llvm::scSequentialUMinExpr:
    return folded(*llvm::cast<llvm::SCEVNAryExpr>(expression));
  default:
    return std::nullopt;
  }
}

std::optional<Number> Values::folded(const llvm::SCEVNAryExpr &expression) {
  const auto width = static_cast<unsigned>(evolution_.getTypeSizeInBits(expression.getType()));
  if (width > 64)
    return std::nullopt;
  std::optional<Number> total;
  for (const llvm::SCEV *operand : expression.operands()) {
    const auto one = this->expression(operand);
    if (!one)
      return std::nullopt;
    if (!total) {
      total = one;
      continue;
    }
    const uint64_t a = bits(total->value, width), b = bits(one->value, width);
    switch (expression.getSCEVType()) {
    case llvm::scAddExpr:
      if (total->base && one->base)
        return std::nullopt;
      total->base = total->base ? total->base : one->base;
      total->value = wrapped(static_cast<int64_t>(a + b), width);
      continue;
    case llvm::scMulExpr:
      total->value = wrapped(static_cast<int64_t>(a * b), width);
      break;
    case llvm::scUMaxExpr:
      total->value = a > b ? total->value : one->value;
      break;
    case llvm::scUMinExpr:
    case llvm::scSequentialUMinExpr:
      total->value = a < b ? total->value : one->value;
      break;
    case llvm::scSMaxExpr:
      total->value = std::max(total->value, one->value);
      break;
    default:
      total->value = std::min(total->value, one->value);
    }
    if (total->base || one->base)
      return std::nullopt;
  }
  return total;
}

/// {a,+,b,+,c} at turn i: a + b i + c i (i - 1) / 2.
std::optional<Number> Values::recurrence(const llvm::SCEVAddRecExpr &recurrence) {
  const auto width = static_cast<unsigned>(evolution_.getTypeSizeInBits(recurrence.getType()));
  if (width > 64 || recurrence.getNumOperands() > 3)
    return std::nullopt;
  auto value = expression(recurrence.getStart());
  if (!value)
    return std::nullopt;
  const auto turn = static_cast<uint64_t>(turns_.lookup(recurrence.getLoop()));
  uint64_t sum = static_cast<uint64_t>(value->value);
  const uint64_t weights[] = {0, turn, turn % 2 ? turn * ((turn - 1) / 2) : turn / 2 * (turn - 1)};
  for (unsigned i = 1; i < recurrence.getNumOperands(); ++i) {
    const auto step = integer(recurrence.getOperand(i));
    if (!step)
      return std::nullopt;
    sum += static_cast<uint64_t>(*step) * weights[i];
  }
  value->value = wrapped(static_cast<int64_t>(sum), width);
  return value;
}

} // namespace mansard::ir
