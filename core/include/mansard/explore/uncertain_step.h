// A step whose chip and kernels are not known exactly.
#pragma once

#include <mansard/explore/uncertainty.h>
#include <mansard/host/host.h>
#include <mansard/model/timeline.h>
#include <mansard/work/program.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace mansard::explore {

/// Of several figures, over the same inputs.
struct Spreads {
  std::vector<UncertainInput> inputs; // that the figures' shares name
  std::vector<Spread> figures;
  std::vector<std::string> notes; // of points that make no sense

  /// Null where there is none.
  const Spread *of(size_t figure) const {
    return figure < figures.size() ? &figures[figure] : nullptr;
  }
};

/// Fills `figures` from a step as one point has it: the target with its numbers, the program priced
/// on it. Called from several threads at once.
using StepFigures = std::function<void(const host::Model &target, const model::Evaluator &step,
                                       std::span<double> figures)>;

/// Points of an experiment that stands beside a result: percentiles to about a twentieth of an
/// interval's width.
inline constexpr size_t kSamplesBeside = 256;

/// Over the chip's numbers with a range and the times of the kernels (KernelTimes). The program is
/// priced again where the chip's numbers change, not lowered. Thread-safe. Errors: the program
/// cannot be priced at the numbers themselves, or at more than half of the points.
Result<Spreads> spreadsOfStep(const host::Model &target, const work::Program &program,
                              size_t figures, const StepFigures &fill,
                              const SamplingOptions &options = {.samples = kSamplesBeside});

} // namespace mansard::explore
