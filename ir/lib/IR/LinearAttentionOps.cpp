// index, delta_rule: attention that does not look at every key.
#include "Kernels.h"
#include "Verify.h"

#include <mansard/base/delta_rule.h>
#include <mansard/base/lightning_indexer.h>

namespace mansard::ir {

using mlir::failure;
using mlir::LogicalResult;
using mlir::success;

static LogicalResult verifyMatrix(mlir::Operation *op, llvm::StringRef what, mlir::Value value,
                                  llvm::ArrayRef<int64_t> shape) {
  if (shapeOf(value) == shape)
    return success();
  return op->emitOpError() << "has " << what << " of " << text(shapeOf(value)) << ", not of "
                           << text(shape);
}

static LogicalResult verifyRows(mlir::Operation *op, int64_t rows, int64_t sequences,
                                llvm::StringRef cache) {
  if (rows % sequences == 0)
    return success();
  return op->emitOpError() << "has " << rows << " rows, which " << sequences << " sequences of the "
                           << cache << " do not share equally";
}

// ---- index

Shapes IndexOp::inferShapes() { return {{shapeOf(getQuery())[0], static_cast<int64_t>(getK())}}; }

void IndexOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const llvm::ArrayRef<int64_t> cache = shapeOf(getCache());
  const int64_t rows = shapeOf(getQuery())[0];
  const uint32_t multiplied = codeOf(getQuery()), fp32 = MANSARD_DTYPE_FP32;
  const LightningIndexer indexer{cache[0],
                                 rows / cache[0],
                                 cache[1],
                                 static_cast<int64_t>(getIndexHeads()),
                                 static_cast<int64_t>(getHeadDim()),
                                 mansard::bytesOf(multiplied),
                                 mansard::bytesOf(codeOf(getCache()))};
  mansard_kernel scores = makeKernel(MANSARD_OP_CUSTOM, multiplied, codeOf(getCache()), fp32);
  scores.u.custom = indexerScores(indexer);
  kernels.push_back(scores);
  mansard_kernel best =
      makeVector(MANSARD_VECTOR_TOPK, rows, selectedKeys(indexer, cache[1]), fp32, fp32);
  best.u.vector.topk = std::min<int64_t>(getK(), best.u.vector.cols);
  kernels.push_back(best);
}

LogicalResult IndexOp::verify() {
  if (verifyRank(*this, getQuery(), "a query", {2}).failed() ||
      verifyRank(*this, getCache(), "a cache", {3}).failed() ||
      verifyPositive(*this, "index_heads", getIndexHeads()).failed() ||
      verifyPositive(*this, "head_dim", getHeadDim()).failed() ||
      verifyPositive(*this, "k", getK()).failed())
    return failure();
  const int64_t rows = shapeOf(getQuery())[0], heads = getIndexHeads(), dim = getHeadDim();
  const llvm::ArrayRef<int64_t> cache = shapeOf(getCache());
  if (verifyMatrix(*this, "a query", getQuery(), {rows, heads * dim}).failed() ||
      verifyMatrix(*this, "weights", getWeights(), {rows, heads}).failed() ||
      verifyMatrix(*this, "a cache", getCache(), {cache[0], cache[1], dim}).failed() ||
      verifyRows(*this, rows, cache[0], "cache").failed())
    return failure();
  if (cache[1] < rows / cache[0])
    return emitOpError() << "has a cache of " << cache[1] << " positions, which count the "
                         << rows / cache[0] << " queries of a sequence too";
  if (static_cast<int64_t>(getK()) > cache[1])
    return emitOpError() << "picks " << getK() << " of only " << cache[1] << " positions";
  if (dtypeOf(getResult()) != DType::int32)
    return emitOpError() << "picks positions as " << nameOf(dtypeOf(getResult()))
                         << "; their numbers are i32";
  return verifyShapes(*this);
}

// ---- delta_rule

