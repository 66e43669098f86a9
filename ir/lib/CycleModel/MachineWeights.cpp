#include "MachineWeights.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace mansard::ir {
namespace {

/// Counted executions over guessed frequency.
struct Scale {
  double frequency = 0, ratio = 0; // of the block that the ratio is taken from

  void offer(const MachineBlock &block) {
    if (block.frequency > frequency) {
      frequency = block.frequency;
      ratio = block.executions / block.frequency;
    }
  }
};

} // namespace

void weighBlocks(MachineKernel &kernel, const std::vector<work::BlockFrequency> &counted) {
  std::map<std::string_view, double> runs;
  for (const work::BlockFrequency &block : counted)
    runs[block.name] = block.perWarp;
  // Parts of one IR block: the one that runs most runs as often as the whole.
  std::map<std::string_view, double> largest;
  for (const MachineBlock &block : kernel.blocks)
    largest[block.source] = std::max(largest[block.source], block.frequency);

  Scale outside;
  std::vector<Scale> loops(kernel.loops.size());
  std::vector<bool> known(kernel.blocks.size());
  for (size_t i = 0; i < kernel.blocks.size(); ++i) {
    MachineBlock &block = kernel.blocks[i];
    const auto found = block.source.empty() ? runs.end() : runs.find(block.source);
    if (found == runs.end())
      continue;
    known[i] = true;
    const double most = largest[block.source];
    block.executions = found->second * (most > 0 ? block.frequency / most : 1);
    (block.loop < 0 ? outside : loops[block.loop]).offer(block);
  }
  if (outside.frequency == 0)
    outside = {1, 1};                       // the entry runs once
  for (size_t i = 0; i < loops.size(); ++i) // outer loops come first
    if (loops[i].frequency == 0)
      loops[i] = kernel.loops[i].parent < 0 ? outside : loops[kernel.loops[i].parent];
  for (size_t i = 0; i < kernel.blocks.size(); ++i)
    if (MachineBlock &block = kernel.blocks[i]; !known[i])
      block.executions = block.frequency * (block.loop < 0 ? outside : loops[block.loop]).ratio;
}

} // namespace mansard::ir
