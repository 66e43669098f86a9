// How often one thread runs each block: turns of loops times the ways taken.
#pragma once

#include "Values.h"

#include <llvm/Analysis/BranchProbabilityInfo.h>

#include <set>
#include <string>
#include <vector>

namespace mansard::ir {

class TripCounts {
public:
  TripCounts(const llvm::Function &function, Values &values, const work::KernelQuestion &question,
             const llvm::LoopInfo &loops, llvm::ScalarEvolution &evolution,
             const llvm::DominatorTree &dominators,
             const llvm::BranchProbabilityInfo &probabilities);

  /// Runs of each block, by blockNumber(), of the thread that `values` stands at. An error names
  /// the loop or the argument that must be given.
  Result<> run(std::vector<double> &runs);

  size_t blockCount() const { return order_.size(); }
  const std::vector<const llvm::BasicBlock *> &blocks() const { return order_; }
  size_t blockNumber(const llvm::BasicBlock *block) const { return numbers_.lookup(block); }

  /// Most turns and the sum over entries of the last run.
  struct Turns {
    double most = 0, all = 0, entries = 0;
  };
  Turns turnsOf(const llvm::Loop *loop) const { return turns_.lookup(loop); }
  std::string expressionOf(const llvm::Loop *loop) const;

  /// Whether any way depends on which thread runs.
  bool dependsOnThread() const { return dependsOnThread_; }

  /// Blocks whose branch depends on loaded data: taken by their probability.
  const std::set<const llvm::BasicBlock *> &guessed() const { return guessed_; }
  /// Loops that data may end early.
  const std::set<const llvm::Loop *> &endEarly() const { return endEarly_; }

private:
  using Exits = llvm::SmallVector<std::pair<const llvm::BasicBlock *, double>, 4>;
  struct Plan {
    double turns = 0;
    const llvm::BasicBlock *exit = nullptr; // the block that it leaves from
  };
  struct Region {
    std::vector<const llvm::BasicBlock *> nodes; // own blocks, and headers of inner loops
    bool varies = false;                         // what happens inside depends on the turn
  };

  void findDependence();
  bool reaches(const llvm::Value *value, const llvm::Loop *loop, bool threads) const;
  Result<Plan> plan(const llvm::Loop *loop);
  Result<> enter(const llvm::Loop *loop, double weight, Exits &exits);
  Result<> turn(const llvm::Loop *loop, double weight, const Plan *plan, bool last, Exits &exits);
  void leave(const llvm::BasicBlock *block, double share, const llvm::Loop *loop, const Plan *plan,
             bool last, Exits &exits);
  double probability(const llvm::BasicBlock *block, unsigned successor);
  Error missingArgument(const std::string &what) const;

  const llvm::Function &function_;
  Values &values_;
  const work::KernelQuestion &question_;
  const llvm::LoopInfo &loops_;
  llvm::ScalarEvolution &evolution_;
  const llvm::DominatorTree &dominators_;
  const llvm::BranchProbabilityInfo &probabilities_;

  std::vector<const llvm::BasicBlock *> order_;
  llvm::DenseMap<const llvm::BasicBlock *, size_t> numbers_;
  llvm::DenseMap<const llvm::Loop *, Region> regions_;
  llvm::DenseMap<const llvm::Loop *, Turns> turns_;
  std::vector<double> flow_, *runs_ = nullptr;
  std::set<const llvm::BasicBlock *> guessed_;
  std::set<const llvm::Loop *> endEarly_;
  bool dependsOnThread_ = false;
  double steps_ = 0;
};

} // namespace mansard::ir
