// The mansard dialect: types, attributes, ops and the interface that all of them implement.
#pragma once

#include <IR/DTypes.h>
#include <mansard/sdk/abi.h>

#include <mlir/Bytecode/BytecodeOpInterface.h>
#include <mlir/IR/Builders.h>
#include <mlir/IR/BuiltinAttributes.h>
#include <mlir/IR/BuiltinTypes.h>
#include <mlir/IR/Dialect.h>
#include <mlir/IR/OpDefinition.h>
#include <mlir/Interfaces/ControlFlowInterfaces.h>
#include <mlir/Interfaces/SideEffectInterfaces.h>

#include <llvm/ADT/SmallVector.h>

namespace mansard::ir {

using Shape = llvm::SmallVector<int64_t, 4>;
using Shapes = llvm::SmallVector<Shape, 2>; // of each result

/// The discardable attribute that says in which lane of an `overlap` an op runs.
inline constexpr llvm::StringLiteral kLaneAttr = "mansard.lane";

} // namespace mansard::ir

#include "IR/Dialect.h.inc"
#include "IR/Enums.h.inc"
#include "IR/Interfaces.h.inc"

#define GET_TYPEDEF_CLASSES
#include "IR/Types.h.inc"

#define GET_ATTRDEF_CLASSES
#include "IR/Attributes.h.inc"

#define GET_OP_CLASSES
#include "IR/Ops.h.inc"

namespace mansard::ir {

/// Gives the results of `op` the shapes that its operands imply; element types stay.
void updateResultTypes(KernelOpInterface op);

/// The op's label, or its mnemonic.
llvm::StringRef labelOf(mlir::Operation *op);

/// Rows that one device gets when the choices of `experts` are spread evenly over its parts.
int64_t localChoices(ExpertsAttr experts);

} // namespace mansard::ir
