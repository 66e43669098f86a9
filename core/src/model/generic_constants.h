// What the built-in model assumes of a chip whose family has no calibration of its own.
//
// targets/calibration/generic.toml holds the same values with their sources (a test compares them);
// they are here as well because the model must price a chip of any family, file or no file.
#pragma once

#include <string_view>

namespace mansard::model {

struct GenericConstant {
  std::string_view name;
  double value;
};

inline constexpr GenericConstant kGenericConstants[] = {
    {"start.gemm_us", 6},
    {"start.attention_us", 12.5},
    {"start.vector_us", 8.5},
    {"start.moe_us", 30},
    {"matmul.matrix", 0.85},
    {"matmul.split_us", 0.2},
    {"attention.matrix", 0.38},
    {"attention_decode.matrix", 0.24},
    {"attention_decode.combine_us", 2.8},
    {"vector.efficiency", 0.9},
    {"l2.efficiency", 1},
    {"l2.resident_share", 0.2},
    {"l2.reuse_share", 0.5},
    {"dram.efficiency", 0.8},
    {"links.start_us", 9.5},
    {"links.efficiency", 0.56},
    {"links.fine_efficiency", 0.045},
    {"links.bulk_hop_factor", 9.6},
    {"links.in_network", 0.6},
    {"expert_parallel.start_us", 16},
    {"expert_parallel.efficiency", 0.57},
};

} // namespace mansard::model
