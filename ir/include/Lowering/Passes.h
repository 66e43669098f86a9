// The passes of the dialect, one file each in lib/Lowering, and their registration.
//
// All run on modules with one function of a step; all leave modules without ops of the dialect
// alone. Options by hand are for the frontend; mansard-opt gives them as text.
#pragma once

#include <Import/Linalg.h>
#include <mansard/work/workload.h>

#include <mlir/Pass/Pass.h>
#include <mlir/Pass/PassManager.h>

#include <memory>
#include <string>

namespace mansard::ir {

/// --mansard-shard="tp= dp= ep= pp=": from the whole deployment to one device, the busiest:
/// `imbalance` as in work::Workload.
std::unique_ptr<mlir::Pass> createShardPass(work::Parallelism parallelism, double imbalance = 1);

/// --mansard-legalize="native=bf16,fp16,...": what the matrix unit cannot multiply is widened to 16
/// bits; parameters stay stored as they are.
std::unique_ptr<mlir::Pass> createLegalizePass(work::Capabilities target);
std::unique_ptr<mlir::Pass> createLegalizePass(); // told by its option

struct FuseOptions {
  bool epilogue = true;    // bias, residual, activation into the matmul before
  bool normalise = true;   // residual into the norm after
  bool quantise = true;    // into the norm, the activation or the matmul before
  bool experts = true;     // permute, projections and un-permute into one kernel
  bool cacheWrite = false; // the cache write into the rotary kernel
  bool explain = true;     // a remark for each op looked at
  /// A backward pass follows: of these, only what keeps every tensor that it needs (a bias into the
  /// matmul before, a quantisation into what makes its input).
  bool training = false;
};
/// --mansard-fuse="epilogue= normalise= quantise= experts= cache-write= explain= training="
std::unique_ptr<mlir::Pass> createFusePass(FuseOptions options = {});

/// --mansard-overlap="mode=none|shared_expert|two_batch": what runs beside the exchange of tokens.
std::unique_ptr<mlir::Pass> createOverlapPass(work::Overlap mode);

/// --mansard-import="model=FILE phase= batch= context= ...": a model in place of an empty module.
std::unique_ptr<mlir::Pass> createImportPass();

/// --mansard-print-program: the program that the module is lowered to, on the standard output.
std::unique_ptr<mlir::Pass> createPrintProgramPass();

/// What a module that a compiler hands over is taken through: kernels in LLVM IR counted, other
/// dialects imported, and all legalised for the target. Nothing is fused: it is priced as its
/// compiler left it, for whether to fuse is what is being asked. `target.chip` must outlive
/// `passes`.
void addModulePasses(mlir::OpPassManager &passes, const work::Capabilities &target,
                     const LinalgOptions &options);

void registerPasses();

} // namespace mansard::ir
