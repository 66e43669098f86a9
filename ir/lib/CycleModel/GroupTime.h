// From a wave that has its core to itself to groups that share one.
#pragma once

#include "GcnCore.h"
#include "Simulation.h"

#include <mansard/work/kernel_counts.h>
#include <mansard/work/kernel_cycles.h>

#include <string>

namespace mansard::ir {

/// What the addresses of a block's accesses add to the ports that its instructions hold: lines
/// beyond those of neighbouring lanes, banks that strided lanes share.
void addAccesses(BlockTime &time, const std::string &block, const work::KernelCounts &counts,
                 const GcnCore &core);

/// Sets what follows from the wave's clocks and mostGroupsPerCore when the launch has `groups`
/// (0: not known, the core is full).
void shareCore(work::KernelCycles &cycles, const GcnCore &core, double groups);

} // namespace mansard::ir
