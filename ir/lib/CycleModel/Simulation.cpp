#include "Simulation.h"

#include <llvm/MC/MCInstrAnalysis.h>
#include <llvm/MCA/Context.h>
#include <llvm/MCA/CustomBehaviour.h>
#include <llvm/MCA/HWEventListener.h>
#include <llvm/MCA/InstrBuilder.h>
#include <llvm/MCA/Pipeline.h>
#include <llvm/MCA/SourceMgr.h>
#include <llvm/MCA/Support.h>

#include <fmt/format.h>

#include <algorithm>

using namespace llvm;

namespace mansard::ir {
namespace {

using work::Port;

constexpr unsigned kWarmTurns = 8, kTurns = 16; // of a loop: before, and with those measured
constexpr size_t kMostSimulated = 400'000;      // instructions: seconds

/// When each instruction was issued, and how long it holds the unit that it holds longest.
class IssueTimes : public mca::HWEventListener {
public:
  struct Issue {
    unsigned cycle = 0;
    double unitCycles = 1;
  };
  std::vector<Issue> issues;

  void onCycleBegin() override { ++cycle_; }
  void onEvent(const mca::HWInstructionEvent &event) override {
    if (event.Type != mca::HWInstructionEvent::Issued)
      return;
    const size_t index = event.IR.getSourceIndex();
    if (issues.size() <= index)
      issues.resize(index + 1);
    issues[index].cycle = cycle_;
    const auto &issued = static_cast<const mca::HWInstructionIssuedEvent &>(event);
    for (const mca::ResourceUse &use : issued.UsedResources)
      issues[index].unitCycles =
          std::max(issues[index].unitCycles, static_cast<double>(use.second));
  }

private:
  unsigned cycle_ = 0;
};

/// An instruction's place in the blocks.
struct Place {
  size_t block;
  const MCInst *instruction;
};

Error unknownInstruction(const Scheduling &s, const MCInst &instruction, llvm::Error problem) {
  return Error{ErrorCode::unsupported,
               fmt::format("LLVM's scheduling model has no {} ({})",
                           s.names.getName(instruction.getOpcode()).str(),
                           toString(std::move(problem))),
               s.chip.getCPU().str()};
}

/// Clocks of the port that an instruction holds: the chip's for memory and matrix instructions, the
/// scheduling model's for others.
double portClocks(const MachineUse &use, double unitCycles, const GcnCore &core) {
  switch (use.port) {
  case Port::vectorMemory:
  case Port::lds:
    return use.clocks;
  case Port::matrix:
    if (use.matrixType && core.matrixOps[*use.matrixType] > 0)
      return use.clocks;
    [[fallthrough]];
  default:
    return unitCycles * kIssueClocks;
  }
}

bool computes(const MachineUse &use) {
  return use.port == Port::vector || use.port == Port::matrix;
}

double &waitOf(work::WaitClocks &waits, const MachineUse &use) {
  if (!use.wait)
    return waits.results;
  return use.nearWait ? waits.near : waits.memory;
}

} // namespace

Result<std::vector<BlockTime>>
simulate(const Scheduling &s, const std::vector<const MachineBlock *> &blocks, bool isLoop) {
  std::vector<BlockTime> times(blocks.size());
  std::vector<Place> places;
  for (size_t i = 0; i < blocks.size(); ++i)
    for (const MCInst &instruction : blocks[i]->code)
      if (!s.names.get(instruction.getOpcode()).isReturn()) // the end of the kernel takes no time
        places.push_back({i, &instruction});
  if (places.empty())
    return times;
  if (places.size() > kMostSimulated)
    return Error{ErrorCode::unsupported,
                 fmt::format("{} instructions without a loop among them; at most {} are simulated",
                             places.size(), kMostSimulated),
                 blocks.front()->source};

  const std::unique_ptr<MCInstrAnalysis> analysis(s.target.createMCInstrAnalysis(&s.names));
  mca::InstrumentManager instruments(s.chip, s.names);
  mca::InstrBuilder builder(s.chip, s.names, s.registers, analysis.get(), instruments,
                            /*CallLatency=*/100);
  const std::unique_ptr<mca::InstrPostProcess> postProcess(
      s.target.createInstrPostProcess(s.chip, s.names));
  std::vector<std::unique_ptr<mca::Instruction>> code;
  for (const Place &place : places) {
    auto made = builder.createInstruction(*place.instruction, {});
    if (!made)
      return unknownInstruction(s, *place.instruction, made.takeError());
    if (postProcess)
      postProcess->postProcessInstruction(*made, *place.instruction);
    code.push_back(std::move(*made));
  }

  const size_t size = code.size();
  const bool short_ = size * kTurns <= kMostSimulated;
  const unsigned turns = isLoop ? (short_ ? kTurns : 2) : 1;
  const unsigned first = isLoop ? (short_ ? kWarmTurns : 1) : 0;
  mca::CircularSourceMgr source(code, turns);
  std::unique_ptr<mca::CustomBehaviour> behaviour(
      s.target.createCustomBehaviour(s.chip, source, s.names));
  if (!behaviour)
    behaviour = std::make_unique<mca::CustomBehaviour>(s.chip, source, s.names);
  mca::Context context(s.registers, s.chip);
  // Sizes for out-of-order machines: these issue in order.
  const mca::PipelineOptions options(0, 0, 0, 0, 0, 0, /*NoAlias=*/true);
  const std::unique_ptr<mca::Pipeline> pipeline =
      context.createDefaultPipeline(options, source, *behaviour);
  IssueTimes listener;
  pipeline->addEventListener(&listener);
  if (auto ran = pipeline->run(); !ran)
    return Error{ErrorCode::unsupported, toString(ran.takeError()), s.chip.getCPU().str()};
  listener.issues.resize(size * turns);

  const double measured = turns - first;
  double busyUntil = 0; // the vector or matrix unit: a gap in which they work is no wait
  for (size_t i = first * size; i < size * turns; ++i) {
    const IssueTimes::Issue &issue = listener.issues[i];
    const double before = i == 0 ? issue.cycle - 1 : listener.issues[i - 1].cycle;
    const Place &place = places[i % size];
    const MachineUse use = useOf(*place.instruction, s.names, s.registers, s.core);
    BlockTime &time = times[place.block];
    time.clocks += (issue.cycle - before) * kIssueClocks / measured;
    waitOf(time.waits, use) +=
        std::max(0.0, issue.cycle - std::max(before + 1, busyUntil)) * kIssueClocks / measured;
    time.busy[static_cast<size_t>(use.port)] +=
        portClocks(use, issue.unitCycles, s.core) / measured;
    if (computes(use))
      busyUntil = std::max(busyUntil, issue.cycle + issue.unitCycles);
  }
  // The next turn is fetched when the branch has gone through; once only, the code falls through.
  if (isLoop) {
    const unsigned schedClass = s.names.get(places.back().instruction->getOpcode()).getSchedClass();
    const MCSchedClassDesc *last = s.chip.getSchedModel().getSchedClassDesc(schedClass);
    if (last->isValid() && !last->isVariant()) {
      const auto &issues = listener.issues;
      const size_t turn = size * (turns - 1);
      const double gap = issues[turn].cycle - issues[turn - 1].cycle;
      const double latency = MCSchedModel::computeInstrLatency(s.chip, *last);
      const double wait = std::max(0.0, latency - gap) * kIssueClocks;
      times.back().clocks += wait;
      times.back().waits.results += wait;
    }
  }
  return times;
}

} // namespace mansard::ir
