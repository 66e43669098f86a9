// How long a collective takes over a chip's links.
//
// Rings, halving and doubling, and direct exchanges as in Patarasuk and Yuan, JPDC 69(2), 2009, and
// Thakur, Rabenseifner, Gropp, IJHPCA 19(1), 2005. The cheapest of the algorithms and protocols
// that the library has is taken. Where ranks span several levels, all_reduce, all_gather and
// reduce_scatter go level by level on ever smaller shards, pipelined in chunks, or across nodes by
// one ring or tree (spanning_collective.h); alltoall sends each byte over the level that reaches
// its target.
//
// Times in microseconds, sizes in bytes. Pure, allocates nothing. Non-decreasing in size and
// non-increasing in bandwidth everywhere; non-decreasing in ranks over switches and buses whose
// outer levels are no faster than inner ones (on a mesh or ring, more ranks bring more links into
// play: two ranks of an 8-way mesh own one link in seven; more peers, more channels; across nodes,
// a ring over all ranks is not as wide as level by level).
#pragma once

#include <mansard/base/link_levels.h>
#include <mansard/base/spanning_collective.h>
#include <mansard/sdk/abi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mansard {
namespace detail {

struct HopCost {
  double start_us = 0; // once a call, however many chunks follow one another
  double fixed_us = 0, link_us = 0, bytes = 0;
  uint32_t algorithm = 0;
  double each() const { return fixed_us + link_us; }
};

/// The cheapest way to run `kind` once on `size` bytes among the members of one level, of those
/// that take at most `most_us` without their start; infinite where none does. Not for alltoall and
/// send.
inline HopCost levelCost(uint32_t kind, double size, const Levels::Level &level,
                         const LinkSoftware &software, double most_us) {
  const double n = level.members, hop = level.link->latency_s * 1e6;
  const double logarithm = std::ceil(std::log2(n) - 1e-9);
  const bool reduces = kind == MANSARD_COLLECTIVE_ALL_REDUCE;
  const bool isRing = level.link->topology == MANSARD_TOPOLOGY_RING;
  const double passes = reduces ? 2 : 1, shard = passes * size * (n - 1) / n;
  const double spread = levelBandwidth(level, true) * 1e-6,
               pair = levelBandwidth(level, false) * 1e-6;
  HopCost best;
  best.fixed_us = best.link_us = HUGE_VAL;
  const auto consider = [&](uint32_t algorithm, double steps, double peers, double bytes,
                            double bandwidth, double efficiency, bool bulk) {
    if (!(efficiency > 0))
      return;
    const double hopFactor = bulk ? software.bulkHopFactor : software.fineHopFactor;
    const HopCost cost{bulk ? software.bulkStart_us : 0,
                       steps * hop * hopFactor + peers * software.peer_us,
                       bytes / (bandwidth * efficiency), bytes, algorithm};
    if (cost.each() <= most_us && cost.start_us + cost.each() < best.start_us + best.each())
      best = cost;
  };
  const auto offer = [&](uint32_t algorithm, double steps, double peers, double bytes,
                         double bandwidth) {
    if (!(software.algorithms >> algorithm & 1u))
      return;
    consider(algorithm, steps, peers, bytes, bandwidth, software.efficiency, true);
    consider(algorithm, steps, peers, bytes, bandwidth, software.fineEfficiency, false);
  };
  offer(kAlgorithmRing, passes * (n - 1), 0, shard, spread);
  if (!isRing) { // on a ring, far partners cross each other's links: no gain over the ring
    offer(kAlgorithmRecursive, passes * logarithm, 0, shard, pair);
    offer(kAlgorithmDirect, passes, passes * (n - 2), shard, spread);
    if (reduces)
      offer(kAlgorithmOneShot, 1, n - 2, size * (n - 1), spread);
  }
  if (reduces && level.link->in_network_reduction &&
      (software.algorithms >> kAlgorithmInNetwork & 1u))
    // Each rank sends its data up once and multicasts its reduced shard; the shard is charged at
    // the full domain's size, so that the time does not fall as ranks join.
    consider(kAlgorithmInNetwork, 2, 0, size * (1 + 1 / level.capacity), spread,
             software.inNetworkEfficiency, true);
  return best;
}

/// all_reduce, all_gather, reduce_scatter: inner levels see the whole buffer, each outer one the
/// shard that the inner ones leave. With c chunks the levels work as a pipeline: every level once,
/// and the slowest c - 1 times more. Tiers of one network cannot: they share their ports.
inline CollectiveTime levelByLevel(uint32_t kind, double size, const Levels &levels,
                                   const LinkSoftware &software) {
  CollectiveTime best;
  best.linked = false;
  for (const double chunks : {1.0, 4.0, 16.0}) {
    // A level that waits for the slowest anyway takes what is cheapest once; how slow the slowest
    // may be is tried from above.
    double most_us = HUGE_VAL;
    for (bool possible = true; possible;) {
      CollectiveTime time;
      time.extended = levels.extended;
      HopCost slowest;
      double part = size / chunks;
      for (uint32_t i = 0; i < levels.count; ++i) {
        const HopCost cost = levelCost(kind, part, levels.level[i], software, most_us);
        time.fixed_us += cost.start_us + cost.fixed_us;
        time.link_us += cost.link_us;
        time.link_bytes += cost.bytes * chunks;
        if (i == 0 || cost.each() > slowest.each())
          slowest = cost;
        part /= levels.level[i].members;
      }
      if (!(slowest.each() < HUGE_VAL))
        break;
      time.fixed_us += (chunks - 1) * slowest.fixed_us;
      time.link_us += (chunks - 1) * slowest.link_us;
      time.algorithm = slowest.algorithm;
      keepCheaper(best, time);
      most_us = std::nextafter(slowest.each(), 0.0);
      possible = chunks > 1;
    }
    if (levels.count < 2 || levels.sharedPorts)
      break;
  }
  return best;
}

/// Bruck's alltoall among the members of a single level: log2 n steps of half the buffer each.
inline CollectiveTime bruck(const Levels &levels, double size, const LinkSoftware &software) {
  CollectiveTime time;
  const Levels::Level &level = levels.level[0];
  const double steps = std::ceil(std::log2(level.members) - 1e-9);
  const double efficiency =
      software.fineEfficiency > 0 ? software.fineEfficiency : software.efficiency;
  time.extended = levels.extended;
  time.algorithm = kAlgorithmRecursive;
  time.fixed_us = steps * level.link->latency_s * 1e6 *
                  (software.fineEfficiency > 0 ? software.fineHopFactor : software.bulkHopFactor);
  time.link_bytes = size / 2 * steps;
  time.link_us = time.link_bytes / (levelBandwidth(level, false) * 1e-6 * efficiency);
  return time;
}

inline CollectiveTime allToAll(double size, double ranks, const Levels &levels,
                               const LinkSoftware &software) {
  double bytes[Levels::kMost] = {}, peers[Levels::kMost] = {}, inner = 1;
  for (uint32_t i = 0; i < levels.count; ++i) {
    const double reached = std::min(ranks, inner * levels.level[i].members);
    peers[i] = reached - inner;
    bytes[i] = size * peers[i] / ranks;
    inner = reached;
  }
  CollectiveTime best = direct(levels, bytes, peers, software);
  if (levels.count == 1 && levels.level[0].link->topology != MANSARD_TOPOLOGY_RING &&
      software.algorithms >> kAlgorithmRecursive & 1u)
    keepCheaper(best, bruck(levels, size, software));
  return best;
}

/// From one device to another, over the level that joins them.
inline CollectiveTime send(double size, const Levels &levels, const LinkSoftware &software) {
  const Levels::Level &level = levels.level[levels.count - 1];
  CollectiveTime time;
  time.extended = levels.extended;
  time.algorithm = kAlgorithmDirect;
  time.fixed_us = level.link->latency_s * 1e6;
  time.link_bytes = size;
  time.link_us = size / (levelBandwidth(level, false) * 1e-6 *
                         (level.scalesOut ? software.networkShare() : software.efficiency));
  return time;
}

} // namespace detail

