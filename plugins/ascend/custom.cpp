// Work given by its counts: every engine at its sustained rate, all overlapped.
#include "ops.h"

#include <mansard/base/custom_work.h>

#include <algorithm>

namespace mansard::ascend {

void estimateCustom(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_custom &u = kernel.u.custom;
  const bool cube = u.matrix_operations > 0;
  if (cube && !(d.cubeOps[kernel.dtype] > 0))
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED,
                       "the cube cores of this chip do not multiply this data type");
  double link = 0;
  for (const mansard_link &level : d.chip.links)
    link = std::max(link, level.bytes_per_s);
  if (u.link_bytes > 0 && !(link > 0))
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, "the chip has no links");
  constexpr double micro = 1e-6;
  const double perCore = micro * d.c.vectorEfficiency / d.cores;
  const double vectorOps = vectorRate(d.chip, kernel.dtype);
  CustomRates rates;
  rates.cores = d.cores;
  rates.clocksPerUs = d.chip.clock_hz * micro;
  rates.matrixOfChip = std::min(d.cubeOps[kernel.dtype] * d.cores, d.power.most(kernel.dtype));
  rates.matrixOfCore = d.cubeOps[kernel.dtype];
  rates.vectorOfCore = vectorOps * perCore;
  rates.integerOfCore = integerRate(d.chip, vectorOps) * perCore;
  rates.specialOfCore = d.chip.special_ops_per_s * perCore;
  rates.sramOfCore = d.chip.sram_bytes_per_s_per_core * micro;
  rates.l2Read = d.chipL2Read;
  rates.l2Write = d.chipL2Write;
  rates.l2OfCore = d.l2Read;
  rates.dram = d.dram(u.read_bytes, u.write_bytes);
  rates.link = link * micro * d.c.linkEfficiency;
  const bool vector = u.vector_operations + u.integer_operations + u.special_operations > 0;
  const double start =
      cube ? (vector && !d.direct ? d.c.mixedStart_us : d.c.cubeStart_us) : d.c.vectorStart_us;
  storeCustom(customWork(u, rates), u, start, out);
}

} // namespace mansard::ascend
