#include "uncertain_chip.h"

#include <mansard/explore/uncertain_kernels.h>
#include <mansard/explore/uncertain_step.h>

namespace mansard::explore {

Result<Spreads> spreadsOfStep(const host::Model &target, const work::Program &program,
                              size_t figures, const StepFigures &fill,
                              const SamplingOptions &options) {
  model::Evaluator known(program);
  if (auto done = known.run(target); !done)
    return done.error();
  KernelTimes kernels;
  kernels.add(target, program, known.estimates(), known.steps());

  Spreads spreads;
  const UncertainChip chip(target, Results::times, spreads.inputs);
  kernels.addInputs(spreads.inputs, target.chip().id);

  Failures failures;
  const auto experiment = [&](std::span<const double> values, std::span<double> out) {
    const auto other = chip.at(values);
    if (!other)
      return failures.add(other.error().text());
    model::Evaluator step = known;
    if (*other)
      if (auto done = step.run(**other); !done)
        return failures.add(done.error().text());
    const model::KernelFactors factors = kernels.take(values);
    step.adjust([&](const work::Kernel &kernel, mansard_estimate &estimate) {
      if (kernel.op < MANSARD_OP_COUNT)
        model::stretch(estimate, factors[kernel.op]);
    });
    fill(*other ? **other : target, step, out);
    return true;
  };
  auto found = spreadsOf(spreads.inputs, figures, experiment, options);
  if (!found)
    return found.error();
  spreads.figures = std::move(*found);
  spreads.notes = failures.note(options.samples, true);
  return spreads;
}

} // namespace mansard::explore
