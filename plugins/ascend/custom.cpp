// Work given by its counts: every engine at its sustained rate, all overlapped.
#include "ops.h"

#include <algorithm>

namespace mansard::ascend {

void estimateCustom(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_custom &u = kernel.u.custom;
  Busy busy;
  const bool cube = u.matrix_operations > 0;
  if (cube) {
    if (!(d.cubeOps[kernel.dtype] > 0))
      return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED,
                         "the cube cores of this chip do not multiply this data type");
    busy[MANSARD_BOUND_MATRIX] = u.matrix_operations / (d.cubeOps[kernel.dtype] * d.cores);
  }
  busy[MANSARD_BOUND_VECTOR] = vectorMicroseconds(d.chip, kernel.dtype, u.vector_operations,
                                                  u.special_operations, d.c.vectorEfficiency);
  busy[MANSARD_BOUND_L2] =
      (u.l2_bytes + u.read_bytes) / d.chipL2Read + u.write_bytes / d.chipL2Write;
  if (u.read_bytes + u.write_bytes > 0)
    busy[MANSARD_BOUND_DRAM] = (u.read_bytes + u.write_bytes) / d.dram(u.read_bytes, u.write_bytes);
  double link = 0;
  for (const mansard_link &level : d.chip.links)
    link = std::max(link, level.bytes_per_s);
  if (u.link_bytes > 0) {
    if (!(link > 0))
      return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, "the chip has no links");
    busy[MANSARD_BOUND_LINK] = u.link_bytes / (link * 1e-6 * d.c.linkEfficiency);
  }
  Parts parts;
  const bool vector = u.vector_operations + u.special_operations > 0;
  parts.addSerial(MANSARD_BOUND_FIXED,
                  cube ? (vector && !d.direct ? d.c.mixedStart_us : d.c.cubeStart_us)
                       : d.c.vectorStart_us);
  parts.addOverlapped(busy);
  parts.store(out);
  out.operations = u.matrix_operations;
  out.dram_read_bytes = u.read_bytes;
  out.dram_write_bytes = u.write_bytes;
  out.link_bytes = u.link_bytes;
}

} // namespace mansard::ascend
