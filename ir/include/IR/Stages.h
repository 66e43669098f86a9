// Stages of a staggered overlap: which of its ops run side by side, and which before or after.
#pragma once

#include <llvm/ADT/StringRef.h>

#include <cstdint>

namespace mansard::ir {

/// i64, on an op in a staggered `overlap`: in which stage it runs; without it, in stage 0. Only ops
/// of one stage run side by side, lane by lane, and the stages follow one another.
inline constexpr llvm::StringLiteral kStageAttr = "mansard.stage";
inline constexpr int64_t kMaxStages = 4096; // keeps the programs' overlap groups few

} // namespace mansard::ir
