// attention, mla, rope.
#include "Kernels.h"
#include "Verify.h"

#include <mansard/base/lightning_indexer.h>

#include <numeric>

namespace mansard::ir {

using mlir::failure;
using mlir::LogicalResult;
using mlir::success;

static LogicalResult verifyWholeSequences(mlir::Operation *op, int64_t rows, int64_t sequences) {
  if (rows % sequences == 0)
    return success();
  return op->emitOpError() << "has " << rows << " rows, which " << sequences
                           << " sequences of the cache do not share equally";
}

static LogicalResult verifyColumns(mlir::Operation *op, llvm::StringRef what, mlir::Value value,
                                   int64_t columns, bool orMore = false) {
  const int64_t actual = shapeOf(value).back();
  if (orMore ? actual >= columns : actual == columns)
    return success();
  return op->emitOpError() << "has " << what << " of " << actual << " columns; its heads need "
                           << columns;
}

// ---- attention

Shapes AttentionOp::inferShapes() {
  return {{shapeOf(getQuery())[0], static_cast<int64_t>(getHeads()) * getValueWidth()}};
}

namespace {

/// Queries of a sequence that see the same chunk, or one whole chunk each, `times` over.
struct Piece {
  int64_t times, queries, keys;
};

/// What the queries at the end of `kvLen` positions see in chunks.
llvm::SmallVector<Piece, 3> piecesOf(int64_t queries, int64_t kvLen, int64_t chunk) {
  llvm::SmallVector<Piece, 3> pieces;
  for (int64_t at = kvLen - queries; at < kvLen;) {
    const int64_t start = at / chunk * chunk, whole = (kvLen - at) / chunk;
    if (at == start && whole > 0) {
      pieces.push_back({whole, chunk, chunk});
      at += whole * chunk;
      continue;
    }
    const int64_t end = std::min(kvLen, start + chunk);
    pieces.push_back({1, end - at, end - start});
    at = end;
  }
  return pieces;
}

} // namespace

void AttentionOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const bool prefill = getPhase() == Phase::prefill;
  const int64_t batch = shapeOf(getCache())[0];
  const int64_t queries = shapeOf(getQuery())[0] / batch;
  const auto kvLen = static_cast<int64_t>(getKvLen()), chunk = static_cast<int64_t>(getChunk());
  llvm::SmallVector<Piece, 3> pieces{{1, queries, kvLen}};
  if (chunk > 0 && prefill)
    pieces = piecesOf(queries, kvLen, chunk);
  else if (chunk > 0 && kvLen > chunk)
    pieces.front().keys = std::max(queries, (chunk + 1) / 2);
  const bool carries =
      prefill && shapeOf(getQuery())[1] > static_cast<int64_t>(getHeads() * getHeadDim());
  for (const Piece &piece : pieces) {
    // Prefill reads the keys and values just made, if they come with the query and there are no
    // older ones; else they are in the cache.
    const bool together = carries && piece.queries == piece.keys;
    mansard_kernel kernel = makeKernel(
        prefill ? MANSARD_OP_ATTENTION_PREFILL : MANSARD_OP_ATTENTION_DECODE, codeOf(getQuery()),
        codeOf(together ? getQuery() : getCache()), codeOf(getResult()));
    mansard_attention &a = kernel.u.attention;
    a.batch = batch * piece.times;
    a.q_len = piece.queries;
    a.kv_len = piece.keys;
    a.heads = getHeads();
    a.kv_heads = getKvHeads();
    // Of unlike heads the mean: both products' operations and all bytes are then theirs.
    a.head_dim = (static_cast<int64_t>(getHeadDim()) + getValueWidth()) / 2;
    a.window = getWindow();
    a.causal = getCausal();
    a.sinks = getSinks() ? 1 : 0;
    kernels.push_back(kernel);
  }
  if (getGated())
    kernels.push_back(makeVector(MANSARD_VECTOR_SILU_MUL, shapeOf(getResult())[0],
                                 shapeOf(getResult())[1], codeOf(getQuery()), codeOf(getResult())));
}

