// The walk over an entry function that appends a kernel for each op of it that is one.
#pragma once

#include "LinalgGroups.h"

#include <IR/Mansard.h>
#include <Import/Linalg.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>
#include <mlir/Dialect/Linalg/IR/Linalg.h>
#include <mlir/Dialect/SCF/IR/SCF.h>
#include <mlir/IR/SymbolTable.h>

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/DenseSet.h>

namespace mansard::ir {

using Sizes = llvm::SmallVector<int64_t, 4>;

/// A tensor of the source, or what a buffer holds at this point of the walk.
struct Tensor {
  mlir::Value value; // in the mansard dialect
  Sizes shape;       // static, whatever the source says
  mlir::Type element;
  Content content = Content::data;
};

/// A buffer that was written, and what it held before.
struct Write {
  mlir::Value root;
  Tensor before;
};

/// An ancestor that a buffer is a part of, or the same memory as.
struct Alias {
  mlir::Value root;
  Sizes shape;
};

inline bool isShaped(mlir::Value value) { return llvm::isa<mlir::ShapedType>(value.getType()); }
inline bool isBuffer(mlir::Value value) { return llvm::isa<mlir::BaseMemRefType>(value.getType()); }

/// The shape that is left when dimensions of `from` are merged in groups.
template <typename Groups> Sizes collapsed(const Sizes &from, const Groups &groups) {
  Sizes shape;
  for (const auto &group : groups) {
    int64_t size = 1;
    for (int64_t dim : group)
      size *= from[static_cast<size_t>(dim)];
    shape.push_back(size);
  }
  return shape;
}

class LinalgImporter {
public:
  LinalgImporter(mlir::ModuleOp module, const LinalgOptions &options);

  /// Appends the step to the module; the functions that were there are left. Says why if it fails.
  mlir::FailureOr<mlir::func::FuncOp> run(mlir::func::FuncOp entry);

private:
  friend class TiledLoops;

  // ---- control flow (LinalgImporter.cpp)
  mlir::LogicalResult walk(mlir::Block &block);
  mlir::LogicalResult visit(mlir::Operation &op);
  mlir::LogicalResult visitCall(mlir::func::CallOp op);
  mlir::LogicalResult visitFor(mlir::scf::ForOp op);
  mlir::LogicalResult visitForall(mlir::scf::ForallOp op);
  mlir::LogicalResult visitParallel(mlir::scf::ParallelOp op);
  mlir::LogicalResult visitIf(mlir::scf::IfOp op);
  /// Loops that only tile: one kernel. Nothing if they are others.
  std::optional<mlir::LogicalResult> visitTiled(mlir::Operation &loop);
  mlir::LogicalResult visitOwn(mlir::Operation &op);
  /// `count` turns of `body`, whose `arguments` are `inits` at first and then `yields`. `results`
  /// of the source are what the last turn yields.
  mlir::LogicalResult repeat(mlir::Operation &op, int64_t count, mlir::Block &body,
                             mlir::ValueRange arguments, mlir::ValueRange inits,
                             mlir::ValueRange yields, mlir::ValueRange results);
  /// Turns of a loop; says why if they are not known.
  mlir::FailureOr<int64_t> turns(mlir::Operation &op, mlir::OpFoldResult from,
                                 mlir::OpFoldResult to, mlir::OpFoldResult step);

  // ---- loop nests (LinalgStructured.cpp)
  mlir::LogicalResult visitStructured(mlir::linalg::LinalgOp op);
  mlir::LogicalResult visitSoftmax(mlir::linalg::SoftmaxOp op);
  mlir::LogicalResult visitArithmetic(mlir::Operation &op); // arith or math on tensors
  mlir::FailureOr<LoopNest> nestOf(mlir::linalg::LinalgOp op);
  bool isOnlyStart(mlir::linalg::LinalgOp fill) const;

  // ---- what moves and what is only seen in another way (LinalgMovement.cpp, LinalgBuffers.cpp)
  /// Nothing if `op` is not one of these.
  std::optional<mlir::LogicalResult> visitTensorOp(mlir::Operation &op);
  std::optional<mlir::LogicalResult> visitBufferOp(mlir::Operation &op);
  mlir::LogicalResult view(mlir::Operation &op, mlir::Value from, mlir::FailureOr<Sizes> shape);
  mlir::LogicalResult move(mlir::Operation &op, mlir::Value result, Sizes shape,
                           llvm::ArrayRef<mlir::Value> sources, double read, double written,
                           double vector = 0);
  mlir::LogicalResult insert(mlir::Operation &op, mlir::Value source, mlir::Value into,
                             mlir::Value result);
  mlir::LogicalResult visitConstant(mlir::Operation &op, mlir::ElementsAttr values);
  mlir::Value parameter(mlir::Operation *key, llvm::StringRef label, mlir::RankedTensorType type);

  // ---- arguments (LinalgArguments.cpp)
  mlir::LogicalResult readArguments(mlir::func::FuncOp entry);
  mlir::LogicalResult checkNames(mlir::func::FuncOp entry);

  // ---- numbers (LinalgNumbers.cpp)
  std::optional<int64_t> number(mlir::OpFoldResult value) const;
  void evaluate(mlir::Operation &op);
  /// The static shape of `type` with `sizes` in place of what it leaves open; empty `sizes`: none
  /// are given. Says which dimension is not known, or not a size.
  mlir::FailureOr<Sizes> shapeFrom(mlir::Operation &op, mlir::ShapedType type,
                                   llvm::ArrayRef<mlir::OpFoldResult> sizes);
  mlir::FailureOr<Sizes> checked(mlir::Operation &op, Sizes shape, mlir::Type element);

  // ---- tensors
  /// What `value` holds now. Says why if that is not known.
  mlir::FailureOr<Tensor> tensorOf(mlir::Operation &op, mlir::Value value);
  const Sizes *knownShape(mlir::Value value) const;
  void define(mlir::Value value, Tensor tensor) { tensors_[value] = std::move(tensor); }
  /// `value`, a tensor that an op makes or a buffer that it writes, now holds `made`.
  void store(mlir::Value target, mlir::Value result, Tensor made);
  mlir::Value rootOf(mlir::Value buffer) const;

  Emitter emitter(mlir::Operation &op);
  std::string labelFor(mlir::Operation &op) const;
  mlir::InFlightDiagnostic fail(mlir::Operation &op) const;

  mlir::ModuleOp module_;
  const LinalgOptions &options_;
  mlir::SymbolTableCollection symbols_;
  mlir::OpBuilder builder_;
  mlir::func::FuncOp step_;
  llvm::DenseMap<mlir::Value, Tensor> tensors_;
  llvm::DenseMap<mlir::Value, Alias> aliases_; // of buffers
  llvm::DenseMap<mlir::Value, int64_t> numbers_;
  llvm::DenseMap<mlir::Operation *, mlir::Value> parameters_;
  llvm::DenseSet<mlir::Operation *> finished_; // priced with what came before
  std::vector<Write> writes_;                  // in order
  Groups groups_;
  llvm::SmallVector<mlir::func::FuncOp, 4> calls_;
  std::vector<std::string> openNames_; // what --dim may name
  int64_t visited_ = 0;
};

} // namespace mansard::ir
