// From a file to a function that can be counted.
#include <KernelIR/KernelCounts.h>

#include "Launch.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/ModuleSlotTracker.h>
#include <llvm/IR/Verifier.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/IndVarSimplify.h>
#include <llvm/Transforms/Scalar/InferAddressSpaces.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/LCSSA.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>
#include <llvm/Transforms/Utils/PromoteMemToReg.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::ir {
namespace {

constexpr double kMostInstructions = 2e6; // after inlining: more is no kernel but an attack

Error invalid(std::string message, std::string place) {
  return {ErrorCode::invalidInput, std::move(message), std::move(place)};
}

bool isKernel(const llvm::Function &function) {
  switch (function.getCallingConv()) {
  case llvm::CallingConv::AMDGPU_KERNEL:
  case llvm::CallingConv::SPIR_KERNEL:
  case llvm::CallingConv::PTX_Kernel:
    return true;
  default:
    break;
  }
  if (const llvm::NamedMDNode *all = function.getParent()->getNamedMetadata("nvvm.annotations"))
    for (const llvm::MDNode *node : all->operands())
      if (node->getNumOperands() >= 3 &&
          llvm::mdconst::dyn_extract_or_null<llvm::Function>(node->getOperand(0)) == &function)
        if (auto *name = llvm::dyn_cast_or_null<llvm::MDString>(node->getOperand(1)))
          if (name->getString() == "kernel")
            return true;
  return false;
}

Result<llvm::Function *> findFunction(llvm::Module &module, const work::KernelQuestion &question) {
  std::vector<llvm::Function *> defined, kernels;
  for (llvm::Function &function : module)
    if (!function.isDeclaration()) {
      defined.push_back(&function);
      if (isKernel(function))
        kernels.push_back(&function);
    }
  const std::vector<llvm::Function *> &offered = kernels.empty() ? defined : kernels;
  std::string names;
  constexpr size_t shown = 12;
  for (size_t i = 0; i < offered.size() && i < shown; ++i)
    names += (i ? ", @" : "@") + offered[i]->getName().str();
  if (offered.size() > shown)
    names += fmt::format(" and {} more", offered.size() - shown);
  if (defined.empty())
    return invalid("the module defines no function", question.path);
  if (question.function.empty()) {
    if (offered.size() == 1)
      return offered.front();
    return invalid("the module has several functions; name one with --function: " + names,
                   question.path);
  }
  llvm::Function *function = module.getFunction(question.function);
  if (!function)
    return invalid(
        fmt::format("the module has no function @{}; it has {}", question.function, names),
        question.path);
  if (function->isDeclaration())
    return invalid(
        fmt::format("@{} is declared only; the module defines {}", question.function, names),
        question.path);
  return function;
}

/// What the kernel reaches by calls, checked: each can be inlined, and all of it stays small.
class CallTree {
public:
  /// Instructions of `function` with everything inlined.
  Result<double> size(llvm::Function &function) {
    if (auto known = sizes_.find(&function); known != sizes_.end())
      return known->second;
    if (std::find(path_.begin(), path_.end(), &function) != path_.end()) {
      std::string cycle;
      for (auto at = std::find(path_.begin(), path_.end(), &function); at != path_.end(); ++at)
        cycle += "@" + (*at)->getName().str() + " -> ";
      return invalid("recursion: " + cycle + "@" + function.getName().str() +
                         "; how deep it goes is not in the code, so it cannot be counted",
                     "@" + path_.front()->getName().str());
    }
    constexpr size_t deepest = 256;
    if (path_.size() >= deepest)
      return invalid(fmt::format("calls are nested more than {} deep", deepest),
                     "@" + path_.front()->getName().str());
    path_.push_back(&function);
    double instructions = 0;
    for (llvm::Instruction &instruction : llvm::instructions(function)) {
      ++instructions;
      auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction);
      if (!call || call->isInlineAsm())
        continue;
      llvm::Function *callee = call->getCalledFunction();
      if (!callee)
        return invalid(fmt::format("block %{} calls through a pointer ({}); which function that is "
                                   "is not known: inline or devirtualise it first",
                                   instruction.getParent()->getName().str(),
                                   text(*call->getCalledOperand())),
                       "@" + function.getName().str());
      if (callee->isDeclaration())
        continue;
      auto inner = size(*callee);
      if (!inner)
        return inner.error();
      instructions += *inner;
      reached_.push_back(callee);
    }
    path_.pop_back();
    if (instructions > kMostInstructions)
      return invalid(
          fmt::format("has more than {} instructions with its calls inlined", kMostInstructions),
          "@" + function.getName().str());
    return sizes_[&function] = instructions;
  }

