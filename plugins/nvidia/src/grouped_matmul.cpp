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

// Tiles' heights: groups are padded to the taller one, or to the shorter one where that holds what
// a group is expected to have (DeepGEMM's alignment of rows that lie one group after another, and
// its choice where every group has a place of its own).
constexpr double kTallTile = 128, kShortTile = 64;

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
  if (bytesOf(kernel.weight_dtype) < 2) { // made for experts; others batch equal matrices
    work.matrixShare *= model.constants.groupedMatrix;
    work.leastHeight = g.m > kShortTile ? kTallTile : kShortTile;
    work.mostHeight = kTallTile;
    work.heightStep = static_cast<int>(kShortTile);
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
