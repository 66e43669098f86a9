// How long kernels really take, as inputs of an experiment: one factor for all that one formula
// prices.
//
// A residual band (mansard/host/interval.h) says how far single kernels scatter. A step runs
// several kernels of an operation, and only a part of the scatter is common to those that run
// together: the device, data type and rows of a step are the same, weights' shapes and heads are
// not. With h half the band's width in log, c its common share and w_i the time of site i over the
// operation's, the operation's whole time has half the width
//   sqrt(h^2 (c + (1 - c) sum(w_i^2)) + u^2)
// where u was carried over from chips that were measured, and is common to all. Middles add by
// time. Operations are priced by formulas of their own and err independently.
#pragma once

#include <mansard/explore/uncertainty.h>
#include <mansard/host/host.h>
#include <mansard/model/timeline.h>
#include <mansard/work/program.h>

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace mansard::explore {

/// What some steps spend on which operations. One object a thread.
class KernelTimes {
public:
  /// `weight` of the time that counts is this step's, divided as its kernels add to it.
  /// c is residual.<op>.common of the chip's calibration (report::commonShare() finds it); where
  /// there is none, all is common.
  void add(const host::Model &target, const work::Program &program,
           std::span<const mansard_estimate> estimates, std::span<const model::StepTime> steps,
           double weight = 1);

  /// Appends an input for each operation that took time: "matmul times of h100-sxm".
  void addInputs(std::vector<UncertainInput> &inputs, const std::string &owner) const;

  /// Those inputs' values, taken off the front of `values`; 1 for operations without.
  model::KernelFactors take(std::span<const double> &values) const;

private:
  struct Sum {
    double time = 0, middle = 0, half = 0, carried = 0; // all but time are in log, times time
    double common = 1;
    std::map<std::string, double> sites; // half of each, times its time
  };
  std::array<Sum, MANSARD_OP_COUNT> sums_;
};

} // namespace mansard::explore
