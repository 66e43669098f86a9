#include "MachineCollector.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/CodeGen/AsmPrinter.h>
#include <llvm/CodeGen/MachineBlockFrequencyInfo.h>
#include <llvm/CodeGen/MachineFunction.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineLoopInfo.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/BasicBlock.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCStreamer.h>
#include <llvm/MC/TargetRegistry.h>

using namespace llvm;

namespace mansard::ir {
namespace {

/// Which block a label opens; shared by the pass that knows the blocks and the streamer that sees
/// the labels.
struct Labels {
  DenseMap<const MCSymbol *, size_t> blocks;
};

/// Notes blocks and loops as they stand before emission, and has every block open with a label.
class BlockPass : public MachineFunctionPass {
public:
  static char ID;
  BlockPass(std::string name, MachineKernel &out, Labels &labels)
      : MachineFunctionPass(ID), name_(std::move(name)), out_(out), labels_(labels) {}

  StringRef getPassName() const override { return "Mansard: blocks and loops"; }

  void getAnalysisUsage(AnalysisUsage &usage) const override {
    usage.addRequired<MachineBlockFrequencyInfoWrapperPass>();
    usage.addRequired<MachineLoopInfoWrapperPass>();
    usage.setPreservesAll();
    MachineFunctionPass::getAnalysisUsage(usage);
  }

  bool runOnMachineFunction(MachineFunction &function) override {
    if (function.getName() != name_)
      return false;
    const auto &frequencies = getAnalysis<MachineBlockFrequencyInfoWrapperPass>().getMBFI();
    const auto &loops = getAnalysis<MachineLoopInfoWrapperPass>().getLI();
    DenseMap<const MachineBasicBlock *, size_t> index;
    for (MachineBasicBlock &block : function) {
      index[&block] = out_.blocks.size();
      MachineBlock &made = out_.blocks.emplace_back();
      if (const BasicBlock *source = block.getBasicBlock())
        made.source = source->getName().str();
      made.frequency = frequencies.getBlockFreqRelativeToEntryBlock(&block);
      labels_.blocks[block.getSymbol()] = index[&block];
      block.setLabelMustBeEmitted();
    }
    DenseMap<const llvm::MachineLoop *, int> numbers;
    for (const llvm::MachineLoop *loop : loops.getLoopsInPreorder()) {
      numbers[loop] = static_cast<int>(out_.loops.size());
      out_.loops.push_back({loop->getParentLoop() ? numbers[loop->getParentLoop()] : -1,
                            static_cast<int>(index[loop->getHeader()])});
    }
    for (MachineBasicBlock &block : function)
      if (const llvm::MachineLoop *loop = loops.getLoopFor(&block))
        out_.blocks[index[&block]].loop = numbers[loop];
    return false;
  }

private:
  std::string name_;
  MachineKernel &out_;
  Labels &labels_;
};
char BlockPass::ID = 0;

/// Keeps instructions instead of encoding or printing them.
class Collector : public MCStreamer {
public:
  Collector(MCContext &context, std::string name, MachineKernel &out,
            std::unique_ptr<Labels> labels)
      : MCStreamer(context), name_(std::move(name)), out_(out), labels_(std::move(labels)) {}

  Labels &labels() { return *labels_; }

  bool isIntegratedAssemblerRequired() const override { return true; } // inline assembly is parsed
  bool emitSymbolAttribute(MCSymbol *, MCSymbolAttr) override { return true; }
  void emitCommonSymbol(MCSymbol *, uint64_t, Align) override {}
  void emitZerofill(MCSection *, MCSymbol *, uint64_t, Align, SMLoc) override {}

  void emitLabel(MCSymbol *symbol, SMLoc place) override {
    MCStreamer::emitLabel(symbol, place);
    if (const auto found = labels_->blocks.find(symbol); found != labels_->blocks.end())
      current_ = &out_.blocks[found->second];
    else if (symbol->getName() == name_) // the entry block has no label of its own
      current_ = out_.blocks.empty() ? nullptr : &out_.blocks.front();
    else if (!symbol->isTemporary())
      current_ = nullptr; // another function
  }

  void emitInstruction(const MCInst &instruction, const MCSubtargetInfo &) override {
    if (current_)
      current_->code.push_back(instruction);
  }

private:
  std::string name_;
  MachineKernel &out_;
  std::unique_ptr<Labels> labels_;
  MachineBlock *current_ = nullptr;
};

} // namespace

bool addCollectingPasses(LLVMTargetMachine &machine, legacy::PassManagerBase &passes,
                         std::string name, MachineKernel &out) {
  auto *module = new MachineModuleInfoWrapperPass(&machine); // the passes own it
  auto collector = std::make_unique<Collector>(module->getMMI().getContext(), name, out,
                                               std::make_unique<Labels>());
  Labels &labels = collector->labels();
  machine.getTarget().createNullTargetStreamer(*collector); // the streamer owns it

  TargetPassConfig *config = machine.createPassConfig(passes);
  passes.add(config);
  passes.add(module);
  if (config->addISelPasses())
    return false;
  config->addMachinePasses();
  config->setInitialized();
  passes.add(new BlockPass(std::move(name), out, labels));
  FunctionPass *printer = machine.getTarget().createAsmPrinter(machine, std::move(collector));
  if (!printer)
    return false;
  passes.add(printer);
  return true;
}

} // namespace mansard::ir
