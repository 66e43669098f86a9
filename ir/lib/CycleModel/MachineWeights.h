// How often machine blocks run.
#pragma once

#include "MachineKernel.h"

#include <mansard/work/kernel_counts.h>

#include <vector>

namespace mansard::ir {

/// Sets MachineBlock::executions. A block that comes from a counted IR block runs as often as that;
/// one that the back end made (where control flow of lanes joins, on an edge) as often as its own
/// guess has it beside the counted blocks of its loop.
void weighBlocks(MachineKernel &kernel, const std::vector<work::BlockFrequency> &counted);

} // namespace mansard::ir
