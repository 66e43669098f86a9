// The launch of a kernel: its geometry as given or as the module states it, and what a call or a
// load has to do with it.
#pragma once

#include <mansard/base/result.h>
#include <mansard/work/kernel_counts.h>

#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace mansard::ir {

enum class Isa { host, nvptx, amdgcn, spir };
Isa isaOf(const llvm::Module &module);

struct Launch {
  Isa isa = Isa::host;
  int warp = 1;
  std::array<int64_t, 3> grid{1, 1, 1}, block{1, 1, 1};
  double groups() const;
  double threadsOfGroup() const;
  bool onGpu() const { return isa != Isa::host; }
};

/// Errors name what is missing or contradicts the module's own statements. Assumptions go to
/// `notes`.
Result<Launch> findLaunch(const llvm::Function &function, const work::KernelQuestion &question,
                          std::vector<std::string> &notes);

struct SharedMemory {
  double fixed = 0, dynamic = 0; // bytes of a group
};
/// Shared memory (LDS) that the kernel uses. An array of unknown size must be in the question.
Result<SharedMemory> findSharedMemory(const llvm::Function &function,
                                      const work::KernelQuestion &question);

/// One thread of the launch.
struct ThreadId {
  std::array<int64_t, 3> group{}, thread{};
};

/// What a call that asks for ids or sizes returns to `thread`; nothing if it is no such call.
/// `dimension`: of functions that take it as their argument.
std::optional<int64_t> launchValue(llvm::StringRef callee, std::optional<int64_t> dimension,
                                   const Launch &launch, const ThreadId &thread);

/// Sizes that AMD kernels load from their dispatch packet or implicit arguments, by the intrinsic
/// that gives the pointer and the byte offset.
std::optional<int64_t> launchField(llvm::StringRef pointer, int64_t offset, const Launch &launch);

/// True of functions that are answered by launchValue (with any dimension).
bool asksLaunch(llvm::StringRef callee);

/// The thread's place in its warp, and its number in the group.
int64_t threadNumber(const Launch &launch, const ThreadId &thread);

/// "_Z13get_global_idj" -> "get_global_id"; other names unchanged.
llvm::StringRef plainName(llvm::StringRef mangled);

} // namespace mansard::ir
