// A step's kernels as people read them: all runs of one kernel under one name together.
#pragma once

#include <mansard/model/timeline.h>
#include <mansard/work/program.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mansard::model {

/// Durations in microseconds.
struct KernelRuns {
  std::string name;
  uint32_t kernel = 0; // index into Program::kernels
  int64_t count = 0;
  double total_us = 0;   // of all runs
  double exposed_us = 0; // what they add to the step; less where something runs beside them
};

/// In order of execution. `steps` by step index.
std::vector<KernelRuns> kernelRuns(const work::Program &program, std::span<const StepTime> steps);

} // namespace mansard::model
