// Kernels that belong together although several ops say them: attention, softmax, norms.
//
// Each nest is emitted as a kernel of its own first, and its part in such a group is kept. When the
// last op of a group has been emitted, the kernels that led to it are looked up by the values they
// made; if nothing else needs these, one kernel takes the place of all.
#pragma once

#include "LinalgRecognisers.h"

#include <mlir/Dialect/Linalg/IR/Linalg.h>

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SetVector.h>

namespace mansard::ir {

/// What one nest does, as far as groups care. x: the tensor that flows through, `data`; r: what has
/// one element for each of its rows, `other`.
enum class Part {
  product,      // a contraction: `left` and `right` and its sizes
  rowMaximum,   // r = max x
  rowSum,       // r = sum x
  rowSquares,   // r = sum x^2
  minusRow,     // x - r
  expMinusRow,  // exp(x - r)
  exponential,  // exp x
  overRow,      // x / r
  timesRow,     // x r
  scaled,       // x c, x / c
  masked,       // x + mask, or x where a mask is set and a constant elsewhere
  causalMask,   // makes a mask by comparing positions
  softmax,      // all of it
  root,         // r = 1 / sqrt(r c + c)
  timesRoot,    // x / sqrt(r c + c), perhaps times one element for each column
  timesColumns, // x w, with one element of w for each column
  converted,    // x in another type
};

struct Member {
  Member() = default;
  Member(Part part, mlir::Value data, mlir::Value other) : part(part), data(data), other(other) {}

  Part part = Part::converted;
  mlir::Value data, other; // as the kernel was given them, before views
  bool causal = false;     // masked: what it masks are later positions
  mlir::Operation *source = nullptr;
  // product: sizes of the result's loops and of the inner ones, outermost first
  mlir::Value left, right;
  llvm::SmallVector<int64_t, 2> batch, rows, columns, inner;
  bool sumsLast = false;    // the last dimension of the left operand is summed over
  bool columnsLast = false; // the last dimension of the result counts columns
};

/// The part that `nest`, which is no contraction, plays; nothing if it plays none.
std::optional<Member> classify(const LoopNest &nest);

class Groups {
public:
  /// Keeps what `nest`, of the source op `source`, became. `made`: the value that it gave.
  void keep(const LoopNest &nest, mlir::Operation *source, mlir::Value made);
  void keepSoftmax(mlir::Operation *source, mlir::Value input, mlir::Value made);

  /// If `made` is the second product of an attention: the value of the attention that took the
  /// place of all of it. Null if it is not.
  mlir::Value fuseAttention(Emitter &emitter, llvm::StringRef label, mlir::Value made);
  /// Likewise if `made` ends a softmax or a norm by the root mean square.
  mlir::Value fuseRows(Emitter &emitter, llvm::StringRef label, mlir::Value made);

private:
  struct Chain {
    llvm::SetVector<mlir::Operation *> kernels; // that make way
    const Member *last = nullptr;
  };

  const Member *memberOf(mlir::Value value) const;
  /// Member of `part` that made `value`; adds its kernel to `chain`.
  const Member *take(mlir::Value value, Part part, Chain &chain) const;
  /// The input of the softmax that made `value`; null if none did.
  mlir::Value softmaxInput(mlir::Value value, Chain &chain) const;
  /// Whether all that `chain` makes is used by `chain` alone.
  bool isOwn(const Chain &chain) const;
  void erase(const Chain &chain);

  llvm::DenseMap<mlir::Operation *, Member> members_; // by the op that is the kernel
};

/// The kernel whose result `value` is, through views.
mlir::Operation *makerOf(mlir::Value value);
/// The value that `value` is a view of.
mlir::Value withoutViews(mlir::Value value);

} // namespace mansard::ir
