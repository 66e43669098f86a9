#include <mansard/base/names.h>
#include <mansard/hw/document.h>
#include <mansard/work/kernel.h>

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace mansard::work {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;
using Columns = std::vector<ColumnInfo>;

constexpr ColumnInfo kDtype{"dtype", "", "what is multiplied, or the input of vector work"};
constexpr ColumnInfo kWeightDtype{"weight_dtype", "dtype", "weights as stored"};
constexpr ColumnInfo kScaling{"scaling", "none", "none tensor channel token block group"};
constexpr ColumnInfo kOutDtype{"out_dtype", "dtype",
                               "result as stored; bf16 for inputs narrower than 16 bits"};

template <size_t N> std::vector<std::string> listed(const std::array<std::string_view, N> &names) {
  return {names.begin(), names.end()};
}

std::vector<std::string> dtypeNames() {
  std::vector<std::string> names;
  for (const DTypeInfo &type : kDTypes)
    names.emplace_back(type.name);
  return names;
}

/// Reads columns one by one and keeps the first error.
class Reader {
public:
  Reader(const Values &values, const Columns &columns) : values_(values), columns_(columns) {}

  std::string_view text(std::string_view column) {
    const auto found = values_.find(column);
    if (found != values_.end() && !found->second.empty())
      return found->second;
    for (const ColumnInfo &info : columns_)
      if (info.name == column) {
        if (info.defaultsTo.empty())
          fail(fmt::format("{} ({}) is missing", column, info.meaning));
        return info.defaultsTo;
      }
    return "";
  }

  int64_t size(std::string_view column) {
    const std::string_view value = text(column);
    int64_t number = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (problem == std::errc() && end == value.data() + value.size())
      return number;
    // Tables written by other programs hold whole numbers as 32768.0.
    double real = 0;
    const auto [stop, bad] = std::from_chars(value.data(), value.data() + value.size(), real);
    if (bad == std::errc() && stop == value.data() + value.size() && std::fabs(real) < 1e15 &&
        real == std::floor(real))
      return static_cast<int64_t>(real);
    fail(fmt::format("{} is '{}', not a whole number", column, value));
    return 0;
  }

  int32_t tile(std::string_view column) {
    const int64_t number = size(column);
    if (number >= 0 && number <= std::numeric_limits<int32_t>::max())
      return static_cast<int32_t>(number);
    fail(fmt::format("{} is {}; it may be 0 to {}", column, number,
                     std::numeric_limits<int32_t>::max()));
    return 0;
  }

  bool flag(std::string_view column) {
    const std::string_view value = text(column);
    if (value != "0" && value != "1")
      fail(fmt::format("{} is '{}'; it may be 0 or 1", column, value));
    return value == "1";
  }

  double real(std::string_view column) {
    const std::string_view value = text(column);
    double number = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (problem != std::errc() || end != value.data() + value.size() || !std::isfinite(number)) {
      fail(fmt::format("{} is '{}', not a number", column, value));
      return 0;
    }
    return number;
  }

  DType dtype(std::string_view column, DType otherwise) {
    const auto found = values_.find(column);
    if (found == values_.end() || found->second.empty())
      return otherwise;
    return dtype(column);
  }

  DType dtype(std::string_view column) {
    const std::string_view value = text(column);
    if (const auto type = parseDType(value))
      return *type;
    fail(fmt::format("{} '{}' is not a data type{}; there are {}", column, value,
                     hw::suggestion(value, dtypeNames()), fmt::join(dtypeNames(), ", ")));
    return DType::bf16;
  }

  template <size_t N>
  uint32_t choice(std::string_view column, const std::array<std::string_view, N> &names) {
    const std::string_view value = text(column);
    if (const auto index = indexOf(names, value))
      return *index;
    fail(fmt::format("{} '{}' is not known{}; there are {}", column, value,
                     hw::suggestion(value, listed(names)), fmt::join(names, ", ")));
    return 0;
  }

  void fail(std::string message) {
    if (error_.empty())
      error_ = std::move(message);
  }
  const std::string &error() const { return error_; }

private:
  const Values &values_;
  const Columns &columns_;
  std::string error_;
};

/// Results of narrow inputs are 16 bits wide unless asked otherwise.
DType resultOf(DType input) { return bytesOf(input) < 2 ? DType::bf16 : input; }

Kernel start(uint32_t op, Reader &read, std::string_view weightColumn) {
  const DType type = read.dtype("dtype");
  const uint32_t scaling = read.choice("scaling", kScalingNames);
  return makeKernel(op, type, weightColumn.empty() ? type : read.dtype(weightColumn, type),
                    read.dtype("out_dtype", resultOf(type)), scaling);
}

void readDistribution(Reader &read, mansard_moe &moe) {
  const std::string_view value = read.text("distribution");
  constexpr std::string_view powerLaw = "power_law_";
  if (value == "balanced")
    return;
  const std::string_view exponent =
      value.starts_with(powerLaw) ? value.substr(powerLaw.size()) : "";
  const auto [end, problem] =
      std::from_chars(exponent.data(), exponent.data() + exponent.size(), moe.alpha);
  if (exponent.empty() || problem != std::errc() || end != exponent.data() + exponent.size())
    return read.fail(fmt::format(
        "distribution '{}' is not known; it is balanced or power_law_A, as in power_law_1.2",
        value));
  moe.distribution = MANSARD_DISTRIBUTION_POWER_LAW;
}

/// expert_parallel has two latencies a row; `direction` picks one.
void readExpertParallel(Reader &read, mansard_expert_parallel &e) {
  e.mode = read.choice("mode", kEpModeNames);
  e.direction = read.choice("direction", kEpDirectionNames);
  e.ranks = read.size("ranks");
  e.hidden = read.size("hidden");
  e.tokens = read.size("tokens");
  e.topk = read.size("topk");
  e.experts = read.size("experts");
  e.node_limit = read.size("node_limit");
}

} // namespace

