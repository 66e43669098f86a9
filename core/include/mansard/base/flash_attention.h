// Attention that never writes its scores: blocks of queries stream over keys and values.
//
// Prefill (FlashAttention-2, arXiv 2307.08691): a core takes `rows` queries of one head and passes
// over the keys they see; masked parts of diagonal blocks are computed all the same. The busiest
// core has at least its even share, and at least as many of the longest units as one core must
// take. Decode (Flash-Decoding): the queries of all heads that share a key head form one block
// padded to the matrix unit's rows; the keys of a sequence may be split among cores, and the parts
// are then combined in a second pass. Absorbed latent attention is the same with one key head
// whose values are part of its keys.
//
// Non-decreasing in batch, heads, keys and (with the keys) queries; non-increasing in every rate.
// Times in microseconds. Pure, allocates nothing.
#pragma once

#include <mansard/base/counts.h>
#include <mansard/base/overlap.h>
#include <mansard/base/power_cap.h>
#include <mansard/base/vector_work.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace mansard {

/// Both kinds of attention in one form; counts are of this device.
struct AttentionShape {
  double batch = 0, heads = 0, keyHeads = 0;
  double queries = 0, keys = 0; // of one sequence; keys: those that some query sees
  double scoreDim = 0, valueDim = 0;
  double keyBytes = 0;      // of one position of one key head, keys and values
  double cacheBytes = 0;    // of all keys and values, each once
  mansard_attention mask{}; // for visiblePairs: q_len, kv_len, window, causal
};

inline AttentionShape attentionShape(const mansard_kernel &kernel) {
  const double kvBytes = bytesOf(kernel.weight_dtype);
  AttentionShape s;
  if (kernel.op == MANSARD_OP_ATTENTION_PREFILL || kernel.op == MANSARD_OP_ATTENTION_DECODE) {
    const mansard_attention &a = kernel.u.attention;
    s.batch = static_cast<double>(a.batch);
    s.heads = static_cast<double>(a.heads);
    s.keyHeads = static_cast<double>(a.kv_heads);
    s.queries = static_cast<double>(a.q_len);
    s.keys = visibleKeys(a);
    s.scoreDim = s.valueDim = static_cast<double>(a.head_dim);
    s.keyBytes = 2 * s.scoreDim * kvBytes;
    s.cacheBytes = s.batch * s.keyHeads * s.keys * s.keyBytes;
    s.mask = a;
    return s;
  }
  const mansard_mla &a = kernel.u.mla;
  const bool absorbed = kernel.op == MANSARD_OP_MLA_DECODE;
  s.batch = static_cast<double>(a.batch);
  s.heads = static_cast<double>(a.heads);
  s.keyHeads = absorbed ? 1 : s.heads;
  s.queries = static_cast<double>(a.q_len);
  s.keys = static_cast<double>(a.kv_len);
  const double rope = static_cast<double>(a.rope_dim);
  s.scoreDim = rope + static_cast<double>(absorbed ? a.latent_dim : a.nope_dim);
  s.valueDim = static_cast<double>(absorbed ? a.latent_dim : a.value_dim);
  s.keyBytes = (absorbed ? s.scoreDim : s.scoreDim + s.valueDim) * kvBytes;
  const double shared = absorbed ? 0 : (s.keyHeads - 1) * rope; // heads' keys have one rotary part
  s.cacheBytes = s.batch * s.keys * (s.keyHeads * s.keyBytes - shared * kvBytes);
  s.mask = {1, a.q_len, a.kv_len, 1, 1, 1, 0, 1, 0};
  return s;
}

/// A family's constants for attention.
struct AttentionTuning {
  double matrixEfficiency = 1, vectorEfficiency = 1, l2Efficiency = 1, dramEfficiency = 1;
  double residentShare = 0;        // keys and values that fit this share of the L2 are found there
  double keyBlock = 64;            // keys that a step takes
  double rowPadding = 16;          // rows that the matrix unit computes at least
  double bytesInFlightPerCore = 0; // 0: never limits
  double sharedBy = 1;   // cores that one load of keys and values is broadcast to (prefill)
  double unit_us = 0;    // start and end of a core's unit
  double combine_us = 0; // starting the pass over split keys
  bool cacheHoldsWrites = true;
  bool serialSoftmax = false; // true: the vector unit's work does not overlap the matrix unit's
  PowerCap power;
};

