#include "ChipScheduling.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/MC/MCSchedule.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace llvm;

namespace mansard::ir {
namespace {

using work::Port;

constexpr int kBarrierLatency = 500; // LLVM's guess, by which the class is known

/// What one scheduling class takes of a unit in this kernel, on average.
struct ClassUse {
  double clocks = 0, count = 0;
  bool known = false; // clocks are the chip's
};

uint16_t cycles(double clocks) {
  constexpr double kMost = std::numeric_limits<int16_t>::max();
  return static_cast<uint16_t>(std::clamp(std::ceil(clocks / kIssueClocks - 1e-9), 1.0, kMost));
}

/// Tables that a subtarget's description points to.
struct Tables {
  std::vector<MCSchedClassDesc> classes;
  std::vector<MCWriteProcResEntry> resources;
  std::vector<MCWriteLatencyEntry> latencies;
  std::vector<MCReadAdvanceEntry> advances;
  MCSchedModel model;
  std::string name;
  SubtargetSubTypeKV processor;

  Tables(const MCSubtargetInfo &isa, const std::vector<ClassUse> &uses, double memoryLatency)
      : model(isa.getSchedModel()), name(isa.getCPU()), processor(processorOf(isa)) {
    for (unsigned i = 0; i < model.NumSchedClasses; ++i)
      addClass(isa, *isa.getSchedModel().getSchedClassDesc(i), uses[i], memoryLatency);
    model.SchedClassTable = classes.data();
    processor.Key = name.c_str();
    processor.SchedModel = &model;
  }

private:
  static const SubtargetSubTypeKV &processorOf(const MCSubtargetInfo &isa) {
    const auto all = isa.getAllProcessorDescriptions();
    return *std::find_if(all.begin(), all.end(), [&](const SubtargetSubTypeKV &processor) {
      return isa.getCPU() == processor.Key;
    });
  }

  void addClass(const MCSubtargetInfo &isa, const MCSchedClassDesc &from, const ClassUse &use,
                double memoryLatency) {
    MCSchedClassDesc made = from;
    if (!from.isValid() || from.isVariant()) {
      classes.push_back(made);
      return;
    }
    made.WriteLatencyIdx = static_cast<uint16_t>(latencies.size());
    int16_t longest = 0;
    for (unsigned i = 0; i < from.NumWriteLatencyEntries; ++i) {
      latencies.push_back(*isa.getWriteLatencyEntry(&from, i));
      longest = std::max(longest, latencies.back().Cycles);
    }
    made.WriteProcResIdx = static_cast<uint16_t>(resources.size());
    int change = 0; // of every latency of the class
    for (const auto *entry = isa.getWriteProcResBegin(&from);
         entry != isa.getWriteProcResEnd(&from); ++entry) {
      MCWriteProcResEntry own = *entry;
      const StringRef unit = isa.getSchedModel().getProcResource(own.ProcResourceIdx)->Name;
      if (unit == "HWVALU") {
        own.ReleaseAtCycle = std::max<uint16_t>(own.ReleaseAtCycle, longest);
      } else if (unit == "HWVMEM") {
        change = cycles(memoryLatency) - longest;
        if (use.known)
          own.ReleaseAtCycle = cycles(use.clocks);
      } else if (unit == "HWBranch" && longest >= kBarrierLatency) {
        change = 1 - longest;
      } else if (use.known && unit == "HWXDL") {
        change = cycles(use.clocks) - own.ReleaseAtCycle;
        own.ReleaseAtCycle = cycles(use.clocks);
      } else if (use.known && unit == "HWLGKM") {
        own.ReleaseAtCycle = cycles(use.clocks);
      }
      resources.push_back(own);
    }
    for (size_t i = made.WriteLatencyIdx; i < latencies.size(); ++i)
      latencies[i].Cycles = static_cast<int16_t>(std::max(1, latencies[i].Cycles + change));
    made.ReadAdvanceIdx = static_cast<uint16_t>(advances.size());
    const auto reads = isa.getReadAdvanceEntries(from);
    advances.insert(advances.end(), reads.begin(), reads.end());
    classes.push_back(made);
  }
};

class ChipSubtarget final : public MCSubtargetInfo {
public:
  ChipSubtarget(const MCSubtargetInfo &isa, std::unique_ptr<const Tables> tables)
      : MCSubtargetInfo(isa.getTargetTriple(), isa.getCPU(), isa.getCPU(), isa.getFeatureString(),
                        isa.getAllProcessorFeatures(), tables->processor, tables->resources.data(),
                        tables->latencies.data(), tables->advances.data(), nullptr, nullptr,
                        nullptr),
        isa_(isa), tables_(std::move(tables)) {
    setFeatureBits(isa.getFeatureBits());
  }

  unsigned resolveVariantSchedClass(unsigned schedClass, const MCInst *instruction,
                                    const MCInstrInfo *names, unsigned processor) const override {
    return isa_.resolveVariantSchedClass(schedClass, instruction, names, processor);
  }

private:
  const MCSubtargetInfo &isa_;
  std::unique_ptr<const Tables> tables_;
};

} // namespace

std::unique_ptr<MCSubtargetInfo> chipScheduling(const MCSubtargetInfo &isa,
                                                const MCInstrInfo &names,
                                                const MCRegisterInfo &registers,
                                                const GcnCore &core, const MachineKernel &kernel,
                                                double memoryLatency) {
  const MCSchedModel &model = isa.getSchedModel();
  std::vector<ClassUse> uses(model.NumSchedClasses);
  for (const MachineBlock &block : kernel.blocks)
    for (const MCInst &instruction : block.code) {
      unsigned schedClass = names.get(instruction.getOpcode()).getSchedClass();
      while (model.getSchedClassDesc(schedClass)->isVariant()) {
        schedClass =
            isa.resolveVariantSchedClass(schedClass, &instruction, &names, model.getProcessorID());
        if (schedClass == 0)
          break;
      }
      const MachineUse use = useOf(instruction, names, registers, core);
      const bool memory = use.port == Port::vectorMemory || use.port == Port::lds;
      const bool matrix =
          use.port == Port::matrix && use.matrixType && core.matrixOps[*use.matrixType] > 0;
      if (!memory && !matrix)
        continue;
      uses[schedClass].clocks += use.clocks;
      uses[schedClass].count += 1;
      uses[schedClass].known = true;
    }
  for (ClassUse &use : uses)
    if (use.count > 0)
      use.clocks /= use.count;
  return std::make_unique<ChipSubtarget>(isa,
                                         std::make_unique<const Tables>(isa, uses, memoryLatency));
}

} // namespace mansard::ir
