// Reads a module (or imports a model), runs passes and prints what comes out.
#include <Import/ModuleFile.h>
#include <Lowering/Estimate.h>
#include <Lowering/Passes.h>

#include <mlir/Tools/mlir-opt/MlirOptMain.h>
#include <mlir/Transforms/Passes.h>

#include <llvm/ADT/STLExtras.h>

#include <string>
#include <vector>

/// Takes --emit=HOW out of the arguments: it is for --mansard-estimate, and with json the module
/// itself is not printed.
static void takeEmit(std::vector<char *> &arguments) {
  static char toNowhere[] = "-o=/dev/null";
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    llvm::StringRef argument = *at;
    if (!argument.consume_front("--emit=") && !argument.consume_front("-emit="))
      continue;
    mansard::ir::setDefaultEmit(argument);
    const bool json = argument == "json";
    arguments.erase(at);
    const bool written = llvm::any_of(
        arguments, [](const char *one) { return llvm::StringRef(one).starts_with("-o"); });
    if (json && !written)
      arguments.push_back(toNowhere);
    return;
  }
}

int main(int argc, char **argv) {
  std::vector<char *> arguments(argv, argv + argc);
  takeEmit(arguments);
  mlir::DialectRegistry registry;
  mansard::ir::registerEstimateDialects(registry);
  mansard::ir::registerPasses();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
  const int count = static_cast<int>(arguments.size());
  const auto [input, output] = mlir::registerAndParseCLIOptions(
      count, arguments.data(), "mansard-opt: the mansard dialect and its passes\n", registry);
  llvm::SourceMgr sources;
  if (std::string message; input != "-" && !mansard::ir::openModule(input, sources, message)) {
    llvm::errs() << message << "\n";
    return EXIT_FAILURE;
  }
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(count, arguments.data(), input, output, registry));
}
