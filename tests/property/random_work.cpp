#include "random_work.h"

#include <mansard/base/names.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::test {

RandomWork::RandomWork(uint64_t seed, std::vector<DType> native)
    : engine_(seed), native_(std::move(native)) {}

double RandomWork::real(double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(engine_);
}

int64_t RandomWork::size(int64_t low, int64_t high) {
  const double drawn = std::exp(real(std::log(static_cast<double>(low)), std::log(high + 0.999)));
  return std::clamp(static_cast<int64_t>(drawn), low, high);
}

uint32_t RandomWork::below(uint32_t bound) { return static_cast<uint32_t>(engine_() % bound); }

DType RandomWork::dtype() { return native_[below(static_cast<uint32_t>(native_.size()))]; }

work::Kernel RandomWork::kernel(uint32_t op) {
  DType type = dtype();
  const bool attends = op >= MANSARD_OP_ATTENTION_PREFILL && op <= MANSARD_OP_MLA_DECODE;
  const bool plain = attends || op == MANSARD_OP_VECTOR || op == MANSARD_OP_COLLECTIVE ||
                     op == MANSARD_OP_EXPERT_PARALLEL;
  // Chips before Ampere's time multiply FP16 alone.
  const bool hasBf16 = std::find(native_.begin(), native_.end(), DType::bf16) != native_.end();
  const DType wide = hasBf16 ? DType::bf16 : DType::fp16;
  if (plain)
    type = wide;
  const DType out = bytesOf(type) < 2 ? wide : type;
  work::Kernel kernel = work::makeKernel(op, type, type, out, MANSARD_SCALING_NONE);
  switch (op) {
  case MANSARD_OP_MATMUL:
    kernel.u.matmul = {size(1, 32768), size(16, 65536), size(16, 32768), 0, 0, 0, 0, 0, 0};
    break;
  case MANSARD_OP_GROUPED_MATMUL:
    kernel.u.grouped_matmul = {size(1, 256), size(1, 4096), size(16, 8192), size(16, 8192)};
    break;
  case MANSARD_OP_ATTENTION_PREFILL: {
    const int64_t kvHeads = size(1, 16), length = size(1, 16384);
    kernel.u.attention = {size(1, 16),
                          length,
                          length + (below(2) ? size(1, 8192) : 0),
                          kvHeads * size(1, 16),
                          kvHeads,
                          below(2) ? 64 : 128,
                          below(3) == 0 ? size(1, 4096) : 0,
                          1,
                          below(2)};
    break;
  }
  case MANSARD_OP_ATTENTION_DECODE: {
    const int64_t kvHeads = size(1, 16), queries = below(4) == 0 ? size(1, 4) : 1;
    kernel.u.attention = {size(1, 512),
                          queries,
                          queries + size(1, 65536),
                          kvHeads * size(1, 16),
                          kvHeads,
                          below(2) ? 64 : 128,
                          below(3) == 0 ? size(1, 4096) : 0,
                          1,
                          below(2)};
    break;
  }
  case MANSARD_OP_MLA_PREFILL: {
    const int64_t length = size(1, 16384);
    kernel.u.mla = {size(1, 16), length, length, size(1, 128), 512, 64, 128, 128};
    break;
  }
  case MANSARD_OP_MLA_DECODE: {
    const int64_t queries = below(4) == 0 ? size(1, 4) : 1;
    kernel.u.mla = {size(1, 512), queries, queries + size(1, 65536), size(1, 128), 512, 64,
                    128,          128};
    break;
  }
  case MANSARD_OP_VECTOR:
    kernel.u.vector = {size(1, 65536), size(8, 32768), 0, below(MANSARD_VECTOR_COUNT), 0};
    if (kernel.u.vector.kind == MANSARD_VECTOR_TOPK)
      kernel.u.vector.topk = size(1, 8);
    break;
  case MANSARD_OP_MOE: {
    const int64_t experts = int64_t{1} << size(3, 8);
    kernel.u.moe = {size(1, 65536),
                    size(512, 8192),
                    size(256, 16384),
                    size(1, 8),
                    experts,
                    int64_t{1} << below(3),
                    int64_t{1} << below(4),
                    0,
                    MANSARD_DISTRIBUTION_BALANCED,
                    1};
    break;
  }
  case MANSARD_OP_COLLECTIVE:
    kernel.u.collective = {int64_t{1} << below(7), size(64, int64_t{1} << 32),
                           below(MANSARD_COLLECTIVE_COUNT), 0};
    break;
  case MANSARD_OP_EXPERT_PARALLEL:
    kernel.u.expert_parallel = {
        int64_t{1} << below(9), size(1024, 8192), size(1, 8192), size(1, 8), 256,
        below(2) * 4,           below(2),         below(2)};
    break;
  default:
    kernel.u.custom = {
        real(0, 1e12), real(0, 1e10), real(0, 1e9), real(0, 1e9), real(0, 1e9), real(0, 1e9), 0,
        real(0, 1e10), real(0, 1e10), static_cast<double>(below(3) * size(1, 4096)),
        static_cast<double>(below(9)), real(0, 1e5)};
  }
  return kernel;
}

std::vector<DType> nativeTypes(const hw::Chip &chip) {
  std::vector<DType> types;
  for (DType type : {DType::bf16, DType::fp16, DType::fp8, DType::int8})
    if (chip.peakOpsPerSecond(static_cast<uint32_t>(type)) > 0)
      types.push_back(type);
  return types;
}

std::vector<int64_t *> growingSizes(work::Kernel &kernel) {
  switch (kernel.op) {
  case MANSARD_OP_MATMUL:
    return {&kernel.u.matmul.m, &kernel.u.matmul.n, &kernel.u.matmul.k};
  case MANSARD_OP_GROUPED_MATMUL: {
    mansard_grouped_matmul &g = kernel.u.grouped_matmul;
    return {&g.groups, &g.m, &g.n, &g.k};
  }
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE:
    return {&kernel.u.attention.batch, &kernel.u.attention.kv_len};
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE:
    return {&kernel.u.mla.batch, &kernel.u.mla.kv_len, &kernel.u.mla.heads};
  case MANSARD_OP_VECTOR:
    return {&kernel.u.vector.rows, &kernel.u.vector.cols};
  case MANSARD_OP_MOE:
    return {&kernel.u.moe.tokens, &kernel.u.moe.hidden, &kernel.u.moe.inter};
  case MANSARD_OP_COLLECTIVE:
    return {&kernel.u.collective.size_bytes};
  case MANSARD_OP_EXPERT_PARALLEL:
    return {&kernel.u.expert_parallel.tokens, &kernel.u.expert_parallel.hidden};
  default:
    return {};
  }
}

std::vector<hw::Override> randomOverrides(RandomWork &random, const hw::Chip &chip) {
  std::vector<hw::Override> overrides;
  const auto scale = [&](const char *key, double least, double most) {
    if (chip.has(key))
      overrides.push_back(
          {key, fmt::format("{:.6g}", chip.number(key) * random.real(least, most))});
  };
  scale("compute.clock_GHz", 0.6, 1.6);
  scale("l2.size_MiB", 0.25, 4);
  scale("l2.read_GBps", 0.5, 2);
  scale("memory.pin_rate_Gbps", 0.5, 2);
  overrides.push_back({"compute.cores", fmt::format("{}", random.size(4, 256))});
  overrides.push_back({"memory.stacks", fmt::format("{}", random.size(1, 12))});
  return overrides;
}

} // namespace mansard::test
