#include "Memory.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/GlobalVariable.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace mansard::ir {
namespace {

constexpr unsigned kSharedSpace = 3, kConstantSpace = 4, kLocalSpace = 5;
constexpr int kBanks = 32;

work::Space spaceOf(const llvm::Value &object, const llvm::Value &pointer, Isa isa) {
  const auto of = [](const llvm::Value &value) {
    const llvm::Type *type = value.getType()->getScalarType();
    return type->isPointerTy() ? type->getPointerAddressSpace() : 0;
  };
  if (llvm::isa<llvm::AllocaInst>(object))
    return work::Space::local;
  if (isa == Isa::host)
    return work::Space::global;
  for (const llvm::Value *value : {&object, &pointer})
    switch (of(*value)) {
    case kSharedSpace:
      return work::Space::shared;
    case kConstantSpace:
      return work::Space::constant;
    case kLocalSpace:
      return work::Space::local;
    default:
      break;
    }
  return work::Space::global;
}

/// Passes that the banks need for each 32 lanes, averaged: a bank gives one word a pass.
double bankConflicts(const std::vector<std::pair<int, int64_t>> &lanes) {
  double passes = 0, parts = 0;
  for (size_t first = 0; first < lanes.size();) {
    std::set<int64_t> words;
    int perBank[kBanks] = {}, most = 1;
    size_t at = first;
    for (; at < lanes.size() && lanes[at].first / kBanks == lanes[first].first / kBanks; ++at) {
      const int64_t word = lanes[at].second / 4;
      if (words.insert(word).second)
        most = std::max(most, ++perBank[(word % kBanks + kBanks) % kBanks]);
    }
    first = at;
    passes += most;
    ++parts;
  }
  return passes / parts;
}

} // namespace

Memory::Memory(const FunctionWork &work, const Launch &launch, Values &values,
               const TripCounts &trips, const llvm::LoopInfo &loops,
               const work::KernelQuestion &question)
    : launch_(launch), values_(values), trips_(trips), loops_(loops), question_(question) {
  for (const Access &access : work.accesses) {
    Seen seen;
    seen.access = &access;
    seen.block = trips.blockNumber(access.instruction->getParent());
    for (const llvm::Loop *loop = loops.getLoopFor(access.instruction->getParent()); loop;
         loop = loop->getParentLoop())
      seen.loops.insert(seen.loops.begin(), loop);
    seen_.push_back(std::move(seen));
  }
}

double Memory::bytesOf(const Seen &seen) {
  if (!seen.access->length)
    return seen.access->bytes;
  const auto length = values_.integer(seen.access->length);
  return length ? static_cast<double>(std::max<int64_t>(0, *length)) : -1;
}

std::optional<int64_t> Memory::offset(const Seen &seen) {
  const auto number = values_.number(seen.access->pointer);
  return number ? std::optional(number->value) : std::nullopt;
}

void Memory::visitLane(int lane, const std::vector<double> &runs) {
  // One state of the loops at a time: what addresses share is then evaluated once.
  for (const llvm::Loop *loop : loops_.getLoopsInPreorder()) {
    values_.setTurn(loop, 0);
    double &most = mostTurns_[loop];
    most = std::max(most, trips_.turnsOf(loop).most);
  }
  for (Seen &seen : seen_) {
    seen.here = std::nullopt;
    if (seen.ignored || !(runs[seen.block] > 0))
      continue;
    if (!seen.object) {
      seen.object = values_.object(seen.access->pointer);
      seen.space = spaceOf(*seen.object, *seen.access->pointer, launch_.isa);
      seen.ignored = llvm::isa<llvm::Function>(seen.object);
    }
    const double bytes = bytesOf(seen);
    seen.bytes = bytes < 0 || seen.bytes < 0 ? -1 : std::max(seen.bytes, bytes);
    seen.here = offset(seen);
    seen.regular = seen.regular && seen.here;
    if (seen.here) {
      seen.lanes.emplace_back(lane, *seen.here);
      seen.low = seen.high = *seen.here;
    }
  }
  for (const llvm::Loop *loop : loops_.getLoopsInPreorder())
    visitTurns(loop);
  for (Seen &seen : seen_)
    if (seen.here) {
      seen.least = std::min(seen.least, seen.low);
      seen.most = std::max(seen.most, seen.high);
    }
}

