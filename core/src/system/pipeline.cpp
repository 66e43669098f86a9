#include <mansard/system/pipeline.h>

#include <algorithm>

namespace mansard::system {

std::vector<int64_t> layersOfStages(int64_t layers, int64_t stages) {
  std::vector<int64_t> result(static_cast<size_t>(stages), layers / stages);
  // What does not divide goes to the stages in the middle, then to the first.
  int64_t left = layers % stages;
  for (int64_t stage = 1; stage + 1 < stages && left > 0; ++stage, --left)
    ++result[static_cast<size_t>(stage)];
  if (left > 0)
    ++result.front();
  return result;
}

PipelineTime pipelineTime(const std::vector<double> &stage_us, int64_t microBatches,
                          int64_t virtualStages, double hop_us) {
  PipelineTime time;
  double slowest = 0, through = 0;
  for (double stage : stage_us) {
    slowest = std::max(slowest, stage);
    through += stage;
  }
  time.work_us = slowest * static_cast<double>(microBatches);
  const double hops = 2 * static_cast<double>(stage_us.size() - 1) * hop_us;
  time.bubble_us = (through - slowest) / static_cast<double>(virtualStages) + hops;
  time.total_us = time.work_us + time.bubble_us;
  return time;
}

double microBatchesHeld(int64_t stage, int64_t stages, int64_t microBatches,
                        int64_t virtualStages) {
  const auto all = static_cast<double>(microBatches), v = static_cast<double>(virtualStages);
  if (virtualStages == 1)
    return std::min(all, static_cast<double>(stages - stage));
  const auto ahead = static_cast<double>(stages - stage - 1), p = static_cast<double>(stages);
  return std::min(all, (2 * ahead + (v - 1) * p + 1) / v);
}

} // namespace mansard::system
