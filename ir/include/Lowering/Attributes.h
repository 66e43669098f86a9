// The attributes by which a module says what it is of: on the function of a step.
#pragma once

#include <mlir/IR/Operation.h>

#include <llvm/ADT/StringRef.h>

namespace mansard::ir {

/// i64: sequences that the rows belong to; of the deployment, after sharding of one replica and
/// micro-batch.
inline constexpr llvm::StringLiteral kSequencesAttr = "mansard.sequences";
/// f64: tokens that a step of the whole deployment yields, or reads in prefill.
inline constexpr llvm::StringLiteral kTokensAttr = "mansard.tokens";
/// "prefill", "decode" or "training" (a forward pass that a backward pass follows).
inline constexpr llvm::StringLiteral kPhaseAttr = "mansard.phase";
/// i64: devices of the deployment, and stages of its pipeline. Absent before sharding.
inline constexpr llvm::StringLiteral kDevicesAttr = "mansard.devices";
inline constexpr llvm::StringLiteral kStagesAttr = "mansard.stages";
/// Array of strings: what a reader of results must know.
inline constexpr llvm::StringLiteral kNotesAttr = "mansard.notes";
/// i64, on a repeat: layers of the model in one turn. Such repeats are what a pipeline is cut from.
inline constexpr llvm::StringLiteral kLayersAttr = "mansard.layers";
/// Unit, on a repeat: every turn has the same parameters and cache.
inline constexpr llvm::StringLiteral kSameParametersAttr = "mansard.same_parameters";

/// Adds to `step`'s notes and says the same in a remark.
void addNote(mlir::Operation *step, llvm::StringRef text);

} // namespace mansard::ir
