#include "device.h"

#include <mansard/base/tiled_constants.h>
#include <mansard/base/units.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace mansard::cambricon {
namespace {

constexpr std::string_view kUnmeasured =
    "no public kernel measurement of a Cambricon chip exists: from specifications alone";

} // namespace

Result<Device> Device::create(const sdk::Chip &chip) {
  Device device;
  TiledMachine &machine = device.machine_;
  machine.chip = chip.numbers();
  // Writes go past the last-level cache.
  machine.chip.l2_write_bytes_per_s = 0;

  const double perCluster = chip.require("cambricon.cores_per_cluster");
  const double sramRate = chip.require("cambricon.cluster_sram_bytes_per_clock");
  if (!(perCluster >= 1) || !(sramRate > 0) || !(chip->sram_bytes_per_s_per_core > 0))
    return Error{ErrorCode::invalidInput,
                 "cambricon.cores_per_cluster must be at least 1, and sram.bytes_per_clock and "
                 "cambricon.cluster_sram_bytes_per_clock more than 0",
                 std::string(chip.id())};
  Cluster &cluster = device.cluster_;
  cluster.cores = std::min(perCluster, chip->cores);
  cluster.nramBytes = chip->sram_bytes_per_core;
  cluster.wramBytes = chip.require("cambricon.wram_KiB") * kKiB;
  cluster.sramBytes = chip.require("cambricon.cluster_sram_KiB") * kKiB;
  cluster.nramBytesPerSecond = chip->sram_bytes_per_s_per_core;
  cluster.sramBytesPerSecond = sramRate * chip->clock_hz;
  // Cores that make no whole cluster stay idle.
  const double clusters = std::max(1.0, std::floor(chip->cores / cluster.cores));
  machine.array = {clusters, cluster.cores / chip->cores, cluster.nramBytesPerSecond};
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
    machine.tiles[type] = tilesFor(cluster, clusters, bytesOf(type));
  applyConstants(machine, [&](std::string_view name) { return chip.calibration(name); });
  capPower(machine, [&](std::string_view key, double none) { return chip.value(key, none); });

  // The first slice in and the last results out of a tile pass GDRAM alone.
  machine.matmul.tile_us = 2 * toMicroseconds(chip->dram_latency_s);
  machine.matmul.step_us = chip.calibration("matmul.step_clocks") / chip->clock_hz * 1e6;
  machine.matmul.cacheHoldsWrites = false;
  for (AttentionTuning *attention : {&machine.prefill, &machine.decode}) {
    attention->unit_us = machine.matmul.tile_us;
    attention->bytesInFlightPerCore = cluster.nramBytes / 2; // the half that is being filled
    attention->keyBlock = 128;
    attention->rowPadding = 16;
    attention->sharedBy = cluster.cores;
    attention->cacheHoldsWrites = false;
  }
  machine.vector.bytesInFlightPerCore = cluster.nramBytes / 2;
  machine.vector.cacheHoldsWrites = false;
  for (const double rows : {64.0, 128.0})
    machine.prefillRows[machine.prefillRowCount++] = rows;
  const uint32_t library =
      1u << kAlgorithmRing | 1u << kAlgorithmRecursive | 1u << kAlgorithmDirect;
  machine.collective.algorithms = machine.expertParallel.algorithms = library;

  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op) {
    machine.flags[op] = MANSARD_ESTIMATE_UNCALIBRATED;
    machine.note[op] = kUnmeasured;
  }
  return device;
}

} // namespace mansard::cambricon