LogicalResult AttentionOp::verify() {
  if (verifyRank(*this, getQuery(), "a query", {2}).failed() ||
      verifyRank(*this, getCache(), "a cache", {3}).failed())
    return failure();
  const int64_t heads = getHeads(), kvHeads = getKvHeads(), dim = getHeadDim(),
                valueDim = getValueWidth();
  if (verifyPositive(*this, "heads", heads).failed() ||
      verifyPositive(*this, "kv_heads", kvHeads).failed() ||
      verifyPositive(*this, "head_dim", dim).failed() ||
      verifyPositive(*this, "kv_len", getKvLen()).failed())
    return failure();
  if (heads % kvHeads != 0)
    return emitOpError() << "has " << heads << " heads, which " << kvHeads
                         << " key-value heads do not share equally";
  if (static_cast<int64_t>(getWindow()) < 0)
    return emitOpError() << "has window " << static_cast<int64_t>(getWindow())
                         << "; 0 means none, otherwise it is positive";
  const llvm::ArrayRef<int64_t> cache = shapeOf(getCache());
  if (verifyWholeSequences(*this, shapeOf(getQuery())[0], cache[0]).failed() ||
      verifyColumns(*this, "a cache", getCache(), kvHeads * (dim + valueDim)).failed())
    return failure();
  for (const auto [name, value] :
       {std::pair{"value_dim", getValueDim()}, std::pair{"chunk", getChunk()}})
    if (static_cast<int64_t>(value) < 0)
      return emitOpError() << "has " << name << " " << static_cast<int64_t>(value)
                           << "; 0 means none, otherwise it is positive";
  if (getWindow() > 0 && getChunk() > 0)
    return emitOpError() << "has a window and chunks";
  const bool prefill = getPhase() == Phase::prefill;
  const bool alone = !prefill || shapeOf(getQuery())[1] == heads * dim;
  const int64_t gates = getGated() ? heads * valueDim : 0;
  const int64_t carried = alone ? 0 : kvHeads * (dim + valueDim);
  if (verifyColumns(*this, "a query", getQuery(), heads * dim + carried + gates, !prefill).failed())
    return failure();
  if (static_cast<int64_t>(getKvLen()) < shapeOf(getQuery())[0] / cache[0])
    return emitOpError() << "has kv_len " << getKvLen() << ", which counts the "
                         << shapeOf(getQuery())[0] / cache[0] << " queries of a sequence too";
  if (getSinks() && shapeOf(getSinks()) != llvm::ArrayRef<int64_t>({heads}))
    return emitOpError() << "has sinks of " << text(shapeOf(getSinks())) << " for " << heads
                         << " heads";
  return verifyShapes(*this);
}

// ---- mla

Shapes MlaOp::inferShapes() {
  const int64_t rows = shapeOf(getQuery())[0], heads = getHeads();
  if (getAbsorbed())
    return {{heads, rows, static_cast<int64_t>(getLatentDim())}};
  return {{rows, heads * static_cast<int64_t>(getValueDim())}};
}

void MlaOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const bool absorbed = getAbsorbed();
  const llvm::ArrayRef<int64_t> cache = shapeOf(getCache());
  mansard_kernel kernel =
      makeKernel(absorbed ? MANSARD_OP_MLA_DECODE : MANSARD_OP_MLA_PREFILL, codeOf(getQuery()),
                 codeOf(absorbed ? getCache() : getOther()), codeOf(getResult()));
  mansard_mla &a = kernel.u.mla;
  a.batch = cache[0];
  a.q_len = shapeOf(getQuery())[0] / cache[0];
  a.kv_len = cache[1];
  if (getSelected()) { // no two rows share what they read
    a.kv_len = selectedKeys({cache[0], a.q_len, cache[1], 1, 1}, shapeOf(getSelected())[1]);
    a.batch *= a.q_len;
    a.q_len = 1;
  }
  a.heads = getHeads();
  a.latent_dim = getLatentDim();
  a.rope_dim = getRopeDim();
  a.nope_dim = getNopeDim();
  a.value_dim = getValueDim();
  kernels.push_back(kernel);
}

