// The passes as a plugin of mlir-opt 19: mlir-opt-19 --load-pass-plugin=mansard_passes.so
// --pass-pipeline="builtin.module(mansard-estimate{target=h100-sxm})".
//
// MLIR's own symbols are left for the program that loads it, which has them; one process must not
// have two copies.
#include <Lowering/Passes.h>

#include <mlir/Tools/Plugins/PassPlugin.h>

#include <llvm/Config/llvm-config.h>

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "mansard", LLVM_VERSION_STRING, mansard::ir::registerPasses};
}
