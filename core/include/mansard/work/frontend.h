// The door to the part of Mansard that needs MLIR: a table of functions that libmansard_ir exports,
// so that programs which never lower a model never load MLIR.
#pragma once

#include <mansard/base/result.h>
#include <mansard/work/compiled_kernel.h>
#include <mansard/work/program.h>
#include <mansard/work/transformer.h>
#include <mansard/work/workload.h>

#include <string>
#include <vector>

namespace mansard::work {

/// What a module of linalg ops leaves open; of no account for one in the mansard dialect.
struct ModuleOptions {
  std::string function;          // where a step begins; empty: the one that no other calls
  std::vector<std::string> dims; // "batch=8" or "arg0.1=4096": sizes that types leave open
  std::vector<std::string> argShapes; // "0=4096x?x64xbf16": the shape of an argument
};

/// Exported as `mansard_frontend` (extern "C", returns a static table). Both sides are built
/// together: the table speaks C++. Functions are thread-safe and throw nothing.
struct Frontend {
  /// A Hugging Face config.json. An architecture or a field that is not known is an error that
  /// names it.
  Result<Transformer> (*importHuggingFace)(const std::string &path);
  /// Model -> dialect -> shard -> legalise -> fuse -> program.
  Result<Program> (*lower)(const Transformer &model, const Workload &workload,
                           const Capabilities &target);
  /// A .mlir module, already of one device; legalised, but not fused: priced as it is.
  Result<Program> (*lowerModule)(const std::string &path, const Capabilities &target,
                                 const ModuleOptions &options);
  /// The module as text before any pass ("import"), or after all of them ("final").
  Result<std::string> (*print)(const Transformer &model, const Workload &workload,
                               const Capabilities &target, const std::string &stage);
  /// A kernel in LLVM IR (.ll, .bc) as `chip` runs it. Errors name what the code does not tell, and
  /// the flag of `mansard kernel llvm` that does.
  Result<CompiledKernel> (*compileKernel)(const KernelQuestion &question, const hw::Chip &chip);
};

/// Loads libmansard_ir from the install or build folder. An error says how to build with it.
Result<const Frontend *> loadFrontend();

/// A model by its file, a .toml or a config.json; only the latter needs the front end.
Result<Transformer> readModel(const std::string &path);

} // namespace mansard::work
