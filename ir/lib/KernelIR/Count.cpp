// A launch, counted: threads are walked (all of them, or a sample that has every edge of the
// launch), their blocks and accesses added up.
#include <KernelIR/KernelCounts.h>

#include "Launch.h"
#include "Memory.h"
#include "Operations.h"
#include "TripCounts.h"

#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/TargetParser/Triple.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::ir {
namespace {

// Work of one question: visits of an instruction that matters by a thread that is walked.
constexpr double kWalkBudget = 4e6, kMemoryBudget = 1e6;
constexpr double kMostThreads = 65536;

/// A group that stands for `weight` of them.
struct Sample {
  std::array<int64_t, 3> group{};
  double weight = 1;
};

/// First, last and evenly spread places of `count`, at most `most` (and at least three) of them.
std::vector<std::pair<int64_t, double>> places(int64_t count, int64_t most) {
  std::vector<std::pair<int64_t, double>> picked;
  most = std::max<int64_t>(3, most);
  if (count <= most) {
    for (int64_t i = 0; i < count; ++i)
      picked.emplace_back(i, 1.0);
    return picked;
  }
  picked.emplace_back(0, 1.0);
  const auto inner = static_cast<double>(count - 2), spans = static_cast<double>(most - 2);
  double phase = 0.5;
  for (double i = 0; i < spans; ++i) {
    phase += 0.6180339887498949; // spreads evenly, in step with no period of the code
    phase -= std::floor(phase);
    picked.emplace_back(1 + static_cast<int64_t>((i + phase) * inner / spans), inner / spans);
  }
  picked.emplace_back(count - 1, 1.0);
  return picked;
}

std::vector<Sample> sampleGroups(const Launch &launch, double mostThreads) {
  std::array<int64_t, 3> most = launch.grid;
  const auto total = [&] {
    return launch.threadsOfGroup() * double(most[0]) * double(most[1]) * double(most[2]);
  };
  while (total() > mostThreads) {
    auto widest = std::max_element(most.begin(), most.end());
    if (*widest <= 3)
      break;
    *widest = std::max<int64_t>(3, *widest / 2);
  }
  std::vector<Sample> samples;
  for (const auto &[z, wz] : places(launch.grid[2], most[2]))
    for (const auto &[y, wy] : places(launch.grid[1], most[1]))
      for (const auto &[x, wx] : places(launch.grid[0], most[0]))
        samples.push_back({{x, y, z}, wx * wy * wz});
  return samples;
}

class Counter {
public:
  Counter(const PreparedKernel &kernel, const work::KernelQuestion &question)
      : kernel_(kernel), function_(*kernel.function), question_(question),
        library_(llvm::Triple(kernel.module->getTargetTriple())), libraryInfo_(library_),
        assumptions_(function_), dominators_(function_), loops_(dominators_),
        evolution_(function_, libraryInfo_, assumptions_, dominators_, loops_),
        probabilities_(function_, loops_, &libraryInfo_) {}

  Result<work::KernelCounts> run() {
    counts_.function = function_.getName().str();
    counts_.triple = kernel_.module->getTargetTriple();
    counts_.notes = kernel_.notes;
    if (auto known = checkNames(); !known)
      return known.error();
    auto launch = findLaunch(function_, question_, counts_.notes);
    if (!launch)
      return launch.error();
    launch_ = *launch;
    auto shared = findSharedMemory(function_, question_);
    if (!shared)
      return shared.error();
    counts_.staticShared = shared->fixed;
    counts_.dynamicShared = shared->dynamic;
    describeLaunch();
    if (auto done = countInstructions(); !done)
      return done.error();
    if (auto done = walk(); !done)
      return done.error();
    addUp();
    return std::move(counts_);
  }

private:
  /// Arguments, loops and footprints that are given must exist.
  Result<> checkNames() const {
    const auto arguments = [&] {
      std::string names;
      for (const llvm::Argument &argument : function_.args())
        names += (names.empty() ? "" : ", ") + nameOf(argument);
      return names.empty() ? std::string("none") : names;
    };
    const auto known = [&](const std::string &name) {
      return std::any_of(function_.arg_begin(), function_.arg_end(), [&](const auto &argument) {
        return name == argument.getName() || name == "#" + std::to_string(argument.getArgNo());
      });
    };
    const std::string place = "@" + function_.getName().str();
    for (const auto &[name, value] : question_.arguments)
      if (!known(name))
        return Error{
            ErrorCode::invalidInput,
            fmt::format("--arg {}: there is no such argument; there are {}", name, arguments()),
            place};
    for (const auto &[name, value] : question_.footprints)
      if (!known(name) && name.find('%') == std::string::npos &&
          !(name[0] == '@' && kernel_.module->getNamedValue(name.substr(1))))
        return Error{ErrorCode::invalidInput,
                     fmt::format("--footprint {}: there is no such pointer; arguments are {}, and "
                                 "variables are written as @name",
                                 name, arguments()),
                     place};
    for (const auto &[name, value] : question_.trips) {
      std::string headers;
      bool found = false;
      for (const llvm::Loop *loop : loops_.getLoopsInPreorder()) {
        headers += (headers.empty() ? "" : ", ") + loop->getHeader()->getName().str();
        found = found || loop->getHeader()->getName() == name;
      }
      if (!found)
        return Error{ErrorCode::invalidInput,
                     fmt::format("--trip {}: no loop starts at such a block; there are {}", name,
                                 headers.empty() ? "none" : headers),
                     place};
    }
    return Ok{};
  }

