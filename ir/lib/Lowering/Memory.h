// Device memory that a step needs, counted from its ops.
#pragma once

#include <mansard/work/program.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>

namespace mansard::ir {

/// Of one device; with a pipeline, of the stage that needs most parameters and cache. The stages
/// share the layers as evenly as whole layers allow; what comes before and after the layers is the
/// first and the last stage's.
work::MemoryNeed memoryOf(mlir::func::FuncOp step);

} // namespace mansard::ir
