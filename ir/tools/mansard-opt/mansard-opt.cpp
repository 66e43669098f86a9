// Reads a module in the mansard dialect (or imports a model), runs passes and prints what comes
// out.
#include <IR/Mansard.h>
#include <Lowering/Passes.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>
#include <mlir/Tools/mlir-opt/MlirOptMain.h>
#include <mlir/Transforms/Passes.h>

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<mansard::ir::MansardDialect, mlir::func::FuncDialect>();
  mansard::ir::registerPasses();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "mansard-opt: the mansard dialect and its passes\n", registry));
}
