// --mansard-count-kernels.
#include <IR/Mansard.h>
#include <KernelIR/CountKernels.h>
#include <KernelIR/KernelCounts.h>
#include <Lowering/Attributes.h>

#include <mansard/host/host.h>

#include <mlir/Dialect/LLVMIR/LLVMDialect.h>
#include <mlir/Dialect/LLVMIR/NVVMDialect.h>
#include <mlir/Dialect/LLVMIR/ROCDLDialect.h>
#include <mlir/IR/BuiltinOps.h>
#include <mlir/IR/SymbolTable.h>
#include <mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h>
#include <mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h>
#include <mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h>
#include <mlir/Target/LLVMIR/Dialect/ROCDL/ROCDLToLLVMIRTranslation.h>
#include <mlir/Target/LLVMIR/Export.h>

#include <llvm/Support/FileSystem.h>
#include <llvm/Support/Path.h>

#include <optional>

namespace mansard::ir {
namespace {

/// A module that holds only what the LLVM dialect says of `from`.
mlir::OwningOpRef<mlir::ModuleOp> llvmPart(mlir::ModuleOp from) {
  mlir::OwningOpRef<mlir::ModuleOp> part = mlir::ModuleOp::create(from.getLoc());
  for (mlir::NamedAttribute attribute : from->getAttrs())
    if (attribute.getName().strref().starts_with("llvm.") ||
        attribute.getName().strref().starts_with("dlti."))
      (*part)->setAttr(attribute.getName(), attribute.getValue());
  mlir::OpBuilder builder((*part).getBodyRegion());
  for (mlir::Operation &op : from.getBody()->getOperations())
    if (llvm::isa_and_nonnull<mlir::LLVM::LLVMDialect>(op.getDialect()))
      builder.clone(op);
  return part;
}

/// `file` beside the module that names it, else as it is.
std::string pathOf(CustomOp op, llvm::StringRef file) {
  if (llvm::sys::path::is_absolute(file))
    return file.str();
  llvm::SmallString<128> path;
  op.getLoc()->walk([&](mlir::Location inner) {
    if (auto place = llvm::dyn_cast<mlir::FileLineColLoc>(inner))
      path = llvm::sys::path::parent_path(place.getFilename().strref());
    return path.empty() ? mlir::WalkResult::advance() : mlir::WalkResult::interrupt();
  });
  llvm::sys::path::append(path, file);
  return llvm::sys::fs::exists(path) ? path.str().str() : file.str();
}

template <typename Map> void readNumbers(mlir::DictionaryAttr values, Map &into) {
  if (values)
    for (mlir::NamedAttribute value : values)
      into[value.getName().str()] =
          llvm::cast<mlir::IntegerAttr>(value.getValue()).getValue().getSExtValue();
}

std::array<int64_t, 3> extentOf(std::optional<llvm::ArrayRef<int64_t>> given) {
  std::array<int64_t, 3> extent{};
  if (given) {
    extent = {1, 1, 1};
    std::copy(given->begin(), given->end(), extent.begin());
  }
  return extent;
}

work::KernelQuestion questionOf(CustomOp op) {
  work::KernelQuestion question;
  question.function = op.getKernel()->str();
  question.launch = {extentOf(op.getGrid()), extentOf(op.getBlock())};
  readNumbers(op.getArgsAttr(), question.arguments);
  readNumbers(op.getTripsAttr(), question.trips);
  readNumbers(op.getFootprintsAttr(), question.footprints);
  if (const auto shared = op.getSharedBytes())
    question.dynamicShared = static_cast<double>(*shared);
  return question;
}

void write(CustomOp op, const work::CompiledKernel &compiled) {
  mlir::Builder builder(op.getContext());
  const mansard_custom &u = compiled.kernel.u.custom;
  for (const auto &[name, value] : std::initializer_list<std::pair<const char *, double>>{
           {"matrix_operations", u.matrix_operations},
           {"vector_operations", u.vector_operations},
           {"special_operations", u.special_operations},
           {"read_bytes", u.read_bytes},
           {"write_bytes", u.write_bytes},
           {"l2_bytes", u.l2_bytes},
           {"integer_operations", u.integer_operations},
           {"sram_bytes", u.sram_bytes},
           {"groups", u.groups},
           {"groups_per_core", u.groups_per_core},
           {"group_cycles", u.group_cycles}})
    if (value > 0)
      op->setAttr(name, builder.getF64FloatAttr(value));
  op.setMultipliedAttr(
      mlir::TypeAttr::get(typeOf(op.getContext(), static_cast<DType>(compiled.kernel.dtype))));
  op.setCounted(true);
}

class CountKernelsPass
    : public mlir::PassWrapper<CountKernelsPass, mlir::OperationPass<mlir::ModuleOp>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CountKernelsPass)