  const std::vector<llvm::Function *> &reached() const { return reached_; }

private:
  static std::string text(const llvm::Value &value) {
    std::string out;
    llvm::raw_string_ostream stream(out);
    value.printAsOperand(stream, false);
    return out;
  }

  llvm::DenseMap<llvm::Function *, double> sizes_;
  std::vector<llvm::Function *> path_, reached_;
};

/// Blocks without a name get the number they have in the text, so that messages can name them.
void nameBlocks(llvm::Module &module, llvm::Function &function) {
  llvm::ModuleSlotTracker slots(&module, false);
  slots.incorporateFunction(function);
  std::vector<std::pair<llvm::BasicBlock *, int>> numbered;
  for (llvm::BasicBlock &block : function)
    if (!block.hasName())
      numbered.emplace_back(&block, slots.getLocalSlot(&block));
  for (auto &[block, number] : numbered)
    block->setName(number < 0 ? std::string("entry") : std::to_string(number));
}

class Passes {
public:
  Passes() {
    builder_.registerModuleAnalyses(modules_);
    builder_.registerCGSCCAnalyses(components_);
    builder_.registerFunctionAnalyses(functions_);
    builder_.registerLoopAnalyses(loops_);
    builder_.crossRegisterProxies(loops_, functions_, components_, modules_);
  }
  void inlineAll(llvm::Module &module) {
    llvm::ModulePassManager passes;
    passes.addPass(llvm::AlwaysInlinerPass(/*InsertLifetime=*/false));
    passes.run(module, modules_);
  }
  void tidy(llvm::Function &function) {
    llvm::FunctionPassManager passes;
    constexpr unsigned generic = 0; // of NVPTX and AMDGPU: locals are cast to it and back
    passes.addPass(llvm::InferAddressSpacesPass(generic));
    passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
    passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
    passes.addPass(llvm::SimplifyCFGPass());
    passes.addPass(llvm::InstCombinePass());
    llvm::LoopPassManager rotate;
    rotate.addPass(llvm::LoopRotatePass());
    rotate.addPass(llvm::LICMPass(llvm::LICMOptions()));
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(rotate), /*UseMemorySSA=*/true));
    passes.addPass(llvm::InstCombinePass());
    passes.addPass(llvm::SimplifyCFGPass());
    llvm::LoopPassManager count;
    count.addPass(llvm::IndVarSimplifyPass());
    passes.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(count)));
    passes.addPass(llvm::EarlyCSEPass());
    passes.run(function, functions_);
  }
  void shapeLoops(llvm::Function &function) {
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::LoopSimplifyPass());
    passes.addPass(llvm::LCSSAPass());
    passes.run(function, functions_);
  }

private:
  llvm::PassBuilder builder_;
  llvm::LoopAnalysisManager loops_;
  llvm::FunctionAnalysisManager functions_;
  llvm::CGSCCAnalysisManager components_;
  llvm::ModuleAnalysisManager modules_;
};

bool holdsPromotable(llvm::Function &function) {
  for (llvm::Instruction &instruction : llvm::instructions(function))
    if (auto *local = llvm::dyn_cast<llvm::AllocaInst>(&instruction))
      if (llvm::isAllocaPromotable(local))
        return true;
  return false;
}

