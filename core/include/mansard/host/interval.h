// How far from its estimate a measurement of a kernel is likely to lie.
#pragma once

#include <mansard/host/host.h>

namespace mansard::host {

/// The same as factors, measured over predicted, by where they come from. What the residuals hold
/// is scatter between kernels; what was carried over from other chips errs alike on all kernels of
/// the operation.
struct Band {
  double low = 1, high = 1; // the residuals'
  double carried = 0;       // half the width, in log, that a chip adds which was not measured
  bool known = false;       // false: the family has no residuals, and all is carried over

  double middle() const; // in log
  double half() const;   // half the residuals' width, in log
};

/// Four of five measurements of the family's kernels of this operation fall between the two, in
/// microseconds.
struct Interval {
  double low_us = 0, high_us = 0;
  /// False: the family has no residuals for this operation, and the interval is half to twice the
  /// estimate for want of knowledge. Say so wherever the interval is shown.
  bool known = false;
};

/// Two of the family's calibration constants, p10 and p90 (measured over predicted): those of the
/// first of residual.<op>.<dtype>.<bound>, residual.<op>.<dtype>, residual.<op>.<bound> and
/// residual.<op> that there is (see mansard/base/names.h for the names). The regime counts: a
/// kernel that its start bounds is known less well than one that fills the matrix unit. A pair that
/// is not finite, positive and in order counts as absent. Where the family's rows of the operation
/// are of other chips, which residual.<op>.measured.<chip> tells, residual.<op>.unmeasured, else
/// residual.unmeasured, is half the width (in log) of what one chip's constants miss on another:
/// independent of what else is not known, so the two add as the root of squares do. The interval is
/// the estimate's latency scaled by them. Thread-safe; allocates nothing. report::residualBands()
/// finds the pairs.
Band band(const Model &model, const mansard_kernel &kernel, const mansard_estimate &estimate);
Interval interval(const Model &model, const mansard_kernel &kernel,
                  const mansard_estimate &estimate);

} // namespace mansard::host
