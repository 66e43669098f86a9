#include "GcnCore.h"

#include <mansard/base/dtype.h>
#include <mansard/base/units.h>

#include <llvm/ADT/StringRef.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace mansard::ir {
namespace {

using work::Port;

constexpr double kRegisterBytes = kWave * 4;
constexpr double kAddressesPerClock = 16; // GCN: a wave's addresses take four clocks

/// What a matrix instruction's name tells: V_MFMA_<result>_<m>X<n>X<k><operands>...
struct MatrixShape {
  double m = 0, n = 0, k = 0;
  std::optional<uint32_t> type;
};

std::optional<MatrixShape> matrixShape(StringRef name) {
  StringRef rest = name.substr(name.find('_', 2) + 1); // after V_MFMA_ or V_SMFMAC_
  rest = rest.substr(rest.find('_') + 1);
  MatrixShape shape;
  unsigned long long value = 0;
  for (double *extent : {&shape.m, &shape.n, &shape.k}) {
    if (rest.consumeInteger(10, value))
      return std::nullopt;
    *extent = static_cast<double>(value);
    rest.consume_front("X");
  }
  if (rest.starts_with("F32") && name.contains("XF32")) // the X before F32 is the type's
    shape.type = MANSARD_DTYPE_TF32;
  rest.consume_front("_");
  if (shape.type)
    return shape;
  static constexpr std::pair<StringLiteral, uint32_t> kTypes[] = {
      {"BF16", MANSARD_DTYPE_BF16}, {"F16", MANSARD_DTYPE_FP16}, {"F32", MANSARD_DTYPE_FP32},
      {"F64", MANSARD_DTYPE_FP64},  {"I8", MANSARD_DTYPE_INT8},  {"BF8", MANSARD_DTYPE_FP8},
      {"FP8", MANSARD_DTYPE_FP8}};
  for (const auto &[text, type] : kTypes)
    if (rest.starts_with(text)) {
      shape.type = type;
      return shape;
    }
  return std::nullopt;
}

/// Elements of the result over those of one block: some instructions multiply several blocks.
double blocksOf(const MCInst &instruction, const MCInstrInfo &names,
                const MCRegisterInfo &registers, const MatrixShape &shape) {
  const MCInstrDesc &description = names.get(instruction.getOpcode());
  const int registerClass =
      description.operands().empty() ? -1 : description.operands()[0].RegClass;
  if (registerClass < 0)
    return 1;
  const double bits = registers.getRegClass(static_cast<unsigned>(registerClass)).getSizeInBits();
  const double elementBits = shape.type == MANSARD_DTYPE_FP64 ? 64 : 32;
  return std::max(1.0, std::round(bits / elementBits * kWave / (shape.m * shape.n)));
}

void useMatrix(MachineUse &use, const MCInst &instruction, const MCInstrInfo &names,
               const MCRegisterInfo &registers, const GcnCore &core) {
  use.port = Port::matrix;
  const auto shape = matrixShape(names.getName(instruction.getOpcode()));
  if (!shape)
    return;
  use.matrixType = shape->type;
  use.matrixOperations =
      2 * shape->m * shape->n * shape->k * blocksOf(instruction, names, registers, *shape);
  if (core.matrixOps[*shape->type] > 0)
    use.clocks = use.matrixOperations / core.matrixOps[*shape->type];
}

/// Bytes that a lane moves to or from the LDS: DS_READ2_B64_vi.
double ldsBytes(StringRef name) {
  double bits = 32;
  for (StringRef part = name; !part.empty();) {
    StringRef word;
    std::tie(word, part) = part.split('_');
    unsigned value = 0;
    if (word.size() > 1 && StringRef("BUIF").contains(word.front()) &&
        !word.drop_front().getAsInteger(10, value))
      bits = value;
  }
  const bool two = name.contains("READ2") || name.contains("WRITE2") || name.contains("XCHG2");
  return bits / 8 * (two ? 2 : 1);
}

/// The same of global, flat, buffer and scratch instructions: GLOBAL_LOAD_DWORDX4_SADDR_vi.
double memoryBytes(StringRef name) {
  for (const auto &[text, bytes] : {std::pair{"DWORDX4", 16.0},
                                    {"DWORDX3", 12.0},
                                    {"DWORDX2", 8.0},
                                    {"BYTE", 1.0},
                                    {"SHORT", 2.0}})
    if (name.contains(text))
      return bytes;
  return name.contains("_X2") || name.contains("F64") ? 8 : 4;
}

} // namespace

