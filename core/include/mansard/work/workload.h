// What is asked of a deployment: phase, batch, lengths, parallelism, quantisation.
#pragma once

#include <mansard/base/dtype.h>
#include <mansard/base/result.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace mansard::hw {
struct Chip;
}

namespace mansard::work {

enum class Phase { prefill, decode };

/// How weights are stored and what is multiplied. mxfp4_mxfp8: weights in the first, activations in
/// the second, as servers run mxfp4 checkpoints on Blackwell.
enum class Quantisation {
  bf16,
  fp16,
  fp8,
  fp8_block,
  w8a8,
  w8a16,
  w4a16,
  nvfp4,
  mxfp4,
  mxfp8,
  mxfp4_mxfp8
};
inline constexpr std::array<std::string_view, 11> kQuantisationNames{
    "bf16",  "fp16",  "fp8",   "fp8-block", "w8a8",       "w8a16",
    "w4a16", "nvfp4", "mxfp4", "mxfp8",     "mxfp4-mxfp8"};

struct QuantisationScheme {
  DType activations; // what the matmul multiplies
  DType weights;     // as stored
  uint32_t scaling;  // MANSARD_SCALING_*
  DType plain;       // 16-bit type of everything that is not quantised
};
QuantisationScheme schemeOf(Quantisation quantisation);

/// How tokens reach experts on other replicas' devices and their results come back: each to the
/// devices of its experts (dispatch and combine), or all of the group's to all of its devices and
/// the sums scattered (all-gather and reduce-scatter, which any collective library has).
enum class ExpertExchange { all_to_all, all_gather };

/// Degrees of parallelism. Devices = tp x pp x dp x cp. Attention is sharded by tp, its positions
/// by cp, and it is replicated dp times over the batch; what works on tokens one by one shares them
/// over dp and cp. Experts are spread over ep of the tp x dp x cp devices of a stage, each cut in
/// moe_tp parts, apart from how attention is sharded.
struct Parallelism {
  int64_t tp = 1, pp = 1, dp = 1, ep = 1;
  int64_t moe_tp = 0; // 0: what ep leaves of tp; 1 where experts lie on several replicas
  int64_t cp = 1;
  bool sp = false; // norms and residuals on shares of the rows: reduce-scatter and all-gather in
                   // place of each all-reduce
  ExpertExchange exchange = ExpertExchange::all_to_all; // all_gather wherever moe_tp > 1
  int64_t redundant_experts = 0;                        // second copies of experts, of each layer

  int64_t devices() const { return tp * pp * dp * cp; }
  /// Of one pipeline stage.
  int64_t stageDevices() const { return tp * dp * cp; }
  /// Devices over which the width of an expert is cut.
  int64_t expertWidthWays() const { return moe_tp > 0 ? moe_tp : ep < tp ? tp / ep : 1; }
  /// Devices that hold one set of experts together.
  int64_t expertGroup() const { return ep * expertWidthWays(); }
  /// Whether that is more than one replica has.
  bool spansReplicas() const { return expertGroup() > tp; }
  bool gathersTokens() const {
    return spansReplicas() && (expertWidthWays() > 1 || exchange == ExpertExchange::all_gather);
  }
};

/// "tp 4, dp 2, ep 8"; "one device".
std::string degreesOf(const Parallelism &parallelism);

/// What runs beside the expert-parallel exchange: nothing, the shared experts, or the other half of
/// the batch (two micro-batches in turn, as DeepSeek's deployments do).
enum class Overlap { none, shared_expert, two_batch };

struct Workload {
  Phase phase = Phase::decode;
  int64_t batch = 1;      // sequences in flight over the whole deployment
  int64_t context = 4096; // KV length at a decode step; prompt length in prefill
  int64_t cached = 0;     // of each prompt's positions, those in the cache already (prefill): a
                          // prefix that was seen before, or earlier chunks
  int64_t new_tokens = 1; // checked per sequence and step (decode)
  /// Prefill as the forward pass of a training step: logits and loss of every position, no cache,
  /// nothing fused away that a backward pass needs.
  bool training = false;
  double accept = 0;    // probability that a speculated token is kept
  double imbalance = 1; // rows of the busiest device of experts over the mean of all
  Parallelism parallelism;
  Quantisation quantisation = Quantisation::bf16;
  DType kvCache = DType::bf16;
  Overlap overlap = Overlap::none;

  /// That a step computes of each sequence; in prefill they attend to the cached ones too.
  int64_t tokensPerSequence() const {
    return phase == Phase::prefill ? context - cached : new_tokens;
  }
  /// Sequences of the busiest data-parallel replica and pipeline micro-batch.
  int64_t sequencesPerReplica() const;
  /// Tokens that a step of the whole deployment yields (decode) or reads (prefill).
  double tokensPerStep() const;
};

/// Degrees that do not divide what they shard are errors that name both and the nearest valid
/// degree. Model-dependent checks (heads by tp, experts by ep) are the lowering's.
Result<> check(const Workload &workload);

/// What the target's matrix unit multiplies natively; legalisation needs no more of a chip than
/// this. Kernels in LLVM IR are counted for `chip`, which is borrowed.
struct Capabilities {
  std::string target;
  std::array<bool, MANSARD_DTYPE_COUNT> matrix{};
  int64_t scaleUpDomain =
      0; // devices behind the fast links: decides how expert exchange is routed (0: unknown)
  const hw::Chip *chip = nullptr;
  bool has(DType type) const { return matrix[static_cast<uint32_t>(type)]; }
};

} // namespace mansard::work
