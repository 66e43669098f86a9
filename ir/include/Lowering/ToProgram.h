// From a module of one device to the flat program that models estimate.
#pragma once

#include <mansard/work/program.h>

#include <mlir/IR/BuiltinOps.h>

#include <vector>

namespace mansard::ir {

/// The module's one function: its kernels in order with counts and overlap groups, the memory of
/// parameters, caches and the largest set of live activations, its notes. A module that does not
/// say how many tokens its step yields has 0. Errors: no function or several; a kernel that
/// `work::check` refuses, by its label. `opOfStep`, if given, gets the op that each step is from.
Result<work::Program> toProgram(mlir::ModuleOp module,
                                std::vector<mlir::Operation *> *opOfStep = nullptr);

} // namespace mansard::ir
