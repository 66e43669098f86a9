// How far from its estimate a measurement of a kernel is likely to lie.
#pragma once

#include <mansard/host/host.h>

namespace mansard::host {

/// Four of five measurements of the family's kernels of this operation fall between the two, in
/// microseconds.
struct Interval {
  double low_us = 0, high_us = 0;
  /// False: the family has no residuals for this operation, and the interval is half to twice the
  /// estimate for want of knowledge. Say so wherever the interval is shown.
  bool known = false;
};

/// `latency_us` scaled by the family's calibration constants residual.<op>.p10 and .p90 (measured
/// over predicted; see mansard/base/names.h for the names of operations). A pair that is not
/// finite, positive and in order counts as absent. Thread-safe; allocates nothing.
Interval interval(const Model &model, const mansard_kernel &kernel, double latency_us);

} // namespace mansard::host
