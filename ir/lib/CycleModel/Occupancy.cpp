#include "Occupancy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::ir {
namespace {

// How GCN hands them out, as LLVM's AMDGPU back end has it for gfx9.
constexpr double kVectorGranule = 4, kScalarGranule = 16, kLdsGranule = 512;
constexpr double kScalarRegisters = 800; // of a SIMD
constexpr double kBarriers = 16;         // groups of several waves on a core

double roundUp(double value, double granule) { return std::ceil(value / granule) * granule; }

} // namespace

Result<Occupancy> occupancyOf(const GcnCore &core, const MachineKernel &kernel, double ldsBytes,
                              double wavesPerGroup, const std::string &name) {
  const double vectorEach =
      std::max(kVectorGranule, roundUp(kernel.vectorRegisters, kVectorGranule));
  const double scalarEach =
      std::max(kScalarGranule, roundUp(kernel.scalarRegisters, kScalarGranule));
  const double lds = roundUp(ldsBytes, kLdsGranule);
  const auto groups = [&](double wavesOfSimd) {
    return std::floor(wavesOfSimd * core.simds / wavesPerGroup);
  };
  Occupancy least{groups(core.waveSlots),
                  fmt::format("wave slots: {:g} of a SIMD, {:g} a group over {:g} SIMDs",
                              core.waveSlots, wavesPerGroup, core.simds)};
  const auto offer = [&](double count, std::string limit) {
    if (count < least.groups)
      least = {count, std::move(limit)};
  };
  offer(groups(std::floor(core.registers / vectorEach)),
        fmt::format("vector registers: {} a wave, a SIMD has {:g}", kernel.vectorRegisters,
                    core.registers));
  offer(groups(std::floor(kScalarRegisters / scalarEach)),
        fmt::format("scalar registers: {} a wave, a SIMD has {:g}", kernel.scalarRegisters,
                    kScalarRegisters));
  if (lds > 0)
    offer(std::floor(core.ldsBytes / lds),
          fmt::format("LDS: {:g} bytes a group, a core has {:g}", ldsBytes, core.ldsBytes));
  if (wavesPerGroup > 1)
    offer(kBarriers,
          fmt::format("barriers: a core has {:g}, for groups of several waves", kBarriers));
  if (least.groups < 1)
    return Error{
        ErrorCode::invalidInput,
        fmt::format("not one group of {:g} waves fits a core ({})", wavesPerGroup, least.limit),
        name};
  return least;
}

} // namespace mansard::ir
