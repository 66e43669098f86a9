// The door to the part of Mansard that needs MLIR: a table of functions that libmansard_ir exports,
// so that programs which never lower a model never load MLIR.
#pragma once

#include <mansard/base/result.h>
#include <mansard/work/program.h>
#include <mansard/work/transformer.h>
#include <mansard/work/workload.h>

#include <string>

namespace mansard::work {

/// Exported as `mansard_frontend` (extern "C", returns a static table). Both sides are built
/// together: the table speaks C++. Functions are thread-safe and throw nothing.
struct Frontend {
  /// A Hugging Face config.json. An architecture or a field that is not known is an error that
  /// names it.
  Result<Transformer> (*importHuggingFace)(const std::string &path);
  /// Model -> dialect -> shard -> legalise -> fuse -> program.
  Result<Program> (*lower)(const Transformer &model, const Workload &workload,
                           const Capabilities &target);
  /// A .mlir module in the mansard dialect, already of one device; legalised and fused.
  Result<Program> (*lowerModule)(const std::string &path, const Capabilities &target);
  /// The module as text before any pass ("import"), or after all of them ("final").
  Result<std::string> (*print)(const Transformer &model, const Workload &workload,
                               const Capabilities &target, const std::string &stage);
};

/// Loads libmansard_ir from the install or build folder. An error says how to build with it.
Result<const Frontend *> loadFrontend();

/// A model by its file, a .toml or a config.json; only the latter needs the front end.
Result<Transformer> readModel(const std::string &path);

} // namespace mansard::work
