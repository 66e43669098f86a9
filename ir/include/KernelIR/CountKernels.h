// Kernels in LLVM IR inside of modules of the mansard dialect.
#pragma once

#include <mansard/hw/chip.h>

#include <mlir/IR/DialectRegistry.h>
#include <mlir/Pass/Pass.h>

#include <memory>

namespace mansard::ir {

/// The LLVM dialect and those of its targets, with their translation to LLVM IR.
void registerKernelDialects(mlir::DialectRegistry &registry);

/// --mansard-count-kernels="target=T": what each `mansard.custom @kernel` does, counted for a chip
/// and written into the op; functions of the LLVM dialect are gone afterwards. `chip` must outlive
/// the pass; without it the option names the target. Fails where an op's kernel cannot be counted,
/// with a diagnostic that names what is missing.
std::unique_ptr<mlir::Pass> createCountKernelsPass(const hw::Chip *chip = nullptr);

} // namespace mansard::ir