const std::vector<ColumnInfo> &columnsOf(uint32_t op) {
  static const Columns gemm{
      kDtype,
      kWeightDtype,
      kScaling,
      kOutDtype,
      {"m", "", "rows of the activations"},
      {"n", "", "columns of the result"},
      {"k", "", "inner dimension"},
      {"quantize", "0", "1: the activations come in 16 bits and are quantised first"},
      {"tile_m", "0", "rows of a fixed tile; 0: the model chooses"},
      {"tile_n", "0", "columns of a fixed tile"},
      {"tile_k", "0", "its depth in one step"},
      {"split_k", "0", "parts of k, each a tile's own"}};
  static const Columns grouped{kDtype,
                               kWeightDtype,
                               kScaling,
                               kOutDtype,
                               {"groups", "", "independent matmuls"},
                               {"m", "", "rows of each group, on average"},
                               {"n", "", "columns of each result"},
                               {"k", "", "inner dimension"}};
  static const Columns attention{
      kDtype,
      {"kv_dtype", "dtype", "keys and values as stored"},
      {"scaling", "none", "of the cache"},
      kOutDtype,
      {"batch", "", "sequences"},
      {"q_len", "", "queries of each sequence"},
      {"kv_len", "", "positions of each sequence, the queries' own included"},
      {"heads", "", "query heads on this device"},
      {"kv_heads", "", "key-value heads on this device"},
      {"head_dim", "128", "width of a head"},
      {"causal", "1", "1: a query sees no later position"},
      {"window", "0", "positions a query sees at most; 0: all"},
      {"sinks", "0", "1: a learned logit per head joins the softmax"}};
  static const Columns mla{kDtype,
                           {"kv_dtype", "dtype", "the latent cache as stored"},
                           {"scaling", "none", "of the cache"},
                           kOutDtype,
                           {"batch", "", "sequences"},
                           {"q_len", "", "queries of each sequence"},
                           {"kv_len", "", "positions of each sequence, the queries' own included"},
                           {"heads", "", "query heads on this device"},
                           {"latent_dim", "512", "compressed key-value width"},
                           {"rope_dim", "64", "rotary part of a head"},
                           {"nope_dim", "128", "non-rotary part of a head"},
                           {"value_dim", "128", "value width of a head"}};
  static const Columns vector{{"kind", "",
                               "add add_rmsnorm rmsnorm layernorm silu_mul gelu softmax quantize "
                               "quantize_dynamic copy rope gather scatter topk mul"},
                              kDtype,
                              {"scaling", "none", "of a quantised result"},
                              kOutDtype,
                              {"rows", "", "rows (tokens)"},
                              {"cols", "", "columns of the result"},
                              {"topk", "0", "topk: how many are kept of each row"}};
  static const Columns moe{kDtype,
                           kWeightDtype,
                           kScaling,
                           kOutDtype,
                           {"tokens", "", "tokens of the whole expert-parallel group"},
                           {"hidden", "", "model width"},
                           {"inter", "", "width of one expert"},
                           {"topk", "", "experts of each token"},
                           {"experts", "", "routed experts of the group"},
                           {"moe_tp", "1", "devices that share the width of each expert"},
                           {"moe_ep", "1", "devices that the experts are spread over"},
                           {"distribution", "balanced", "balanced or power_law_A"},
                           {"gated", "1", "1: two first matrices, one the other's gate; 0: one"}};
  static const Columns collective{
      {"kind", "", "all_reduce all_gather reduce_scatter alltoall send"},
      {"dtype", "bf16", "what is reduced"},
      {"scaling", "none", "not used"},
      {"ranks", "", "devices that take part"},
      {"size_bytes", "", "as nccl-tests count it"}};
  static const Columns expertParallel{
      {"direction", "dispatch", "dispatch or combine"},
      {"mode", "normal", "low_latency or normal"},
      {"dtype", "bf16", "rows as they travel"},
      {"scaling", "none", "of the rows"},
      {"ranks", "", "devices that the experts are spread over"},
      {"hidden", "", "model width"},
      {"tokens", "", "tokens of each rank"},
      {"topk", "", "experts of each token"},
      {"experts", "", "routed experts"},
      {"node_limit", "0", "nodes that a token's experts lie on at most; 0: no limit"}};
  static const Columns custom{
      {"dtype", "bf16", "what the matrix unit multiplies"},
      {"scaling", "none", "not used"},
      {"matrix_operations", "0", "on the matrix unit"},
      {"vector_operations", "0", "on the vector unit"},
      {"special_operations", "0", "exponentials and their like"},
      {"read_bytes", "0", "from memory"},
      {"write_bytes", "0", "to memory"},
      {"l2_bytes", "0", "through the last-level cache beyond those"},
      {"link_bytes", "0", "sent to other devices"},
      {"integer_operations", "0", "on the vector unit"},
      {"sram_bytes", "0", "to and from the cores' own memory"},
      {"groups", "0", "work groups of the launch; 0: spread evenly"},
      {"groups_per_core", "0", "that a core holds at once; 0: not known"},
      {"group_cycles", "0", "that a group keeps its core's busiest issue port; 0: not known"}};
  switch (op) {
  case MANSARD_OP_MATMUL:
    return gemm;
  case MANSARD_OP_GROUPED_MATMUL:
    return grouped;
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE:
    return attention;
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE:
    return mla;
  case MANSARD_OP_VECTOR:
    return vector;
  case MANSARD_OP_MOE:
    return moe;
  case MANSARD_OP_COLLECTIVE:
    return collective;
  case MANSARD_OP_EXPERT_PARALLEL:
    return expertParallel;
  default:
    return custom;
  }
}

