// One step of training: a global batch through forward and backward passes, the reduction of
// gradients and the optimiser; its time, memory and utilisation.
//
// Micro-batches of `micro_batch` sequences pass a pipeline of pp stages; dp replicas take an equal
// part of the batch each. Model operations are those of one forward and one backward pass, whatever
// is computed again: 6 for each token and parameter that it is multiplied by, and 12 for each
// token, head, position and column of attention, the causal mask left out of account (Narayanan et
// al., arXiv 2104.04473, appendix; Korthikanti et al., arXiv 2205.05198, appendix A; PaLM, arXiv
// 2204.02311, appendix B). MFU sets them against the peak of the type that matmuls take; HFU adds
// what is computed again.
#pragma once

#include <mansard/host/host.h>
#include <mansard/model/estimate.h>
#include <mansard/system/pipeline.h>
#include <mansard/system/training_memory.h>
#include <mansard/system/training_program.h>

#include <string>
#include <vector>

namespace mansard::system {

struct TrainingPlan {
  int64_t seq = 4096;                        // tokens of a sequence
  int64_t global_batch = 1, micro_batch = 1; // sequences
  work::Parallelism parallelism;             // ep: of the tp x dp devices of a stage
  int64_t virtual_stages = 1;                // of each device: interleaved schedule
  int zero = 0;                              // 0 to 3
  TrainingMethod method;
  Optimizer optimizer = Optimizer::adam;
  work::Quantisation precision = work::Quantisation::bf16;
  bool overlap = true; // gradients' reduction beside the last backward pass; sends between
                       // interleaved stages beside computation

  int64_t microBatches() const { return global_batch / (micro_batch * parallelism.dp); }
};

/// What matmuls take, and how it is scaled: the names that `named` knows.
inline constexpr std::array<std::string_view, 5> kTrainingDTypes{"bf16", "fp16", "fp8", "fp8-block",
                                                                 "mxfp8"};

/// Those of a plan's choices that have names.
struct TrainingNames {
  std::string recompute = "none", attention = "flash", optimizer = "adam", dtype = "bf16";
};
/// `plan` with the choices named. An unknown name is an error that lists those there are.
Result<TrainingPlan> named(TrainingPlan plan, const TrainingNames &names);

/// Sizes and degrees that contradict each other: the message names the flags and what would be
/// valid.
Result<> check(const TrainingPlan &plan, const work::Transformer &model);

/// All runs of one kernel in a step of the slowest stage.
struct TrainingLine {
  std::string name;
  work::Kernel kernel{};
  std::string pass; // "forward", "recompute", "backward", "update", "gradients", "pipeline"
  double count = 0, latency_us = 0;    // of one run
  double total_us = 0, exposed_us = 0; // of all runs; what they add to the step
  uint32_t bound = 0;
};

/// Durations in microseconds, of the slowest stage and of all its micro-batches.
struct TrainingEstimate {
  TrainingPlan plan;
  std::string model;
  int64_t devices = 1;
  double step_us = 0;
  double forward_us = 0, recompute_us = 0, backward_us = 0; // collectives of layers included
  double sends_us = 0;     // between stages, as far as nothing runs beside them
  double gradients_us = 0; // their reduction and the parameters' exchange, as far as exposed
  double optimizer_us = 0;
  double bubble_us = 0;
  double communication_us = 0; // what the step would gain if links were free, bubble left out
  double part_us[MANSARD_BOUND_COUNT] = {}; // of all but the bubble, by resource
  uint32_t bound = 0;
  std::vector<TrainingLine> lines;
  TrainingMemory memory;
  std::vector<std::string> remedies; // flags with which it fits, each tried; empty if it fits
  double parameters = 0;             // of the model
  double model_operations = 0, again_operations = 0; // of a step; computed again
  double peak_operations = 0;                        // per second, of all devices
  std::vector<std::string> notes;

  double tokens() const {
    return static_cast<double>(plan.global_batch) * static_cast<double>(plan.seq);
  }
  double tokensPerSecond() const { return tokens() / step_us * 1e6; }
  double mfu() const { return model_operations / (step_us * 1e-6 * peak_operations); }
  double hfu() const {
    return (model_operations + again_operations) / (step_us * 1e-6 * peak_operations);
  }
};

/// Errors: the plan does not pass its check, the model cannot be cut as it asks or is a .mlir
/// module, a kernel has no estimate or no backward pass.
Result<TrainingEstimate> estimateTraining(const TrainingPlan &plan, const model::Lowering &lowering,
                                          const host::Model &target);

/// The operations of a forward and a backward pass over `tokens` tokens in sequences of `seq`.
double modelOperations(const work::Transformer &model, double tokens, int64_t seq);

} // namespace mansard::system
