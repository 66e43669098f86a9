// What flags and files call the choices that a workload leaves.
#pragma once

#include <array>
#include <string_view>

namespace mansard::work {

/// Data types that a KV cache may have, as parseDType() takes them.
inline constexpr std::array<std::string_view, 4> kKvCacheNames{"bf16", "fp16", "fp8", "int8"};

/// In the order of ExpertExchange.
inline constexpr std::array<std::string_view, 2> kExpertExchangeNames{"all-to-all", "all-gather"};

} // namespace mansard::work
