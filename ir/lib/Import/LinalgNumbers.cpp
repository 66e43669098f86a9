// Numbers known before the module runs: constants, sizes and what follows from them.
#include "LinalgImporter.h"

#include <mlir/Dialect/Affine/IR/AffineOps.h>
#include <mlir/Dialect/Arith/IR/Arith.h>
#include <mlir/Dialect/MemRef/IR/MemRef.h>
#include <mlir/Dialect/Tensor/IR/Tensor.h>
#include <mlir/IR/Matchers.h>

#include <llvm/ADT/TypeSwitch.h>
#include <llvm/Support/MathExtras.h>

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::Value;
namespace arith = mlir::arith;

static std::optional<int64_t> ofAttribute(mlir::Attribute attribute) {
  auto integer = llvm::dyn_cast_if_present<mlir::IntegerAttr>(attribute);
  if (!integer || integer.getValue().getSignificantBits() > 64)
    return std::nullopt;
  return integer.getType().isInteger(1) ? static_cast<int64_t>(integer.getValue().getZExtValue())
                                        : integer.getValue().getSExtValue();
}

std::optional<int64_t> LinalgImporter::number(mlir::OpFoldResult value) const {
  if (auto attribute = llvm::dyn_cast<mlir::Attribute>(value))
    return ofAttribute(attribute);
  const auto known = numbers_.find(llvm::cast<Value>(value));
  if (known != numbers_.end())
    return known->second;
  mlir::Attribute constant;
  if (mlir::matchPattern(llvm::cast<Value>(value), mlir::m_Constant(&constant)))
    return ofAttribute(constant);
  return std::nullopt;
}

static std::optional<int64_t> compare(arith::CmpIPredicate predicate, int64_t a, int64_t b) {
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return a == b;
  case arith::CmpIPredicate::ne:
    return a != b;
  case arith::CmpIPredicate::slt:
    return a < b;
  case arith::CmpIPredicate::sle:
    return a <= b;
  case arith::CmpIPredicate::sgt:
    return a > b;
  case arith::CmpIPredicate::sge:
    return a >= b;
  case arith::CmpIPredicate::ult:
    return ua < ub;
  case arith::CmpIPredicate::ule:
    return ua <= ub;
  case arith::CmpIPredicate::ugt:
    return ua > ub;
  case arith::CmpIPredicate::uge:
    return ua >= ub;
  }
  return std::nullopt;
}

/// Of an op on two numbers; nothing where it overflows or divides by zero.
static std::optional<int64_t> fold(mlir::Operation &op, int64_t a, int64_t b) {
  using Answer = std::optional<int64_t>;
  int64_t result = 0;
  const auto exact = [&](bool overflows) { return overflows ? Answer() : Answer(result); };
  const bool divides = b != 0 && !(a == INT64_MIN && b == -1);
  return llvm::TypeSwitch<mlir::Operation *, Answer>(&op)
      .Case<arith::AddIOp>([&](auto) { return exact(__builtin_add_overflow(a, b, &result)); })
      .Case<arith::SubIOp>([&](auto) { return exact(__builtin_sub_overflow(a, b, &result)); })
      .Case<arith::MulIOp>([&](auto) { return exact(__builtin_mul_overflow(a, b, &result)); })
      .Case<arith::DivSIOp>([&](auto) { return divides ? Answer(a / b) : Answer(); })
      .Case<arith::RemSIOp>([&](auto) { return divides ? Answer(a % b) : Answer(); })
      .Case<arith::DivUIOp>([&](auto) {
        return b != 0 ? Answer(static_cast<int64_t>(static_cast<uint64_t>(a) /
                                                    static_cast<uint64_t>(b)))
                      : Answer();
      })
      .Case<arith::RemUIOp>([&](auto) {
        return b != 0 ? Answer(static_cast<int64_t>(static_cast<uint64_t>(a) %
                                                    static_cast<uint64_t>(b)))
                      : Answer();
      })
      .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>([&](auto) {
        return b > 0 && a > INT64_MIN ? Answer(llvm::divideCeilSigned(a, b)) : Answer();
      })
      .Case<arith::FloorDivSIOp>(
          [&](auto) { return b > 0 ? Answer(llvm::divideFloorSigned(a, b)) : Answer(); })
      .Case<arith::MinSIOp, arith::MinUIOp>([&](auto) { return std::min(a, b); })
      .Case<arith::MaxSIOp, arith::MaxUIOp>([&](auto) { return std::max(a, b); })
      .Case<arith::AndIOp>([&](auto) { return a & b; })
      .Case<arith::OrIOp>([&](auto) { return a | b; })
      .Case<arith::XOrIOp>([&](auto) { return a ^ b; })
      .Case<arith::CmpIOp>([&](auto typed) { return compare(typed.getPredicate(), a, b); })
      .Default([](auto) { return Answer(); });
}

