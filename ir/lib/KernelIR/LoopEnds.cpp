// The ends of loops that scalar evolution has no count of.
#include "Values.h"

#include <llvm/IR/Instructions.h>

namespace mansard::ir {
namespace {
constexpr int64_t kMostFollowed = 4096;             // turns that are run one by one
constexpr int64_t kMostSearched = int64_t{1} << 40; // turns that a search looks at
} // namespace

std::optional<int64_t> Values::follow(const llvm::Loop *loop) {
  const auto found = search(loop);
  return found ? found : run(loop);
}

/// A variable of constant step crosses a bound once: doubling finds a turn beyond it, halving the
/// first.
std::optional<int64_t> Values::search(const llvm::Loop *loop) {
  const llvm::BasicBlock *end = loop->getExitingBlock();
  auto *branch = end ? llvm::dyn_cast<llvm::BranchInst>(end->getTerminator()) : nullptr;
  auto *compare = branch && branch->isConditional()
                      ? llvm::dyn_cast<llvm::ICmpInst>(branch->getCondition())
                      : nullptr;
  if (!compare || !compare->isRelational())
    return std::nullopt;
  const auto leaves = [&](int64_t turn) -> std::optional<bool> {
    setTurn(loop, turn);
    const auto condition = integer(compare);
    if (!condition)
      return std::nullopt;
    return !loop->contains(branch->getSuccessor(*condition & 1 ? 0 : 1));
  };
  int64_t inside = -1, outside = 0; // the last turn known to stay, one known to leave
  while (true) {
    const auto left = leaves(outside);
    if (!left || outside > kMostSearched) {
      setTurn(loop, 0);
      return std::nullopt;
    }
    if (*left)
      break;
    inside = outside;
    outside = outside * 2 + 1;
  }
  while (outside - inside > 1) {
    const int64_t middle = inside + (outside - inside) / 2;
    const auto left = leaves(middle);
    if (!left)
      return std::nullopt;
    (*left ? outside : inside) = middle;
  }
  setTurn(loop, 0);
  return outside + 1;
}

std::optional<int64_t> Values::run(const llvm::Loop *loop) {
  const llvm::BasicBlock *before = loop->getLoopPreheader(), *latch = loop->getLoopLatch();
  llvm::SmallVector<llvm::BasicBlock *> exits;
  loop->getExitingBlocks(exits);
  if (!before || !latch)
    return std::nullopt;
  std::vector<const llvm::PHINode *> variables;
  for (const llvm::PHINode &phi : loop->getHeader()->phis())
    if (phi.getType()->isIntegerTy() || phi.getType()->isPointerTy())
      variables.push_back(&phi);
  for (const llvm::PHINode *phi : variables)
    followed_.erase(phi);
  turns_[loop] = 0;
  ++epoch_;
  std::vector<std::optional<Number>> now;
  for (const llvm::PHINode *phi : variables)
    now.push_back(number(phi->getIncomingValueForBlock(before)));
  const auto forget = [&] {
    for (const llvm::PHINode *phi : variables)
      followed_.erase(phi);
    turns_[loop] = 0;
    ++epoch_;
  };
  for (int64_t turn = 0; turn < kMostFollowed; ++turn) {
    for (size_t i = 0; i < variables.size(); ++i)
      followed_[variables[i]].push_back(now[i]);
    turns_[loop] = turn;
    ++epoch_;
    bool decided = false;
    for (const llvm::BasicBlock *block : exits) {
      auto *branch = llvm::dyn_cast<llvm::BranchInst>(block->getTerminator());
      if (!branch || !branch->isConditional() || !dominators_.dominates(block, latch))
        continue;
      const auto condition = integer(branch->getCondition());
      if (!condition)
        continue;
      decided = true;
      if (!loop->contains(branch->getSuccessor(*condition & 1 ? 0 : 1))) {
        turns_[loop] = 0;
        ++epoch_;
        return turn + 1;
      }
    }
    if (!decided)
      break;
    for (size_t i = 0; i < variables.size(); ++i)
      now[i] = number(variables[i]->getIncomingValueForBlock(latch));
  }
  forget();
  return std::nullopt;
}

} // namespace mansard::ir
