// The numbers of the [ascend] section: what only this family of machines has.
#pragma once

#include <mansard/sdk/sdk.hpp>

namespace mansard::ascend {

// All are required: a rate that is missing would otherwise be guessed in silence.
inline constexpr sdk::Key kKeys[] = {
    {"ascend.l0a_KiB", "KiB", "left operand buffer of one cube core"},
    {"ascend.l0b_KiB", "KiB", "right operand buffer of one cube core"},
    {"ascend.l0c_KiB", "KiB", "accumulator buffer of one cube core"},
    {"ascend.ub_KiB", "KiB", "unified buffer of one vector core"},
    {"ascend.dram_bytes_per_clock", "bytes/clock", "one core's loads that miss the L2"},
    {"ascend.l2_read_bytes_per_clock", "bytes/clock", "one core's loads that hit the L2"},
    {"ascend.l2_write_bytes_per_clock", "bytes/clock", "one core's stores to the L2"},
    {"ascend.l0a_bytes_per_clock", "bytes/clock", "L1 to the left operand buffer"},
    {"ascend.l0b_bytes_per_clock", "bytes/clock", "L1 to the right operand buffer"},
    {"ascend.direct_exchange", "0 or 1",
     "cube and vector cores exchange tiles without the L2 (L0C to UB, UB to L1)"},
};

} // namespace mansard::ascend
