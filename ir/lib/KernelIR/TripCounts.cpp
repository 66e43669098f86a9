#include "TripCounts.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Support/raw_ostream.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::ir {
namespace {

// Turns of a loop that are walked one by one where they differ; of longer loops so many are picked.
constexpr double kMostTurns = 1024, kPickedTurns = 256;
// Block visits of one question after which fewer turns are picked.
constexpr double kManySteps = 2e7;
constexpr double kFewTurns = 8;

bool asksThread(const llvm::CallBase &call) {
  const llvm::Function *callee = call.getCalledFunction();
  if (!callee)
    return false;
  const llvm::StringRef name = callee->getName();
  if (name.starts_with("llvm.amdgcn.mbcnt"))
    return true;
  if (!asksLaunch(name))
    return false;
  return !name.contains("ntid") && !name.contains("nctaid") && !name.contains("size") &&
         !name.contains("num_groups");
}

} // namespace

TripCounts::TripCounts(const llvm::Function &function, Values &values,
                       const work::KernelQuestion &question, const llvm::LoopInfo &loops,
                       llvm::ScalarEvolution &evolution, const llvm::DominatorTree &dominators,
                       const llvm::BranchProbabilityInfo &probabilities)
    : function_(function), values_(values), question_(question), loops_(loops),
      evolution_(evolution), dominators_(dominators), probabilities_(probabilities) {
  llvm::ReversePostOrderTraversal<const llvm::Function *> order(&function);
  for (const llvm::BasicBlock *block : order) {
    numbers_[block] = order_.size();
    order_.push_back(block);
    const llvm::Loop *loop = loops.getLoopFor(block);
    regions_[loop].nodes.push_back(block);
    if (loop && loop->getHeader() == block)
      regions_[loop->getParentLoop()].nodes.push_back(block);
  }
  flow_.assign(order_.size(), 0);
  findDependence();
}

/// Whether `value` depends on a variable of `loop` (or, if `threads`, on ids), loaded data apart.
bool TripCounts::reaches(const llvm::Value *value, const llvm::Loop *loop, bool threads) const {
  llvm::SmallVector<const llvm::Value *> pending{value};
  llvm::SmallPtrSet<const llvm::Value *, 32> seen;
  while (!pending.empty()) {
    auto *instruction = llvm::dyn_cast<llvm::Instruction>(pending.pop_back_val());
    if (!instruction || !seen.insert(instruction).second)
      continue;
    if (auto *call = llvm::dyn_cast<llvm::CallBase>(instruction);
        call && threads && asksThread(*call))
      return true;
    if (!threads && !loop->contains(instruction))
      continue;
    if (auto *phi = llvm::dyn_cast<llvm::PHINode>(instruction)) {
      if (!threads && phi->getParent() == loop->getHeader())
        return true;
      // Which way is taken decides too.
      for (const llvm::BasicBlock *from : phi->blocks())
        if (auto *branch = llvm::dyn_cast<llvm::BranchInst>(from->getTerminator());
            branch && branch->isConditional())
          pending.push_back(branch->getCondition());
    }
    if (!instruction->mayReadFromMemory() || llvm::isa<llvm::CallBase>(instruction))
      pending.append(instruction->op_begin(), instruction->op_end());
  }
  return false;
}

void TripCounts::findDependence() {
  for (const llvm::BasicBlock *block : order_) {
    const llvm::Instruction *end = block->getTerminator();
    const llvm::Value *condition = nullptr;
    if (auto *branch = llvm::dyn_cast<llvm::BranchInst>(end); branch && branch->isConditional())
      condition = branch->getCondition();
    else if (auto *choice = llvm::dyn_cast<llvm::SwitchInst>(end))
      condition = choice->getCondition();
    if (!condition)
      continue;
    dependsOnThread_ = dependsOnThread_ || reaches(condition, nullptr, true);
    for (const llvm::Loop *loop = loops_.getLoopFor(block); loop; loop = loop->getParentLoop()) {
      const bool own = loop == loops_.getLoopFor(block);
      if (own && loop->isLoopExiting(block))
        continue; // its own end; not what happens in a turn
      if (reaches(condition, loop, false))
        regions_[loop].varies = true;
    }
  }
}

Error TripCounts::missingArgument(const std::string &what) const {
  std::string names, flags;
  for (const llvm::Argument *argument : values_.missing()) {
    names += (names.empty() ? "" : ", ") + nameOf(*argument);
    flags += fmt::format(" --arg {}=...", nameOf(*argument));
  }
  return {ErrorCode::invalidInput, fmt::format("{} depends on {}: give{}", what, names, flags),
          "@" + function_.getName().str()};
}

