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
  setTraffic(model, counts, work);
  setEpilogue(g.epilogue, work);
  const MatmulSchedule schedule = scheduleMatmul(model, work);
  finishMatmul(model, kernel, counts, work, schedule, out);
}

} // namespace mansard::nvidia
