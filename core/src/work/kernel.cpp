#include <mansard/base/counts.h>
#include <mansard/base/names.h>
#include <mansard/base/stated_tile.h>
#include <mansard/work/kernel.h>

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <initializer_list>
#include <tuple>

namespace mansard::work {
namespace {

// A product of three sizes must stay well inside a double's exact integers times rounding: 2^40
// each is more than any tensor has, and 2^120 is far from overflow.
constexpr int64_t kLargest = int64_t{1} << 40;

/// A tile larger than the problem is padding, which libraries accept up to the largest tiles there
/// are.
constexpr int32_t kLargestTile = 512;

struct Size {
  const char *name;
  int64_t value;
  int64_t least = 1;
};

Result<> checkSizes(std::initializer_list<Size> sizes) {
  for (const Size &size : sizes)
    if (size.value < size.least || size.value > kLargest)
      return Error{
          ErrorCode::invalidInput,
          fmt::format("{} is {}; it may be {} to {}", size.name, size.value, size.least, kLargest),
          ""};
  return Ok{};
}

Error invalid(std::string message) { return {ErrorCode::invalidInput, std::move(message), ""}; }

Result<> checkMatmul(const mansard_matmul &g) {
  if (Result<> sizes = checkSizes({{"m", g.m}, {"n", g.n}, {"k", g.k}}); !sizes)
    return sizes;
  if (const std::string_view problem = statedTileProblem(g); !problem.empty())
    return invalid(fmt::format("{}; it is {} x {} x {}, split {}", problem, g.tile_m, g.tile_n,
                               g.tile_k, g.split_k));
  for (const auto &[name, tile, whole] : {std::tuple{"tile_m", g.tile_m, g.m},
                                          {"tile_n", g.tile_n, g.n},
                                          {"tile_k", g.tile_k, g.k}})
    if (tile > kLargestTile && tile > whole)
      return invalid(fmt::format("{} is {}, more than the {} that there are; tiles beyond the "
                                 "problem's size may have up to {}",
                                 name, tile, whole, kLargestTile));
  if (g.split_k > g.k)
    return invalid(fmt::format("split_k is {}, more than the {} of k", g.split_k, g.k));
  return Ok{};
}

Result<> checkAttention(const mansard_attention &a) {
  if (Result<> sizes = checkSizes({{"batch", a.batch},
                                   {"q_len", a.q_len},
                                   {"kv_len", a.kv_len},
                                   {"heads", a.heads},
                                   {"kv_heads", a.kv_heads},
                                   {"head_dim", a.head_dim},
                                   {"window", a.window, 0}});
      !sizes)
    return sizes;
  if (a.heads % a.kv_heads != 0)
    return invalid(fmt::format("{} heads do not divide among {} kv_heads", a.heads, a.kv_heads));
  if (a.causal > 1 || a.sinks > 1)
    return invalid("causal and sinks are 0 or 1");
  if (a.causal && a.q_len > a.kv_len)
    return invalid(
        fmt::format("kv_len {} counts the queries' own positions, so it is at least q_len {}",
                    a.kv_len, a.q_len));
  return Ok{};
}

Result<> checkMla(const mansard_mla &a) {
  if (Result<> sizes = checkSizes({{"batch", a.batch},
                                   {"q_len", a.q_len},
                                   {"kv_len", a.kv_len},
                                   {"heads", a.heads},
                                   {"latent_dim", a.latent_dim},
                                   {"rope_dim", a.rope_dim},
                                   {"nope_dim", a.nope_dim},
                                   {"value_dim", a.value_dim}});
      !sizes)
    return sizes;
  if (a.q_len > a.kv_len)
    return invalid(
        fmt::format("kv_len {} counts the queries' own positions, so it is at least q_len {}",
                    a.kv_len, a.q_len));
  return Ok{};
}

Result<> checkMoe(const mansard_moe &m) {
  if (Result<> sizes = checkSizes({{"tokens", m.tokens},
                                   {"hidden", m.hidden},
                                   {"inter", m.inter},
                                   {"topk", m.topk},
                                   {"experts", m.experts},
                                   {"moe_tp", m.tp},
                                   {"moe_ep", m.ep}});
      !sizes)
    return sizes;
  if (m.topk > m.experts)
    return invalid(fmt::format("topk {} is more than the {} experts", m.topk, m.experts));
  if (m.ep > m.experts)
    return invalid(fmt::format("moe_ep {} is more than the {} experts", m.ep, m.experts));
  if (m.tp > m.inter)
    return invalid(fmt::format("moe_tp {} is more than inter {}", m.tp, m.inter));
  if (m.experts > (1 << 20))
    return invalid(fmt::format("{} experts; it may be at most {}", m.experts, 1 << 20));
  if (m.distribution > MANSARD_DISTRIBUTION_POWER_LAW || m.gated > 1 ||
      !(m.alpha >= 0 && m.alpha <= 10))
    return invalid("distribution is balanced or power_law_A with A between 0 and 10");
  return Ok{};
}

Result<> checkCustom(const mansard_custom &u) {
  for (double count : {u.matrix_operations, u.vector_operations, u.special_operations, u.read_bytes,
                       u.write_bytes, u.l2_bytes, u.link_bytes, u.integer_operations, u.sram_bytes,
                       u.groups, u.groups_per_core, u.group_cycles})
    if (!(count >= 0 && count <= 1e30))
      return invalid(fmt::format("a count of a custom kernel is {}; it may be 0 to 1e30", count));
  return Ok{};
}

} // namespace

Kernel makeKernel(uint32_t op, DType dtype, DType weightDType, DType outDType, uint32_t scaling) {
  Kernel kernel;
  std::memset(&kernel, 0, sizeof kernel); // equal() compares bytes
  kernel.struct_size = sizeof kernel;
  kernel.op = op;
  kernel.dtype = static_cast<uint32_t>(dtype);
  kernel.weight_dtype = static_cast<uint32_t>(weightDType);
  kernel.out_dtype = static_cast<uint32_t>(outDType);
  kernel.scaling = scaling;
  return kernel;
}

Result<> check(const Kernel &kernel) {
  if (!isDType(kernel.dtype) || !isDType(kernel.weight_dtype) || !isDType(kernel.out_dtype))
    return invalid("unknown dtype code");
  if (kernel.scaling >= MANSARD_SCALING_COUNT)
    return invalid("unknown scaling code");
  switch (kernel.op) {
  case MANSARD_OP_MATMUL:
    return checkMatmul(kernel.u.matmul);
  case MANSARD_OP_GROUPED_MATMUL: {
    const mansard_grouped_matmul &g = kernel.u.grouped_matmul;
    return checkSizes({{"groups", g.groups}, {"m", g.m}, {"n", g.n}, {"k", g.k}});
  }
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE:
    return checkAttention(kernel.u.attention);
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE:
    return checkMla(kernel.u.mla);
  case MANSARD_OP_VECTOR: {
    const mansard_vector &v = kernel.u.vector;
    if (v.kind >= MANSARD_VECTOR_COUNT)
      return invalid("unknown kind of vector work");
    return checkSizes({{"rows", v.rows},
                       {"cols", v.cols},
                       {"topk", v.topk, v.kind == MANSARD_VECTOR_TOPK ? 1 : 0}});
  }
  case MANSARD_OP_MOE:
    return checkMoe(kernel.u.moe);
  case MANSARD_OP_COLLECTIVE: {
    const mansard_collective &c = kernel.u.collective;
    if (c.kind >= MANSARD_COLLECTIVE_COUNT)
      return invalid("unknown kind of collective");
    return checkSizes({{"ranks", c.ranks}, {"size_bytes", c.size_bytes}});
  }
  case MANSARD_OP_EXPERT_PARALLEL: {
    const mansard_expert_parallel &e = kernel.u.expert_parallel;
    if (e.direction > MANSARD_EP_COMBINE || e.mode > MANSARD_EP_MODE_NORMAL)
      return invalid("unknown direction or mode of an expert exchange");
    return checkSizes({{"ranks", e.ranks},
                       {"hidden", e.hidden},
                       {"tokens", e.tokens},
                       {"topk", e.topk},
                       {"experts", e.experts},
                       {"node_limit", e.node_limit, 0}});
  }
  case MANSARD_OP_CUSTOM:
    return checkCustom(kernel.u.custom);
  default:
    return invalid(fmt::format("unknown operation code {}", kernel.op));
  }
}

bool equal(const Kernel &a, const Kernel &b) { return std::memcmp(&a, &b, sizeof(Kernel)) == 0; }

std::string describe(const Kernel &kernel) {
  const std::string_view op = kOpNames[kernel.op], type = kDTypes[kernel.dtype].name;
  switch (kernel.op) {
  case MANSARD_OP_MATMUL: {
    const mansard_matmul &g = kernel.u.matmul;
    const std::string weights = kernel.weight_dtype == kernel.dtype
                                    ? ""
                                    : fmt::format(" x {}", kDTypes[kernel.weight_dtype].name);
    std::string tile;
    if (g.tile_m)
      tile = fmt::format(" tile {}x{}", g.tile_m, g.tile_n);
    if (g.tile_k)
      tile += fmt::format("x{}", g.tile_k);
    if (g.split_k > 1)
      tile += fmt::format(" split {}", g.split_k);
    return fmt::format("{} {}{} {}x{}x{}{}", op, type, weights, g.m, g.n, g.k, tile);
  }
  case MANSARD_OP_GROUPED_MATMUL: {
    const mansard_grouped_matmul &g = kernel.u.grouped_matmul;
    return fmt::format("{} {} {} of {}x{}x{}", op, type, g.groups, g.m, g.n, g.k);
  }
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE: {
    const mansard_attention &a = kernel.u.attention;
    return fmt::format("{} {} batch {} q {} kv {} heads {}/{}x{}{}", op, type, a.batch, a.q_len,
                       a.kv_len, a.heads, a.kv_heads, a.head_dim,
                       a.window ? fmt::format(" window {}", a.window) : "");
  }
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE: {
    const mansard_mla &a = kernel.u.mla;
    return fmt::format("{} {} batch {} q {} kv {} heads {}", op, type, a.batch, a.q_len, a.kv_len,
                       a.heads);
  }
  case MANSARD_OP_VECTOR: {
    const mansard_vector &v = kernel.u.vector;
    return fmt::format("{} {} {}x{}", kVectorNames[v.kind], type, v.rows, v.cols);
  }
  case MANSARD_OP_MOE: {
    const mansard_moe &m = kernel.u.moe;
    return fmt::format("{} {} tokens {} hidden {} inter {} top {} of {} tp {} ep {}", op, type,
                       m.tokens, m.hidden, m.inter, m.topk, m.experts, m.tp, m.ep);
  }
  case MANSARD_OP_COLLECTIVE: {
    const mansard_collective &c = kernel.u.collective;
    return fmt::format("{} {} ranks {} bytes", kCollectiveNames[c.kind], c.ranks, c.size_bytes);
  }
  case MANSARD_OP_EXPERT_PARALLEL: {
    const mansard_expert_parallel &e = kernel.u.expert_parallel;
    return fmt::format("{} {} {} ranks {} tokens x {}", kEpDirectionNames[e.direction], type,
                       e.ranks, e.tokens, e.hidden);
  }
  case MANSARD_OP_CUSTOM: {
    const mansard_custom &u = kernel.u.custom;
    return fmt::format("{} {} {:.4g} MB {:.4g} Mop", op, type,
                       (u.read_bytes + u.write_bytes) * 1e-6,
                       (u.matrix_operations + u.vector_operations + u.special_operations +
                        u.integer_operations) *
                           1e-6);
  }
  default:
    return std::string(op);
  }
}

} // namespace mansard::work
