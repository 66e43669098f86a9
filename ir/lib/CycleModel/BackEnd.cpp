#include "BackEnd.h"

#include "Builtins.h"
#include "MachineCollector.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/AMDGPUAddrSpace.h>
#include <llvm/Support/MemoryBuffer.h>

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

extern "C" {
void LLVMInitializeAMDGPUTargetInfo();
void LLVMInitializeAMDGPUTarget();
void LLVMInitializeAMDGPUTargetMC();
void LLVMInitializeAMDGPUAsmPrinter();
void LLVMInitializeAMDGPUAsmParser(); // inline assembly
void LLVMInitializeAMDGPUTargetMCA();
}

using namespace llvm;

namespace mansard::ir {
namespace {

constexpr const char *kTriple = "amdgcn-amd-amdhsa";

Error problem(std::string message, std::string place) {
  return Error{ErrorCode::invalidInput, std::move(message), std::move(place)};
}

/// The back end's errors, and what it says of a kernel's resources.
class Diagnostics : public DiagnosticHandler {
public:
  Diagnostics(std::string kernel, MachineKernel &out) : kernel_(std::move(kernel)), out_(out) {}

  std::string errors;

  bool isAnalysisRemarkEnabled(StringRef pass) const override { return pass == kResources; }
  bool isAnyRemarkEnabled() const override { return true; }

  bool handleDiagnostics(const DiagnosticInfo &info) override {
    if (info.getSeverity() == DS_Error) {
      std::string text;
      raw_string_ostream stream(text);
      DiagnosticPrinterRawOStream printer(stream);
      info.print(printer);
      StringRef trimmed = StringRef(text).trim();
      trimmed.consume_front("<unknown>:0:0: ");
      errors += (errors.empty() ? "" : "; ") + trimmed.str();
      return true;
    }
    if (const auto *remark = dyn_cast<DiagnosticInfoOptimizationBase>(&info))
      if (remark->getPassName() == kResources && remark->getFunction().getName() == kernel_)
        for (const DiagnosticInfoOptimizationBase::Argument &argument : remark->getArgs())
          take(argument.Key, argument.Val);
    return true;
  }

private:
  static constexpr StringLiteral kResources{"kernel-resource-usage"};

  void take(StringRef key, StringRef text) {
    int value = 0;
    if (text.getAsInteger(10, value))
      return;
    if (key == "NumSGPR")
      out_.scalarRegisters = value;
    else if (key == "NumVGPR" || key == "NumAGPR")
      out_.vectorRegisters += value;
    else if (key == "ScratchSize")
      out_.scratchBytes = value;
    else if (key == "SGPRSpill" || key == "VGPRSpill")
      out_.spilled += value;
    else if (key == "BytesLDS")
      out_.ldsBytes = value;
  }

