#include "nvidia_model.h"

#include <mansard/base/dram.h>

#include <algorithm>
#include <string>

namespace mansard::nvidia {
namespace {

constexpr uint32_t bit(uint32_t op) { return 1u << op; }
constexpr uint32_t kMeasuredEverywhere =
    bit(MANSARD_OP_MATMUL) | bit(MANSARD_OP_ATTENTION_PREFILL) | bit(MANSARD_OP_ATTENTION_DECODE) |
    bit(MANSARD_OP_MLA_PREFILL) | bit(MANSARD_OP_MLA_DECODE) | bit(MANSARD_OP_MOE) |
    bit(MANSARD_OP_COLLECTIVE);

/// A family works as its generation does, or as the nearest that is known.
struct Family {
  std::string_view name;
  Generation generation;
  uint32_t measured; // operations that measurements of the family stand behind
};
constexpr Family kFamilies[] = {
    {"nvidia-volta", Generation::ampere, 0},
    {"nvidia-ampere", Generation::ampere, kMeasuredEverywhere | bit(MANSARD_OP_VECTOR)},
    {"nvidia-ada", Generation::ada, 0},
    {"nvidia-hopper", Generation::hopper,
     kMeasuredEverywhere | bit(MANSARD_OP_VECTOR) | bit(MANSARD_OP_GROUPED_MATMUL) |
         bit(MANSARD_OP_EXPERT_PARALLEL)},
    {"nvidia-blackwell", Generation::blackwell,
     kMeasuredEverywhere | bit(MANSARD_OP_EXPERT_PARALLEL)},
    {"nvidia-rubin", Generation::blackwell, 0},
};

double required(double value, const sdk::Chip &chip, const char *key) {
  if (value > 0)
    return value;
  throw sdk::ChipError("target \"" + std::string(chip.id()) + "\" has no \"" + key +
                       "\", which the model \"nvidia\" needs");
}

} // namespace

Result<NvidiaModel> NvidiaModel::create(const sdk::Chip &chip) {
  NvidiaModel model;
  const Family *family = std::find_if(std::begin(kFamilies), std::end(kFamilies),
                                      [&](auto &f) { return f.name == chip.family(); });
  if (family == std::end(kFamilies)) {
    std::string known;
    for (const Family &f : kFamilies)
      known += (known.empty() ? "" : ", ") + std::string(f.name);
    return Error{ErrorCode::unsupported,
                 "family \"" + std::string(chip.family()) + "\": the nvidia model knows " + known,
                 std::string(chip.id())};
  }
  model.generation = family->generation;
  model.measured = family->measured;
  for (const ConstantSpec &spec : kConstants)
    model.constants.*spec.member = chip.calibration(spec.name);

  const mansard_chip &c = model.chip = chip.numbers();
  model.cores = required(c.cores, chip, "compute.cores");
  model.clocksPerUs = required(c.clock_hz, chip, "compute.clock_GHz") * kMicro;
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
    model.matrixOpsPerUs[type] = c.matrix_ops_per_s[type] * kMicro;
  model.lanesPerUs =
      required(c.vector_ops_per_s[MANSARD_DTYPE_FP32], chip, "vector.ops_per_clock.fp32") * kMicro /
      2;
  model.specialPerUs = required(c.special_ops_per_s, chip, "vector.special_per_clock") * kMicro;
  model.sramBytes = required(c.sram_bytes_per_core, chip, "sram.per_core_KiB");
  model.sramBytesPerUs =
      required(c.sram_bytes_per_s_per_core, chip, "sram.bytes_per_clock") * kMicro;
  // 65536 of 32 bits in every generation (CUDA programming guide, compute capabilities).
  model.registerBytes = chip.value("registers.per_core_KiB", 256) * kKiB;
  model.l2Bytes = required(c.l2_bytes, chip, "l2.size_MiB");
  model.l2BytesPerUs = required(c.l2_read_bytes_per_s, chip, "l2.read_GBps") * kMicro;
  required(c.dram_read_bytes_per_s, chip, "memory.technology");
  model.power =
      powerCap(c, [&](std::string_view key, double none) { return chip.value(key, none); });
  return model;
}

double NvidiaModel::dramUs(double readBytes, double writtenBytes, double share) const {
  const double all = readBytes + writtenBytes;
  return all > 0 ? all / (dramBandwidth(chip, readBytes, writtenBytes) * kMicro * share) : 0;
}

uint32_t NvidiaModel::computeType(uint32_t dtype) const {
  // Each step widens without losing values; scaled four- and eight-bit formats go by way of FP8.
  for (uint32_t type = dtype;;) {
    if (matrixOpsPerUs[type] > 0)
      return type;
    switch (type) {
    case MANSARD_DTYPE_NVFP4:
    case MANSARD_DTYPE_MXFP4:
      type = MANSARD_DTYPE_MXFP8;
      break;
    case MANSARD_DTYPE_MXFP8:
      type = MANSARD_DTYPE_FP8;
      break;
    case MANSARD_DTYPE_INT4:
      type = MANSARD_DTYPE_INT8;
      break;
    case MANSARD_DTYPE_FP8:
    case MANSARD_DTYPE_INT8:
    case MANSARD_DTYPE_FP16:
      type = MANSARD_DTYPE_BF16;
      break;
    case MANSARD_DTYPE_BF16:
      type = MANSARD_DTYPE_TF32;
      break;
    default:
      return MANSARD_DTYPE_COUNT;
    }
  }
}

NvidiaModel::MatrixRate NvidiaModel::matrixRate(uint32_t dtype, double relative) const {
  const double peak = matrixOpsPerUs[dtype];
  const double issued = peak * std::min(1.0, relative * std::min(1.0, constants.gemmIssue));
  return {issued / cores, std::min(issued, power.most(dtype) * std::min(1.0, relative))};
}

void NvidiaModel::estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept {
  dispatch(kernel, out);
  if (out.status == MANSARD_OK && !(measured >> kernel.op & 1u))
    out.flags |= MANSARD_ESTIMATE_UNCALIBRATED;
}

TileFit NvidiaModel::fitTile(const mansard_kernel &kernel) const {
  return nvidia::fitTile(*this, kernel);
}

void NvidiaModel::dispatch(const mansard_kernel &kernel, mansard_estimate &out) const noexcept {
  switch (kernel.op) {
  case MANSARD_OP_MATMUL:
    return estimateMatmul(*this, kernel, out);
  case MANSARD_OP_GROUPED_MATMUL:
    return estimateGroupedMatmul(*this, kernel, out);
  case MANSARD_OP_ATTENTION_PREFILL:
    return estimateAttentionPrefill(*this, kernel, out);
  case MANSARD_OP_ATTENTION_DECODE:
    return estimateAttentionDecode(*this, kernel, out);
  case MANSARD_OP_MLA_PREFILL:
    return estimateMlaPrefill(*this, kernel, out);
  case MANSARD_OP_MLA_DECODE:
    return estimateMlaDecode(*this, kernel, out);
  case MANSARD_OP_VECTOR:
    return estimateVector(*this, kernel, out);
  case MANSARD_OP_MOE:
    return estimateMoe(*this, kernel, out);
  case MANSARD_OP_COLLECTIVE:
    return estimateCollective(*this, kernel, out);
  case MANSARD_OP_EXPERT_PARALLEL:
    return estimateExpertParallel(*this, kernel, out);
  case MANSARD_OP_CUSTOM:
    return estimateCustom(*this, kernel, out);
  default:
    return sdk::refuse(out, MANSARD_ERROR_INVALID_ARGUMENT, "unknown operation");
  }
}

} // namespace mansard::nvidia
