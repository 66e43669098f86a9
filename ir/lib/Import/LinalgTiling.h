// Nests of loops around ops on slices, as tiling passes emit them: what they compute as a whole,
// and in which tiles.
//
// Each op in the loops is traced back, operand by operand and dimension by dimension, through the
// slices to the tensors from outside that they are cut from. Where the tiles cover those tensors,
// the op does once on all of them what the loops do in turns, and the cuts say in which schedule:
// the outermost cut of the result is what one core works on, that of the inner dimension its step.
#pragma once

#include "LinalgImporter.h"

namespace mansard::ir {

class TiledLoops {
public:
  TiledLoops(LinalgImporter &importer, mlir::Operation &outer)
      : importer_(importer), outer_(&outer) {}

  /// Whether the loops are a tiling. Appends nothing, says nothing.
  bool match();
  /// Why they are none, and which op stands in the way; worth saying where they cut slices.
  bool looksTiled() const { return slices_; }
  const std::string &why() const { return why_; }

  /// After match(): appends the kernels and defines the loops' results.
  mlir::LogicalResult emit();

private:
  using Variables = llvm::SmallVector<mlir::Value, 2>; // of loops

  struct Cut {
    Variables by;
    int64_t size = 0; // of a part
  };
  /// A dimension of the tensor that an operand's slices are cut from.
  struct Dimension {
    int place = -1;                 // dimension of the operand; -1: one index is picked
    llvm::SmallVector<Cut, 2> cuts; // outermost first
    Variables picked;               // by which the index is picked
  };
  struct Source {
    mlir::Value root;   // from outside, or made inside
    int producer = -1;  // op inside that makes it
    bool made = false;  // inside, with nothing in it
    bool start = false; // or with a constant in it
    llvm::SmallVector<Dimension, 4> dims;
  };
  struct Tiled {
    mlir::linalg::LinalgOp op;
    Variables around; // loops
    llvm::SmallVector<Source, 4> operands;
    Sizes sizes; // of the op's own loops, whole; then of those that pick
    llvm::SmallVector<llvm::SmallVector<Cut, 2>, 6> cuts; // of the op's own loops
    Variables picks;                                      // what the further loops stand for
    Sizes out;                                            // shape of the result, whole
    int64_t again = 1;                                    // times that the loops compute the same
    int64_t split = 0;  // parts of the inner dimension with sums of their own
    int splitDim = -1;  // dimension of the output that counts them
    bool local = false; // the start of sums that no turn hands on
  };

  static void addUnique(llvm::SmallVectorImpl<mlir::Value> &to,
                        llvm::ArrayRef<mlir::Value> values) {
    for (mlir::Value value : values)
      if (!llvm::is_contained(to, value))
        to.push_back(value);
  }

  // ---- LinalgTiling.cpp
  bool no(mlir::Operation &op, const llvm::Twine &why);
  bool collectLoop(mlir::Operation &op);
  bool collect(mlir::Block &block);
  bool collectOp(mlir::Operation &op);
  bool addLoop(mlir::Operation &op, mlir::Value variable, mlir::OpFoldResult from,
               mlir::OpFoldResult to, mlir::OpFoldResult step);
  bool setSliceShape(mlir::Operation &op, llvm::ArrayRef<mlir::OpFoldResult> sizes);
  const Sizes *shapeOf(mlir::Value value) const;
  bool isInside(mlir::Value value) const;
  Variables variablesOf(mlir::OpFoldResult value) const;

  // ---- LinalgTilingTrace.cpp
  template <typename Slice> bool cut(Slice slice, Source &source);
  bool resolve(Tiled &tiled, mlir::OpOperand &operand, Source &source);
  mlir::Value carriedTo(mlir::OpResult result) const;
  int producerOf(mlir::Value value) const;
  bool fitTogether(Tiled &tiled);
  bool covers(Tiled &tiled, int64_t whole, llvm::ArrayRef<Cut> cuts);
  bool setAgain(Tiled &tiled);
  bool findSplit(Tiled &tiled);
  bool checkResults();
  bool isStart(const Tiled &tiled) const;

  // ---- LinalgTilingEmit.cpp
  mlir::FailureOr<NestOperand> operandOf(const Tiled &tiled, unsigned index);
  void setTile(const Tiled &tiled, LoopNest &nest);
  std::vector<bool> keptValues() const;
  void fold(mlir::Block &block, mlir::Operation *before);
  mlir::linalg::LinalgOp finalSum() const;

  LinalgImporter &importer_;
  mlir::Operation *outer_;
  bool slices_ = false;
  int lines_ = 0;
  std::string why_;
  Variables around_;
  llvm::DenseMap<mlir::Value, int64_t> turns_;     // of loop variables
  llvm::DenseMap<mlir::Value, Variables> depends_; // of scalars in the loops
  llvm::DenseMap<mlir::Value, Sizes> shapes_;      // of tensors in the loops, first turn
  llvm::DenseMap<mlir::Operation *, int> indices_; // of ops in ops_
  std::vector<Tiled> ops_;
  std::vector<Tensor> values_; // what they make, whole
};

} // namespace mansard::ir
