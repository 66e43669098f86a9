#include <mansard/base/dtype.h>
#include <mansard/base/names.h>
#include <mansard/economics/chip_cost.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::economics {
namespace {

// Transistors and areas of blocks: LLMCompass (Zhang et al., ISCA 2024), cost_model.py. A block
// whose area they give at 7 nm shrinks no further: interfaces are analogue.
constexpr double kLaneControl = 725'650;       // control of a vector lane
constexpr double kLaneFp32 = 685'300 * 0.1956; // its FP32 unit: FP64's by (23 / 52)^2
constexpr double kCoreCrossbar = 55e6;         // a core's port of the crossbar
constexpr double kHbmPhy_mm2 = 10.45;          // of 1024 pins
constexpr double kHbmControl = 552.7e6;        // of 1024 pins
constexpr double kNarrowPhy_mm2 = 1.45;        // of 32 pins of GDDR or DDR
constexpr double kPcie_mm2 = 0.64 * 16;        // sixteen lanes of the fifth generation
/// NVLink 3 and 4: 1.888 and 0.965 mm2 for a link of 25 GB/s, and 80 million transistors.
constexpr double kLinkPhy_mm2_per_GBps = 0.965 / 25, kLinkControl_per_GBps = 80e6 / 25;
/// GA100's die photograph: 40 mm2 of 826 are none of these blocks; and its cores' blocks as
/// modelled here fill two thirds of the 476 mm2 that they take (the rest: schedulers, instruction
/// caches, wiring).
constexpr double kOtherShare = 0.05, kCoreFill = 0.66;

double lanesOf(const hw::Chip &chip) {
  double most = 0; // operations a clock, two for a multiply-add
  for (const char *type : {"fp32", "fp16", "bf16"})
    most = std::max(most, chip.number(fmt::format("vector.ops_per_clock.{}", type)) /
                              (std::string_view(type) == "fp32" ? 2 : 4));
  return most;
}

/// Multiply-adds of 16 bits that the widest use of the matrix unit takes: narrower types share
/// their adders.
double multipliersOf(const hw::Chip &chip) {
  return std::max(chip.number("matrix.ops_per_clock.fp16"),
                  chip.number("matrix.ops_per_clock.bf16")) /
         2;
}

} // namespace

AreaEstimate areaOf(const hw::Chip &chip, const hw::ProcessNode &node) {
  AreaEstimate area;
  const auto add = [&](std::string name, double mm2, bool core = false) {
    if (!(mm2 > 0))
      return;
    area.blocks.push_back({std::move(name), mm2});
    area.total_mm2 += mm2;
    area.cores_mm2 += core ? mm2 : 0;
  };
  // A die has its spare cores, sold or not.
  const double cores = chip.has("physical.cores_per_die")
                           ? chip.number("physical.cores_per_die") *
                                 chip.number("physical.dies_per_chip", chip.devicesPerChip()) /
                                 chip.devicesPerChip()
                           : chip.number("compute.cores");
  const double perTransistor = 1 / (node.number("logic_mtr_per_mm2") * 1e6);
  const double inCore = cores / kCoreFill;
  add("multiply-adds", inCore * multipliersOf(chip) * node.number("area.mac_fp16_mm2"), true);
  add("vector lanes", inCore * lanesOf(chip) * (kLaneControl + kLaneFp32) * perTransistor, true);
  const double scratch_KiB = chip.number("sram.per_core_KiB") + chip.number("sram.cache_KiB") +
                             chip.number("registers.per_core_KiB");
  add("memory of cores", inCore * scratch_KiB / 1024 * node.number("area.scratchpad_mm2_per_mib"),
      true);
  add("crossbar", cores * kCoreCrossbar * perTransistor);
  add("last-level cache", chip.number("l2.size_MiB") * node.number("area.cache_mm2_per_mib"));
  const double pins = chip.memory.width_bits.value * chip.number("memory.stacks");
  const bool stacked = chip.memory.stacked();
  add("memory interface", stacked ? pins / 1024 * (kHbmPhy_mm2 + kHbmControl * perTransistor)
                                  : pins / 32 * kNarrowPhy_mm2);
  double links_GBps = 0;
  for (std::string_view level : kLinkNames)
    if (level != kLinkNames[MANSARD_LINK_SCALE_OUT])
      links_GBps += chip.number(fmt::format("links.{}.bandwidth_GBps", level));
  add("links", links_GBps * (kLinkPhy_mm2_per_GBps + kLinkControl_per_GBps * perTransistor));
  add("host interface", kPcie_mm2);
  add("the rest", area.total_mm2 * kOtherShare / (1 - kOtherShare));
  return area;
}

} // namespace mansard::economics
