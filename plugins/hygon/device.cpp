#include "device.h"

#include <mansard/base/tiled_constants.h>
#include <mansard/base/units.h>

#include <string>

namespace mansard::hygon {
namespace {

constexpr std::string_view kUnmeasured =
    "no public measurement of this operation on a Hygon DCU: from the machine's structure and "
    "constants of its other operations";
constexpr std::string_view kAttention =
    "attention on this family is far from tuned: its rate rests on one measured layer";
constexpr std::string_view kCollective =
    "collectives of this family were measured over PCIe only, and as a range";

} // namespace

Result<Device> Device::create(const sdk::Chip &chip) {
  Device device;
  TiledMachine &machine = device.machine_;
  machine.chip = chip.numbers();
  const double cores = chip->cores;

  ComputeUnit &unit = device.unit_;
  unit.simds = chip.require("hygon.simds_per_core");
  unit.waveSlots = chip.require("hygon.wave_slots_per_simd");
  unit.registerBytes = chip.require("registers.per_core_KiB") * kKiB / unit.simds;
  unit.ldsBytes = chip->sram_bytes_per_core;
  if (!(unit.simds >= 1) || !(unit.waveSlots >= 1))
    return Error{ErrorCode::invalidInput,
                 "hygon.simds_per_core and hygon.wave_slots_per_simd must be at least 1",
                 std::string(chip.id())};

  machine.array = {cores, 1 / cores, chip->sram_bytes_per_s_per_core};
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
    machine.tiles[type] = tilesFor(unit, cores, bytesOf(type));
  applyConstants(machine, [&](std::string_view name) { return chip.calibration(name); });
  capPower(machine, [&](std::string_view key, double none) { return chip.value(key, none); });

  // A tile's first operands come from DRAM and its results go to the L2 with no other tile of the
  // workgroup to hide them.
  machine.matmul.tile_us = toMicroseconds(chip->dram_latency_s + chip->l2_latency_s);
  for (AttentionTuning *attention : {&machine.prefill, &machine.decode}) {
    attention->unit_us = machine.matmul.tile_us;
    attention->bytesInFlightPerCore = bytesInFlight(unit);
    attention->keyBlock = 64;
    attention->rowPadding = 16;
    attention->serialSoftmax = true;
  }
  machine.vector.bytesInFlightPerCore = bytesInFlight(unit);
  for (const double rows : {64.0, 128.0})
    machine.prefillRows[machine.prefillRowCount++] = rows;
  const uint32_t library = 1u << kAlgorithmRing | 1u << kAlgorithmRecursive;
  machine.collective.algorithms = machine.expertParallel.algorithms = library;

  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op) {
    machine.flags[op] = MANSARD_ESTIMATE_UNCALIBRATED;
    machine.note[op] = kUnmeasured;
  }
  machine.flags[MANSARD_OP_MATMUL] = machine.flags[MANSARD_OP_COLLECTIVE] = 0;
  machine.note[MANSARD_OP_MATMUL] = {};
  machine.note[MANSARD_OP_COLLECTIVE] = kCollective;
  machine.flags[MANSARD_OP_ATTENTION_PREFILL] = 0;
  machine.note[MANSARD_OP_ATTENTION_PREFILL] = kAttention;
  return device;
}

} // namespace mansard::hygon
