// From a module of one device to the flat program that models estimate.
#pragma once

#include <mansard/work/program.h>

#include <mlir/IR/BuiltinOps.h>

namespace mansard::ir {

/// The module's one function: its kernels in order with counts and overlap groups, the memory of
/// parameters, caches and the largest set of live activations, its notes. A module that does not
/// say how many tokens its step yields has 0. Errors: no function or several; a kernel that
/// `work::check` refuses, by its label.
Result<work::Program> toProgram(mlir::ModuleOp module);

} // namespace mansard::ir