struct AttentionPlan {
  Busy busy;                             // overlapped
  double softmax_us = 0;                 // beside it, where the family does not overlap it
  double combine_us = 0;                 // beside it
  uint32_t combineIn = MANSARD_BOUND_L2; // where the parts lie
  double fixed_us = 0;
  double total_us = std::numeric_limits<double>::infinity();
  double rows = 0, split = 1, units = 0;
  double dramReadBytes = 0, dramWriteBytes = 0;
};

namespace detail {

inline double roundUp(double x, double step) { return std::ceil(x / step) * step; }

/// Finishes a candidate: `pairs` and `softmax` (query, key) pairs of the busiest core, with padding
/// and without; `streamed` bytes it draws by itself; `l2Bytes` of the whole device.
inline void weigh(AttentionPlan &best, AttentionPlan plan, const mansard_chip &chip,
                  const mansard_kernel &kernel, const AttentionShape &s, const Counts &counts,
                  double pairs, double softmax, double streamed, double l2Bytes,
                  const AttentionTuning &tuning) {
  const double cores = std::max(1.0, std::floor(chip.cores));
  plan.busy[MANSARD_BOUND_MATRIX] =
      std::max(2 * pairs * (s.scoreDim + s.valueDim) * cores /
                   (chip.matrix_ops_per_s[kernel.dtype] * tuning.matrixEfficiency) * 1e6,
               counts.matrixOperations * tuning.power.usPerOperation[kernel.dtype]);
  // Rescaling the accumulator once for each block of keys is part of the vector work.
  const double operations =
      kVectorMix[MANSARD_VECTOR_SOFTMAX].operations + s.valueDim / tuning.keyBlock;
  const double vectorUs = vectorMicroseconds(chip, MANSARD_DTYPE_FP32, softmax * operations * cores,
                                             softmax * cores, tuning.vectorEfficiency);
  (tuning.serialSoftmax ? plan.softmax_us : plan.busy[MANSARD_BOUND_VECTOR]) = vectorUs;
  if (chip.l2_read_bytes_per_s > 0)
    plan.busy[MANSARD_BOUND_L2] = l2Bytes / (chip.l2_read_bytes_per_s * tuning.l2Efficiency) * 1e6;
  const bool warm = s.cacheBytes <= tuning.residentShare * chip.l2_bytes;
  plan.dramReadBytes = std::max(0.0, counts.readBytes - (warm ? s.cacheBytes : 0));
  plan.dramWriteBytes = counts.writeBytes;
  const double bandwidth =
      dramBandwidth(chip, plan.dramReadBytes, plan.dramWriteBytes) * tuning.dramEfficiency;
  double dramUs = (plan.dramReadBytes + plan.dramWriteBytes) / bandwidth * 1e6;
  if (tuning.bytesInFlightPerCore > 0 && !warm)
    dramUs = std::max(dramUs, streamed * chip.dram_latency_s / tuning.bytesInFlightPerCore * 1e6);
  plan.busy[MANSARD_BOUND_DRAM] = dramUs;
  plan.total_us = overlapped(plan.busy) + plan.softmax_us + plan.combine_us + plan.fixed_us;
  if (plan.total_us < best.total_us)
    best = plan;
}

} // namespace detail

