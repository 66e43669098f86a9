// Modules of linalg, tensor, memref, scf, arith and math ops taken into the mansard dialect.
//
// The entry function is walked in order and rewritten as one function of mansard ops: what
// `toProgram` and all passes take. An op is a kernel of its own, with its memory traffic; what one
// `linalg.generic` does in its body is one kernel. Everything that computes goes through one door,
// `emitNest`, which is given a loop nest and does not care where it came from.
#pragma once

#include <mlir/Dialect/Utils/StructuredOpsUtils.h>
#include <mlir/IR/AffineMap.h>
#include <mlir/IR/Builders.h>
#include <mlir/IR/BuiltinOps.h>
#include <mlir/IR/DialectRegistry.h>
#include <mlir/Pass/Pass.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mansard::ir {

// ---- modules

struct LinalgOptions {
  std::string function; // where a step begins; empty: the one function that no other calls
  /// "batch=8": dimensions that an argument's attribute `mansard.dims = ["batch", ""]` names so, or
  /// "arg0.1=4096" by position; "arg2=16" for an argument that is an integer.
  std::vector<std::string> dims;
  std::vector<std::string> argShapes; // "0=4096x?x64" or "0=4096x4096xbf16"
  bool attention = true; // product, softmax, product: one kernel, even where several ops say it
  bool rows = false;     // likewise softmax and norms that several ops spell out
};

/// The dialects that such modules may use.
void registerLinalgDialects(mlir::DialectRegistry &registry);

/// Whether `module` has work that is not in the mansard dialect.
bool needsLinalgImport(mlir::ModuleOp module);

/// Replaces all functions of `module` by one of mansard ops. On failure a diagnostic has named the
/// op, its place and what would be valid, and the module is not to be used.
mlir::LogicalResult importLinalg(mlir::ModuleOp module, const LinalgOptions &options);

/// --mansard-import-linalg="function= dim= arg-shape= attention= rows=". Leaves modules alone that
/// have no need of it.
std::unique_ptr<mlir::Pass> createImportLinalgPass(LinalgOptions options = {});

// ---- loop nests: the seam for whoever finds work elsewhere (tiled loops, other dialects)

/// What a tensor or buffer is known to hold.
enum class Content {
  data,
  undefined, // nothing was written yet
  constant   // the same known value everywhere: free as the start of a sum
};

/// One operand of a nest: all of a tensor, of which `map` picks an element in each iteration.
struct NestOperand {
  mlir::Value value; // in the mansard dialect; its shape is `shape`, or 1 for a scalar tensor
  llvm::SmallVector<int64_t, 4> shape;
  mlir::Type element; // as the source has it: i1, i64 and other types that kernels do not have, too
  mlir::AffineMap map;
  Content content = Content::data;
};

/// Perfectly nested loops with straight-line work inside: `body` has an argument for each input and
/// then for each output (the value there before), and yields the outputs. Sizes are positive.
struct LoopNest {
  std::string label;
  llvm::SmallVector<int64_t, 6> sizes; // iterations of each loop
  llvm::SmallVector<mlir::utils::IteratorType, 6> iterators;
  llvm::SmallVector<NestOperand, 4> inputs, outputs;
  mlir::Block *body = nullptr;
  /// What one core works on at a time, of each loop; empty: not stated. 0: not cut.
  llvm::SmallVector<int64_t, 6> tile;
  /// With a tile: parts of the inner dimension that different cores sum up; 0: not stated.
  int64_t split = 0;

  double iterations() const;
};

/// Where kernels are appended, and as what they are known.
struct Emitter {
  mlir::OpBuilder &builder;
  mlir::Location location;
  mlir::Operation *step; // the function being made: notes go there

  /// The type that stands for `element` in the dialect. `shape` may be empty: a scalar is 1.
  mlir::RankedTensorType type(llvm::ArrayRef<int64_t> shape, mlir::Type element) const;
  /// Another look at `value`: as many elements in another shape or order, or (`part`) some of them.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape, bool part = false);
  /// Said once in a step, whoever says it.
  void note(llvm::StringRef text);
};

/// Appends the kernels of `nest`, priced as what they are recognised to be: contraction,
/// convolution, activation, conversion, copy; else vector work with its mix of operations and its
/// compulsory bytes. Returns a value of the dialect for each output, of the output's shape.
llvm::SmallVector<mlir::Value, 2> emitNest(Emitter &emitter, const LoopNest &nest);

/// Bits that an element of `type` takes in memory, or nothing for a type that no kernel moves.
std::optional<int64_t> bitsOf(mlir::Type type);

} // namespace mansard::ir