std::string TripCounts::expressionOf(const llvm::Loop *loop) const {
  const llvm::SCEV *taken = evolution_.getBackedgeTakenCount(loop);
  if (llvm::isa<llvm::SCEVCouldNotCompute>(taken))
    return "?";
  std::string text;
  llvm::raw_string_ostream stream(text);
  evolution_.getAddExpr(taken, evolution_.getOne(taken->getType()))->print(stream);
  return text;
}

Result<TripCounts::Plan> TripCounts::plan(const llvm::Loop *loop) {
  llvm::SmallVector<llvm::BasicBlock *> exiting;
  loop->getExitingBlocks(exiting);
  const std::string name = loop->getHeader()->getName().str();
  Plan plan;
  if (const auto given = question_.trips.find(name); given != question_.trips.end()) {
    plan.turns = given->second;
    for (const llvm::BasicBlock *block : exiting)
      if (!plan.exit || block == loop->getLoopLatch() || block == loop->getHeader())
        plan.exit = block;
    return plan;
  }
  const llvm::BasicBlock *latch = loop->getLoopLatch();
  size_t counted = 0;
  for (const llvm::BasicBlock *block : exiting) {
    if (!latch || !dominators_.dominates(block, latch))
      continue;
    const llvm::SCEV *taken = evolution_.getExitCount(loop, block);
    if (llvm::isa<llvm::SCEVCouldNotCompute>(taken))
      continue;
    const auto count = values_.integer(taken);
    if (!count)
      continue;
    const auto width = static_cast<unsigned>(evolution_.getTypeSizeInBits(taken->getType()));
    const uint64_t mask = width >= 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
    const double turns = static_cast<double>(static_cast<uint64_t>(*count) & mask) + 1;
    ++counted;
    if (!plan.exit || turns < plan.turns)
      plan = {turns, block};
  }
  if (!values_.missing().empty())
    return missingArgument(
        fmt::format("the loop at block %{} ends after a number of turns that", name));
  if (!plan.exit)
    if (const auto followed = values_.follow(loop)) {
      plan.turns = static_cast<double>(*followed);
      for (const llvm::BasicBlock *block : exiting)
        if (!plan.exit || block == latch || block == loop->getHeader())
          plan.exit = block;
      return plan;
    }
  if (!values_.missing().empty())
    return missingArgument(
        fmt::format("the loop at block %{} ends after a number of turns that", name));
  if (!plan.exit)
    return Error{
        ErrorCode::invalidInput,
        fmt::format("how often the loop at block %{} turns depends on loaded data: give --trip "
                    "{}=TURNS (for one entry)",
                    name, name),
        "@" + function_.getName().str()};
  if (counted < exiting.size())
    endEarly_.insert(loop);
  constexpr double most = 1e15;
  if (plan.turns > most)
    return Error{ErrorCode::invalidInput,
                 fmt::format("the loop at block %{} would turn {:.3g} times with these arguments: "
                             "it does not end, or an argument is wrong",
                             name, plan.turns),
                 "@" + function_.getName().str()};
  return plan;
}

double TripCounts::probability(const llvm::BasicBlock *block, unsigned successor) {
  const llvm::Instruction *end = block->getTerminator();
  if (end->getNumSuccessors() == 1)
    return 1;
  if (auto *branch = llvm::dyn_cast<llvm::BranchInst>(end)) {
    if (const auto condition = values_.integer(branch->getCondition()))
      return (*condition & 1) == (successor == 0) ? 1 : 0;
  } else if (auto *choice = llvm::dyn_cast<llvm::SwitchInst>(end)) {
    if (const auto condition = values_.integer(choice->getCondition())) {
      for (const auto &option : choice->cases())
        if (option.getCaseValue()->getSExtValue() == *condition)
          return option.getSuccessorIndex() == successor ? 1 : 0;
      return successor == 0 ? 1 : 0;
    }
  }
  guessed_.insert(block);
  const llvm::BranchProbability share = probabilities_.getEdgeProbability(block, successor);
  return static_cast<double>(share.getNumerator()) / share.getDenominator();
}

