// The numbers of the [cambricon] section: what only this family of machines has.
#pragma once

#include <mansard/sdk/sdk.hpp>

namespace mansard::cambricon {

// A core is an IPU core: [sram] is its NRAM, [l2] the last-level cache, which serves reads only.
inline constexpr sdk::Key kKeys[] = {
    {"sram.bytes_per_clock", "bytes/clock", "NRAM bandwidth of one core"},
    {"cambricon.cores_per_cluster", "", "IPU cores that share a cluster's SRAM"},
    {"cambricon.wram_KiB", "KiB", "weight memory of one core"},
    {"cambricon.cluster_sram_KiB", "KiB", "SRAM that a cluster shares"},
    {"cambricon.cluster_sram_bytes_per_clock", "bytes/clock", "bandwidth of a cluster's SRAM"},
};

} // namespace mansard::cambricon