  std::string kernel_;
  MachineKernel &out_;
};

/// A copy in a context of its own, so that passes and diagnostics leave the original alone.
Result<std::unique_ptr<Module>> copyOf(const Module &module, LLVMContext &context) {
  SmallVector<char, 0> bitcode;
  raw_svector_ostream stream(bitcode);
  WriteBitcodeToFile(module, stream);
  auto copy =
      parseBitcodeFile(MemoryBufferRef({bitcode.data(), bitcode.size()}, "kernel"), context);
  if (!copy)
    return problem(toString(copy.takeError()), module.getModuleIdentifier());
  return std::move(*copy);
}

/// Drops what the kernel does not need, and the zeros that C gives to arrays in LDS, which no
/// launch writes there; a call that is left is an error.
Result<> isolate(Module &module, Function &kernel) {
  for (const Instruction &instruction : instructions(kernel)) {
    const auto *call = dyn_cast<CallBase>(&instruction);
    if (!call || call->isInlineAsm())
      continue;
    const Function *callee = call->getCalledFunction();
    if (callee && callee->isIntrinsic())
      continue;
    return Error{ErrorCode::unsupported,
                 callee ? fmt::format("it calls '{}', which is {}; the cycle model follows no "
                                      "calls: inline or link it",
                                      callee->getName().str(),
                                      callee->isDeclaration() ? "not in the module" : "not inlined")
                        : std::string("it calls through a pointer; the cycle model follows no "
                                      "calls"),
                 kernel.getName().str()};
  }
  for (Function &other : module)
    if (&other != &kernel && !other.isDeclaration())
      other.deleteBody();
  for (GlobalVariable &variable : make_early_inc_range(module.globals())) {
    if (variable.getAddressSpace() != AMDGPUAS::LOCAL_ADDRESS)
      continue;
    variable.removeDeadConstantUsers();
    if (variable.use_empty())
      variable.eraseFromParent();
    else if (variable.hasInitializer())
      variable.setInitializer(PoisonValue::get(variable.getValueType()));
  }
  return Ok{};
}

/// LLVM's schedulers take time quadratic in a block's size: 4 s for the most that is allowed here.
Result<> checkSize(const Function &kernel) {
  constexpr size_t kMostInBlock = 20'000, kMost = 100'000;
  size_t all = 0, longest = 0;
  for (const BasicBlock &block : kernel) {
    all += block.size();
    longest = std::max(longest, block.size());
  }
  if (longest <= kMostInBlock && all <= kMost)
    return Ok{};
  return Error{
      ErrorCode::unsupported,
      fmt::format("{} instructions, {} of them in one block; at most {} and {} are compiled", all,
                  longest, kMost, kMostInBlock),
      kernel.getName().str()};
}

/// What the launch knows and the kernel does not say.
Result<> annotate(Function &kernel, const CodeRequest &request, unsigned isaRegisters) {
  if (kernel.getCallingConv() != CallingConv::AMDGPU_KERNEL) {
    if (!kernel.getReturnType()->isVoidTy())
      return problem("it returns a value: no kernel does", kernel.getName().str());
    kernel.setCallingConv(CallingConv::AMDGPU_KERNEL);
  }
  constexpr StringLiteral kSize{"amdgpu-flat-work-group-size"};
  constexpr StringLiteral kWaves{"amdgpu-waves-per-eu"};
  if (!kernel.hasFnAttribute(kSize)) {
    kernel.addFnAttr(kSize, fmt::format("{0},{0}", request.groupSize));
  } else {
    int most = 0;
    const StringRef text = kernel.getFnAttribute(kSize).getValueAsString().split(',').second;
    if (!text.trim().getAsInteger(10, most) && request.groupSize > most)
      return problem(fmt::format("the launch has {} work items a group, the kernel allows {}",
                                 request.groupSize, most),
                     kernel.getName().str());
  }
  // A chip with fewer registers than the stand-in: as many waves must fit the stand-in's as make
  // one wave's share the chip's.
  const unsigned waves = isaRegisters / std::max(1, request.vectorRegisters);
  unsigned asked = 0;
  const StringRef text = kernel.getFnAttribute(kWaves).getValueAsString();
  if (waves > 1 && (text.split(',').first.trim().getAsInteger(10, asked) || asked < waves))
    kernel.addFnAttr(kWaves, std::to_string(waves));
  // What the module was compiled for gives way to the stand-in.
  for (StringRef own : {"target-cpu", "target-features", "tune-cpu"})
    kernel.removeFnAttr(own);
  kernel.addFnAttr("amdgpu-no-agpr"); // the chips' matrix instructions work on vector registers
  return Ok{};
}

} // namespace

Result<std::unique_ptr<Compiled>> compile(const Module &module, StringRef function,
                                          const CodeRequest &request) {
  static std::once_flag started;
  std::call_once(started, [] {
    LLVMInitializeAMDGPUTargetInfo();
    LLVMInitializeAMDGPUTarget();
    LLVMInitializeAMDGPUTargetMC();
    LLVMInitializeAMDGPUAsmPrinter();
    LLVMInitializeAMDGPUAsmParser();
    LLVMInitializeAMDGPUTargetMCA();
  });
  const std::string name = function.str();
  const Triple triple(module.getTargetTriple());
  if (triple.getArch() != Triple::amdgcn)
    return problem(fmt::format("the module is for '{}'; the cycle model takes amdgcn",
                               module.getTargetTriple()),
                   module.getModuleIdentifier());
  std::string why;
  const Target *target = TargetRegistry::lookupTarget(kTriple, why);
  if (!target)
    return Error{ErrorCode::unsupported, why, kTriple};
  const std::unique_ptr<MCSubtargetInfo> known(target->createMCSubtargetInfo(kTriple, "", ""));
  if (!StringRef(request.isa).starts_with("gfx9") || !known->isCPUStringValid(request.isa))
    return problem(fmt::format("'{}' is no instruction set of waves of 64 that LLVM knows; "
                               "gfx906, gfx908, gfx90a and gfx942 are",
                               request.isa),
                   "nearest_isa");

  const Function *original = module.getFunction(function);
  if (!original || original->isDeclaration())
    return problem("the module has no such function", name);
  if (Result<> small = checkSize(*original); !small)
    return small.error();

  auto made = std::make_unique<Compiled>();
  made->context = std::make_unique<LLVMContext>();
  auto copy = copyOf(module, *made->context);
  if (!copy)
    return copy.error();
  made->module = std::move(*copy);
  Function *kernel = made->module->getFunction(name);
  lowerBuiltins(*kernel, request.launch);
  if (Result<> alone = isolate(*made->module, *kernel); !alone)
    return alone.error();
  // Twice the registers where matrix instructions have accumulators of their own.
  const bool unified = request.isa == "gfx90a" || StringRef(request.isa).starts_with("gfx94");
  if (Result<> done = annotate(*kernel, request, unified ? 512 : 256); !done)
    return done.error();
  std::string broken;
  if (raw_string_ostream stream(broken); verifyModule(*made->module, &stream))
    return problem("the module is not valid: " + broken, name);

  made->machine.reset(static_cast<LLVMTargetMachine *>(
      target->createTargetMachine(kTriple, request.isa, "", TargetOptions(), std::nullopt,
                                  std::nullopt, CodeGenOptLevel::Default)));
  made->module->setTargetTriple(kTriple);
  made->module->setDataLayout(made->machine->createDataLayout());
  auto diagnostics = std::make_unique<Diagnostics>(name, made->code);
  const Diagnostics &said = *diagnostics;
  made->context->setDiagnosticHandler(std::move(diagnostics), /*RespectFilters=*/true);
  made->passes = std::make_unique<legacy::PassManager>();
  if (!addCollectingPasses(*made->machine, *made->passes, name, made->code))
    return Error{ErrorCode::unsupported, "LLVM's back end cannot emit code", request.isa};
  made->passes->run(*made->module);
  if (!said.errors.empty())
    return problem(fmt::format("does not compile for {}: {}", request.isa, said.errors), name);
  return made;
}

} // namespace mansard::ir
