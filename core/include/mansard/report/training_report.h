// The estimate of a training step, collected once, and its views.
#pragma once

#include <mansard/host/host.h>
#include <mansard/system/training.h>

#include <string>
#include <vector>

namespace mansard::report {

/// All runs of one kernel in a step of the slowest stage.
struct TrainingKernelLine {
  std::string name, pass, op, what; // what: a short description of the work
  double count = 0, latency_us = 0, total_us = 0;
  double exposed_us = 0, share = 0; // what they add to the step; of the step
  uint32_t bound = 0;
};

/// A part of the step, as people think of it.
struct TrainingPart {
  std::string name, key; // key: in JSON, with its unit
  double us = 0, share = 0;
  std::string remark;
};

struct TrainingReport {
  std::string target, targetName, system, model, modelName, scenario, method;
  system::TrainingPlan plan;
  int64_t devices = 0, chips = 0, microBatches = 0;
  double step_us = 0, tokens = 0, tokens_per_s = 0, tokens_per_s_per_chip = 0;
  double mfu = 0, hfu = 0, model_tflops_per_device = 0, peak_tflops_per_device = 0;
  double parameters = 0;
  double bubbleShare = 0, communicationShare = 0; // of the step
  std::vector<TrainingPart> parts;                // sum to the step
  uint32_t bound = 0;
  double part_us[MANSARD_BOUND_COUNT] = {}; // of all but the bubble
  double weights_GiB = 0, gradients_GiB = 0, optimizer_GiB = 0, activations_GiB = 0,
         capacity_GiB = 0; // of a device of the stage that needs most
  int64_t memoryStage = 0;
  bool fits = true;
  std::vector<std::string> remedies;
  std::vector<TrainingKernelLine> kernels; // the longest first
  std::vector<std::string> notes;

  double memory_GiB() const {
    return weights_GiB + gradients_GiB + optimizer_GiB + activations_GiB;
  }
  /// "DOES NOT FIT: needs 81.2 GiB more ...", or empty.
  std::string misfit() const;
};

TrainingReport collectTraining(const system::TrainingEstimate &estimate, const host::Model &target);

std::string trainingTable(const TrainingReport &report);
std::string trainingJson(const TrainingReport &report);
/// A row for each kernel, and one named "step" for their whole.
std::string trainingCsv(const TrainingReport &report);

} // namespace mansard::report
