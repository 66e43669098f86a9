#include <mansard/hw/chip_energy.h>

#include <mansard/base/dtype.h>
#include <mansard/base/units.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace mansard::hw {
namespace {

void put(Chip &chip, std::string key, double value, std::string source) {
  if (!(value > 0))
    return;
  Quantity quantity;
  quantity.value = value;
  quantity.source = std::move(source);
  quantity.confidence = Confidence::derived;
  chip.numbers.emplace(std::move(key), std::move(quantity)); // what is stated stays
}

/// A key for each type, written out once.
std::array<std::string, MANSARD_DTYPE_COUNT> keysOf(std::string_view stem) {
  std::array<std::string, MANSARD_DTYPE_COUNT> keys;
  for (uint32_t dtype = 0; dtype < MANSARD_DTYPE_COUNT; ++dtype)
    keys[dtype] = fmt::format("{}.{}", stem, kDTypes[dtype].name);
  return keys;
}

bool multiplies(const Chip &chip, uint32_t dtype) {
  static const auto keys = keysOf("matrix.ops_per_clock");
  return chip.has(keys[dtype]);
}

double operation(const ProcessNode &node, std::string_view dtype) {
  return node.number(fmt::format("energy.op_pJ.{}", dtype));
}

/// Of arithmetic alone, as the matrix unit of `chip` does it.
double arithmetic_pJ(const Chip &chip, const ProcessNode &node, uint32_t dtype) {
  switch (dtype) {
  case MANSARD_DTYPE_FP64:
    return 4 * operation(node, "fp32"); // 53 bits times 53 are nearly five times 24 times 24
  case MANSARD_DTYPE_BF16: // units that have both types multiply BF16 in FP16's multiplier
    return operation(node, multiplies(chip, MANSARD_DTYPE_FP16) ? "fp16" : "bf16");
  case MANSARD_DTYPE_MXFP8:
    return operation(node, "fp8");
  case MANSARD_DTYPE_MXFP4:
    return operation(node, "nvfp4");
  case MANSARD_DTYPE_INT4:
    return operation(node, "int8");
  case MANSARD_DTYPE_INT32:
    return operation(node, "fp32");
  default:
    return operation(node, kDTypes[dtype].name);
  }
}

/// Voltage rises with the clock: energy with its square. All that the fit has found is off by one
/// factor, if it is.
double atClock(const Chip &chip, double pJ) {
  const double stated = chip.number("energy.clock_GHz"), clock = chip.number("compute.clock_GHz");
  const double ratio = stated > 0 ? clock / stated : 1;
  return chip.number("energy.scale", 1) * pJ * ratio * ratio;
}

/// The next type that holds all values of `dtype`; MANSARD_DTYPE_COUNT: none.
uint32_t wider(uint32_t dtype) {
  switch (dtype) {
  case MANSARD_DTYPE_NVFP4:
  case MANSARD_DTYPE_MXFP4:
    return MANSARD_DTYPE_MXFP8;
  case MANSARD_DTYPE_MXFP8:
    return MANSARD_DTYPE_FP8;
  case MANSARD_DTYPE_INT4:
    return MANSARD_DTYPE_INT8;
  case MANSARD_DTYPE_FP8:
  case MANSARD_DTYPE_INT8:
    return MANSARD_DTYPE_FP16;
  case MANSARD_DTYPE_FP16:
    return MANSARD_DTYPE_BF16;
  case MANSARD_DTYPE_BF16:
    return MANSARD_DTYPE_TF32;
  case MANSARD_DTYPE_TF32:
    return MANSARD_DTYPE_FP32;
  default:
    return MANSARD_DTYPE_COUNT;
  }
}

/// A family's own, at 1 GHz; 0: it has none.
double familyEnergy(const Chip &chip, uint32_t dtype) {
  const double bytes = bytesOf(dtype);
  const std::string_view name = bytes >= 2   ? "gemm.energy_16bit_pJ_per_GHz2"
                                : bytes >= 1 ? "gemm.energy_8bit_pJ_per_GHz2"
                                             : "gemm.energy_4bit_pJ_per_GHz2";
  const auto found = chip.calibration.find(name);
  return found == chip.calibration.end() ? 0 : found->second.value;
}

/// At most what lets the matrix unit hold the chip's clock, which is said to be sustained; infinite
/// for NVIDIA's, which quotes the peaks of clocks that its boards do not hold under every load.
double affordable_pJ(const Chip &chip, uint32_t dtype) {
  const double budget_W = chip.number("power.tdp_W") - staticPower_W(chip);
  const double operations = chip.peakOpsPerSecond(dtype) * chip.devicesPerChip();
  if (chip.model == "nvidia" || !(budget_W > 0 && operations > 0))
    return HUGE_VAL;
  return budget_W / (operations * kPico);
}

} // namespace