Result<Kernel> fromColumns(uint32_t op, const Values &values) {
  if (op >= MANSARD_OP_COUNT)
    return Error{ErrorCode::invalidInput, fmt::format("unknown operation code {}", op), ""};
  Reader read(values, columnsOf(op));
  const bool attends = op >= MANSARD_OP_ATTENTION_PREFILL && op <= MANSARD_OP_MLA_DECODE;
  const bool hasWeights =
      op == MANSARD_OP_MATMUL || op == MANSARD_OP_GROUPED_MATMUL || op == MANSARD_OP_MOE;
  Kernel kernel = start(op, read, attends ? "kv_dtype" : hasWeights ? "weight_dtype" : "");
  switch (op) {
  case MANSARD_OP_MATMUL:
    kernel.u.matmul = {
        read.size("m"),      read.size("n"),      read.size("k"),      0, 0, read.tile("tile_m"),
        read.tile("tile_n"), read.tile("tile_k"), read.tile("split_k")};
    if (read.flag("quantize"))
      kernel.u.matmul.epilogue |= MANSARD_PROLOGUE_QUANTIZE;
    break;
  case MANSARD_OP_GROUPED_MATMUL:
    kernel.u.grouped_matmul = {read.size("groups"), read.size("m"), read.size("n"), read.size("k")};
    break;
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE:
    kernel.u.attention = {read.size("batch"),
                          read.size("q_len"),
                          read.size("kv_len"),
                          read.size("heads"),
                          read.size("kv_heads"),
                          read.size("head_dim"),
                          read.size("window"),
                          static_cast<uint32_t>(read.size("causal")),
                          static_cast<uint32_t>(read.size("sinks"))};
    break;
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE:
    kernel.u.mla = {read.size("batch"),    read.size("q_len"),      read.size("kv_len"),
                    read.size("heads"),    read.size("latent_dim"), read.size("rope_dim"),
                    read.size("nope_dim"), read.size("value_dim")};
    break;
  case MANSARD_OP_VECTOR:
    kernel.u.vector = {read.size("rows"), read.size("cols"), read.size("topk"),
                       read.choice("kind", kVectorNames), 0};
    break;
  case MANSARD_OP_MOE:
    kernel.u.moe = {read.size("tokens"),
                    read.size("hidden"),
                    read.size("inter"),
                    read.size("topk"),
                    read.size("experts"),
                    read.size("moe_tp"),
                    read.size("moe_ep"),
                    0.0,
                    MANSARD_DISTRIBUTION_BALANCED,
                    read.flag("gated") ? 1u : 0u};
    readDistribution(read, kernel.u.moe);
    break;
  case MANSARD_OP_COLLECTIVE:
    kernel.u.collective = {read.size("ranks"), read.size("size_bytes"),
                           read.choice("kind", kCollectiveNames), 0};
    break;
  case MANSARD_OP_EXPERT_PARALLEL:
    readExpertParallel(read, kernel.u.expert_parallel);
    break;
  default:
    kernel.u.custom = {read.real("matrix_operations"),  read.real("vector_operations"),
                       read.real("special_operations"), read.real("read_bytes"),
                       read.real("write_bytes"),        read.real("l2_bytes"),
                       read.real("link_bytes"),         read.real("integer_operations"),
                       read.real("sram_bytes"),         read.real("groups"),
                       read.real("groups_per_core"),    read.real("group_cycles")};
  }
  if (!read.error().empty())
    return Error{ErrorCode::invalidInput, read.error(), std::string(kOpNames[op])};
  if (Result<> valid = check(kernel); !valid)
    return Error{ErrorCode::invalidInput, valid.error().message, std::string(kOpNames[op])};
  return kernel;
}

} // namespace mansard::work
