// Work given by its counts alone: each resource at the share that the family's matmuls and vector
// kernels reach, all overlapping after a kernel's start.
#include "nvidia_model.h"

#include <mansard/base/custom_work.h>
#include <mansard/base/dram.h>

namespace mansard::nvidia {
namespace {
/// Bytes of the port between a streaming multiprocessor and the L2, each clock (NVIDIA A100 white
/// paper: 5120 bytes a clock for 80 of them; unchanged since Volta).
constexpr double kPortBytesPerClock = 64;
} // namespace

void estimateCustom(const NvidiaModel &model, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_custom &u = kernel.u.custom;
  const Constants &c = model.constants;
  CustomRates rates;
  rates.cores = model.cores;
  rates.clocksPerUs = model.clocksPerUs;
  if (u.matrix_operations > 0) {
    const uint32_t type = model.computeType(kernel.dtype);
    if (type == MANSARD_DTYPE_COUNT)
      return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED,
                         "the tensor cores have no type for these operands");
    const NvidiaModel::MatrixRate matrix = model.matrixRate(type, 1);
    rates.matrixOfChip = matrix.chip;
    rates.matrixOfCore = matrix.core;
  }
  const double perCore = kMicro / model.cores, vector = customVectorRate(model.chip, kernel.dtype);
  rates.vectorOfCore = vector * perCore;
  rates.integerOfCore = integerRate(model.chip, vector) * perCore;
  rates.specialOfCore = model.specialPerUs / model.cores;
  rates.sramOfCore = model.sramBytesPerUs;
  rates.l2Read = rates.l2Write = model.l2BytesPerUs * c.gemmL2;
  rates.l2OfCore = kPortBytesPerClock * model.clocksPerUs;
  rates.dram = dramBandwidth(model.chip, u.read_bytes, u.write_bytes) * kMicro * c.gemmDram;
  rates.link = model.chip.links[MANSARD_LINK_SCALE_UP].bytes_per_s * kMicro * c.linkBulk;
  if (u.link_bytes > 0 && !(rates.link > 0))
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, "the chip has no scale-up links");
  storeCustom(customWork(u, rates), u, c.gemmStartUs, out);
}

} // namespace mansard::nvidia