const EnergyConstants kEnergyConstants{
    .activeShare = 0.2,
    .matrixAccesses = 0.267,
    .vectorAccesses = 2.15,
    .path_pJ_per_bit = 11.63,
    // A 112 Gb/s SerDes takes 5.5 pJ/bit (NVIDIA's comparison with NVLink-C2C, through
    // besthub.dev).
    .link_pJ_per_bit = 5.5,
    .error = 0.25,
};

void deriveEnergy(Chip &chip, const ProcessNode *node, const EnergyConstants &constants) {
  const double tdp_W = chip.number("power.tdp_W");
  if (tdp_W > 0) {
    put(chip, "power.active_W", constants.activeShare * std::max(0.0, tdp_W - idlePower_W(chip)),
        "fitted share of what the thermal design power leaves beyond the idle power");
  }
  put(chip, "energy.path_pJ_per_bit", constants.path_pJ_per_bit,
      "fitted on measured power (tests/validation/power.csv)");
  put(chip, "energy.link_pJ_per_bit", constants.link_pJ_per_bit,
      "SerDes of 112 Gb/s (besthub.dev, NVLink-C2C)");
  if (!node)
    return;
  put(chip, "energy.clock_GHz", chip.number("compute.clock_GHz"), "compute.clock_GHz");
  for (const char *level : {"energy.scratchpad_pJ_per_byte", "energy.cache_pJ_per_byte"})
    put(chip, level, node->number(level), node->id);
  const double byte_pJ = node->number("energy.scratchpad_pJ_per_byte");
  const std::string source =
      fmt::format("arithmetic and operands' way in {}, fitted on measured power", node->id);
  for (uint32_t dtype = 0; dtype < MANSARD_DTYPE_COUNT; ++dtype)
    if (multiplies(chip, dtype) && !(familyEnergy(chip, dtype) > 0))
      if (const double pJ = arithmetic_pJ(chip, *node, dtype); pJ > 0)
        put(chip, fmt::format("energy.matrix_pJ.{}", kDTypes[dtype].name),
            std::min(pJ + constants.matrixAccesses * byte_pJ * bytesOf(dtype),
                     affordable_pJ(chip, dtype)),
            source);
  put(chip, "energy.vector_pJ",
      operation(*node, "fp32") + constants.vectorAccesses * byte_pJ * bytesOf(MANSARD_DTYPE_FP32),
      source);
  if (!chip.has("energy.scale")) {
    put(chip, "energy.scale", 1, "how far chips left out of the fit lie from it");
    Quantity &scale = chip.numbers.find("energy.scale")->second;
    scale.low = 1 - constants.error;
    scale.high = 1 + constants.error;
  }
}

double matrixEnergy_pJ(const Chip &chip, uint32_t dtype) {
  while (dtype < MANSARD_DTYPE_COUNT && !multiplies(chip, dtype))
    dtype = wider(dtype);
  if (dtype >= MANSARD_DTYPE_COUNT)
    return 0;
  static const auto keys = keysOf("energy.matrix_pJ");
  const auto own = chip.numbers.find(keys[dtype]);
  if (own != chip.numbers.end())
    return atClock(chip, own->second.value);
  const double clock = chip.number("compute.clock_GHz");
  return familyEnergy(chip, dtype) * clock * clock;
}

double pathEnergy_pJ_per_bit(const Chip &chip) {
  return chip.number("energy.scale", 1) * chip.number("energy.path_pJ_per_bit");
}

double vectorEnergy_pJ(const Chip &chip) { return atClock(chip, chip.number("energy.vector_pJ")); }

bool powerMeasured(const Chip &chip) {
  static constexpr std::string_view kFamilies[]{"nvidia-ampere", "nvidia-hopper",
                                                "nvidia-blackwell"};
  static constexpr std::string_view kChips[]{"bi-v150"};
  return std::find(std::begin(kFamilies), std::end(kFamilies), chip.family) !=
             std::end(kFamilies) ||
         std::find(std::begin(kChips), std::end(kChips), chip.id) != std::end(kChips);
}

double idlePower_W(const Chip &chip) {
  constexpr double kIdleShare = 0.2; // what most descriptions estimate
  return chip.number("power.idle_W", kIdleShare * chip.number("power.tdp_W"));
}

double staticPower_W(const Chip &chip) { return idlePower_W(chip) + chip.number("power.active_W"); }

} // namespace mansard::hw
