// Work given by its counts alone: each resource at the share that the family's matmuls and vector
// kernels reach, all overlapping after a kernel's start.
#include "nvidia_model.h"

#include <mansard/base/counts.h>

namespace mansard::nvidia {

void estimateCustom(const NvidiaModel &model, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_custom &u = kernel.u.custom;
  const Constants &c = model.constants;
  Busy busy;
  if (u.matrix_operations > 0) {
    const uint32_t type = model.computeType(kernel.dtype);
    if (type == MANSARD_DTYPE_COUNT)
      return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED,
                         "the tensor cores have no type for these operands");
    busy[MANSARD_BOUND_MATRIX] = u.matrix_operations / model.matrixRate(type, 1).chip;
  }
  busy[MANSARD_BOUND_VECTOR] =
      u.vector_operations / (2 * model.lanesPerUs) + u.special_operations / model.specialPerUs;
  busy[MANSARD_BOUND_L2] = u.l2_bytes / (model.l2BytesPerUs * c.gemmL2);
  busy[MANSARD_BOUND_DRAM] = model.dramUs(u.read_bytes, u.write_bytes, c.gemmDram);
  if (u.link_bytes > 0) {
    const double link = model.chip.links[MANSARD_LINK_SCALE_UP].bytes_per_s * kMicro;
    if (!(link > 0))
      return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, "the chip has no scale-up links");
    busy[MANSARD_BOUND_LINK] = u.link_bytes / (link * c.linkBulk);
  }
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, c.gemmStartUs);
  parts.addOverlapped(busy);
  parts.store(out);
  out.operations = u.matrix_operations + u.vector_operations + u.special_operations;
  out.dram_read_bytes = u.read_bytes;
  out.dram_write_bytes = u.write_bytes;
  out.link_bytes = u.link_bytes;
}

} // namespace mansard::nvidia
