// What the attention kinds share: scores pass from cube to vector cores and back, keys and values
// may still be in the L2 from the last run.
#pragma once

#include "ops.h"

namespace mansard::ascend {

/// Causal or full softmax attention over many queries: one task is 128 query rows of one head.
struct PrefillShape {
  double sequences, heads, kvHeads, queries, keys; // of each sequence
  double pairs;                                    // visible (query, key) pairs of one head
  double scoreDim, valueDim;
  double keyBytes; // of one position's key and value, one head
  double readBytes, writeBytes;
  bool causal;
};
struct PrefillCosts {
  double start_us, task_us, opsPerScore;
};
void estimatePrefill(const Device &, const mansard_kernel &, const PrefillShape &,
                     const PrefillCosts &, mansard_estimate &);

/// Bytes of a repeatedly used buffer that DRAM must deliver again: none while it fits the L2, all
/// but what stays once it exceeds it. Non-decreasing, slope at least one beyond.
double coldCacheBytes(const Device &, double bytes);

// Keys between two partial outputs: a block of 128 x 512 scores fills the unified buffers.
inline constexpr double kKeyBlock = 512;
inline constexpr double kQueryRows = 128; // of a prefill task: half of a 128 x 256 block each core
inline constexpr std::string_view kNoScoreType =
    "the cube cores of this chip do not multiply this data type";

} // namespace mansard::ascend
