// What the instructions of a block are: operations by kind, and memory accesses.
#pragma once

#include "Launch.h"

#include <llvm/IR/Instructions.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace mansard::ir {

/// One thread's operations in one run of a block.
struct BlockWork {
  std::array<double, MANSARD_DTYPE_SLOTS> floating{}, matrix{};
  double integer = 0, special = 0, barriers = 0, atomics = 0, branches = 0, memory = 0;
};

/// A load, store, atomic or copy of the code.
struct Access {
  const llvm::Instruction *instruction = nullptr;
  const llvm::Value *pointer = nullptr;
  double bytes = 0; // of one thread's execution; 0: `length` says
  const llvm::Value *length = nullptr;
  bool reads = false, writes = false, atomic = false;
  // Matrix fragments: rows of `bytes` each that lie `rowStride` elements apart, shared by the warp.
  double rows = 1;
  const llvm::Value *rowStride = nullptr;
  double elementBytes = 0;
  bool byWarp = false;
};

struct FunctionWork {
  std::vector<BlockWork> blocks; // by the caller's numbers
  std::vector<Access> accesses;
  std::vector<std::string> notes;
};

/// An error names a call that is neither defined nor known.
Result<> countInstruction(const llvm::Instruction &instruction, const Launch &launch,
                          BlockWork &work, FunctionWork &all);

/// Multiplications on the matrix unit: operations of a warp and the type of the operands.
struct MatrixWork {
  double operations = 0;
  uint32_t dtype = MANSARD_DTYPE_FP16;
};
/// By the name of an intrinsic or the text of inline assembly; nothing if it is none.
std::optional<MatrixWork> matrixWork(llvm::StringRef name, const llvm::Type *result, int warp);

/// A tile that an NVVM wmma.load or wmma.store moves: rows x columns of elements.
struct MatrixMove {
  double rows = 0, columns = 0, elementBytes = 0;
  bool store = false;
};
std::optional<MatrixMove> matrixMove(llvm::StringRef intrinsic);

/// A mathematical function by any of its names (libm, OpenCL, OCML, libdevice, intrinsics).
struct FunctionCost {
  double special = 0, operations = 0; // of one element
};
std::optional<FunctionCost> functionCost(llvm::StringRef callee);

/// The data type that a floating-point type counts as.
uint32_t floatDType(const llvm::Type *type);

} // namespace mansard::ir
