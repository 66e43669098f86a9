// The recognisers of emitNest, one file each. Each looks at a nest; if it knows what that is, it
// appends kernels and returns the values, else it does nothing and returns an empty list.
#pragma once

#include <IR/Mansard.h>
#include <Import/Linalg.h>

namespace mansard::ir {

using Values = llvm::SmallVector<mlir::Value, 2>;

/// Sums of products: matmul in any order of operands and loops, batched, of vectors, mixed types.
Values emitContraction(Emitter &emitter, const LoopNest &nest);
/// Sums of products over a window that slides: an implicit matmul.
Values emitConvolution(Emitter &emitter, const LoopNest &nest);
/// Kernels that models know by name: add, mul, copy, silu_mul, gelu, quantize.
Values emitElementwise(Emitter &emitter, const LoopNest &nest);
/// Anything, as vector work given by its counts. Never empty.
Values emitVector(Emitter &emitter, const LoopNest &nest);

/// `shape` as the rows and columns that work on each element goes through: a matrix as it is, more
/// dimensions with the innermost ones taken together, as kernels do that only count elements.
llvm::SmallVector<int64_t, 4> flattened(llvm::ArrayRef<int64_t> shape);

/// Work given by its counts; `results` are the types of what it makes.
struct Counted {
  double matrix = 0, vector = 0, special = 0, read = 0, written = 0, integer = 0;
};
Values emitCounted(Emitter &emitter, llvm::StringRef label, mlir::ValueRange inputs,
                   mlir::TypeRange results, const Counted &counts);

/// The loops of a contraction by what they index. `left` and `right` are inputs of the nest; the
/// result is `groups x rows x columns`.
struct Contraction {
  unsigned left = 0, right = 1;
  llvm::SmallVector<unsigned, 4> batch, rows, columns, inner; // loops
  bool accumulates = false;                                   // into what the output held before
  Scaling scaling = Scaling::none;                            // of a right operand stored narrow

  static int64_t product(const LoopNest &nest, llvm::ArrayRef<unsigned> loops);
};
std::optional<Contraction> matchContraction(const LoopNest &nest);

/// Appends the product that `c` says.
Values emitProduct(Emitter &emitter, const LoopNest &nest, const Contraction &c);
/// Puts each loop where it belongs, with `left` and `right` as they are; false if one belongs
/// nowhere.
bool classifyLoops(const LoopNest &nest, Contraction &c);
/// How a right operand that is stored narrow is scaled.
Scaling scalingOf(const LoopNest &nest, llvm::ArrayRef<unsigned> scales, const Contraction &c);

/// The two inputs that a sum of products multiplies, and how the second is scaled, from the body
/// alone. Conversions, scales and zero points on the way are allowed.
struct Product {
  unsigned first = 0, second = 0;
  llvm::SmallVector<unsigned, 2> scales; // inputs that scale or shift one of the two
};
std::optional<Product> matchSumOfProducts(const LoopNest &nest);

/// Whether the matrix unit of any chip multiplies such elements.
bool isMultiplied(mlir::Type element);

} // namespace mansard::ir
