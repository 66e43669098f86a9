// From the accesses that were seen to what the caches and DRAM move.
#include "Memory.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <map>

namespace mansard::ir {
namespace {

constexpr int kGroupLevel = -1; // loops count from 0 on; rounds of groups are z, y, x: -3, -2, -1

/// What the accesses of a cluster have in common.
struct Shape {
  const llvm::Value *object;
  const llvm::Loop *loop; // the innermost
  std::vector<double> numbers;
  auto operator<=>(const Shape &) const = default;
};

} // namespace

/// Accesses of one shape are a cluster. `ofLaunch`: the groups that run at once are inside, and
/// rounds of groups are the outer levels; else a cluster is of one group.
std::vector<Cluster> Memory::clusters(const std::vector<Seen *> &members, bool ofLaunch,
                                      std::vector<std::vector<Seen *>> &who) const {
  const work::KernelMachine &machine = question_.machine;
  const double resident =
      std::max(1.0, machine.threadsPerCore > 0
                        ? std::floor(machine.threadsPerCore / launch_.threadsOfGroup())
                        : 1);
  double wave = std::max(1.0, machine.cores * resident);
  double together[3] = {};
  for (size_t axis = 0; axis < 3; ++axis) {
    together[axis] =
        std::min(static_cast<double>(launch_.grid[axis]), std::max(1.0, std::floor(wave)));
    wave /= static_cast<double>(launch_.grid[axis]);
  }
  std::map<const llvm::Loop *, int> numbers;
  for (const llvm::Loop *loop : loops_.getLoopsInPreorder())
    numbers.emplace(loop, static_cast<int>(numbers.size()));

  std::vector<Cluster> clusters;
  std::map<Shape, size_t> places;
  who.clear();
  for (Seen *seen : members) {
    Cluster cluster;
    cluster.bytes = seen->bytes;
    cluster.offsets = {seen->start};
    cluster.inner = seen->threads;
    double box = launch_.threadsOfGroup() * launch_.groups();
    if (ofLaunch)
      for (size_t axis = 3; axis-- > 0;) {
        const Extent &groups = seen->groups[axis];
        cluster.inner.push_back({groups.stride, together[axis]});
        cluster.levels.push_back(
            {kGroupLevel - static_cast<int>(axis),
             {groups.stride * together[axis], std::ceil(groups.count / together[axis])}});
      }
    for (size_t i = 0; i < seen->loops.size(); ++i) {
      cluster.levels.push_back({numbers[seen->loops[i]], seen->turns[i]});
      box *= seen->turns[i].count;
    }
    cluster.active = std::min(1.0, threadRuns_[seen->block] / box);
    Shape shape{seen->object, seen->loops.empty() ? nullptr : seen->loops.back(), {seen->bytes}};
    for (const auto *extents : {&seen->threads, &seen->groups, &seen->turns})
      for (const Extent &extent : *extents) {
        shape.numbers.push_back(extent.stride);
        shape.numbers.push_back(extent.count);
      }
    const auto [place, fresh] = places.try_emplace(std::move(shape), clusters.size());
    if (fresh) {
      clusters.push_back(std::move(cluster));
      who.push_back({seen});
    } else {
      Cluster &known = clusters[place->second];
      known.offsets.push_back(seen->start);
      known.active = std::max(known.active, cluster.active);
      who[place->second].push_back(seen);
    }
  }
  return clusters;
}

void Memory::addTraffic(bool writes, work::KernelCounts &counts) {
  const work::KernelMachine &machine = question_.machine;
  const double resident = std::max(1.0, counts.groupsPerCore);
  const double shared = counts.staticShared + counts.dynamicShared;
  double cache = machine.cacheBytesPerCore;
  if (machine.cacheInSram)
    cache = std::max(0.0, cache - shared * resident);

  std::vector<Seen *> regular;
  std::map<const llvm::Value *, double> sums; // distinct bytes of each object's clusters
  std::map<const llvm::Value *, std::pair<int64_t, int64_t>> ends;
  double distinct = 0, l2 = 0, dram = 0;
  for (Seen &seen : seen_) {
    const double executions = threadRuns_[seen.block];
    if (seen.ignored || !seen.object || seen.space != work::Space::global || !(executions > 0) ||
        !(writes ? seen.access->writes : seen.access->reads))
      continue;
    if (seen.regular) {
      regular.push_back(&seen);
      auto [end, fresh] = ends.try_emplace(seen.object, seen.least, seen.most);
      end->second.first = std::min(end->second.first, seen.least);
      end->second.second =
          std::max(end->second.second, seen.most + static_cast<int64_t>(seen.bytes));
      continue;
    }
    const double footprint = footprintOf(seen);
    const double touched = distinctRandom(executions, seen.bytes, footprint);
    const double asked = executions * std::max(kSector, seen.bytes);
    distinct += touched;
    const double past =
        footprint <= cache ? std::min(asked, touched * std::max(1.0, machine.cores)) : asked;
    l2 += past;
    dram += footprint <= machine.l2Bytes
                ? touched
                : std::max(touched, past * (1 - machine.l2Bytes / footprint));
  }
  std::vector<std::vector<Seen *>> who;
  const auto boundOf = [&](const std::vector<Seen *> &members) {
    double asked = 0;
    for (const Seen *seen : members)
      asked += !launch_.onGpu()
                   ? threadRuns_[seen->block] * std::max(seen->bytes, kSector)
                   : warpRuns_[seen->block] * kSector *
                         std::max(1.0, seen->warps > 0 ? seen->sectors / seen->warps : 1.0) *
                         seen->access->rows;
    return asked;
  };
  // What one loop leaves in a cache that all of it fits into, the next finds there.
  const auto shareOf = [&](const llvm::Value *object) {
    const double span = static_cast<double>(ends[object].second - ends[object].first);
    return sums[object] > span ? span / sums[object] : 1.0;
  };
  const auto allOf = [](const std::vector<Cluster> &all) {
    double bytes = 0;
    for (const Cluster &cluster : all)
      bytes += distinctBytes(cluster, 0, kSector);
    return bytes;
  };
  const auto exactOf = [&](const Cluster &cluster, const std::vector<Seen *> &members) {
    const auto &[least, most] = ends[members.front()->object];
    double used = 0;
    for (const Seen *seen : members)
      used += threadRuns_[seen->block] * seen->bytes * seen->access->rows /
              (seen->access->byWarp ? launch_.warp : 1);
    return std::min({distinctBytes(cluster, 0, 0), static_cast<double>(most - least), used});
  };
  const std::vector<Cluster> ofLaunch = clusters(regular, true, who);
  for (size_t i = 0; i < ofLaunch.size(); ++i)
    sums[who[i].front()->object] += exactOf(ofLaunch[i], who[i]);
  // One group's run, for what passes the core's own cache.
  const std::vector<Cluster> ofGroup = clusters(regular, false, who);
  std::vector<double> past = trafficPast(cache / resident, ofGroup);
  std::vector<double> passed(past.size());
  const bool kept = allOf(ofGroup) <= cache / resident;
  for (size_t i = 0; i < past.size(); ++i) {
    const double asked = boundOf(who[i]);
    passed[i] = cache > 0 ? std::min(past[i] * launch_.groups(), asked) : asked;
    if (kept)
      passed[i] *= shareOf(who[i].front()->object);
  }
  // The whole launch, for what passes the L2.
  past = trafficPast(machine.l2Bytes, ofLaunch);
  const bool held = allOf(ofLaunch) <= machine.l2Bytes;
  for (size_t i = 0; i < ofLaunch.size(); ++i) {
    const auto &[least, most] = ends[who[i].front()->object];
    const double part = shareOf(who[i].front()->object);
    const double span = std::ceil(static_cast<double>(most - least) / kSector) * kSector;
    const double sectors = std::min(distinctBytes(ofLaunch[i], 0, kSector), span) * part;
    const double exact = exactOf(ofLaunch[i], who[i]) * part;
    const double needed = std::min(sectors, std::max(exact, passed[i]));
    l2 += std::max(passed[i], needed);
    dram += std::max(needed, std::min(past[i] * (held ? part : 1), passed[i]));
  }
  for (const auto &[object, sum] : sums)
    distinct += std::min(sum, static_cast<double>(ends[object].second - ends[object].first));
  (writes ? counts.distinctWritten : counts.distinctRead) += distinct;
  (writes ? counts.dramWritten : counts.dramRead) += std::max(dram, distinct);
  counts.l2Bytes += std::max(l2, distinct);
}

} // namespace mansard::ir
