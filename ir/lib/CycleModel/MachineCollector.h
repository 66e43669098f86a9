// Collects the instructions of a function's machine blocks as the back end emits them.
#pragma once

#include "MachineKernel.h"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Target/TargetMachine.h>

#include <string>

namespace mansard::ir {

/// Adds the whole of code generation to `passes`; running them fills `out` with the blocks, loops
/// and instructions of the function `name`. False: the target cannot emit code. `out` must outlive
/// the passes; its instructions may refer to symbols that the passes own.
bool addCollectingPasses(llvm::LLVMTargetMachine &machine, llvm::legacy::PassManagerBase &passes,
                         std::string name, MachineKernel &out);

} // namespace mansard::ir