/// How far the addresses move while `loop` turns. Regular ones are monotonic in the turn; others
/// are looked at here and there.
void Memory::visitTurns(const llvm::Loop *loop) {
  const double turns = trips_.turnsOf(loop).most;
  if (turns < 2)
    return;
  for (Seen &seen : seen_)
    if (seen.here)
      seen.reachLow = seen.reachHigh = *seen.here;
  const auto last = static_cast<int64_t>(std::ceil(turns)) - 1;
  for (const int64_t at : {int64_t{1}, last / 2, last}) {
    values_.setTurn(loop, at);
    for (Seen &seen : seen_) {
      if (!seen.here || !loop->contains(seen.access->instruction))
        continue;
      if (const auto there = offset(seen)) {
        seen.reachLow = std::min(seen.reachLow, *there);
        seen.reachHigh = std::max(seen.reachHigh, *there);
      } else {
        seen.regular = false;
      }
    }
  }
  values_.setTurn(loop, 0);
  for (Seen &seen : seen_)
    if (seen.here) {
      seen.low += seen.reachLow - *seen.here;
      seen.high += seen.reachHigh - *seen.here;
    }
}

void Memory::endWarp() {
  for (Seen &seen : seen_) {
    if (!seen.lanes.empty())
      examine(seen);
    seen.lanes.clear();
  }
}

/// Sectors, bank conflicts and pattern of one warp's access at the first turn of its loops.
void Memory::examine(Seen &seen) const {
  std::set<int64_t> sectors;
  const auto bytes = static_cast<int64_t>(std::max(1.0, std::min(seen.bytes, 4096.0)));
  const auto sector = static_cast<int64_t>(kSector);
  const auto floorOf = [&](int64_t at) {
    return at >= 0 ? at / sector : -((-at - 1) / sector) - 1;
  };
  for (const auto &[lane, at] : seen.lanes)
    for (int64_t i = floorOf(at); i <= floorOf(at + bytes - 1); ++i)
      sectors.insert(i);
  seen.warps += 1;
  seen.sectors += static_cast<double>(sectors.size());

  if (bytes <= 4) // wider ones are served in parts
    seen.conflicts += bankConflicts(seen.lanes);

  if (seen.lanes.size() <= seen.widest)
    return;
  seen.widest = seen.lanes.size();
  bool even = true;
  std::optional<int64_t> stride;
  for (size_t i = 1; i < seen.lanes.size(); ++i) {
    if (seen.lanes[i].first != seen.lanes[i - 1].first + 1)
      continue;
    const int64_t step = seen.lanes[i].second - seen.lanes[i - 1].second;
    even = even && (!stride || *stride == step);
    stride = step;
  }
  seen.stride = even && stride ? static_cast<double>(*stride) : 0;
  seen.pattern = !even                        ? work::Pattern::mixed
                 : !stride || !*stride        ? work::Pattern::uniform
                 : std::abs(*stride) <= bytes ? work::Pattern::coalesced
                                              : work::Pattern::strided;
}

/// Distances are differences between neighbours, taken as the same everywhere.
void Memory::probe() {
  const auto loops = loops_.getLoopsInPreorder();
  for (const llvm::Loop *loop : loops)
    values_.setTurn(loop, 0);
  values_.setThread({});
  std::vector<Seen *> watched;
  for (Seen &seen : seen_) {
    if (seen.ignored || !seen.object || !seen.regular)
      continue;
    const auto start = offset(seen);
    seen.regular = start.has_value();
    if (!start)
      continue;
    seen.start = *start;
    seen.turns.resize(seen.loops.size());
    watched.push_back(&seen);
  }
  const auto step = [&](Seen &seen) {
    const auto next = offset(seen);
    return next ? static_cast<double>(*next - seen.start) : 0.0;
  };
  for (size_t axis = 0; axis < 3; ++axis)
    for (const bool ofGroups : {false, true}) {
      const int64_t count = (ofGroups ? launch_.grid : launch_.block)[axis];
      ThreadId id;
      (ofGroups ? id.group : id.thread)[axis] = 1;
      values_.setThread(id);
      for (Seen *seen : watched)
        (ofGroups ? seen->groups : seen->threads)
            .push_back({count > 1 ? step(*seen) : 0.0, static_cast<double>(count)});
    }
  values_.setThread({});
  for (const llvm::Loop *loop : loops) {
    const double turns = std::max(1.0, mostTurns_.lookup(loop));
    values_.setTurn(loop, 1);
    for (Seen *seen : watched)
      for (size_t i = 0; i < seen->loops.size(); ++i)
        if (seen->loops[i] == loop)
          seen->turns[i] = {turns > 1 ? step(*seen) : 0.0, turns};
    values_.setTurn(loop, 0);
  }
  for (Seen *seen : watched) {
    if (!(seen->access->rows > 1))
      continue;
    double stride = seen->access->bytes;
    if (seen->access->rowStride)
      if (const auto given = values_.integer(seen->access->rowStride))
        stride = static_cast<double>(*given) * seen->access->elementBytes;
    seen->threads.push_back({stride, seen->access->rows});
    seen->most += static_cast<int64_t>(std::fabs(stride) * (seen->access->rows - 1));
  }
}