static DeltaRule describe(DeltaRuleOp op) {
  const int64_t sequences = shapeOf(op.getState())[0];
  DeltaRule d;
  d.sequences = static_cast<double>(sequences);
  d.tokens = static_cast<double>(shapeOf(op.getInput())[0] / sequences);
  d.heads = static_cast<double>(op.getHeads());
  d.keyHeads = static_cast<double>(op.getKvHeads());
  d.headDim = static_cast<double>(op.getHeadDim());
  d.convolution = static_cast<double>(shapeOf(op.getWindow())[1] + 1);
  d.elementBytes = mansard::bytesOf(codeOf(op.getInput()));
  d.stateBytes = mansard::bytesOf(codeOf(op.getState()));
  d.windowElementBytes = mansard::bytesOf(codeOf(op.getWindow()));
  return d;
}

double DeltaRuleOp::getWorkspace() {
  return getPhase() == Phase::prefill ? deltaWorkspace(describe(*this)) : 0;
}

Shapes DeltaRuleOp::inferShapes() {
  return {{shapeOf(getInput())[0], static_cast<int64_t>(getHeads() * getHeadDim())}};
}

void DeltaRuleOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const DeltaRule rule = describe(*this);
  const uint32_t type = codeOf(getInput());
  const auto push = [&](const mansard_custom &counts) {
    mansard_kernel kernel = makeKernel(MANSARD_OP_CUSTOM, type, type, codeOf(getResult()));
    kernel.u.custom = counts;
    kernels.push_back(kernel);
  };
  push(deltaConvolution(rule));
  if (getPhase() == Phase::decode)
    push(deltaRecurrence(rule));
  else
    for (const mansard_custom &counts : deltaChunks(rule))
      push(counts);
  // Norm of each head and SiLU of its gate, in one pass over both.
  kernels.push_back(makeVector(MANSARD_VECTOR_SILU_MUL, shapeOf(getInput())[0],
                               static_cast<int64_t>(getHeads() * getHeadDim()), type,
                               codeOf(getResult())));
}

LogicalResult DeltaRuleOp::verify() {
  if (verifyRank(*this, getInput(), "an input", {2}).failed() ||
      verifyRank(*this, getState(), "a state", {3}).failed() ||
      verifyRank(*this, getWindow(), "a window", {3}).failed() ||
      verifyPositive(*this, "heads", getHeads()).failed() ||
      verifyPositive(*this, "kv_heads", getKvHeads()).failed() ||
      verifyPositive(*this, "head_dim", getHeadDim()).failed())
    return failure();
  const int64_t rows = shapeOf(getInput())[0], sequences = shapeOf(getState())[0];
  const int64_t heads = getHeads(), keyHeads = getKvHeads(), dim = getHeadDim();
  if (heads % keyHeads != 0)
    return emitOpError() << "has " << heads << " heads, which " << keyHeads
                         << " heads of queries and keys do not share equally";
  if (verifyMatrix(*this, "an input", getInput(), {rows, (2 * keyHeads + 2 * heads) * dim})
          .failed() ||
      verifyMatrix(*this, "a decay", getDecay(), {rows, 2 * heads}).failed() ||
      verifyMatrix(*this, "a state", getState(),
                   {sequences, std::max(dim, shapeOf(getState())[1] / dim * dim), heads * dim})
          .failed() ||
      verifyRows(*this, rows, sequences, "state").failed())
    return failure();
  // Wider than needed where devices hold whole heads of keys, and so of what goes with them.
  const llvm::ArrayRef<int64_t> window = shapeOf(getWindow());
  const int64_t channels = (2 * keyHeads + heads) * dim;
  if (window[0] != sequences || window[2] < channels)
    return emitOpError() << "has a window of " << text(window) << ", not of " << sequences << "x"
                         << window[1] << "x" << channels << " or wider";
  return verifyShapes(*this);
}

} // namespace mansard::ir
