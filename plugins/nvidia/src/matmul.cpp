// Dense matmuls.
#include "matmul_work.h"

namespace mansard::nvidia {

void estimateMatmul(const NvidiaModel &model, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_matmul &g = kernel.u.matmul;
  MatmulWork work;
  if (!describeOperands(model, kernel, work, out))
    return;
  setEvenRows(work, 1, static_cast<double>(g.m));
  work.n = static_cast<double>(g.n);
  work.k = static_cast<double>(g.k);
  const Counts counts = countWork(kernel);
  setTraffic(model, counts,
             quantizesBefore(kernel) ? work.rows * work.k * (2 - work.activationBytes) : 0, work);
  setEpilogue(g.epilogue, work);
  if (work.compute == MANSARD_DTYPE_NVFP4) // tiles of whole instructions, of tokens as they lie
    work.leastHeight = work.heightStep = 128;
  setStated(kernel, work);
  const MatmulSchedule schedule = scheduleMatmul(model, work);
  finishMatmul(model, kernel, counts, work, schedule, out);
  if (statesTile(kernel)) { // as stated, without the padding
    out.tiling.tile_m = g.tile_m;
    out.tiling.tile_n = g.tile_n;
  }
}

} // namespace mansard::nvidia
