// Many matmuls of one shape, each with weights of its own, in one launch: their tiles share the
// waves.
#include "matmul_work.h"

#include <algorithm>
#include <cmath>

namespace mansard::nvidia {
namespace {

// Rows of a group around their mean: kernels for groups are measured, and routed tokens lie, about
// so unevenly (DeepGEMM's tests draw from 0.7 to 1.3 of the mean).
constexpr double kSpread = 0.3;

/// Integral of ceil() from 0 to x.
double ceilSum(double x) {
  const double whole = std::floor(x);
  return whole * (whole + 1) / 2 + (x - whole) * (whole + 1);
}

/// Expected tiles of `height` that cover rows drawn evenly around their mean.
double expectedTiles(double rows, double height) {
  const double low = std::max(rows * (1 - kSpread), 1e-3) / height;
  const double high = rows * (1 + kSpread) / height;
  return (ceilSum(high) - ceilSum(low)) / (high - low);
}

} // namespace

void estimateGroupedMatmul(const NvidiaModel &model, const mansard_kernel &kernel,
                           mansard_estimate &out) {
  const mansard_grouped_matmul &g = kernel.u.grouped_matmul;
  MatmulWork work;
  if (!describeOperands(model, kernel, work, out))
    return;
  setEvenRows(work, static_cast<double>(g.groups), static_cast<double>(g.m));
  if (kernel.scaling == MANSARD_SCALING_BLOCK) { // made for experts; others batch equal matrices
    work.matrixShare *= model.constants.groupedMatrix;
    if (g.groups > 1)
      for (int i = 0; i < kHeightCount; ++i)
        work.rowTiles[i] =
            static_cast<double>(g.groups) * expectedTiles(static_cast<double>(g.m), kHeights[i]);
  }
  work.n = static_cast<double>(g.n);
  work.k = static_cast<double>(g.k);
  const Counts counts = countWork(kernel);
  setTraffic(model, counts, 0, work);
  const MatmulSchedule schedule = scheduleMatmul(model, work);
  finishMatmul(model, kernel, counts, work, schedule, out);
}

} // namespace mansard::nvidia