LogicalResult MlaOp::verify() {
  const int64_t heads = getHeads(), latent = getLatentDim(), rope = getRopeDim(),
                nope = getNopeDim(), value = getValueDim();
  if (verifyRank(*this, getQuery(), "a query", {2}).failed() ||
      verifyRank(*this, getOther(), getAbsorbed() ? "an absorbed query" : "keys and values",
                 {getAbsorbed() ? 3 : 2})
          .failed() ||
      verifyRank(*this, getCache(), "a cache", {3}).failed() ||
      verifyPositive(*this, "heads", heads).failed() ||
      verifyPositive(*this, "latent_dim", latent).failed() ||
      verifyPositive(*this, "rope_dim", rope).failed() ||
      verifyPositive(*this, "nope_dim", nope).failed() ||
      verifyPositive(*this, "value_dim", value).failed())
    return failure();
  const int64_t rows = shapeOf(getQuery())[0], sequences = shapeOf(getCache())[0];
  if (verifyColumns(*this, "a query", getQuery(), heads * (nope + rope)).failed() ||
      verifyColumns(*this, "a cache", getCache(), latent + rope).failed() ||
      verifyWholeSequences(*this, rows, sequences).failed())
    return failure();
  // Expanded: of the tokens that ask, or of all that they see.
  const int64_t positions = sequences * shapeOf(getCache())[1];
  const int64_t keys = shapeOf(getOther())[0] == positions ? positions : rows;
  const Shape other =
      getAbsorbed() ? Shape{heads, rows, latent} : Shape{keys, heads * (nope + value)};
  if (shapeOf(getOther()) != llvm::ArrayRef(other))
    return emitOpError() << "has " << (getAbsorbed() ? "an absorbed query" : "keys and values")
                         << " of " << text(shapeOf(getOther())) << ", not of " << text(other);
  if (getSelected()) {
    if (!getAbsorbed())
      return emitOpError() << "selects positions, which only absorbed attention does";
    if (verifyRank(*this, getSelected(), "selected positions", {2}).failed())
      return failure();
    if (shapeOf(getSelected())[0] != rows || shapeOf(getSelected())[1] > shapeOf(getCache())[1])
      return emitOpError() << "has selected positions of " << text(shapeOf(getSelected()))
                           << " for " << rows << " rows and " << shapeOf(getCache())[1]
                           << " positions";
  }
  if (shapeOf(getCache())[1] < rows / sequences)
    return emitOpError() << "has a cache of " << shapeOf(getCache())[1]
                         << " positions, which count the " << rows / sequences
                         << " queries of a sequence too";
  return verifyShapes(*this);
}

// ---- rope

Shapes RopeOp::inferShapes() {
  Shapes shapes{Shape(shapeOf(getInput()))};
  if (getKey())
    shapes.push_back(Shape(shapeOf(getKey())));
  if (getCache())
    shapes.push_back(Shape(shapeOf(getCache())));
  return shapes;
}

void RopeOp::getKernels(llvm::SmallVectorImpl<mansard_kernel> &kernels) {
  const int64_t rows = shapeOf(getInput())[0];
  const int64_t heads = std::accumulate(getHeads().begin(), getHeads().end(), int64_t{0});
  // What is written to the cache passes through the same kernel.
  const int64_t columns = (heads + (getKey() ? 1 : 0)) * static_cast<int64_t>(getRopeDim()) +
                          (getCache() ? shapeOf(getCache())[2] : 0);
  kernels.push_back(
      makeVector(MANSARD_VECTOR_ROPE, rows, columns, codeOf(getInput()), codeOf(getInput())));
}

LogicalResult RopeOp::verify() {
  const int64_t dim = getHeadDim(), rope = getRopeDim();
  if (verifyRank(*this, getInput(), "an input", {2}).failed() ||
      (getKey() && verifyRank(*this, getKey(), "a key", {2}).failed()) ||
      (getCache() && verifyRank(*this, getCache(), "a cache", {3}).failed()) ||
      verifyPositive(*this, "head_dim", dim).failed() ||
      verifyPositive(*this, "rope_dim", rope).failed())
    return failure();
  if (rope > dim)
    return emitOpError() << "turns " << rope << " of only " << dim << " columns of a head";
  int64_t heads = 0;
  for (int64_t part : getHeads()) {
    if (verifyPositive(*this, "a part of heads", part).failed())
      return failure();
    heads += part;
  }
  if (verifyColumns(*this, "an input", getInput(), heads * dim, true).failed() ||
      (getKey() && verifyColumns(*this, "a key", getKey(), rope, true).failed()))
    return failure();
  if (getKey() && shapeOf(getKey())[0] != shapeOf(getInput())[0])
    return emitOpError() << "has " << shapeOf(getInput())[0] << " rows of queries and "
                         << shapeOf(getKey())[0] << " of keys";
  return verifyShapes(*this);
}

} // namespace mansard::ir
