// One Ascend device as its kernels see it: rates per microsecond and core, derived once from the
// chip and the family's constants.
#pragma once

#include "constants.h"

#include <mansard/base/overlap.h>
#include <mansard/base/power_cap.h>
#include <mansard/base/vector_work.h>
#include <mansard/sdk/sdk.hpp>

#include <cstdint>

namespace mansard::ascend {

struct Device {
  mansard_chip chip;       // texts and values emptied
  mansard_chip vectorChip; // the same with the vector cores as its cores
  Constants c;

  double cores;       // cube cores
  double vectorCores; // of all cube cores together
  double l1Bytes, l0aBytes, l0bBytes, l0cBytes, ubBytes;
  bool direct; // cube and vector cores exchange without the L2

  // Bytes per microsecond; of one core unless "chip" is in the name. Efficiencies are in.
  double l2Read, l2Write, dramLoad, l0aLoad, l0bLoad;
  double chipDramRead, chipL2Read, chipL2Write;
  double cubeOps[MANSARD_DTYPE_COUNT]; // operations per microsecond of one core
  PowerCap power;
  double vectorOps; // fp32 operations per microsecond, all vector cores
  double l2Bytes;
  bool calibrated; // the family's own measurements stand behind the constants

  /// Bytes per microsecond of all of DRAM for a mix.
  double dram(double read, double written) const;
  /// Share of `bytes` that a repeated run does not find in the L2, if it finds all of what is below
  /// `low` of the L2 and nothing of what is above `high`. Non-decreasing in bytes.
  double coldShare(double bytes, double low, double high) const;
  /// Microseconds of the busiest core's loads that the whole chip's L2 cannot serve faster.
  double chipL2_us(double read, double written) const {
    return read / chipL2Read + written / chipL2Write;
  }
};

Result<Device> makeDevice(const sdk::Chip &chip);

constexpr double roundUp(double value, double to) {
  const auto whole = static_cast<int64_t>(value / to);
  const double down = static_cast<double>(whole) * to;
  return down < value ? down + to : down;
}

/// Adds the overlapped phase `busy` and gives `dramShare` of what falls to the L2 to DRAM: loads
/// that miss pass the same engine (MTE2) one after another with those that hit.
inline void addPipelined(Parts &parts, const Busy &busy, double dramShare) {
  const double duration = overlapped(busy);
  if (!(duration > 0))
    return;
  double share[MANSARD_BOUND_COUNT], sum = 0;
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i) {
    const double r = busy.us[i] / duration, r2 = r * r, r4 = r2 * r2;
    sum += share[i] = r4 * r4;
  }
  const double moved = share[MANSARD_BOUND_L2] * dramShare;
  share[MANSARD_BOUND_L2] -= moved;
  share[MANSARD_BOUND_DRAM] += moved;
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
    parts.addSerial(i, duration * share[i] / sum);
}

} // namespace mansard::ascend