/// Time of one collective. `size_bytes` as nccl-tests counts it (see abi.h). One rank: only the
/// start. `send` spans `ranks` devices: it uses the level that joins them.
inline CollectiveTime collectiveTime(const mansard_chip &chip, const mansard_collective &collective,
                                     const LinkSoftware &software) {
  const double ranks = static_cast<double>(std::max<int64_t>(collective.ranks, 1));
  const double size = static_cast<double>(collective.size_bytes);
  CollectiveTime best = detail::unlinked();
  if (ranks <= 1) {
    best = {};
    best.fixed_us = software.start_us;
    return best;
  }
  for (uint32_t first = 0; first < MANSARD_LINK_COUNT; ++first) {
    if (!detail::mayStartAt(first, chip))
      continue;
    const detail::Levels levels = detail::levelsFrom(first, false, chip, ranks);
    switch (collective.kind) {
    case MANSARD_COLLECTIVE_SEND:
      detail::keepCheaper(best, detail::send(size, levels, software));
      break;
    case MANSARD_COLLECTIVE_ALLTOALL:
      detail::keepCheaper(best, detail::allToAll(size, ranks, levels, software));
      break;
    default:
      if (software.acrossNodes && levels.count > 1 && levels.scaleOut()) {
        detail::keepCheaper(
            best, detail::spanningCollective(collective.kind, size, ranks, levels, software));
        break;
      }
      detail::keepCheaper(best, detail::levelByLevel(collective.kind, size, levels, software));
      if (first <= MANSARD_LINK_SCALE_UP && ranks > chip.node.domain && chip.node.bytes_per_s > 0)
        detail::keepCheaper(best, detail::levelByLevel(collective.kind, size,
                                                       detail::levelsFrom(first, true, chip, ranks),
                                                       software));
    }
  }
  best.fixed_us += software.start_us;
  return best;
}

} // namespace mansard
