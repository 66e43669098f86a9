// --mansard-import and --mansard-print-program: the two ends of the lowering, for mansard-opt.
#include <Import/HuggingFace.h>
#include <Import/Linalg.h>
#include <KernelIR/CountKernels.h>
#include <Lowering/Estimate.h>
#include <Lowering/Model.h>
#include <Lowering/Passes.h>
#include <Lowering/ToProgram.h>

#include <IR/Mansard.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>
#include <mlir/Pass/PassRegistry.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace mansard::ir {
namespace {

class ImportPass : public mlir::PassWrapper<ImportPass, mlir::OperationPass<mlir::ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ImportPass)

  ImportPass() = default;
  ImportPass(const ImportPass &other) : PassWrapper(other) {}

  llvm::StringRef getArgument() const override { return "mansard-import"; }
  llvm::StringRef getDescription() const override {
    return "Fill an empty module with a model, as all devices of a deployment together run it";
  }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registry.insert<MansardDialect, mlir::func::FuncDialect>();
  }

  void runOnOperation() override {
    if (!getOperation().getBody()->empty()) {
      getOperation().emitError() << "is not empty";
      return signalPassFailure();
    }
    if (auto result = import(); !result) {
      getOperation().emitError() << result.error().text();
      signalPassFailure();
    }
  }

private:
  static Error invalid(std::string message) {
    return {ErrorCode::invalidInput, std::move(message), ""};
  }

  Result<> import() {
    const llvm::StringRef path = model;
    Result<work::Transformer> transformer =
        path.ends_with(".json") ? importHuggingFace(model) : work::readTransformer(model);
    if (!transformer)
      return transformer.error();
    work::Workload workload;
    if (phase != "prefill" && phase != "decode")
      return invalid(fmt::format("phase={} is neither prefill nor decode", phase.getValue()));
    workload.phase = phase == "prefill" ? work::Phase::prefill : work::Phase::decode;
    workload.batch = batch;
    workload.context = context;
    workload.new_tokens = newTokens;
    workload.accept = accept;
    const auto scheme = indexOf(work::kQuantisationNames, quantisation.getValue());
    if (!scheme)
      return invalid(fmt::format("quant={} is no quantisation; {} are", quantisation.getValue(),
                                 fmt::join(work::kQuantisationNames, " ")));
    workload.quantisation = static_cast<work::Quantisation>(*scheme);
    const auto cache = parseDType(kvCache.getValue());
    if (!cache)
      return invalid(fmt::format("kv-cache={} is no data type", kvCache.getValue()));
    workload.kvCache = *cache;
    auto module = modelToModule(&getContext(), *transformer, workload);
    if (!module)
      return module.error();
    mlir::ModuleOp made = **module;
    getOperation().getBody()->getOperations().splice(getOperation().getBody()->end(),
                                                     made.getBody()->getOperations());
    return Ok{};
  }

  Option<std::string> model{*this, "model",
                            llvm::cl::desc("A .toml or a Hugging Face config.json")};
  Option<std::string> phase{*this, "phase", llvm::cl::desc("prefill or decode"),
                            llvm::cl::init("decode")};
  Option<int64_t> batch{*this, "batch", llvm::cl::desc("Sequences of the deployment"),
                        llvm::cl::init(1)};
  Option<int64_t> context{*this, "context", llvm::cl::desc("KV length, or prompt length"),
                          llvm::cl::init(4096)};
  Option<int64_t> newTokens{*this, "new-tokens", llvm::cl::desc("Tokens checked by a decode step"),
                            llvm::cl::init(1)};
  Option<double> accept{*this, "accept", llvm::cl::desc("Probability that one is kept"),
                        llvm::cl::init(0.0)};
  Option<std::string> quantisation{*this, "quant", llvm::cl::desc("How weights are stored"),
                                   llvm::cl::init("bf16")};
  Option<std::string> kvCache{*this, "kv-cache", llvm::cl::desc("The cache's type"),
                              llvm::cl::init("bf16")};
};

class PrintProgramPass
    : public mlir::PassWrapper<PrintProgramPass, mlir::OperationPass<mlir::ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PrintProgramPass)

  llvm::StringRef getArgument() const override { return "mansard-print-program"; }
  llvm::StringRef getDescription() const override {
    return "Print the program of a module of one device";
  }

  void runOnOperation() override {
    auto program = toProgram(getOperation());
    if (!program) {
      getOperation().emitError() << program.error().text();
      return signalPassFailure();
    }
    llvm::raw_ostream &out = llvm::outs();
    for (const work::Step &step : program->steps) {
      out << step.count << " x " << step.name << ": "
          << work::describe(program->kernels[step.kernel]);
      if (step.overlap > 0)
        out << " [overlap " << step.overlap << " lane " << step.lane << "]";
      out << "\n";
    }
    const work::MemoryNeed &memory = program->memory;
    out << fmt::format("{} kernels, {} steps\n", program->kernels.size(), program->steps.size())
        << fmt::format("weights {:.0f} B, cache {:.0f} B, activations {:.0f} B\n", memory.weights,
                       memory.kvCache, memory.activations)
        << fmt::format("{} tokens on {} devices\n", program->tokens, program->devices);
    for (const std::string &note : program->notes)
      out << "note: " << note << "\n";
  }
};

} // namespace

std::unique_ptr<mlir::Pass> createImportPass() { return std::make_unique<ImportPass>(); }
std::unique_ptr<mlir::Pass> createPrintProgramPass() {
  return std::make_unique<PrintProgramPass>();
}

void addModulePasses(mlir::OpPassManager &passes, const work::Capabilities &target,
                     const LinalgOptions &options) {
  passes.addPass(createCountKernelsPass(target.chip));
  passes.addPass(createImportLinalgPass(options));
  passes.nest<mlir::func::FuncOp>().addPass(createLegalizePass(target));
}

void registerPasses() {
  mlir::registerPass(createImportPass);
  mlir::registerPass([] { return createImportLinalgPass(); });
  mlir::registerPass([] { return createCountKernelsPass(); });
  mlir::registerPass([] { return createShardPass({}); });
  mlir::registerPass([]() -> std::unique_ptr<mlir::Pass> { return createLegalizePass(); });
  mlir::registerPass([] { return createFusePass(); });
  mlir::registerPass([] { return createOverlapPass(work::Overlap::none); });
  mlir::registerPass(createPrintProgramPass);
  mlir::registerPass(createEstimatePass);
}

} // namespace mansard::ir
