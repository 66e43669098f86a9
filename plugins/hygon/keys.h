// The numbers of the [hygon] section: what only this family of machines has.
#pragma once

#include <mansard/sdk/sdk.hpp>

namespace mansard::hygon {

// A core is a compute unit: [sram] is its LDS, [registers] its vector registers over all SIMDs.
inline constexpr sdk::Key kKeys[] = {
    {"registers.per_core_KiB", "KiB", "vector registers of one compute unit, all its SIMDs"},
    {"sram.bytes_per_clock", "bytes/clock", "LDS bandwidth of one compute unit"},
    {"hygon.simds_per_core", "", "SIMDs of one compute unit"},
    {"hygon.wave_slots_per_simd", "", "wavefronts that one SIMD can hold"},
    {"hygon.l1_bytes_per_clock", "bytes/clock",
     "vector L1 bandwidth of one compute unit; the cycle model of compiled kernels reads it", false},
};

} // namespace mansard::hygon
