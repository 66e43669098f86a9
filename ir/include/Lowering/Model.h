// From a transformer and a workload to a module in the dialect, of the whole deployment.
#pragma once

#include <mansard/base/result.h>
#include <mansard/work/transformer.h>
#include <mansard/work/workload.h>

#include <mlir/IR/BuiltinOps.h>
#include <mlir/IR/OwningOpRef.h>

namespace mansard::ir {

/// Nothing is cut yet: one function, `step`, of what all devices do together in one step (a
/// pipeline's stages included), with parameters tagged by how they may be cut. Errors: the model or
/// the workload does not pass its own check. The context must have the mansard and func dialects
/// loaded, and is not shared during the call.
Result<mlir::OwningOpRef<mlir::ModuleOp>> modelToModule(mlir::MLIRContext *context,
                                                        const work::Transformer &model,
                                                        const work::Workload &workload);

/// Whether the model's heads, widths and experts can be cut as the workload asks; an error names
/// both numbers and the nearest degree that works. The sharding pass finds the same, later and in
/// terms of ops.
Result<> checkSharding(const work::Transformer &model, const work::Workload &workload);

} // namespace mansard::ir
