// A pipeline of stages that micro-batches pass through forward and backward: how long it takes, and
// how many micro-batches a stage holds.
//
// One forward, one backward (1F1B), and its interleaved form, in which each device has `virtual`
// smaller stages (Narayanan et al., SC 2021, arXiv 2104.04473, section 2.2): of p equal stages and
// m micro-batches of t each, m t are work and (p - 1) t / v the bubble. Durations in microseconds.
// Pure, thread-safe.
#pragma once

#include <cstdint>
#include <vector>

namespace mansard::system {

/// Layers of each stage: as equal as can be, the last one first to have less (it has the head),
/// then the first one (it has the embedding).
std::vector<int64_t> layersOfStages(int64_t layers, int64_t stages);

struct PipelineTime {
  double total_us = 0;
  double work_us = 0;   // of the slowest stage, which sets the pace
  double bubble_us = 0; // it waits for the pipeline to fill and to drain
};

/// `stage_us`: of one micro-batch, forward and backward, by stage. `hop_us`: one transfer to the
/// next stage, which every fill and drain waits for.
PipelineTime pipelineTime(const std::vector<double> &stage_us, int64_t microBatches,
                          int64_t virtualStages, double hop_us);

/// Micro-batches whose activations stage `stage` (from 0) holds at once, in units of all its layers
/// (Korthikanti et al., arXiv 2205.05198, section 4.2.3, for stage 0).
double microBatchesHeld(int64_t stage, int64_t stages, int64_t microBatches, int64_t virtualStages);

} // namespace mansard::system
