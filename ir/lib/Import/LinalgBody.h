// What the straight-line work inside a loop nest costs, and what it computes.
#pragma once

#include <Import/Linalg.h>

#include <mlir/IR/Matchers.h>

namespace mansard::ir {

/// Operations of all iterations together. What does not depend on a loop is done once for it.
struct BodyCost {
  double vector = 0;   // additions, multiplications, comparisons, selections, conversions
  double special = 0;  // exponentials, reciprocals, roots
  double integer = 0;  // arithmetic on data; of indices none is counted
  double gathered = 0; // bytes read at computed places
  mlir::Operation *unknown = nullptr; // the first op that has no entry in the table
};
BodyCost costOf(const LoopNest &nest);

/// Through conversions of a number's type, which change no value but for rounding.
mlir::Value skipCasts(mlir::Value value);
bool isCast(mlir::Operation *op);

/// The argument of `nest.body` that `value` is, through casts; -1 if it is none. Inputs come first.
int argumentOf(const LoopNest &nest, mlir::Value value);

/// What the body yields for its output `index`.
mlir::Value yielded(const LoopNest &nest, unsigned index);

/// A constant of the body or around it.
std::optional<double> constantOf(mlir::Value value);

/// Elements of `operand` that the nest touches at least, each counted once.
double touched(const LoopNest &nest, const NestOperand &operand);
double bytesTouched(const LoopNest &nest, const NestOperand &operand);

/// Loops that `map` mentions, as bits; all of them beyond 64.
uint64_t loopsOf(mlir::AffineMap map);

} // namespace mansard::ir
