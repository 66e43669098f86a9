// Prices a module where it stands, op by op: what a compiler calls on its own IR.
//
//   hw::Catalog catalog;
//   host::Host host(catalog);
//   auto target = host.open("h100-sxm");                       // once
//   auto cost = mansard::ir::estimate(module, *target);        // in the inner loop
//   for (const OpCost &op : cost->ops) use(op.op, op.total_us, op.bound);
//
// The module may be in linalg and its companions or in the mansard dialect; its context must have
// been given `registerEstimateDialects`. It is not changed: a copy is imported, legalised for the
// target and priced as it is, without fusing anything.
#pragma once

#include <mansard/host/host.h>
#include <mansard/sdk/abi.h>

#include <mlir/IR/BuiltinOps.h>
#include <mlir/IR/DialectRegistry.h>
#include <mlir/Pass/Pass.h>

#include <llvm/Support/Error.h>

#include <memory>
#include <string>
#include <vector>

namespace mansard::ir {

/// What the kernels of one op cost; durations in microseconds.
struct OpCost {
  mlir::Operation *op = nullptr;            // of the module that was given
  int64_t kernels = 0;                      // launches in a step
  double total_us = 0;                      // of all of them
  double part_us[MANSARD_BOUND_COUNT] = {}; // by resource; sums to total_us
  uint32_t bound = 0;                       // MANSARD_BOUND_*: the largest part
  double operations = 0, dramBytes = 0;
};

struct ModuleCost {
  std::string target, model; // the chip's id, and the model that priced it
  /// In order of the module. An op that became part of another's kernel is in `within` instead.
  std::vector<OpCost> ops;
  /// (op, the op of `ops` in whose kernel it is done).
  std::vector<std::pair<mlir::Operation *, mlir::Operation *>> within;
  double latency_us = 0; // of a step: less than the sum where kernels overlap
  double part_us[MANSARD_BOUND_COUNT] = {};
  uint32_t bound = 0;
  double dramBytes = 0;
  std::vector<std::string> notes;
};

/// The dialects that a priced module may have or is taken through.
void registerEstimateDialects(mlir::DialectRegistry &registry);

/// Errors say what in the module cannot be priced and where; diagnostics have then been emitted on
/// the module's context. Thread-safe for modules of different contexts.
llvm::Expected<ModuleCost> estimate(mlir::ModuleOp module, const host::Model &target);

/// By the target's name or file; opens it anew in each call (milliseconds).
llvm::Expected<ModuleCost> estimate(mlir::ModuleOp module, llvm::StringRef target,
                                    const std::vector<hw::Override> &overrides = {});

/// The whole as JSON; ops with their place in the source.
std::string costJson(const ModuleCost &cost);

/// --mansard-estimate="target=T emit=attributes|json|remarks set=KEY=VALUE,...": gives each op its
/// cost as the attribute `mansard.cost`, as JSON on the standard output, or as a remark.
std::unique_ptr<mlir::Pass> createEstimatePass();
/// What `emit` is where the pass is not told.
void setDefaultEmit(llvm::StringRef emit);

} // namespace mansard::ir