  explicit CountKernelsPass(const hw::Chip *chip) : chip_(chip) {}
  CountKernelsPass(const CountKernelsPass &other) : PassWrapper(other), chip_(other.chip_) {}

  llvm::StringRef getArgument() const override { return "mansard-count-kernels"; }
  llvm::StringRef getDescription() const override {
    return "count what kernels in LLVM IR do, for one target";
  }
  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registry.insert<MansardDialect>();
    registerKernelDialects(registry);
  }

  void runOnOperation() override {
    llvm::SmallVector<CustomOp> ops;
    getOperation().walk([&](CustomOp op) {
      if (op.getKernelAttr() && !op.getCounted())
        ops.push_back(op);
    });
    if (ops.empty())
      return;
    if (chip_)
      return count(ops, *chip_);
    if (target_.empty()) {
      ops.front().emitOpError() << "is counted for a target: --mansard-count-kernels=target=T";
      return signalPassFailure();
    }
    hw::Catalog catalog;
    host::Host host(catalog);
    auto model = host.open(target_);
    if (!model) {
      ops.front().emitOpError() << "cannot be counted: " << model.error().text();
      return signalPassFailure();
    }
    count(ops, model->chip());
  }

private:
  void count(llvm::ArrayRef<CustomOp> ops, const hw::Chip &chip) {
    for (CustomOp op : ops) {
      const auto compiled = compile(op, chip);
      if (!compiled) {
        op.emitOpError() << "cannot be counted: " << compiled.error().text();
        return signalPassFailure();
      }
      write(op, *compiled);
      addNotes(op, *compiled);
    }
    for (mlir::Operation &op :
         llvm::make_early_inc_range(getOperation().getBody()->getOperations()))
      if (llvm::isa_and_nonnull<mlir::LLVM::LLVMDialect>(op.getDialect()))
        op.erase();
  }

  Result<work::CompiledKernel> compile(CustomOp op, const hw::Chip &chip) {
    work::KernelQuestion question = questionOf(op);
    if (const auto file = op.getFile()) {
      question.path = pathOf(op, *file);
      return compileKernel(question, chip);
    }
    mlir::Operation *symbol = mlir::SymbolTable::lookupSymbolIn(getOperation(), op.getKernelAttr());
    if (!llvm::isa_and_nonnull<mlir::LLVM::LLVMFuncOp>(symbol))
      return Error{ErrorCode::notFound,
                   "the module has no function @" + question.function +
                       " in the LLVM dialect; one of another file is named by file = \"...\"",
                   ""};
    auto context = std::make_unique<llvm::LLVMContext>();
    const mlir::OwningOpRef<mlir::ModuleOp> part = llvmPart(getOperation());
    std::unique_ptr<llvm::Module> module = mlir::translateModuleToLLVMIR(*part, *context);
    if (!module)
      return Error{ErrorCode::invalidInput,
                   "@" + question.function + " cannot be translated to LLVM IR", ""};
    auto kernel = prepareKernel(std::move(context), std::move(module), question);
    if (!kernel)
      return kernel.error();
    return compileKernel(*kernel, question, chip);
  }

  /// What the counts assume goes where the step keeps its notes.
  static void addNotes(CustomOp op, const work::CompiledKernel &compiled) {
    mlir::Operation *function = op->getParentOp();
    while (function && !llvm::isa_and_nonnull<mlir::ModuleOp>(function->getParentOp()))
      function = function->getParentOp();
    if (!function)
      return;
    for (const std::string &note : compiled.counts.notes)
      addNote(function, "@" + op.getKernel()->str() + ": " + note);
  }

  const hw::Chip *chip_;
  Option<std::string> target_{*this, "target", llvm::cl::desc("a chip's name or file")};
};

} // namespace

void registerKernelDialects(mlir::DialectRegistry &registry) {
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  mlir::registerNVVMDialectTranslation(registry);
  mlir::registerROCDLDialectTranslation(registry);
}

std::unique_ptr<mlir::Pass> createCountKernelsPass(const hw::Chip *chip) {
  return std::make_unique<CountKernelsPass>(chip);
}

} // namespace mansard::ir
