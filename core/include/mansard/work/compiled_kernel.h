// A kernel that a compiler emitted, as one chip runs it: its counts, its clocks where a cycle model
// has them, and the work that plugins price.
#pragma once

#include <mansard/hw/chip.h>
#include <mansard/work/kernel_counts.h>
#include <mansard/work/kernel_cycles.h>

#include <optional>

namespace mansard::work {

struct CompiledKernel {
  KernelCounts counts;
  std::optional<KernelCycles> cycles;
  Kernel kernel{};
};

/// What counting needs to know of `chip`; zeros where its description is silent.
KernelMachine machineOf(const hw::Chip &chip);

/// Whether code for `triple` is code for such a chip. GPU code runs on its vendor's chips alone;
/// host code, and any code under the generic model or another plugin's, is taken as work to be
/// done.
Result<> checkTriple(const std::string &triple, const hw::Chip &chip);

} // namespace mansard::work
