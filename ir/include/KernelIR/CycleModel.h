// The cycle model of GCN-like chips: a kernel is compiled by LLVM's AMDGPU back end for the public
// instruction set nearest to the chip's, its machine blocks run through LLVM's machine code
// analyser, and registers and LDS give how many waves hide one another's latency.
#pragma once

#include <KernelIR/KernelCounts.h>

#include <mansard/base/result.h>
#include <mansard/hw/chip.h>
#include <mansard/work/kernel_counts.h>
#include <mansard/work/kernel_cycles.h>

#include <string_view>

namespace mansard::ir {

/// Whether the chip's description names an instruction set to stand in for its own and the module
/// is for such machines (`triple`: amdgcn).
bool hasCycleModel(const hw::Chip &chip, std::string_view triple);

/// Of one launch as counted. Errors are `invalidInput` where the chip's description names no
/// instruction set that LLVM knows, and where such a chip could not run the launch (a group that no
/// core can hold, code that is not valid); `unsupported` where only this model gives up: a number
/// that the description lacks, a call that is left, a function too large to compile while one
/// waits, an instruction that the back end cannot select (LLVM's own words, its fatal errors among
/// them). `kernel` is not changed.
///
/// Thread-safe; compilations take turns, for LLVM's fatal errors are caught process-wide meanwhile.
Result<work::KernelCycles> modelCycles(const PreparedKernel &kernel,
                                       const work::KernelCounts &counts, const hw::Chip &chip);

} // namespace mansard::ir
