// The scores by which DeepSeek Sparse Attention chooses what a query attends to, by their counts.
//
// DeepSeek-V3.2 (arXiv 2512.02556, section 2.1, equation 1): I(t, s) = sum over the indexer's heads
// j of w(t, j) ReLU(q(t, j) . k(s)), for every key s before t; one key of index_head_dim a token,
// shared by all heads. The scores are written in single precision for the selection after. Pure,
// allocates nothing.
#pragma once

#include <mansard/base/counts.h>
#include <mansard/sdk/abi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mansard {

struct LightningIndexer {
  int64_t sequences = 0;
  int64_t tokens = 0;    // of each sequence, that ask
  int64_t positions = 0; // of each sequence, with those that ask
  int64_t heads = 0, headDim = 0;
  double queryBytes = 1, keyBytes = 1; // of an element
};

/// Rows (a query's heads) that a work group multiplies with each key it loads: the tile of
/// DeepGEMM's fp8_mqa_logits.
inline constexpr double kIndexerRows = 128;
inline constexpr double kIndexerScaleBytes = 4; // of a query's head, and of a key

/// (query, key) pairs of one sequence that are scored.
inline double indexerPairs(const LightningIndexer &x) {
  return visiblePairs(mansard_attention{1, x.tokens, x.positions, 1, 1, 1, 0, 1, 0});
}

/// Keys that a query attends to when at most `limit` are kept, on average and rounded up.
inline int64_t selectedKeys(const LightningIndexer &x, int64_t limit) {
  const double pairs =
      visiblePairs(mansard_attention{1, x.tokens, x.positions, 1, 1, 1, limit, 1, 0});
  return std::max<int64_t>(1,
                           static_cast<int64_t>(std::ceil(pairs / static_cast<double>(x.tokens))));
}

inline mansard_custom indexerScores(const LightningIndexer &x) {
  mansard_custom u{};
  const double sequences = static_cast<double>(x.sequences), heads = static_cast<double>(x.heads),
               dim = static_cast<double>(x.headDim);
  const double rows = sequences * static_cast<double>(x.tokens);
  const double pairs = sequences * indexerPairs(x);
  const double keys = sequences * static_cast<double>(x.positions);
  const double key = dim * x.keyBytes + (x.keyBytes < 2 ? kIndexerScaleBytes : 0);
  const double query =
      heads * (dim * x.queryBytes + (x.queryBytes < 2 ? kIndexerScaleBytes : 0) + 4 /* weight */);
  u.matrix_operations = 2 * pairs * heads * dim;
  u.vector_operations = 3 * pairs * heads; // ReLU, multiply and add
  u.read_bytes = rows * query + keys * key;
  u.write_bytes = pairs * 4;
  // Each further block of queries finds the keys in the L2.
  const double queriesOfBlock = std::max(1.0, std::floor(kIndexerRows / heads));
  u.l2_bytes = std::max(0.0, pairs / std::min(queriesOfBlock, static_cast<double>(x.tokens)) * key -
                                 keys * key);
  return u;
}

} // namespace mansard
