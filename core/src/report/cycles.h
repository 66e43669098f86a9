// Views of what a cycle model found of a kernel.
#pragma once

#include "json.h"

#include <mansard/work/kernel_cycles.h>

#include <string>

namespace mansard::report {

/// Facts, clocks by port, and the blocks that take most; indented as a kernel's other tables.
std::string cyclesTable(const work::KernelCycles &cycles);
/// The same, all blocks included; notes are the caller's to print.
Json cyclesJson(const work::KernelCycles &cycles);

} // namespace mansard::report
