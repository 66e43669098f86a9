// Cuts a step of the whole deployment down to one device.
#pragma once

#include <IR/Mansard.h>
#include <mansard/work/workload.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>

#include <llvm/ADT/DenseMap.h>

#include <string>

namespace mansard::ir {

/// What a device has of a value whose rows are those of its replica.
enum class Share {
  whole,   // all rows; columns as the type says
  summand, // all rows; the devices of the replica must still add up
  rows,    // its own share of the rows
};

class Sharder {
public:
  explicit Sharder(work::Parallelism parallelism) : p_(parallelism) {}

  mlir::LogicalResult run(mlir::func::FuncOp step);

private:
  mlir::LogicalResult visit(mlir::Block &block);
  mlir::LogicalResult visit(mlir::Operation *op);
  mlir::LogicalResult visitRepeat(RepeatOp op);
  mlir::LogicalResult visitMatmul(MatmulOp op);
  mlir::LogicalResult visitGather(GatherOp op);
  mlir::LogicalResult visitScatter(ScatterOp op);
  mlir::LogicalResult visitView(ViewOp op);
  mlir::LogicalResult visitElementwise(ElementwiseOp op);
  mlir::LogicalResult visitByRow(mlir::Operation *op);

  // ShardParameters.cpp
  mlir::LogicalResult visitWeight(WeightOp op);
  mlir::LogicalResult visitCache(KvCacheOp op);
  mlir::LogicalResult localiseHeads(mlir::Operation *op);
  /// `size` over `ways`, or an error on `op` that says what `size` counts.
  mlir::FailureOr<int64_t> divide(mlir::Operation *op, llvm::StringRef what, int64_t size,
                                  int64_t ways, llvm::StringRef degree);
  /// Heads on one device; fewer heads than devices are held by several.
  mlir::FailureOr<int64_t> localHeads(mlir::Operation *op, int64_t heads);
  mlir::FailureOr<llvm::SmallVector<int64_t>> localHeads(mlir::Operation *op,
                                                         llvm::ArrayRef<int64_t> parts);

  // ShardExperts.cpp
  mlir::LogicalResult permute(GatherOp op);
  mlir::LogicalResult exchange(GatherOp op, ExpertsAttr experts);
  void combineAfter(ScatterOp op, DispatchOp dispatch);

  void sendBetweenStages(mlir::func::FuncOp step);

  /// Rows of this device's replica and micro-batch.
  mlir::FailureOr<int64_t> localRows(mlir::Operation *op, int64_t rows);
  Share shareOf(mlir::Value value) const { return shares_.lookup(value); }
  void setShare(mlir::Value value, Share share) { shares_[value] = share; }
  /// `operand` as `share`, by a collective behind its maker if it is not.
  void require(mlir::OpOperand &operand, Share share);
  mlir::Value convert(mlir::Value value, Share share);
  mlir::LogicalResult update(mlir::Operation *op, Share share);

  /// Experts are spread over more devices than one replica has.
  bool exchanges() const { return p_.ep > p_.tp; }
  /// Devices over which the width of an expert is cut.
  int64_t expertWidthWays() const { return exchanges() ? 1 : p_.tp / p_.ep; }
  /// Places for `experts`, the same number on each device that they are spread over. What an
  /// exchange leaves empty holds second copies of experts, which share their tokens.
  int64_t expertPlaces(int64_t experts) const {
    return exchanges() ? (experts + p_.ep - 1) / p_.ep * p_.ep : experts;
  }

  work::Parallelism p_;
  int64_t sequences_ = 0, localSequences_ = 0;
  int64_t routedExperts_ = 0; // of the last mixture met
  ExchangeMode mode_ = ExchangeMode::low_latency;
  llvm::DenseMap<mlir::Value, Share> shares_;
  llvm::DenseMap<mlir::Value, int64_t> wholeRows_; // of values with Share::rows
  llvm::DenseMap<std::pair<mlir::Value, int>, mlir::Value> converted_;
  llvm::DenseMap<mlir::Value, DispatchOp> dispatched_; // by the indices of a router
};

/// "layers.moe.all_reduce" for what follows `op` = "layers.moe.add_shared".
std::string siblingLabel(mlir::Operation *op, llvm::StringRef name);

} // namespace mansard::ir
