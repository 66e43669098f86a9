// What an integer or an address of the kernel is, for one thread at one turn of each loop.
#pragma once

#include "Launch.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/ScalarEvolutionExpressions.h>
#include <llvm/IR/Dominators.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mansard::ir {

/// A number, or bytes behind the start of an object. Integers are sign-extended from their width.
struct Number {
  const llvm::Value *base = nullptr; // null: a plain integer
  int64_t value = 0;
};

/// Evaluates values from the question's arguments, the launch's ids and loop turns; whatever
/// depends on loaded data has no value. Loop variables follow scalar evolution, or `follow()`.
class Values {
public:
  Values(const llvm::Function &function, const Launch &launch, const work::KernelQuestion &question,
         const llvm::LoopInfo &loops, llvm::ScalarEvolution &evolution,
         const llvm::DominatorTree &dominators);

  void setThread(const ThreadId &thread);
  const ThreadId &thread() const { return thread_; }
  void setTurn(const llvm::Loop *loop, int64_t turn);
  int64_t turn(const llvm::Loop *loop) const { return turns_.lookup(loop); }

  std::optional<Number> number(const llvm::Value *value);
  std::optional<int64_t> integer(const llvm::Value *value);
  std::optional<int64_t> integer(const llvm::SCEV *expression);
  /// The object that an address points into and the distance, where that is known. The object is
  /// found even where the distance is not.
  const llvm::Value *object(const llvm::Value *address);

  /// Turns of a loop of which scalar evolution does not tell the end: the turn at which it leaves,
  /// plus one; nothing if that depends on loaded data or takes too long. By search where its
  /// variables have a closed form and the end is a comparison; else by running them, which sets
  /// what the header's variables are at each turn.
  std::optional<int64_t> follow(const llvm::Loop *loop);

  /// Arguments that were needed and not given.
  const std::set<const llvm::Argument *> &missing() const { return missing_; }

private:
  std::optional<int64_t> search(const llvm::Loop *loop);
  std::optional<int64_t> run(const llvm::Loop *loop);

  struct Memo {
    uint64_t epoch = 0;
    bool busy = false;
    std::optional<Number> number;
  };

  std::optional<Number> compute(const llvm::Value *value);
  std::optional<Number> instruction(const llvm::Instruction &instruction);
  std::optional<Number> binary(const llvm::BinaryOperator &operation);
  std::optional<Number> cast(const llvm::CastInst &cast);
  std::optional<Number> compare(const llvm::ICmpInst &compare);
  std::optional<Number> call(const llvm::CallBase &call);
  std::optional<Number> address(const llvm::GEPOperator &gep);
  std::optional<Number> load(const llvm::LoadInst &load);
  std::optional<Number> merge(const llvm::PHINode &phi);
  std::optional<Number> loopVariable(const llvm::PHINode &phi, const llvm::Loop *loop);
  std::optional<Number> expression(const llvm::SCEV *expression);
  std::optional<Number> recurrence(const llvm::SCEVAddRecExpr &recurrence);
  std::optional<Number> folded(const llvm::SCEVNAryExpr &expression);

  const llvm::Function &function_;
  const llvm::DataLayout &layout_;
  const Launch &launch_;
  const work::KernelQuestion &question_;
  const llvm::LoopInfo &loops_;
  llvm::ScalarEvolution &evolution_;
  const llvm::DominatorTree &dominators_;

  ThreadId thread_;
  llvm::DenseMap<const llvm::Loop *, int64_t> turns_;
  llvm::DenseMap<const llvm::PHINode *, std::vector<std::optional<Number>>> followed_;
  llvm::DenseMap<const llvm::Value *, Memo> memo_;
  uint64_t epoch_ = 1;
  int depth_ = 0;
  std::set<const llvm::Argument *> missing_;
};

/// "n", or "#2" where the argument has no name.
std::string nameOf(const llvm::Argument &argument);
/// The same of any object: "@tile", "x", "what is loaded in block %body".
std::string nameOfObject(const llvm::Value &object);

} // namespace mansard::ir