Result<GcnCore> GcnCore::of(const hw::Chip &chip) {
  GcnCore core;
  core.isa = chip.nearestIsa;
  const auto missing = [&](std::string_view key) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("the cycle model needs '{}', which target {} does not give", key, chip.id),
        chip.file};
  };
  if (core.isa.empty())
    return missing("nearest_isa");
  const std::string section = chip.model + ".";
  double registersPerCore_KiB = 0, lds_KiB = 0, clock_GHz = 0;
  const std::pair<std::string, double *> required[] = {
      {"compute.cores", &core.cores},
      {"compute.clock_GHz", &clock_GHz},
      {"registers.per_core_KiB", &registersPerCore_KiB},
      {"sram.per_core_KiB", &lds_KiB},
      {"sram.bytes_per_clock", &core.ldsBytesPerClock},
      {section + "simds_per_core", &core.simds},
      {section + "wave_slots_per_simd", &core.waveSlots},
      {section + "l1_bytes_per_clock", &core.l1BytesPerClock},
  };
  for (const auto &[key, value] : required) {
    *value = chip.number(key);
    if (!(*value > 0))
      return missing(key);
  }
  core.clock_hz = clock_GHz * kGiga;
  core.ldsBytes = lds_KiB * kKiB;
  core.registers = std::floor(registersPerCore_KiB * kKiB / core.simds / kRegisterBytes);
  core.dramLatency = chip.number("memory.latency_ns") * clock_GHz;
  core.l2Latency = chip.number("l2.latency_ns") * clock_GHz;
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
    core.matrixOps[type] =
        chip.number(fmt::format("matrix.ops_per_clock.{}", kDTypes[type].name)) / core.simds;
  return core;
}

MachineUse useOf(const MCInst &instruction, const MCInstrInfo &names,
                 const MCRegisterInfo &registers, const GcnCore &core) {
  MachineUse use;
  const StringRef name = names.getName(instruction.getOpcode());
  const auto starts = [&](std::initializer_list<StringRef> prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](StringRef prefix) { return name.starts_with(prefix); });
  };
  if (starts({"V_MFMA", "V_SMFMAC"})) {
    useMatrix(use, instruction, names, registers, core);
  } else if (name.starts_with("V_")) {
    use.port = Port::vector;
  } else if (name.starts_with("DS_")) {
    use.port = Port::lds;
    use.clocks = kWave * ldsBytes(name) / core.ldsBytesPerClock;
  } else if (starts({"GLOBAL_", "FLAT_", "BUFFER_", "TBUFFER_", "SCRATCH_", "IMAGE_"})) {
    use.port = Port::vectorMemory;
    use.clocks =
        std::max(kWave / kAddressesPerClock, kWave * memoryBytes(name) / core.l1BytesPerClock);
  } else if (starts({"S_LOAD", "S_BUFFER_LOAD", "S_STORE", "S_BUFFER_STORE", "S_ATOMIC", "S_DCACHE",
                     "S_MEM", "S_SCRATCH"})) {
    use.port = Port::scalarMemory;
  } else if (starts({"S_BRANCH", "S_CBRANCH", "S_SETPC", "S_SWAPPC", "S_BARRIER"})) {
    use.port = Port::branch;
  } else if (name.starts_with("EXP")) {
    use.port = Port::exports;
  } else if (name.starts_with("S_WAITCNT")) {
    use.wait = true;
    // gfx9: vmcnt in bits 0 to 3 and 14 to 15; all ones wait for nothing.
    if (instruction.getNumOperands() > 0 && instruction.getOperand(0).isImm())
      use.nearWait = (instruction.getOperand(0).getImm() & 0xc00f) == 0xc00f;
  }
  return use;
}

} // namespace mansard::ir
