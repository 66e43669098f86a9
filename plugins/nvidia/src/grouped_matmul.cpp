// Many matmuls of one shape, each with weights of its own, in one launch: their tiles share the
// waves.
#include "matmul_work.h"

namespace mansard::nvidia {

void estimateGroupedMatmul(const NvidiaModel &model, const mansard_kernel &kernel,
                           mansard_estimate &out) {
  const mansard_grouped_matmul &g = kernel.u.grouped_matmul;
  MatmulWork work;
  if (!describeOperands(model, kernel, work, out))
    return;
  setEvenRows(work, static_cast<double>(g.groups), static_cast<double>(g.m));
  work.n = static_cast<double>(g.n);
  work.k = static_cast<double>(g.k);
  const Counts counts = countWork(kernel);
  setTraffic(model, counts, work);
  const MatmulSchedule schedule = scheduleMatmul(model, work);
  finishMatmul(model, kernel, counts, work, schedule, out);
}

} // namespace mansard::nvidia
