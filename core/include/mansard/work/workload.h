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

/// How weights are stored and what is multiplied.
enum class Quantisation { bf16, fp16, fp8, fp8_block, w8a8, w8a16, w4a16, nvfp4, mxfp4, mxfp8 };
inline constexpr std::array<std::string_view, 10> kQuantisationNames{
    "bf16", "fp16", "fp8", "fp8-block", "w8a8", "w8a16", "w4a16", "nvfp4", "mxfp4", "mxfp8"};

struct QuantisationScheme {
  DType activations; // what the matmul multiplies
  DType weights;     // as stored
  uint32_t scaling;  // MANSARD_SCALING_*
  DType plain;       // 16-bit type of everything that is not quantised
};
QuantisationScheme schemeOf(Quantisation quantisation);

/// Degrees of parallelism. Devices = tp x pp x dp; attention is sharded by tp and replicated dp
/// times over the batch; experts are spread over ep of the tp x dp devices of a stage (1: sharded
/// by tp).
struct Parallelism {
  int64_t tp = 1, pp = 1, dp = 1, ep = 1;
  int64_t devices() const { return tp * pp * dp; }
};

/// What runs beside the expert-parallel exchange: nothing, the shared experts, or the other half of
/// the batch (two micro-batches in turn, as DeepSeek's deployments do).
enum class Overlap { none, shared_expert, two_batch };

struct Workload {
  Phase phase = Phase::decode;
  int64_t batch = 1;      // sequences in flight over the whole deployment
  int64_t context = 4096; // KV length at a decode step; prompt length in prefill
  int64_t new_tokens = 1; // checked per sequence and step (decode)
  double accept = 0;      // probability that a speculated token is kept
  Parallelism parallelism;
  Quantisation quantisation = Quantisation::bf16;
  DType kvCache = DType::bf16;
  Overlap overlap = Overlap::none;

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