/// Candidates: the numbers of queries a unit may take, from `rowChoices`.
inline AttentionPlan planPrefill(const mansard_chip &chip, const mansard_kernel &kernel,
                                 const AttentionShape &s, const Counts &counts,
                                 std::span<const double> rowChoices,
                                 const AttentionTuning &tuning) {
  AttentionPlan best;
  const double cores = std::max(1.0, std::floor(chip.cores)), sequences = s.batch * s.heads;
  for (const double rows : rowChoices) {
    const double blocks = std::ceil(s.queries / rows), padded = blocks * rows;
    const double keys = detail::roundUp(
        s.mask.window > 0 ? std::min(s.keys, static_cast<double>(s.mask.window) + rows - 1)
                          : s.keys,
        tuning.keyBlock); // that one unit passes over at most
    // Pairs of one head as if the queries filled their blocks, plus the masked halves of diagonal
    // blocks.
    mansard_attention whole = s.mask;
    whole.q_len = static_cast<int64_t>(padded);
    whole.kv_len = std::max(whole.kv_len, whole.q_len);
    const double pairs =
        std::min(padded * keys, visiblePairs(whole) + padded * (rows + tuning.keyBlock) / 2);
    // Masked units differ in length; only the last of each head is surely the longest.
    const double units = sequences * blocks;
    const double longest = s.mask.causal ? sequences : units;
    const double unitsOfCore = std::ceil(units / cores);
    const double pairsOfCore =
        std::max(sequences * pairs / cores, std::ceil(longest / cores) * rows * keys);
    AttentionPlan plan;
    plan.rows = rows;
    plan.units = units;
    plan.fixed_us = unitsOfCore * tuning.unit_us;
    detail::weigh(best, plan, chip, kernel, s, counts, pairsOfCore, pairsOfCore,
                  pairsOfCore / rows * s.keyBytes,
                  sequences * pairs / rows * s.keyBytes / tuning.sharedBy + counts.writeBytes,
                  tuning);
  }
  return best;
}

/// Candidates: the keys of a sequence in 1, 2, 4 ... 128 parts.
inline AttentionPlan planDecode(const mansard_chip &chip, const mansard_kernel &kernel,
                                const AttentionShape &s, const Counts &counts,
                                const AttentionTuning &tuning) {
  AttentionPlan best;
  const double cores = std::max(1.0, std::floor(chip.cores));
  const double rows = s.queries * s.heads / s.keyHeads; // of one block
  const double padded = detail::roundUp(rows, tuning.rowPadding);
  const double blocks = s.batch * s.keyHeads;
  for (double split = 1; split <= 128; split *= 2) {
    if (split > 1 && blocks * split / 2 >= cores)
      break; // the last split already gave every core work
    const double unitsOfCore = std::ceil(blocks * split / cores);
    const double keys = detail::roundUp(s.keys / split, tuning.keyBlock);
    AttentionPlan plan;
    plan.rows = rows;
    plan.split = split;
    plan.units = blocks * split;
    plan.fixed_us = unitsOfCore * tuning.unit_us;
    if (split > 1) {
      const double partial = 4 * s.batch * s.heads * s.queries * (s.valueDim + 2) * split;
      const bool inL2 = chip.l2_read_bytes_per_s > 0 && tuning.cacheHoldsWrites;
      const double rate = inL2 ? chip.l2_read_bytes_per_s * tuning.l2Efficiency
                               : dramBandwidth(chip, 1, 1) * tuning.dramEfficiency;
      plan.combine_us = 2 * partial / rate * 1e6;
      plan.combineIn = inL2 ? MANSARD_BOUND_L2 : MANSARD_BOUND_DRAM;
      plan.fixed_us += tuning.combine_us;
    }
    detail::weigh(best, plan, chip, kernel, s, counts, unitsOfCore * padded * keys,
                  unitsOfCore * rows * keys, unitsOfCore * keys * s.keyBytes,
                  counts.readBytes + counts.writeBytes, tuning);
  }
  return best;
}

/// Adds a plan to the phases of a kernel.
inline void addPlan(Parts &parts, const AttentionPlan &plan) {
  parts.addOverlapped(plan.busy);
  parts.addSerial(MANSARD_BOUND_VECTOR, plan.softmax_us);
  parts.addSerial(plan.combineIn, plan.combine_us);
  parts.addSerial(MANSARD_BOUND_FIXED, plan.fixed_us);
}

inline void storeTiling(const AttentionPlan &plan, double cores, double keyBlock,
                        mansard_estimate &out) {
  const auto whole = [](double x) { return static_cast<int32_t>(std::min(x, 2147483647.0)); };
  out.tiling = {whole(plan.rows),
                whole(keyBlock),
                0,
                whole(plan.split),
                static_cast<int64_t>(plan.units),
                plan.units / cores,
                whole(std::min(cores, plan.units)),
                2};
}

} // namespace mansard
