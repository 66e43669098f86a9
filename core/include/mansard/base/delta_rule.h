// The kernels of linear attention by the gated delta rule (Gated DeltaNet, arXiv 2412.06464), by
// their counts.
//
// A head keeps a state of head_dim x head_dim in place of keys and values. Decode follows the
// recurrence (section 3.1, equation 10): the state is read, decayed, corrected by one outer product
// and written. Prefill takes chunks of 64 tokens (section 3.3: WY representation, UT transform), as
// a kernel each for the scores K K^T, the inverse of I + tril(K K^T), its products with keys (W)
// and values (U), the states from chunk to chunk, and the outputs; tiles are computed whole,
// whatever their masks. Several value heads may share one query and key head. A causal convolution
// along the tokens comes before, a gated norm after. Pure, allocates nothing.
#pragma once

#include <mansard/sdk/abi.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace mansard {

/// One layer's work on one device.
struct DeltaRule {
  double sequences = 0;
  double tokens = 0;             // new ones of each sequence
  double heads = 0;              // of values: each has a state
  double keyHeads = 0;           // of queries and of keys
  double headDim = 0;            // of queries, keys and values
  double convolution = 0;        // tokens that the convolution sees
  double elementBytes = 2;       // of activations
  double stateBytes = 4;         // of an element of the state
  double windowElementBytes = 2; // of what the convolution keeps

  double rows() const { return sequences * tokens; }
  double channels() const { return (2 * keyHeads + heads) * headDim; }
  /// Elements of all states.
  double state() const { return sequences * heads * headDim * headDim; }
};

inline constexpr double kDeltaChunk = 64;         // tokens
inline constexpr double kDeltaColumns = 64;       // of a state that one work group carries along
inline constexpr double kDeltaDecodeColumns = 32; // likewise in decode
/// Work groups that a core carries along at once, each waiting for its own last product.
inline constexpr double kDeltaGroupsPerCore = 4;
/// Cycles from one chunk's state to the next, which wait for each other: loads, two products of a
/// chunk's tile and the conversion between them. Fitted on the slope over sequence lengths of
/// flash-linear-attention's kernels with 8 heads: 2000 on H100 (flashinfer pull request 3866) and
/// 3900 on B200 (3001); their geometric mean.
inline constexpr double kDeltaChunkCycles = 2800;

/// The convolution (depthwise) and SiLU on queries, keys and values, and what it keeps of the last
/// tokens.
inline mansard_custom deltaConvolution(const DeltaRule &d) {
  mansard_custom u{};
  const double elements = d.rows() * d.channels();
  const double kept = d.sequences * (d.convolution - 1) * d.channels();
  u.vector_operations = elements * (2 * d.convolution + 4);
  u.special_operations = 2 * elements;
  u.read_bytes = elements * d.elementBytes + kept * d.windowElementBytes;
  u.write_bytes = u.read_bytes;
  return u;
}

/// Decode: 7 operations on each element of the state (decay; with the key, the update, and with the
/// query a multiply-add each). Where several tokens are tried at once, the state after each is
/// written, so that those which are rejected can be undone.
inline mansard_custom deltaRecurrence(const DeltaRule &d) {
  mansard_custom u{};
  u.vector_operations = 7 * d.state() * d.tokens + 3 * d.rows() * 2 * d.heads * d.headDim;
  u.special_operations = 5 * d.rows() * d.heads; // softplus, two exponentials, sigmoid
  u.read_bytes =
      d.state() * d.stateBytes + d.rows() * (d.channels() + 2 * d.heads) * d.elementBytes;
  u.write_bytes =
      d.state() * d.stateBytes * d.tokens + d.rows() * d.heads * d.headDim * d.elementBytes;
  u.groups = d.sequences * d.heads * std::ceil(d.headDim / kDeltaDecodeColumns);
  return u;
}

/// Prefill, in order: norms of queries and keys and the sums of decays; scores; inverses; W and U;
/// states; outputs.
inline std::array<mansard_custom, 6> deltaChunks(const DeltaRule &d) {
  const double chunks = std::ceil(d.tokens / kDeltaChunk);
  const double padded = d.sequences * chunks * kDeltaChunk; // rows
  const double rows = padded * d.heads;                     // of all heads
  const double c = kDeltaChunk, dim = d.headDim, bytes = d.elementBytes;
  const double keys = d.rows() * d.keyHeads * dim * bytes,
               values = d.rows() * d.heads * dim * bytes;
  const double scores = rows * c * 4, inverses = rows * c * bytes;
  const double states = rows / c * dim * dim * bytes; // one for each chunk
  const double gates = 2 * d.rows() * d.heads * 4;
  std::array<mansard_custom, 6> kernels{};
  mansard_custom &prepare = kernels[0], &score = kernels[1], &invert = kernels[2],
                 &transform = kernels[3], &pass = kernels[4], &output = kernels[5];

  prepare.vector_operations = 3 * 2 * d.rows() * d.keyHeads * dim + 4 * d.rows() * d.heads;
  prepare.special_operations = 5 * d.rows() * d.heads;
  prepare.read_bytes = 2 * keys + gates / 2;
  prepare.write_bytes = 2 * keys + gates;

  score.matrix_operations = 2 * rows * c * dim;
  score.vector_operations = 4 * rows * c; // the ratio of decays, beta, the mask
  score.special_operations = rows * c;
  score.read_bytes = keys + gates;
  score.write_bytes = scores;

  invert.matrix_operations = rows * c * c / 3; // forward substitution
  invert.read_bytes = scores;
  invert.write_bytes = inverses;

  transform.matrix_operations = 2 * rows * c * 2 * dim;
  transform.vector_operations = 3 * rows * dim; // beta and decay on keys, beta on values
  transform.read_bytes = inverses + keys + values + gates;
  transform.write_bytes = 2 * values;

  pass.matrix_operations = 2 * rows * 2 * dim * dim;
  pass.vector_operations = 2 * rows * dim + 2 * states / bytes;
  pass.read_bytes = keys + 2 * values + gates / 2 + d.state() * d.stateBytes;
  pass.write_bytes = values + states + d.state() * d.stateBytes;
  const double chains = d.sequences * d.heads * std::ceil(dim / kDeltaColumns);
  pass.groups = std::ceil(chains / kDeltaGroupsPerCore);
  pass.groups_per_core = 1;
  pass.group_cycles = chunks * kDeltaChunkCycles;

  output.matrix_operations = 2 * rows * (c * dim + dim * dim + c * dim);
  output.vector_operations = 3 * rows * c + 3 * rows * dim;
  output.special_operations = rows * c;
  output.read_bytes = 2 * keys + values + states + gates / 2;
  output.write_bytes = values;
  return kernels;
}

/// Bytes of W, U, the corrected values and the chunks' states, which prefill keeps from kernel to
/// kernel.
inline double deltaWorkspace(const DeltaRule &d) {
  const double rows = d.sequences * std::ceil(d.tokens / kDeltaChunk) * kDeltaChunk * d.heads;
  return rows * d.elementBytes * d.headDim * (3 + d.headDim / kDeltaChunk);
}

} // namespace mansard
