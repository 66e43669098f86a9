// Runs of machine blocks through LLVM's machine code analyser.
#pragma once

#include "GcnCore.h"
#include "MachineKernel.h"

#include <mansard/base/result.h>
#include <mansard/work/kernel_cycles.h>

#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>

#include <vector>

namespace mansard::ir {

/// What one pass over a block's code takes, waves of other groups apart.
struct BlockTime {
  double clocks = 0;
  work::WaitClocks waits;
  work::PortClocks busy{};
};

/// What a simulation reads; all of it must outlive the call.
struct Scheduling {
  const llvm::Target &target;
  const llvm::MCSubtargetInfo &chip; // from chipScheduling()
  const llvm::MCInstrInfo &names;
  const llvm::MCRegisterInfo &registers;
  const GcnCore &core;
};

/// Blocks that run one after the other, in order, by a wave that has its SIMD to itself: once, or,
/// if they are the whole body of a loop, as one turn among many. One time for each block.
Result<std::vector<BlockTime>> simulate(const Scheduling &scheduling,
                                        const std::vector<const MachineBlock *> &blocks,
                                        bool isLoop);

} // namespace mansard::ir