  void describeLaunch() {
    const work::KernelMachine &machine = question_.machine;
    counts_.onGpu = launch_.onGpu();
    counts_.warp = launch_.warp;
    if (!launch_.onGpu())
      return;
    counts_.launch = {launch_.grid, launch_.block};
    counts_.groups = launch_.groups();
    counts_.threads = launch_.groups() * launch_.threadsOfGroup();
    const double shared = counts_.staticShared + counts_.dynamicShared;
    double fit = machine.threadsPerCore > 0
                     ? std::floor(machine.threadsPerCore / launch_.threadsOfGroup())
                     : 0;
    if (shared > 0 && machine.sramBytesPerCore > 0) {
      const double bySram = std::floor(machine.sramBytesPerCore / shared);
      fit = machine.threadsPerCore > 0 ? std::min(fit, bySram) : bySram;
    }
    counts_.groupsPerCore = fit;
  }

  Result<> countInstructions() {
    trips_.emplace(function_, values(), question_, loops_, evolution_, dominators_, probabilities_);
    work_.blocks.resize(trips_->blockCount());
    for (const llvm::BasicBlock *block : trips_->blocks())
      for (const llvm::Instruction &instruction : *block)
        if (auto done = countInstruction(instruction, launch_,
                                         work_.blocks[trips_->blockNumber(block)], work_);
            !done)
          return done;
    counts_.notes.insert(counts_.notes.end(), work_.notes.begin(), work_.notes.end());
    const double shared = counts_.staticShared + counts_.dynamicShared;
    if (shared > question_.machine.sramBytesPerCore && question_.machine.sramBytesPerCore > 0)
      return Error{ErrorCode::unsupported,
                   fmt::format("a group needs {:.0f} bytes of shared memory; a core of the target "
                               "has {:.0f}",
                               shared, question_.machine.sramBytesPerCore),
                   "@" + function_.getName().str()};
    return Ok{};
  }

  Values &values() {
    if (!values_)
      values_.emplace(function_, launch_, question_, loops_, evolution_, dominators_);
    return *values_;
  }

  Result<> walk() {
    Memory memory(work_, launch_, values(), *trips_, loops_, question_);
    const double perThread = static_cast<double>(trips_->blockCount() + 4 * work_.accesses.size());
    double most = std::clamp(kWalkBudget / perThread, 1.0, kMostThreads);
    if (!trips_->dependsOnThread())
      most = std::min(most, 1024.0);
    const std::vector<Sample> samples = sampleGroups(launch_, most);
    const auto threads = static_cast<int64_t>(launch_.threadsOfGroup());
    const int64_t warps = (threads + launch_.warp - 1) / launch_.warp;
    const double allWarps = static_cast<double>(warps) * static_cast<double>(samples.size());
    const double watched = std::max(
        2.0, kMemoryBudget / (static_cast<double>(work_.accesses.size() + 1) * launch_.warp));
    threadRuns_.assign(trips_->blockCount(), 0);
    warpRuns_.assign(trips_->blockCount(), 0);
    double at = 0, next = 0;
    const double step = std::max(1.0, (allWarps - 1) / std::max(1.0, watched - 1));
    double weights = 0;
    for (const Sample &sample : samples)
      for (int64_t warp = 0; warp < warps; ++warp, ++at) {
        const bool watch = at + 0.5 >= next || at == allWarps - 1;
        if (watch)
          next += step;
        if (auto done = walkWarp(sample, warp, threads, watch ? &memory : nullptr); !done)
          return done;
        weights += sample.weight / static_cast<double>(warps);
      }
    if (static_cast<double>(samples.size()) < launch_.groups() && trips_->dependsOnThread())
      counts_.notes.push_back(fmt::format("counted on {} of {:.0f} groups, edges of the grid among "
                                          "them",
                                          samples.size(), launch_.groups()));
    memory.probe();
    return memory.finish(threadRuns_, warpRuns_, counts_);
  }

