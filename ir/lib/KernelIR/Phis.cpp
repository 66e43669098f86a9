// Values that several ways bring together: at merges and at the heads of loops.
#include "Values.h"

#include <llvm/IR/Instructions.h>

namespace mansard::ir {

/// A value that depends on the way taken: the branch above it decides, or all ways agree.
std::optional<Number> Values::merge(const llvm::PHINode &phi) {
  const auto agree = [&](auto wanted) -> std::optional<Number> {
    std::optional<Number> common;
    for (unsigned i = 0; i < phi.getNumIncomingValues(); ++i) {
      if (!wanted(phi.getIncomingBlock(i)))
        continue;
      const auto one = number(phi.getIncomingValue(i));
      if (!one || (common && (common->base != one->base || common->value != one->value)))
        return std::nullopt;
      common = one;
    }
    return common;
  };
  const llvm::BasicBlock *block = phi.getParent();
  if (phi.getNumIncomingValues() == 1) {
    const llvm::Value *only = phi.getIncomingValue(0);
    if (evolution_.isSCEVable(only->getType())) {
      const llvm::SCEV *outside =
          evolution_.getSCEVAtScope(const_cast<llvm::Value *>(only), loops_.getLoopFor(block));
      auto *unknown = llvm::dyn_cast<llvm::SCEVUnknown>(outside);
      if (!unknown || unknown->getValue() != &phi)
        if (const auto value = expression(outside))
          return value;
    }
    return std::nullopt;
  }
  const auto *node = dominators_.getNode(block);
  if (!node || !node->getIDom())
    return std::nullopt;
  const llvm::BasicBlock *above = node->getIDom()->getBlock();
  if (auto *branch = llvm::dyn_cast<llvm::BranchInst>(above->getTerminator());
      branch && branch->isConditional())
    if (const auto condition = integer(branch->getCondition())) {
      const llvm::BasicBlock *taken = branch->getSuccessor(*condition & 1 ? 0 : 1);
      if (taken == block)
        return agree([&](const llvm::BasicBlock *from) { return from == above; });
      return agree([&](const llvm::BasicBlock *from) {
        return from != above && dominators_.dominates(taken, from);
      });
    }
  return agree([](const llvm::BasicBlock *) { return true; });
}

std::optional<Number> Values::loopVariable(const llvm::PHINode &phi, const llvm::Loop *loop) {
  const auto turn = static_cast<size_t>(turns_.lookup(loop));
  if (auto run = followed_.find(&phi); run != followed_.end())
    return turn < run->second.size() ? run->second[turn] : std::nullopt;
  if (evolution_.isSCEVable(phi.getType()))
    if (auto *recurrence = llvm::dyn_cast<llvm::SCEVAddRecExpr>(
            evolution_.getSCEV(const_cast<llvm::PHINode *>(&phi))))
      return this->recurrence(*recurrence);
  if (turn == 0)
    if (const llvm::BasicBlock *before = loop->getLoopPreheader())
      return number(phi.getIncomingValueForBlock(before));
  return std::nullopt;
}

} // namespace mansard::ir
