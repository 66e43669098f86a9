// The table that programs without MLIR load: models in, programs out.
#include <IR/Mansard.h>
#include <Import/HuggingFace.h>
#include <Import/Linalg.h>
#include <Import/ModuleFile.h>
#include <KernelIR/CountKernels.h>
#include <KernelIR/KernelCounts.h>
#include <Lowering/Model.h>
#include <Lowering/Passes.h>
#include <Lowering/ToProgram.h>
#include <mansard/work/frontend.h>

#include <mlir/Dialect/Func/IR/FuncOps.h>
#include <mlir/IR/Diagnostics.h>
#include <mlir/IR/MLIRContext.h>
#include <mlir/IR/Verifier.h>
#include <mlir/Parser/Parser.h>
#include <mlir/Pass/PassManager.h>

#include <llvm/Support/raw_ostream.h>

#include <memory>
#include <mutex>
#include <vector>

namespace mansard::ir {
namespace {

/// Contexts are dear to make and hold every type they have seen, so they are kept for the next call
/// and thrown away after some. A context is used by one call at a time.
class ContextPool {
public:
  struct Entry {
    std::unique_ptr<mlir::MLIRContext> context;
    int uses = 0;
  };

  Entry take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        Entry entry = std::move(free_.back());
        free_.pop_back();
        return entry;
      }
    }
    Entry entry;
    mlir::DialectRegistry registry;
    registerLinalgDialects(registry);
    registerKernelDialects(registry);
    entry.context =
        std::make_unique<mlir::MLIRContext>(registry, mlir::MLIRContext::Threading::DISABLED);
    entry.context->loadDialect<MansardDialect, mlir::func::FuncDialect>();
    return entry;
  }

  void give(Entry entry) {
    constexpr int kMostUses = 4096;
    if (++entry.uses >= kMostUses)
      return;
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(entry));
  }

private:
  std::mutex mutex_;
  std::vector<Entry> free_;
};

ContextPool &pool() {
  static ContextPool *instance = new ContextPool; // outlives static destructors
  return *instance;
}

/// A context for the time of one call, collecting the errors that are reported in it.
class Session {
public:
  Session()
      : entry_(pool().take()), handler_(context(), [this](mlir::Diagnostic &diagnostic) {
          if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
            collect(diagnostic);
          return mlir::success();
        }) {}
  ~Session() {
    handler_.reset();
    pool().give(std::move(entry_));
  }
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  mlir::MLIRContext *context() { return entry_.context.get(); }

  Error error(const char *otherwise) const {
    return {ErrorCode::invalidInput, message_.empty() ? otherwise : message_, place_};
  }

private:
  void collect(mlir::Diagnostic &diagnostic) {
    if (message_.empty())
      if (auto place = llvm::dyn_cast<mlir::FileLineColLoc>(diagnostic.getLocation()))
        place_ = place.getFilename().str() + ":" + std::to_string(place.getLine()) + ":" +
                 std::to_string(place.getColumn());
    message_ += (message_.empty() ? "" : "; ") + diagnostic.str();
  }

  struct Handler {
    Handler(mlir::MLIRContext *context, mlir::DiagnosticEngine::HandlerTy handle)
        : engine(&context->getDiagEngine()), id(engine->registerHandler(std::move(handle))) {}
    void reset() { engine->eraseHandler(id); }
    mlir::DiagnosticEngine *engine;
    mlir::DiagnosticEngine::HandlerID id;
  };

  ContextPool::Entry entry_;
  std::string message_, place_;
  Handler handler_;
};

/// What a model is taken through, from the whole deployment to one device.
void addModelPasses(mlir::OpPassManager &passes, const work::Workload &workload,
                    const work::Capabilities &target) {
  mlir::OpPassManager &functions = passes.nest<mlir::func::FuncOp>();
  functions.addPass(createShardPass(workload.parallelism, workload.imbalance));
  functions.addPass(createLegalizePass(target));
  functions.addPass(createFusePass({.explain = false, .training = workload.training}));
  functions.addPass(createOverlapPass(workload.overlap));
}

Result<> run(Session &session, mlir::ModuleOp module, mlir::PassManager &passes) {
  passes.enableVerifier(false); // once, at the end
  if (passes.run(module).failed() || mlir::verify(module).failed())
    return session.error("the module could not be lowered");
  return Ok{};
}

/// Nothing may leave the table's functions but what they return.
template <typename T, typename F> Result<T> guarded(const F &function) {
  try {
    return function();
  } catch (const std::exception &exception) {
    return Error{ErrorCode::unsupported, std::string("lowering failed: ") + exception.what(), ""};
  }
}

Result<mlir::OwningOpRef<mlir::ModuleOp>> build(Session &session, const work::Transformer &model,
                                                const work::Workload &workload,
                                                const work::Capabilities &target, bool final) {
  if (auto result = checkSharding(model, workload); !result)
    return result.error();
  auto module = modelToModule(session.context(), model, workload);
  if (module && final) {
    mlir::PassManager passes(session.context());
    addModelPasses(passes, workload, target);
    if (auto result = run(session, **module, passes); !result)
      return result.error();
  }
  return module;
}

Result<work::Program> lower(const work::Transformer &model, const work::Workload &workload,
                            const work::Capabilities &target) {
  return guarded<work::Program>([&]() -> Result<work::Program> {
    Session session;
    auto module = build(session, model, workload, target, true);
    if (!module)
      return module.error();
    return toProgram(**module);
  });
}

Result<work::Program> lowerModule(const std::string &path, const work::Capabilities &target,
                                  const work::ModuleOptions &options) {
  return guarded<work::Program>([&]() -> Result<work::Program> {
    Session session;
    llvm::SourceMgr sources;
    if (std::string message; !openModule(path, sources, message))
      return Error{ErrorCode::invalidInput, message, ""};
    mlir::OwningOpRef<mlir::ModuleOp> module =
        mlir::parseSourceFile<mlir::ModuleOp>(sources, session.context());
    if (!module)
      return session.error("the module could not be read");
    LinalgOptions linalg;
    linalg.function = options.function;
    linalg.dims = options.dims;
    linalg.argShapes = options.argShapes;
    mlir::PassManager passes(session.context());
    addModulePasses(passes, target, linalg);
    if (auto result = run(session, *module, passes); !result)
      return result.error();
    return toProgram(*module);
  });
}

Result<std::string> print(const work::Transformer &model, const work::Workload &workload,
                          const work::Capabilities &target, const std::string &stage) {
  return guarded<std::string>([&]() -> Result<std::string> {
    if (stage != "import" && stage != "final")
      return Error{ErrorCode::invalidInput,
                   "'" + stage + "' is no stage of the lowering; import and final are", ""};
    Session session;
    auto module = build(session, model, workload, target, stage == "final");
    if (!module)
      return module.error();
    std::string text;
    llvm::raw_string_ostream stream(text);
    (*module)->print(stream);
    return text;
  });
}

Result<work::Transformer> import(const std::string &path) {
  return guarded<work::Transformer>([&] { return importHuggingFace(path); });
}

Result<work::CompiledKernel> compile(const work::KernelQuestion &question, const hw::Chip &chip) {
  return guarded<work::CompiledKernel>([&] { return compileKernel(question, chip); });
}

} // namespace
} // namespace mansard::ir

extern "C" __attribute__((visibility("default"))) const mansard::work::Frontend *
mansard_frontend() {
  static constexpr mansard::work::Frontend table{mansard::ir::import, mansard::ir::lower,
                                                 mansard::ir::lowerModule, mansard::ir::print,
                                                 mansard::ir::compile};
  return &table;
}