  Result<> walkWarp(const Sample &sample, int64_t warp, int64_t threads, Memory *memory) {
    std::vector<double> most(trips_->blockCount(), 0), runs;
    const int64_t first = warp * launch_.warp, end = std::min(threads, first + launch_.warp);
    for (int64_t number = first; number < end; ++number) {
      ThreadId id;
      id.group = sample.group;
      id.thread = {number % launch_.block[0], number / launch_.block[0] % launch_.block[1],
                   number / (launch_.block[0] * launch_.block[1])};
      if (number == first || trips_->dependsOnThread()) {
        values().setThread(id);
        if (auto done = trips_->run(runs); !done)
          return done;
        for (const llvm::Loop *loop : loops_.getLoopsInPreorder()) {
          const TripCounts::Turns turns = trips_->turnsOf(loop);
          LoopSum &sum = loopSums_[loop];
          const double lanes = trips_->dependsOnThread() ? 1 : static_cast<double>(end - first);
          sum.all += turns.all * sample.weight * lanes;
          sum.entries += turns.entries * sample.weight * lanes;
        }
      }
      values().setThread(id);
      for (size_t block = 0; block < runs.size(); ++block) {
        threadRuns_[block] += runs[block] * sample.weight;
        most[block] = std::max(most[block], runs[block]);
      }
      if (memory)
        memory->visitLane(static_cast<int>(number - first), runs);
      if (!values().missing().empty())
        return missing();
    }
    for (size_t block = 0; block < most.size(); ++block)
      warpRuns_[block] += most[block] * sample.weight;
    if (memory)
      memory->endWarp();
    return Ok{};
  }

  Error missing() {
    std::string names, flags;
    for (const llvm::Argument *argument : values().missing()) {
      names += (names.empty() ? "" : ", ") + nameOf(*argument);
      flags += fmt::format(" --arg {}=...", nameOf(*argument));
    }
    return {ErrorCode::invalidInput, fmt::format("addresses depend on {}: give{}", names, flags),
            "@" + function_.getName().str()};
  }

  void addUp() {
    double active = 0, issued = 0;
    const double warps =
        launch_.onGpu() ? launch_.groups() * std::ceil(launch_.threadsOfGroup() / launch_.warp) : 1;
    for (const llvm::BasicBlock &block : function_) {
      const size_t number = trips_->blockNumber(&block);
      if (trips_->blocks()[number] != &block)
        continue; // not reached
      const BlockWork &work = work_.blocks[number];
      const double runs = threadRuns_[number];
      counts_.blocks.push_back(
          {block.getName().str(), runs / counts_.threads, warpRuns_[number] / warps});
      double operations = work.integer + work.special;
      for (size_t type = 0; type < work.floating.size(); ++type) {
        counts_.floatOperations[type] += runs * work.floating[type];
        counts_.matrixOperations[type] += runs * work.matrix[type];
        operations += work.floating[type];
      }
      counts_.integerOperations += runs * work.integer;
      counts_.specialOperations += runs * work.special;
      counts_.barriers += runs * work.barriers;
      counts_.atomics += runs * work.atomics;
      counts_.branches += runs * work.branches;
      counts_.memoryInstructions += runs * work.memory;
      active += runs * operations;
      issued += warpRuns_[number] * launch_.warp * operations;
    }
    counts_.warpShare = issued > 0 ? std::min(1.0, active / issued) : 1;
    for (const llvm::Loop *loop : loops_.getLoopsInPreorder()) {
      const LoopSum &sum = loopSums_[loop];
      counts_.loops.push_back({loop->getHeader()->getName().str(), trips_->expressionOf(loop),
                               sum.entries > 0 ? sum.all / sum.entries : 0,
                               sum.entries / counts_.threads,
                               static_cast<int>(loop->getLoopDepth())});
    }
    if (const auto &guessed = trips_->guessed(); !guessed.empty()) {
      std::string names;
      size_t shown = 0;
      for (const llvm::BasicBlock &block : function_)
        if (guessed.count(&block) && shown++ < 8)
          names += (names.empty() ? "%" : ", %") + block.getName().str();
      counts_.notes.push_back(
          fmt::format("{} branches on data are taken by LLVM's branch probabilities: {}{}",
                      guessed.size(), names, guessed.size() > 8 ? " ..." : ""));
    }
    for (const llvm::Loop *loop : trips_->endEarly())
      counts_.notes.push_back(fmt::format("the loop at %{} may end early on data; counted in full",
                                          loop->getHeader()->getName().str()));
  }

  struct LoopSum {
    double all = 0, entries = 0;
  };

  const PreparedKernel &kernel_;
  llvm::Function &function_;
  const work::KernelQuestion &question_;
  llvm::TargetLibraryInfoImpl library_;
  llvm::TargetLibraryInfo libraryInfo_;
  llvm::AssumptionCache assumptions_;
  llvm::DominatorTree dominators_;
  llvm::LoopInfo loops_;
  llvm::ScalarEvolution evolution_;
  llvm::BranchProbabilityInfo probabilities_;

  Launch launch_;
  std::optional<Values> values_;
  std::optional<TripCounts> trips_;
  FunctionWork work_;
  std::vector<double> threadRuns_, warpRuns_;
  llvm::DenseMap<const llvm::Loop *, LoopSum> loopSums_;
  work::KernelCounts counts_;
};

} // namespace

Result<work::KernelCounts> countKernel(const PreparedKernel &kernel,
                                       const work::KernelQuestion &question) {
  return Counter(kernel, question).run();
}

} // namespace mansard::ir
