// The names that the command line, the tables and the dialect use for the ABI's enumerations, in
// its order.
#pragma once

#include <mansard/sdk/abi.h>

#include <array>
#include <string_view>

namespace mansard {

inline constexpr std::array<std::string_view, MANSARD_SCALING_COUNT> kScalingNames{
    "none", "tensor", "channel", "token", "block", "group"};

inline constexpr std::array<std::string_view, MANSARD_BOUND_COUNT> kBoundNames{
    "matrix", "vector", "sram", "l2", "dram", "link", "fixed"};

inline constexpr std::array<std::string_view, MANSARD_OP_COUNT> kOpNames{
    "gemm",   "grouped_gemm", "attention_prefill", "attention_decode", "mla_prefill", "mla_decode",
    "vector", "moe",          "collective",        "expert_parallel",  "custom"};

inline constexpr std::array<std::string_view, MANSARD_VECTOR_COUNT> kVectorNames{
    "add",      "add_rmsnorm",      "rmsnorm", "layernorm", "silu_mul", "gelu",    "softmax",
    "quantize", "quantize_dynamic", "copy",    "rope",      "gather",   "scatter", "topk",
    "mul"};

inline constexpr std::array<std::string_view, MANSARD_COLLECTIVE_COUNT> kCollectiveNames{
    "all_reduce", "all_gather", "reduce_scatter", "alltoall", "send"};

inline constexpr std::array<std::string_view, 2> kEpDirectionNames{"dispatch", "combine"};
inline constexpr std::array<std::string_view, 2> kEpModeNames{"low_latency", "normal"};
inline constexpr std::array<std::string_view, 4> kTopologyNames{"switch", "mesh", "ring", "bus"};
/// Behind the levels of mansard_chip.links its `node`.
inline constexpr std::array<std::string_view, MANSARD_LINK_COUNT + 1> kLinkNames{
    "die", "scale_up", "scale_out", "node"};

} // namespace mansard
