// LLVM's AMDGPU back end, started once, and work done in it without its fatal errors ending the
// process.
#pragma once

#include "MachineKernel.h"

#include <KernelIR/KernelCounts.h>

#include <mansard/base/result.h>

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

namespace mansard::ir {

/// Runs `work` with a deep stack of its own. report_fatal_error, an abort or an invalid access in
/// it ends `work` alone, as an error that says `what` was being done and LLVM's reason; what it had
/// allocated is lost. One at a time.
Result<> guarded(const std::string &what, llvm::function_ref<Result<>()> work);

/// What a launch lays down for code generation.
struct CodeRequest {
  std::string isa;           // e.g. gfx90a
  int groupSize = 256;       // work items
  int vectorRegisters = 256; // that a wave of the chip can have at most
  work::LaunchGeometry launch;
};

/// The code of one kernel and what owns the things that it refers to.
struct Compiled {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<llvm::LLVMTargetMachine> machine;
  std::unique_ptr<llvm::legacy::PassManager> passes;
  MachineKernel code;
};

/// Compiles `function` of a copy of `module`. Call it guarded.
Result<std::unique_ptr<Compiled>> compile(const llvm::Module &module, llvm::StringRef function,
                                          const CodeRequest &request);

} // namespace mansard::ir
