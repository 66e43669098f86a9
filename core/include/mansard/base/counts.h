// Operations and compulsory bytes of a kernel: what any machine must do, however it schedules the
// work.
//
// Every floor and every model starts from these. One multiply-add is two operations. Compulsory
// bytes are each distinct operand read once and each result written once.
#pragma once

#include <mansard/base/dtype.h>
#include <mansard/base/moe_load.h>

#include <algorithm>
#include <cstdint>

namespace mansard {

struct Counts {
  double matrixOperations = 0;  // on the matrix unit
  double vectorOperations = 0;  // adds, multiplies, compares, conversions
  double specialOperations = 0; // exponentials, reciprocals, square roots
  double readBytes = 0;         // all operands once
  double weightBytes = 0;       // of readBytes: those that a repeated run could find in a cache
  double chanceBytes = 0;       // of readBytes: weights that another draw of a balanced routing may
                                // not touch; no floor counts them
  double writeBytes = 0;
  double linkBytes = 0; // sent by each device at least
};

/// Bytes of scales that accompany `elements` of a tensor stored with `scaling` (formats with scales
/// of their own count them in bytesOf). `rows`: token or channel count.
inline double scaleBytes(uint32_t dtype, uint32_t scaling, double elements, double rows,
                         bool weights) {
  if (bytesOf(dtype) > 1 || dtype == MANSARD_DTYPE_MXFP8 || dtype == MANSARD_DTYPE_MXFP4 ||
      dtype == MANSARD_DTYPE_NVFP4)
    return 0;
  switch (scaling) {
  case MANSARD_SCALING_CHANNEL:
  case MANSARD_SCALING_TOKEN:
    return 4 * rows;
  case MANSARD_SCALING_BLOCK:
    return 4 * elements / (weights ? 128.0 * 128 : 128.0);
  case MANSARD_SCALING_GROUP:
    return 2 * elements / 128;
  default:
    return 0;
  }
}

/// (query, key) pairs that a causal mask or a window leaves, of one head and sequence.
inline double visiblePairs(const mansard_attention &a) {
  const double q = static_cast<double>(a.q_len), kv = static_cast<double>(a.kv_len);
  const double window = a.window > 0 ? static_cast<double>(a.window) : kv;
  if (!a.causal)
    return q * std::min(kv, window);
  // Query i sits at position kv - q + i and sees min(position + 1, window) keys.
  const double first = std::max(0.0, kv - q) + 1, last = std::max(kv, q);
  if (first >= window)
    return q * window;
  const double ramp = std::min(last, window);
  return (first + ramp) * (ramp - first + 1) / 2 + (last - ramp) * window;
}

/// Positions whose keys and values at least one query needs.
inline double visibleKeys(const mansard_attention &a) {
  const double kv = static_cast<double>(a.kv_len);
  return a.window > 0 ? std::min(kv, static_cast<double>(a.window + a.q_len - 1)) : kv;
}

inline double visiblePairs(const mansard_mla &a) {
  return visiblePairs(mansard_attention{1, a.q_len, a.kv_len, 1, 1, 1, 0, 1 /* causal */, 0});
}

/// Bytes an all-reduce or its kin sends from each rank at least (bandwidth-optimal algorithms:
/// Patarasuk and Yuan, JPDC 2009).
inline double collectiveBytes(const mansard_collective &c) {
  const double n = static_cast<double>(std::max<int64_t>(c.ranks, 1)),
               size = static_cast<double>(c.size_bytes);
  switch (c.kind) {
  case MANSARD_COLLECTIVE_ALL_REDUCE:
    return 2 * size * (n - 1) / n;
  case MANSARD_COLLECTIVE_SEND:
    return n > 1 ? size : 0;
  default:
    return size * (n - 1) / n;
  }
}

/// Of vector work per element read: additions, multiplications, comparisons, conversions; then
/// special functions.
struct VectorMix {
  double operations, special;
};
inline constexpr VectorMix kVectorMix[MANSARD_VECTOR_COUNT] = {
    {1, 0}, // add
    {5, 0}, // add_rmsnorm: add, square, sum, two multiplies; the root is one a row
    {4, 0}, // rmsnorm
    {7, 0}, // layernorm: two moments, subtract, scale, shift
    {4, 2}, // silu_mul: negate, add, two multiplies; exponential and reciprocal
    {6, 1}, // gelu (tanh form)
    {4, 1}, // softmax: maximum, subtract, sum, multiply; exponential
    {2, 0}, // quantize: scale, convert
    {4, 0}, // quantize_dynamic: magnitude, maximum, scale, convert
    {0, 0}, // copy
    {3, 0}, // rope: two multiplies and an add an element, sine and cosine from a table
    {0, 0}, // gather
    {0, 0}, // scatter
    {2, 1}, // topk: score function and compare; selection passes are the model's
    {1, 0}, // mul
};

/// The inputs that one output element of vector work reads.
inline double vectorInputs(uint32_t kind) {
  switch (kind) {
  case MANSARD_VECTOR_ADD:
  case MANSARD_VECTOR_ADD_RMSNORM:
  case MANSARD_VECTOR_SILU_MUL:
  case MANSARD_VECTOR_MUL:
    return 2;
  default:
    return 1;
  }
}

namespace detail {

inline Counts countMatmul(double groups, double m, double n, double k, uint32_t epilogue,
                          const mansard_kernel &kernel) {
  Counts c;
  const double aBytes = bytesOf(kernel.dtype), wBytes = bytesOf(kernel.weight_dtype);
  c.matrixOperations = 2 * groups * m * n * k;
  c.weightBytes =
      groups * (n * k * wBytes + scaleBytes(kernel.weight_dtype, kernel.scaling, n * k, n, true));
  c.readBytes = c.weightBytes + groups * (m * k * aBytes + scaleBytes(kernel.dtype, kernel.scaling,
                                                                      m * k, m, false));
  if ((epilogue & MANSARD_PROLOGUE_QUANTIZE) && aBytes < 2) { // read in 16 bits instead
    c.readBytes += groups * m * k * (2 - aBytes);
    c.vectorOperations += kVectorMix[MANSARD_VECTOR_QUANTIZE_DYNAMIC].operations * groups * m * k;
  }
  double outputs = groups * m * n;
  if (epilogue & MANSARD_EPILOGUE_BIAS) {
    c.readBytes += groups * n * 2;
    c.vectorOperations += outputs;
  }
  if (epilogue & MANSARD_EPILOGUE_ADD) {
    c.readBytes += outputs * bytesOf(kernel.out_dtype);
    c.vectorOperations += outputs;
  }
  if (epilogue & MANSARD_EPILOGUE_GELU) {
    c.vectorOperations += kVectorMix[MANSARD_VECTOR_GELU].operations * outputs;
    c.specialOperations += kVectorMix[MANSARD_VECTOR_GELU].special * outputs;
  }
  if (epilogue & MANSARD_EPILOGUE_SILU_MUL) {
    outputs /= 2;
    c.vectorOperations += kVectorMix[MANSARD_VECTOR_SILU_MUL].operations * outputs;
    c.specialOperations += kVectorMix[MANSARD_VECTOR_SILU_MUL].special * outputs;
  }
  if (epilogue & MANSARD_EPILOGUE_QUANTIZE)
    c.vectorOperations += kVectorMix[MANSARD_VECTOR_QUANTIZE_DYNAMIC].operations * outputs;
  c.writeBytes = outputs * bytesOf(kernel.out_dtype);
  return c;
}

inline Counts countAttention(const mansard_kernel &kernel) {
  const mansard_attention &a = kernel.u.attention;
  Counts c;
  const double batch = static_cast<double>(a.batch), heads = static_cast<double>(a.heads);
  const double dim = static_cast<double>(a.head_dim),
               queries = batch * heads * static_cast<double>(a.q_len);
  const double pairs = batch * heads * visiblePairs(a);
  c.matrixOperations = 4 * pairs * dim;
  c.specialOperations = pairs;
  c.vectorOperations = kVectorMix[MANSARD_VECTOR_SOFTMAX].operations * pairs;
  c.readBytes = queries * dim * bytesOf(kernel.dtype) +
                2 * batch * static_cast<double>(a.kv_heads) * visibleKeys(a) * dim *
                    bytesOf(kernel.weight_dtype);
  c.writeBytes = queries * dim * bytesOf(kernel.out_dtype);
  return c;
}

inline Counts countMla(const mansard_kernel &kernel) {
  const mansard_mla &a = kernel.u.mla;
  Counts c;
  const double batch = static_cast<double>(a.batch), heads = static_cast<double>(a.heads);
  const double queries = batch * heads * static_cast<double>(a.q_len),
               pairs = batch * heads * visiblePairs(a);
  const double latent = static_cast<double>(a.latent_dim), rope = static_cast<double>(a.rope_dim);
  const double nope = static_cast<double>(a.nope_dim), value = static_cast<double>(a.value_dim);
  const double keys = batch * static_cast<double>(a.kv_len);
  c.specialOperations = pairs;
  c.vectorOperations = kVectorMix[MANSARD_VECTOR_SOFTMAX].operations * pairs;
  if (kernel.op == MANSARD_OP_MLA_DECODE) {
    c.matrixOperations = 2 * pairs * (2 * latent + rope);
    c.readBytes = queries * (latent + rope) * bytesOf(kernel.dtype) +
                  keys * (latent + rope) * bytesOf(kernel.weight_dtype);
    c.writeBytes = queries * latent * bytesOf(kernel.out_dtype);
  } else { // keys and values were expanded from the cache before, into the queries' type
    c.matrixOperations = 2 * pairs * (nope + rope + value);
    c.readBytes = queries * (nope + rope) * bytesOf(kernel.dtype) +
                  keys * (heads * (nope + value) + rope) * bytesOf(kernel.dtype);
    c.writeBytes = queries * value * bytesOf(kernel.out_dtype);
  }
  return c;
}

inline Counts countVector(const mansard_kernel &kernel) {
  const mansard_vector &v = kernel.u.vector;
  Counts c;
  const double elements = static_cast<double>(v.rows) * static_cast<double>(v.cols);
  const VectorMix mix = kVectorMix[v.kind];
  c.vectorOperations = mix.operations * elements;
  c.specialOperations = mix.special * elements;
  c.readBytes = elements * vectorInputs(v.kind) * bytesOf(kernel.dtype);
  c.writeBytes = elements * bytesOf(kernel.out_dtype);
  if (v.kind == MANSARD_VECTOR_TOPK)
    c.writeBytes = static_cast<double>(v.rows * v.topk) * 8; // value and index, four bytes each
  if (v.kind == MANSARD_VECTOR_ADD_RMSNORM)                  // the sum goes on as the residual
    c.writeBytes += elements * bytesOf(kernel.dtype);
  const bool narrows = bytesOf(kernel.out_dtype) <= 1.1 && bytesOf(kernel.dtype) > 1.1;
  if (narrows && v.kind != MANSARD_VECTOR_QUANTIZE && v.kind != MANSARD_VECTOR_QUANTIZE_DYNAMIC)
    c.vectorOperations += kVectorMix[MANSARD_VECTOR_QUANTIZE_DYNAMIC].operations * elements;
  return c;
}

inline Counts countMoe(const mansard_kernel &kernel) {
  const mansard_moe &moe = kernel.u.moe;
  Counts c;
  const MoeLoad load = moeLoad(moe);
  const double hidden = static_cast<double>(moe.hidden);
  const double inter =
      static_cast<double>(moe.inter) / static_cast<double>(std::max<int64_t>(moe.tp, 1));
  const double matrices = moe.gated ? 3 : 2, perExpert = matrices * hidden * inter;
  c.matrixOperations = 2 * load.assignments * perExpert;
  c.vectorOperations = load.assignments * inter * kVectorMix[MANSARD_VECTOR_SILU_MUL].operations;
  c.specialOperations = load.assignments * inter * kVectorMix[MANSARD_VECTOR_SILU_MUL].special;
  c.weightBytes = load.touchedExperts * (perExpert * bytesOf(kernel.weight_dtype) +
                                         scaleBytes(kernel.weight_dtype, kernel.scaling, perExpert,
                                                    matrices * inter, true));
  c.readBytes = c.weightBytes + load.distinctTokens * hidden * bytesOf(kernel.dtype);
  if (moe.distribution == MANSARD_DISTRIBUTION_BALANCED && load.touchedExperts > 0) {
    // Tokens dealt out in turn touch the most experts; those that choose on their own, fewer.
    const double experts = static_cast<double>(std::max<int64_t>(moe.experts, 1));
    const double local = experts / static_cast<double>(std::max<int64_t>(moe.ep, 1));
    const double share = std::min(1.0, static_cast<double>(moe.topk) / experts);
    const double touched = local * (1 - std::pow(1 - share, static_cast<double>(moe.tokens)));
    c.chanceBytes = c.weightBytes * std::max(0.0, 1 - touched / load.touchedExperts);
  }
  c.writeBytes = load.distinctTokens * hidden * bytesOf(kernel.out_dtype);
  return c;
}

/// Rows that leave each device: every pair whose expert lies elsewhere.
inline Counts countExpertParallel(const mansard_kernel &kernel) {
  const mansard_expert_parallel &e = kernel.u.expert_parallel;
  Counts c;
  const double ranks = static_cast<double>(std::max<int64_t>(e.ranks, 1)),
               topk = static_cast<double>(e.topk);
  // Distinct remote devices that a token's experts fall on.
  const double remote = (ranks - 1) * (1 - std::pow(1 - 1 / ranks, topk));
  const double copies = e.mode == MANSARD_EP_MODE_LOW_LATENCY ? topk * (ranks - 1) / ranks : remote;
  const double bytes =
      static_cast<double>(e.tokens) * static_cast<double>(e.hidden) * bytesOf(kernel.dtype);
  c.linkBytes = bytes * copies;
  c.readBytes = bytes;
  c.writeBytes = bytes;
  if (e.direction == MANSARD_EP_COMBINE)
    c.vectorOperations = 2 * static_cast<double>(e.tokens) * static_cast<double>(e.hidden) * topk;
  return c;
}

} // namespace detail

/// The counts of one run of `kernel` on one device. Undefined for a kernel that `check` refuses.
inline Counts countWork(const mansard_kernel &kernel) {
  switch (kernel.op) {
  case MANSARD_OP_MATMUL: {
    const mansard_matmul &g = kernel.u.matmul;
    return detail::countMatmul(1, static_cast<double>(g.m), static_cast<double>(g.n),
                               static_cast<double>(g.k), g.epilogue, kernel);
  }
  case MANSARD_OP_GROUPED_MATMUL: {
    const mansard_grouped_matmul &g = kernel.u.grouped_matmul;
    return detail::countMatmul(static_cast<double>(g.groups), static_cast<double>(g.m),
                               static_cast<double>(g.n), static_cast<double>(g.k), 0, kernel);
  }
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE:
    return detail::countAttention(kernel);
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE:
    return detail::countMla(kernel);
  case MANSARD_OP_VECTOR:
    return detail::countVector(kernel);
  case MANSARD_OP_MOE:
    return detail::countMoe(kernel);
  case MANSARD_OP_COLLECTIVE: {
    Counts c;
    c.linkBytes = collectiveBytes(kernel.u.collective);
    return c;
  }
  case MANSARD_OP_EXPERT_PARALLEL:
    return detail::countExpertParallel(kernel);
  case MANSARD_OP_CUSTOM: {
    const mansard_custom &u = kernel.u.custom;
    Counts c;
    c.matrixOperations = u.matrix_operations;
    c.vectorOperations = u.vector_operations + u.integer_operations;
    c.specialOperations = u.special_operations;
    c.readBytes = u.read_bytes;
    c.writeBytes = u.write_bytes;
    c.linkBytes = u.link_bytes;
    return c;
  }
  default:
    return {};
  }
}

} // namespace mansard
