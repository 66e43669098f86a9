#include <KernelIR/CycleModel.h>

#include "BackEnd.h"
#include "ChipScheduling.h"
#include "GroupTime.h"
#include "MachineWeights.h"
#include "Occupancy.h"
#include "Simulation.h"

#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/TargetParser/Triple.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::ir {
namespace {

using work::KernelCycles;

constexpr double kMostWorkItems = 1024; // of a group: LLVM's AMDGPU back end, for all of gfx9

/// Blocks that follow one another and run equally often are simulated in one go, so that a wait for
/// what an earlier block loaded is seen.
struct Stretch {
  std::vector<const MachineBlock *> blocks;
  int loop = -1;
};

std::vector<Stretch> stretchesOf(const MachineKernel &kernel) {
  std::vector<Stretch> stretches;
  for (const MachineBlock &block : kernel.blocks) {
    const MachineBlock *before = stretches.empty() ? nullptr : stretches.back().blocks.back();
    const double most = before ? std::max(before->executions, block.executions) : 0;
    if (!before || before->loop != block.loop ||
        std::abs(before->executions - block.executions) > 1e-3 * most)
      stretches.push_back({{}, block.loop});
    stretches.back().blocks.push_back(&block);
  }
  return stretches;
}

/// Whether a stretch is all of an innermost loop.
bool isWholeLoop(const MachineKernel &kernel, const Stretch &stretch) {
  if (stretch.loop < 0)
    return false;
  for (const MachineLoop &loop : kernel.loops)
    if (loop.parent == stretch.loop)
      return false;
  const auto inLoop =
      std::count_if(kernel.blocks.begin(), kernel.blocks.end(),
                    [&](const MachineBlock &block) { return block.loop == stretch.loop; });
  return static_cast<size_t>(inLoop) == stretch.blocks.size();
}

/// Clocks of a vector load: between the L2's and the memory's, by how much of what waves ask for
/// they ask for the first time.
double memoryLatency(const GcnCore &core, const work::KernelCounts &counts) {
  if (!(core.dramLatency > 0) || !(core.l2Latency > 0))
    return std::max(core.dramLatency, core.l2Latency);
  const double first =
      counts.transactionBytes > 0
          ? std::min(1.0, (counts.dramRead + counts.dramWritten) / counts.transactionBytes)
          : 1;
  return core.l2Latency + first * (core.dramLatency - core.l2Latency);
}

void add(KernelCycles &out, const MachineBlock &block, const BlockTime &time) {
  const double runs = block.executions;
  out.waveClocks += runs * time.clocks;
  out.waits.memory += runs * time.waits.memory;
  out.waits.near += runs * time.waits.near;
  out.waits.results += runs * time.waits.results;
  for (size_t port = 0; port < work::kPortCount; ++port)
    out.busy[port] += runs * time.busy[port];
  out.blocks.push_back({block.source, runs, static_cast<int>(block.code.size()), time.clocks,
                        time.waits, time.busy});
}

Result<> run(const PreparedKernel &kernel, const work::KernelCounts &counts, const GcnCore &core,
             KernelCycles &out) {
  const auto &block = counts.launch.block;
  const double groupSize =
      std::max<double>(1, static_cast<double>(block[0]) * std::max<int64_t>(1, block[1]) *
                              std::max<int64_t>(1, block[2]));
  if (groupSize > kMostWorkItems)
    return Error{ErrorCode::invalidInput,
                 fmt::format("{:.0f} work items a group; such chips take at most {:.0f}", groupSize,
                             kMostWorkItems),
                 kernel.function->getName().str()};
  CodeRequest request;
  request.isa = core.isa;
  request.groupSize = static_cast<int>(groupSize);
  request.launch = counts.launch;
  request.vectorRegisters = static_cast<int>(std::min(core.registers, 256.0));
  auto compiled = compile(*kernel.module, kernel.function->getName(), request);
  if (!compiled)
    return compiled.error();
  MachineKernel &code = (*compiled)->code;
  weighBlocks(code, counts.blocks);

  out.memoryLatency = memoryLatency(core, counts);
  const llvm::LLVMTargetMachine &machine = *(*compiled)->machine;
  const llvm::MCSubtargetInfo &isa = *machine.getMCSubtargetInfo();
  const llvm::MCInstrInfo &names = *machine.getMCInstrInfo();
  const llvm::MCRegisterInfo &registers = *machine.getMCRegisterInfo();
  const auto chip = chipScheduling(isa, names, registers, core, code, out.memoryLatency);
  const Scheduling scheduling{machine.getTarget(), *chip, names, registers, core};
  for (const Stretch &stretch : stretchesOf(code)) {
    auto times = simulate(scheduling, stretch.blocks, isWholeLoop(code, stretch));
    if (!times)
      return times.error();
    for (size_t i = 0; i < stretch.blocks.size(); ++i) {
      addAccesses((*times)[i], stretch.blocks[i]->source, counts, core);
      add(out, *stretch.blocks[i], (*times)[i]);
    }
  }

  out.isa = core.isa;
  out.vectorRegisters = code.vectorRegisters;
  out.scalarRegisters = code.scalarRegisters;
  out.scratchBytes = code.scratchBytes;
  out.ldsBytes = code.ldsBytes + counts.dynamicShared;
  out.wavesPerGroup = std::ceil(groupSize / kWave);
  auto occupancy =
      occupancyOf(core, code, out.ldsBytes, out.wavesPerGroup, kernel.function->getName().str());
  if (!occupancy)
    return occupancy.error();
  out.mostGroupsPerCore = occupancy->groups;
  out.occupancyLimit = occupancy->limit;
  shareCore(out, core, counts.groups);

  out.notes.push_back(fmt::format("cycles are those of {} code, the public instruction set nearest "
                                  "to the chip's, with the chip's latencies and rates",
                                  core.isa));
  const llvm::StringRef own = kernel.function->getFnAttribute("target-cpu").getValueAsString();
  if (!own.empty() && own != core.isa)
    out.notes.push_back(fmt::format("the module asks for {}; it was compiled for {} all the same",
                                    own.str(), core.isa));
  if (code.spilled > 0 || code.scratchBytes > 0)
    out.notes.push_back(fmt::format("{:g} bytes of scratch memory a work item ({} spilled "
                                    "registers)",
                                    code.scratchBytes, code.spilled));
  for (const MachineBlock &machineBlock : code.blocks)
    for (const llvm::MCInst &instruction : machineBlock.code) {
      const MachineUse use = useOf(instruction, names, registers, core);
      if (use.port != work::Port::matrix || (use.matrixType && core.matrixOps[*use.matrixType] > 0))
        continue;
      out.notes.push_back(fmt::format("the chip gives no rate for {}: its duration is {}'s",
                                      names.getName(instruction.getOpcode()).str(), core.isa));
      return Ok{};
    }
  return Ok{};
}

} // namespace

bool hasCycleModel(const hw::Chip &chip, std::string_view triple) {
  return !chip.nearestIsa.empty() &&
         llvm::Triple(llvm::StringRef(triple)).getArch() == llvm::Triple::amdgcn;
}

Result<KernelCycles> modelCycles(const PreparedKernel &kernel, const work::KernelCounts &counts,
                                 const hw::Chip &chip) {
  const Result<GcnCore> core = GcnCore::of(chip);
  if (!core)
    return core.error();
  KernelCycles cycles;
  const Result<> done = guarded(fmt::format("function {}", kernel.function->getName().str()),
                                [&] { return run(kernel, counts, *core, cycles); });
  if (!done)
    return done.error();
  return cycles;
}

} // namespace mansard::ir