/// The block where control flow is irreducible, if it is.
const llvm::BasicBlock *irreducibleBlock(llvm::Function &function) {
  llvm::DominatorTree dominators(function);
  llvm::ReversePostOrderTraversal<llvm::Function *> blocks(&function);
  llvm::SmallPtrSet<const llvm::BasicBlock *, 32> before;
  for (llvm::BasicBlock *block : blocks) {
    before.insert(block);
    for (llvm::BasicBlock *next : llvm::successors(block))
      if (before.contains(next) && !dominators.dominates(next, block))
        return next;
  }
  return nullptr;
}

} // namespace

Result<PreparedKernel> prepareKernel(std::unique_ptr<llvm::LLVMContext> context,
                                     std::unique_ptr<llvm::Module> module,
                                     const work::KernelQuestion &question) {
  PreparedKernel kernel;
  kernel.context = std::move(context);
  kernel.module = std::move(module);
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (llvm::verifyModule(*kernel.module, &stream))
    return invalid("is no valid LLVM IR: " + problem.substr(0, problem.find('\n')), question.path);
  auto function = findFunction(*kernel.module, question);
  if (!function)
    return function.error();
  kernel.function = *function;

  CallTree calls;
  if (auto size = calls.size(*kernel.function); !size)
    return size.error();
  bool unoptimised = kernel.function->hasOptNone() || holdsPromotable(*kernel.function);
  nameBlocks(*kernel.module, *kernel.function);
  for (llvm::Function *callee : calls.reached())
    nameBlocks(*kernel.module, *callee);
  for (llvm::Function &any : *kernel.module) {
    any.removeFnAttr(llvm::Attribute::OptimizeNone);
    any.removeFnAttr(llvm::Attribute::NoInline);
  }
  Passes passes;
  if (!calls.reached().empty()) {
    for (llvm::Function *callee : calls.reached()) {
      unoptimised = unoptimised || holdsPromotable(*callee);
      callee->addFnAttr(llvm::Attribute::AlwaysInline);
    }
    passes.inlineAll(*kernel.module);
    for (llvm::Instruction &instruction : llvm::instructions(*kernel.function))
      if (auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction))
        if (llvm::Function *callee = call->getCalledFunction(); callee && !callee->isDeclaration())
          return invalid(fmt::format("the call of @{} cannot be inlined", callee->getName().str()),
                         "@" + kernel.function->getName().str());
  }
  if (const llvm::BasicBlock *block = irreducibleBlock(*kernel.function))
    return invalid(fmt::format("a loop is entered at more than one block (%{} is one): no trip "
                               "count can be given to it; `opt -passes=fix-irreducible` makes it "
                               "reducible",
                               block->getName().str()),
                   "@" + kernel.function->getName().str());
  if (unoptimised) {
    passes.tidy(*kernel.function);
    kernel.notes.push_back("the code is not optimised: counted after promotion of locals to "
                           "registers, common subexpressions and loop-invariant code motion");
  }
  Passes().shapeLoops(*kernel.function);
  nameBlocks(*kernel.module, *kernel.function);
  return kernel;
}

Result<PreparedKernel> prepareKernel(const work::KernelQuestion &question) {
  auto context = std::make_unique<llvm::LLVMContext>();
  context->setDiagnosticHandlerCallBack([](const llvm::DiagnosticInfo *, void *) {});
  llvm::SMDiagnostic problem;
  std::unique_ptr<llvm::Module> module = llvm::parseIRFile(question.path, problem, *context);
  if (!module) {
    std::string place = question.path;
    if (problem.getLineNo() > 0)
      place += fmt::format(":{}:{}", problem.getLineNo(), problem.getColumnNo() + 1);
    return invalid(problem.getMessage().str() +
                       (problem.getLineNo() > 0 ? "" : "; LLVM 19 IR, as .ll or .bc, is expected"),
                   place);
  }
  return prepareKernel(std::move(context), std::move(module), question);
}

} // namespace mansard::ir
