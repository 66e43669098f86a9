// A function of LLVM IR, read and brought into the form that can be counted, and its counts.
#pragma once

#include <mansard/base/result.h>
#include <mansard/work/compiled_kernel.h>

#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

#include <memory>
#include <string>
#include <vector>

namespace mansard::ir {

/// The module as counted: what the kernel calls is inlined, allocas that registers can hold are
/// gone, loops are in simplified form, and every block of the kernel has a name. A back end that
/// compiles `module` finds these names on its machine blocks (MachineBasicBlock::getBasicBlock()),
/// and in KernelCounts::blocks how often each runs.
struct PreparedKernel {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  llvm::Function *function = nullptr;
  std::vector<std::string> notes;
};

/// Reads .ll or .bc. Errors name the file's line, or the functions there are, or the call that
/// cannot be followed.
Result<PreparedKernel> prepareKernel(const work::KernelQuestion &question);
/// Of a module that is there already (it is taken over).
Result<PreparedKernel> prepareKernel(std::unique_ptr<llvm::LLVMContext> context,
                                     std::unique_ptr<llvm::Module> module,
                                     const work::KernelQuestion &question);

/// Counts one launch. Errors name what the code does not tell and the flag that gives it. The
/// module is not changed. Thread-safe on distinct kernels.
Result<work::KernelCounts> countKernel(const PreparedKernel &kernel,
                                       const work::KernelQuestion &question);

/// Counts, and clocks where the chip has a cycle model, of a file's kernel on `chip` (the
/// question's machine is the chip's). A cycle model that fails leaves a note.
Result<work::CompiledKernel> compileKernel(const work::KernelQuestion &question,
                                           const hw::Chip &chip);
/// The same of a kernel that is there already.
Result<work::CompiledKernel> compileKernel(const PreparedKernel &kernel,
                                           const work::KernelQuestion &question,
                                           const hw::Chip &chip);

} // namespace mansard::ir
