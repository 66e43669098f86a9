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
  Sharder(work::Parallelism parallelism, double imbalance)
      : p_(parallelism), imbalance_(imbalance) {}

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
  /// Tokens of the busiest group of devices that has one set of experts.
  int64_t groupTokens(int64_t tokensPerSequence) const;
  /// Dispatches the rows that `op` gathers; `busiest`: as the busiest device sees `experts`.
  mlir::LogicalResult exchange(GatherOp op, ExpertsAttr experts, ExpertsAttr busiest);
  void combineAfter(ScatterOp op, DispatchOp dispatch);

  // ShardContext.cpp
  mlir::LogicalResult prepareContexts(mlir::func::FuncOp step);
  void gatherQueries(mlir::Value query);
  void gatherCache(ScatterOp write);
  mlir::LogicalResult visitAttention(AttentionOp op);
  mlir::LogicalResult visitLatentAttention(MlaOp op);
  void addUpContexts(mlir::Operation *op, int64_t heads);

  void sendBetweenStages(mlir::func::FuncOp step);

  /// Of `rows` of the deployment, those of this device's replica and micro-batch.
  mlir::FailureOr<int64_t> replicaRows(mlir::Operation *op, int64_t rows);
  /// Of those, this device's share, if several share the replica's positions.
  mlir::FailureOr<int64_t> localRows(mlir::Operation *op, int64_t rows);
  Share shareOf(mlir::Value value) const { return shares_.lookup(value); }
  void setShare(mlir::Value value, Share share) { shares_[value] = share; }
  /// `operand` as `share`, by a collective behind its maker if it is not.
  void require(mlir::OpOperand &operand, Share share);
  mlir::Value convert(mlir::Value value, Share share);
  mlir::LogicalResult update(mlir::Operation *op, Share share);

  /// Experts are spread over more devices than one replica has.
  bool exchanges() const { return p_.spansReplicas(); }
  /// Places for `experts`, the same number on each device that they are spread over. Those that are
  /// asked for beyond the experts, and what an exchange leaves empty, hold second copies, which
  /// share their experts' tokens.
  int64_t expertPlaces(int64_t experts) const {
    const int64_t wanted = experts + p_.redundant_experts;
    return exchanges() || wanted > experts ? (wanted + p_.ep - 1) / p_.ep * p_.ep : experts;
  }
  bool sharesContext() const { return p_.cp > 1; }
  bool decodes() const { return mode_ == ExchangeMode::low_latency; }

  work::Parallelism p_;
  double imbalance_; // rows of the busiest device of experts over the mean of all
  int64_t sequences_ = 0, localSequences_ = 0;
  int64_t routedExperts_ = 0; // of the last mixture met
  ExchangeMode mode_ = ExchangeMode::low_latency;
  bool training_ = false;
  llvm::DenseMap<mlir::Value, Share> shares_;
  llvm::DenseMap<mlir::Value, int64_t> wholeRows_; // of values with Share::rows
  llvm::DenseMap<std::pair<mlir::Value, int>, mlir::Value> converted_;
  llvm::DenseMap<mlir::Value, DispatchOp> dispatched_; // by the indices of a router
  llvm::DenseMap<mlir::Value, int64_t>
      queries_; // that a context's devices all need, and their rows
  llvm::DenseMap<mlir::Value, int64_t> positions_; // of a cache before it was cut
};

/// "layers.moe.all_reduce" for what follows `op` = "layers.moe.add_shared".
std::string siblingLabel(mlir::Operation *op, llvm::StringRef name);

} // namespace mansard::ir
