// How far the power of a package lets its matrix units go.
//
// Dynamic power grows with the clock and the square of a voltage that grows with it: P = e f^3. A
// package may spend its thermal design power, less what it spends whatever it does, on its matrix
// units; it holds the clock at which they take just that. Cores that stand idle leave their power
// to the others: the cap is on what a device does, not on what a core does.
#pragma once

#include <mansard/base/dtype.h>
#include <mansard/base/units.h>
#include <mansard/sdk/abi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

namespace mansard {

struct PowerCap {
  /// By type: what an operation of the matrix units takes a device at least; 0: not capped.
  double usPerOperation[MANSARD_DTYPE_COUNT] = {};

  /// Operations a microsecond that power suffices for.
  double most(uint32_t dtype) const { return 1 / usPerOperation[dtype]; }
};

/// The share of its peak that a matrix unit holds, above 1 where power would suffice for more: `pJ`
/// is what an operation takes at its full clock.
inline double sustainedShare(double budget_W, double peakOpsPerSecond, double pJ) {
  return std::cbrt(std::max(0.0, budget_W) / (peakOpsPerSecond * pJ * kPico));
}

/// `value(key, fallback)` gives a number of the chip's description: "energy.matrix_pJ.<dtype>" and
/// "power.static_W". Types whose energy is not known, and chips without a thermal design power, are
/// not capped. Never below a tenth: a chip whose power does not suffice to idle still ticks.
template <typename Value> PowerCap powerCap(const mansard_chip &chip, Value value) {
  constexpr double kLeast = 0.1;
  PowerCap cap;
  if (!(chip.tdp_watts > 0))
    return cap;
  const double budget_W =
      (chip.tdp_watts - value("power.static_W", 0.0)) / std::max<double>(1, chip.devices_per_chip);
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type) {
    const double pJ = value("energy.matrix_pJ." + std::string(kDTypes[type].name), 0.0);
    const double peak = chip.matrix_ops_per_s[type];
    if (pJ > 0 && peak > 0)
      cap.usPerOperation[type] =
          1 / (kMicro * peak * std::max(kLeast, sustainedShare(budget_W, peak, pJ)));
  }
  return cap;
}

} // namespace mansard
