// The stand-in's scheduling model with the chip's own latencies and rates in it.
#pragma once

#include "GcnCore.h"
#include "MachineKernel.h"

#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/MCSubtargetInfo.h>

#include <memory>

namespace mansard::ir {

/// Its cycles are kIssueClocks each. What differs from LLVM's model:
/// - a vector instruction keeps the vector unit busy for its latency: waves of 64 on 16 lanes, one
///   instruction after the other (LLVM has them start one a cycle);
/// - a vector load takes `memoryLatency` clocks;
/// - matrix and memory instructions keep their units busy as long as the chip's rates have it,
///   averaged over the instructions of `kernel` that share a scheduling class;
/// - a barrier takes one issue: how long waves wait for one another is not modelled.
/// `isa`, `names` and `registers` must outlive the result.
std::unique_ptr<llvm::MCSubtargetInfo>
chipScheduling(const llvm::MCSubtargetInfo &isa, const llvm::MCInstrInfo &names,
               const llvm::MCRegisterInfo &registers, const GcnCore &core,
               const MachineKernel &kernel, double memoryLatency);

} // namespace mansard::ir