double Memory::footprintOf(const Seen &seen) const {
  if (const auto given = question_.footprints.find(nameOfObject(*seen.object));
      given != question_.footprints.end())
    return given->second;
  if (auto *argument = llvm::dyn_cast<llvm::Argument>(seen.object))
    if (const auto given = question_.footprints.find("#" + std::to_string(argument->getArgNo()));
        given != question_.footprints.end())
      return given->second;
  if (auto *variable = llvm::dyn_cast<llvm::GlobalVariable>(seen.object)) {
    const double bytes = static_cast<double>(
        variable->getParent()->getDataLayout().getTypeAllocSize(variable->getValueType()));
    if (bytes > 0)
      return bytes;
  }
  return -1;
}

Error Memory::unknownFootprint(const Seen &seen) const {
  const std::string name = nameOfObject(*seen.object);
  return {ErrorCode::invalidInput,
          fmt::format(
              "addresses of the access to {} in block %{} depend on loaded data: give --footprint "
              "'{}=BYTES', how much of it they can fall on",
              name, seen.access->instruction->getParent()->getName().str(), name),
          "@" + seen.access->instruction->getFunction()->getName().str()};
}

Result<> Memory::finish(const std::vector<double> &threadRuns, const std::vector<double> &warpRuns,
                        work::KernelCounts &counts) {
  threadRuns_ = threadRuns;
  warpRuns_ = warpRuns;
  const int warp = launch_.warp;
  for (Seen &seen : seen_) {
    const double executions = threadRuns[seen.block];
    if (seen.ignored || !(executions > 0) || !seen.object)
      continue;
    const Access &access = *seen.access;
    if (seen.bytes < 0)
      return unknownFootprint(seen);
    work::AccessCount out;
    out.pointer = nameOfObject(*seen.object);
    out.block = access.instruction->getParent()->getName().str();
    out.space = seen.space;
    out.reads = access.reads;
    out.writes = access.writes;
    out.atomic = access.atomic;
    out.bytesEach = access.byWarp ? seen.bytes * access.rows / warp : seen.bytes;
    out.executions = executions;
    out.bytes = out.bytesEach * executions;
    out.pattern = seen.regular ? seen.pattern : work::Pattern::random;
    out.stride = seen.regular ? seen.stride : 0;
    const double lanes = warpRuns[seen.block] > 0 ? executions / warpRuns[seen.block] : 1;
    const double each = std::max(1.0, std::ceil(seen.bytes / kSector));
    out.sectorsEach = !seen.regular    ? lanes * each
                      : access.byWarp  ? access.rows * each
                      : seen.warps > 0 ? seen.sectors / seen.warps
                                       : each;
    out.conflicts = seen.space == work::Space::shared && seen.regular && seen.conflicts > 0
                        ? seen.conflicts / seen.warps
                        : 1;
    counts.bytes[static_cast<size_t>(seen.space)] += out.bytes;
    if (seen.space == work::Space::shared)
      counts.sharedTraffic += out.bytes * out.conflicts;
    if (seen.regular) {
      std::vector<Extent> all = seen.threads;
      all.insert(all.end(), seen.groups.begin(), seen.groups.end());
      all.insert(all.end(), seen.turns.begin(), seen.turns.end());
      const double span = static_cast<double>(seen.most - seen.least) + seen.bytes;
      out.distinctBytes = std::min({distinctBytes(all, seen.bytes, 0), span, out.bytes});
    } else if (seen.space == work::Space::global) {
      const double footprint = footprintOf(seen);
      if (footprint < 0)
        return unknownFootprint(seen);
      out.distinctBytes = distinctRandom(executions, seen.bytes, footprint);
      counts.notes.push_back(fmt::format(
          "accesses to {} in %{} depend on loaded data: taken as falling evenly on {:.0f} bytes",
          out.pointer, out.block, footprint));
    }
    if (seen.space == work::Space::global) {
      const double asked =
          launch_.onGpu() ? warpRuns[seen.block] * out.sectorsEach * kSector : out.bytes;
      counts.transactionBytes += asked;
      if (question_.machine.cacheInSram)
        counts.cacheTraffic += std::max(asked, out.bytes);
    }
    counts.accesses.push_back(out);
  }
  for (const bool writes : {false, true})
    addTraffic(writes, counts);
  return Ok{};
}

} // namespace mansard::ir