/// The values of `map` at `operands`; empty if one is not known.
static llvm::SmallVector<int64_t, 4> valuesOf(mlir::AffineMap map,
                                              llvm::ArrayRef<std::optional<int64_t>> operands) {
  mlir::Builder builder(map.getContext());
  llvm::SmallVector<mlir::Attribute, 4> constants;
  for (const std::optional<int64_t> &operand : operands) {
    if (!operand)
      return {};
    constants.push_back(builder.getIndexAttr(*operand));
  }
  llvm::SmallVector<mlir::Attribute, 4> folded;
  if (map.constantFold(constants, folded).failed())
    return {};
  llvm::SmallVector<int64_t, 4> values;
  for (mlir::Attribute attribute : folded)
    values.push_back(llvm::cast<mlir::IntegerAttr>(attribute).getInt());
  return values;
}

void LinalgImporter::evaluate(mlir::Operation &op) {
  if (op.getNumResults() != 1 || !op.getResult(0).getType().isIntOrIndex())
    return;
  const Value result = op.getResult(0);
  numbers_.erase(result); // of an earlier turn or call
  if (const auto constant = number(mlir::OpFoldResult(result))) {
    numbers_[result] = *constant;
    return;
  }
  llvm::SmallVector<std::optional<int64_t>, 4> operands;
  for (Value operand : op.getOperands())
    operands.push_back(operand.getType().isIntOrIndex() ? number(operand) : std::nullopt);
  std::optional<int64_t> value;
  if (llvm::isa<arith::IndexCastOp, arith::IndexCastUIOp, arith::ExtSIOp, arith::ExtUIOp,
                arith::TruncIOp>(op))
    value = operands[0];
  else if (auto select = llvm::dyn_cast<arith::SelectOp>(op))
    value = operands[0] ? operands[*operands[0] != 0 ? 1 : 2] : std::nullopt;
  else if (auto apply = llvm::dyn_cast<mlir::affine::AffineApplyOp>(op)) {
    const auto values = valuesOf(apply.getAffineMap(), operands);
    value = values.empty() ? std::nullopt : std::optional(values.front());
  } else if (auto least = llvm::dyn_cast<mlir::affine::AffineMinOp>(op)) {
    const auto values = valuesOf(least.getAffineMap(), operands);
    value = values.empty() ? std::nullopt : std::optional(*llvm::min_element(values));
  } else if (auto most = llvm::dyn_cast<mlir::affine::AffineMaxOp>(op)) {
    const auto values = valuesOf(most.getAffineMap(), operands);
    value = values.empty() ? std::nullopt : std::optional(*llvm::max_element(values));
  } else if (operands.size() == 2 && operands[0] && operands[1]) {
    value = fold(op, *operands[0], *operands[1]);
  }
  if (value)
    numbers_[result] = *value;
}

FailureOr<Sizes> LinalgImporter::checked(mlir::Operation &op, Sizes shape, mlir::Type element) {
  constexpr int64_t kLargest = int64_t{1} << 40;
  double elements = 1;
  for (auto [index, size] : llvm::enumerate(shape)) {
    if (size < 1 || size > kLargest)
      return fail(op) << "has a tensor whose dimension " << index << " is " << size
                      << "; sizes are 1 to " << kLargest;
    elements *= static_cast<double>(size);
  }
  if (elements > 0x1p60)
    return fail(op) << "has a tensor of " << elements << " elements; at most 2^60 are possible";
  if (!bitsOf(element))
    return fail(op) << "has elements of type " << element
                    << "; known are f64 f32 tf32 bf16 f16, the eight-bit floats, index and "
                       "integers of 1 to 64 bits";
  return shape;
}

FailureOr<Sizes> LinalgImporter::shapeFrom(mlir::Operation &op, mlir::ShapedType type,
                                           llvm::ArrayRef<mlir::OpFoldResult> sizes) {
  if (!type.hasRank())
    return fail(op) << "has a tensor without a rank; a shape such as tensor<4x?xf32> is needed";
  Sizes shape(type.getShape());
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!mlir::ShapedType::isDynamic(shape[i]))
      continue;
    const auto size = i < sizes.size() ? number(sizes[i]) : std::nullopt;
    if (!size)
      return fail(op) << "has a result of type " << type << " whose dimension " << i
                      << " is not known; it must follow from constants, static shapes and what "
                         "--dim or --arg-shape gives";
    shape[i] = *size;
  }
  return checked(op, std::move(shape), type.getElementType());
}

} // namespace mansard::ir
