#include "device.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace mansard::ascend {

double Device::dram(double read, double written) const {
  return dramBandwidth(chip, read, written) * 1e-6;
}

double Device::coldShare(double bytes, double low, double high) const {
  if (!(l2Bytes > 0))
    return 1;
  return std::clamp((bytes / l2Bytes - low) / (high - low), 0.0, 1.0);
}

Result<Device> makeDevice(const sdk::Chip &chip) {
  const auto fail = [&](const std::string &what) {
    return Error{ErrorCode::invalidInput, "target \"" + std::string(chip.id()) + "\": " + what, {}};
  };
  Device d{};
  d.chip = chip.numbers();
  for (const ConstantField &field : kConstants)
    d.c.*field.member = chip.calibration(field.name);
  d.cores = std::floor(chip->cores);
  const double perCore = chip.require("vector.units_per_core");
  d.vectorCores = d.cores * perCore;
  if (!(d.cores >= 1) || !(perCore >= 1))
    return fail("compute.cores and vector.units_per_core must be at least 1");
  if (!(chip->clock_hz > 0) || !(chip->dram_read_bytes_per_s > 0))
    return fail("compute.clock_GHz and the memory's bandwidth must be above 0");
  d.vectorChip = d.chip;
  d.vectorChip.cores = d.vectorCores;
  d.l1Bytes = chip->sram_bytes_per_core;
  d.l0aBytes = chip.require("ascend.l0a_KiB") * 1024;
  d.l0bBytes = chip.require("ascend.l0b_KiB") * 1024;
  d.l0cBytes = chip.require("ascend.l0c_KiB") * 1024;
  d.ubBytes = chip.require("ascend.ub_KiB") * 1024;
  d.direct = chip.require("ascend.direct_exchange") != 0;
  const double clock = chip->clock_hz * 1e-6; // cycles per microsecond
  d.l2Read = chip.require("ascend.l2_read_bytes_per_clock") * clock;
  d.l2Write = chip.require("ascend.l2_write_bytes_per_clock") * clock;
  d.dramLoad = std::min(d.l2Read, chip.require("ascend.dram_bytes_per_clock") * clock);
  d.l0aLoad = chip.require("ascend.l0a_bytes_per_clock") * clock * d.c.l1Efficiency;
  d.l0bLoad = chip.require("ascend.l0b_bytes_per_clock") * clock * d.c.l1Efficiency;
  d.chipDramRead = d.dram(1, 0);
  const auto chipL2 = [&](double stated, double core) {
    return stated > 0 ? stated * 1e-6 : core * d.cores;
  };
  d.chipL2Read = chipL2(chip->l2_read_bytes_per_s, d.l2Read);
  d.chipL2Write = chipL2(chip->l2_write_bytes_per_s, d.l2Write);
  d.power =
      powerCap(*chip, [&](std::string_view key, double none) { return chip.value(key, none); });
  for (uint32_t i = 0; i < MANSARD_DTYPE_COUNT; ++i)
    d.cubeOps[i] = chip->matrix_ops_per_s[i] * 1e-6 / d.cores;
  d.vectorOps = chip->vector_ops_per_s[MANSARD_DTYPE_FP32] * 1e-6 * d.c.vectorEfficiency;
  if (!(d.vectorOps > 0))
    return fail("vector.ops_per_clock.fp32 must be above 0");
  d.l2Bytes = chip->l2_bytes;
  d.calibrated = chip.family() == "ascend-910b";
  return d;
}

} // namespace mansard::ascend
