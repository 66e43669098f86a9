// --mansard-import-linalg: which function is the step, and what is left of the module.
#include "LinalgImporter.h"

#include <mlir/Dialect/Affine/IR/AffineOps.h>
#include <mlir/Dialect/Arith/IR/Arith.h>
#include <mlir/Dialect/Bufferization/IR/Bufferization.h>
#include <mlir/Dialect/Math/IR/Math.h>
#include <mlir/Dialect/MemRef/IR/MemRef.h>
#include <mlir/Dialect/Tensor/IR/Tensor.h>

#include <llvm/ADT/DenseSet.h>

namespace mansard::ir {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

void registerLinalgDialects(mlir::DialectRegistry &registry) {
  registry.insert<MansardDialect, mlir::func::FuncDialect, mlir::linalg::LinalgDialect,
                  mlir::tensor::TensorDialect, mlir::memref::MemRefDialect,
                  mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect,
                  mlir::affine::AffineDialect, mlir::bufferization::BufferizationDialect>();
}

bool needsLinalgImport(mlir::ModuleOp module) {
  // One op of its own dialects makes a module mansard's, and one other's makes it one to import.
  const mlir::WalkResult walked = module.walk([](mlir::Operation *op) {
    const bool own = llvm::isa<mlir::ModuleOp, mlir::func::FuncOp, mlir::func::ReturnOp>(op) ||
                     llvm::isa<MansardDialect>(op->getDialect());
    return own ? mlir::WalkResult::advance() : mlir::WalkResult::interrupt();
  });
  return walked.wasInterrupted();
}

/// The function that `options` name, or the only one with a body that no other calls.
static FailureOr<mlir::func::FuncOp> entryOf(mlir::ModuleOp module, const LinalgOptions &options) {
  llvm::DenseSet<mlir::StringAttr> called;
  module.walk([&](mlir::func::CallOp call) { called.insert(call.getCalleeAttr().getAttr()); });
  llvm::SmallVector<mlir::func::FuncOp, 4> all, roots;
  for (auto function : module.getOps<mlir::func::FuncOp>())
    if (!function.isExternal()) {
      all.push_back(function);
      if (!called.contains(function.getSymNameAttr()))
        roots.push_back(function);
    }
  const auto list = [](mlir::InFlightDiagnostic &diagnostic,
                       llvm::ArrayRef<mlir::func::FuncOp> functions) {
    constexpr size_t kShown = 8;
    for (mlir::func::FuncOp function : functions.take_front(kShown))
      diagnostic << " @" << function.getName();
    if (functions.size() > kShown)
      diagnostic << " and " << functions.size() - kShown << " more";
  };
  if (!options.function.empty()) {
    for (mlir::func::FuncOp function : all)
      if (function.getName() == options.function)
        return function;
    auto diagnostic = mlir::emitError(module.getLoc())
                      << "the module has no function @" << options.function
                      << " with a body; it has";
    list(diagnostic, all);
    return failure();
  }
  if (roots.size() == 1)
    return roots.front();
  auto diagnostic = mlir::emitError(module.getLoc());
  if (all.empty()) {
    diagnostic << "the module has no function with a body; a step is one";
  } else if (roots.empty()) {
    diagnostic << "every function of the module is called by another; say by --function where a "
                  "step begins:";
    list(diagnostic, all);
  } else {
    diagnostic << "the module has " << roots.size()
               << " functions that no other calls; say by --function where a step begins:";
    list(diagnostic, roots);
  }
  return failure();
}

LogicalResult importLinalg(mlir::ModuleOp module, const LinalgOptions &options) {
  FailureOr<mlir::func::FuncOp> entry = entryOf(module, options);
  if (failed(entry))
    return failure();
  if (!entry->getBody().hasOneBlock())
    return entry->emitError() << "@" << entry->getName()
                              << " has several blocks; control flow is that of scf";
  LinalgImporter importer(module, options);
  FailureOr<mlir::func::FuncOp> step = importer.run(*entry);
  if (failed(step))
    return failure();
  for (mlir::Operation &op : llvm::make_early_inc_range(*module.getBody()))
    if (&op != step->getOperation())
      op.erase();
  return success();
}

namespace {

class ImportLinalgPass
    : public mlir::PassWrapper<ImportLinalgPass, mlir::OperationPass<mlir::ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ImportLinalgPass)

  ImportLinalgPass() = default;
  explicit ImportLinalgPass(LinalgOptions options) {
    function = options.function;
    dims = options.dims;
    argShapes = options.argShapes;
    attention = options.attention;
    rows = options.rows;
  }
  ImportLinalgPass(const ImportLinalgPass &other) : PassWrapper(other) {}

  llvm::StringRef getArgument() const override { return "mansard-import-linalg"; }
  llvm::StringRef getDescription() const override {
    return "Take linalg, tensor, memref and scf ops into the dialect, each as the kernel it is";
  }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registerLinalgDialects(registry);
  }

  void runOnOperation() override {
    if (!needsLinalgImport(getOperation()))
      return;
    LinalgOptions options;
    options.function = function;
    options.dims.assign(dims.begin(), dims.end());
    options.argShapes.assign(argShapes.begin(), argShapes.end());
    options.attention = attention;
    options.rows = rows;
    if (importLinalg(getOperation(), options).failed())
      signalPassFailure();
  }

private:
  Option<std::string> function{*this, "function", llvm::cl::desc("Where a step begins")};
  ListOption<std::string> dims{*this, "dim",
                               llvm::cl::desc("NAME=N for a dimension that types leave open")};
  ListOption<std::string> argShapes{*this, "arg-shape",
                                    llvm::cl::desc("I=4096x4096 for argument I")};
  Option<bool> attention{*this, "attention",
                         llvm::cl::desc("Product, softmax, product: one kernel"),
                         llvm::cl::init(true)};
  Option<bool> rows{*this, "rows", llvm::cl::desc("Softmax and norms of several ops: one kernel"),
                    llvm::cl::init(false)};
};

} // namespace

std::unique_ptr<mlir::Pass> createImportLinalgPass(LinalgOptions options) {
  return std::make_unique<ImportLinalgPass>(std::move(options));
}

} // namespace mansard::ir
