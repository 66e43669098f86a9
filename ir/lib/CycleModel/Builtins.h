// Calls of the device library that code generation knows as intrinsics.
#pragma once

#include <mansard/work/kernel_counts.h>

#include <llvm/IR/Function.h>

namespace mansard::ir {

/// Replaces calls that ask for ids, sizes, barriers, atomics and the functions that the vector unit
/// has, by the names of OpenCL C, OCKL and OCML, as linking the device library would. Sizes are
/// those of `launch`. Calls that it does not know stay. No block is added or removed.
void lowerBuiltins(llvm::Function &kernel, const work::LaunchGeometry &launch);

} // namespace mansard::ir