/// Hands what arrives at a block to its successors.
void TripCounts::leave(const llvm::BasicBlock *block, double share, const llvm::Loop *loop,
                       const Plan *plan, bool last, Exits &exits) {
  const llvm::Instruction *end = block->getTerminator();
  const unsigned count = end->getNumSuccessors();
  const bool exiting = loop && loop->isLoopExiting(block);
  const bool ends = exiting && last && plan->exit == block;
  double sum = 0;
  llvm::SmallVector<double, 4> shares(count, 0);
  for (unsigned i = 0; i < count; ++i) {
    const bool leaves = loop && !loop->contains(end->getSuccessor(i));
    if (exiting && leaves != ends)
      continue; // when a loop ends is settled already
    unsigned ways = 0;
    for (unsigned other = 0; exiting && other < count; ++other)
      ways += (loop && !loop->contains(end->getSuccessor(other))) == ends;
    shares[i] = ways == 1 ? 1 : probability(block, i);
    sum += shares[i];
  }
  for (unsigned i = 0; i < count; ++i) {
    if (!(shares[i] > 0))
      continue;
    const llvm::BasicBlock *next = end->getSuccessor(i);
    const double part = share * shares[i] / sum;
    if (!loop || (loop->contains(next) && next != loop->getHeader()))
      flow_[numbers_[next]] += part;
    else if (!loop->contains(next))
      exits.emplace_back(next, part);
  }
}

Result<> TripCounts::turn(const llvm::Loop *loop, double weight, const Plan *plan, bool last,
                          Exits &exits) {
  const Region &region = regions_[loop];
  steps_ += static_cast<double>(region.nodes.size());
  for (const llvm::BasicBlock *node : region.nodes) {
    const size_t number = numbers_[node];
    const llvm::Loop *inner = loops_.getLoopFor(node);
    const bool first = loop ? node == loop->getHeader() : number == 0;
    if (inner == loop) {
      const double share = first ? 1 : flow_[number];
      flow_[number] = 0;
      if (!(share > 0))
        continue;
      (*runs_)[number] += weight * share;
      leave(node, share, loop, plan, last, exits);
      continue;
    }
    const double share = number == 0 ? 1 : flow_[number];
    flow_[number] = 0;
    if (!(share > 0))
      continue;
    Exits ways;
    if (auto done = enter(inner, weight * share, ways); !done)
      return done;
    for (const auto &[next, part] : ways)
      if (!loop || (loop->contains(next) && next != loop->getHeader()))
        flow_[numbers_[next]] += share * part;
      else if (!loop->contains(next))
        exits.emplace_back(next, share * part);
  }
  return Ok{};
}

Result<> TripCounts::enter(const llvm::Loop *loop, double weight, Exits &exits) {
  values_.setTurn(loop, 0);
  auto plan = this->plan(loop);
  if (!plan)
    return plan.error();
  if (!(plan->turns > 0))
    return Error{ErrorCode::invalidInput,
                 fmt::format("--trip {}={}: a loop that is entered turns at least once",
                             loop->getHeader()->getName().str(), plan->turns),
                 "@" + function_.getName().str()};
  Turns &turns = turns_[loop];
  turns.most = std::max(turns.most, plan->turns);
  turns.all += plan->turns * weight;
  turns.entries += weight;
  const double before = plan->turns - 1; // all but the last
  Exits ignored;
  const auto walk = [&](double at, double times, bool last) {
    values_.setTurn(loop, static_cast<int64_t>(at));
    ignored.clear();
    return turn(loop, weight * times, &*plan, last, last ? exits : ignored);
  };
  const double most = steps_ > kManySteps ? kFewTurns : kMostTurns;
  if (before > 0) {
    if (!regions_[loop].varies) {
      if (auto done = walk(0, before, false); !done)
        return done;
    } else if (before <= most) {
      for (double at = 0; at < std::floor(before); ++at)
        if (auto done = walk(at, 1, false); !done)
          return done;
      if (const double rest = before - std::floor(before); rest > 0)
        if (auto done = walk(std::floor(before), rest, false); !done)
          return done;
    } else {
      // One turn of each of equal spans, at a place that no period of the code shares.
      const double picked = std::min(most, kPickedTurns), span = before / picked;
      double phase = 0.5;
      for (double i = 0; i < picked; ++i) {
        phase += 0.6180339887498949; // the golden ratio spreads evenly
        phase -= std::floor(phase);
        if (auto done = walk(std::floor((i + phase) * span), span, false); !done)
          return done;
      }
    }
  }
  if (auto done = walk(std::max(0.0, std::ceil(before)), 1, true); !done)
    return done;
  values_.setTurn(loop, 0);
  double sum = 0;
  for (const auto &[block, part] : exits)
    sum += part;
  for (auto &[block, part] : exits)
    part = sum > 0 ? part / sum : part;
  return Ok{};
}

Result<> TripCounts::run(std::vector<double> &runs) {
  runs.assign(order_.size(), 0);
  runs_ = &runs;
  turns_.clear();
  std::fill(flow_.begin(), flow_.end(), 0);
  Exits none;
  auto done = turn(nullptr, 1, nullptr, false, none);
  if (!done)
    return done;
  if (!values_.missing().empty())
    return missingArgument("which way is taken");
  return Ok{};
}

} // namespace mansard::ir
