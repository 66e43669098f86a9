// How long ranks take to exchange data over a chip's links: collectives, and the dispatch and
// combine of expert parallelism.
//
// Alpha-beta model: an algorithm makes `steps` hops one after another, each of the link's latency,
// and every rank sends `bytes` over its own links (Thakur, Rabenseifner, Gropp, IJHPCA 19(1), 2005;
// Patarasuk and Yuan, JPDC 69(2), 2009). Each algorithm may run with two protocols, as libraries
// do: a bulk one (chunks handed over with fences: dear hops, full bandwidth) and a fine one (a flag
// in every word: cheap hops, part of the bandwidth; where ranks send straight to one another, one
// channel a peer). The cheapest of all is taken.
//
// Ranks fill a package's dies first, then the scale-up domain, then scale out. Where they span
// several levels, all_reduce, all_gather and reduce_scatter go level by level on ever smaller
// shards, pipelined in chunks; alltoall and expert parallelism send each byte over the level that
// reaches its target.
//
// Times in microseconds, sizes in bytes. Pure, allocates nothing. Non-decreasing in size and
// non-increasing in bandwidth everywhere; non-decreasing in ranks over switches and buses whose
// outer levels are no faster than inner ones (on a mesh or ring, more ranks bring more links into
// play: two ranks of an 8-way mesh own one link in seven; more peers, more channels).
#pragma once

#include <mansard/base/counts.h>
#include <mansard/base/overlap.h>
#include <mansard/sdk/abi.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace mansard {

inline constexpr uint32_t kAlgorithmRing = 0, kAlgorithmRecursive = 1, kAlgorithmDirect = 2,
                          kAlgorithmOneShot = 3, kAlgorithmInNetwork = 4, kAlgorithmCount = 5;
inline constexpr std::array<std::string_view, kAlgorithmCount> kAlgorithmNames{
    "ring", "recursive", "direct", "one-shot", "in-network"};
inline constexpr uint32_t kAllAlgorithms = (1u << kAlgorithmCount) - 1;

/// What a family's communication library makes of the links; fitted per family.
struct LinkSoftware {
  double start_us = 0;          // of one call: launch, handshake on entry, drain
  double efficiency = 1;        // share of a link's bandwidth that the bulk protocol reaches
  double fineEfficiency = 0;    // the same of the fine protocol; 0: the library has none
  double networkEfficiency = 0; // the bulk protocol's where it sends straight over the links that
                                // scale out; 0: as on the others
  double bulkHopFactor = 1;     // a hop of the bulk protocol, in link latencies
  double fineHopFactor = 1;     // a hop of the fine one
  double bulkStart_us = 0;      // of a call with the bulk protocol, beyond start_us
  double finePeerBytes_us = 0;  // bytes per microsecond of the fine protocol to one peer; 0: as the
                                // peer's share of the links gives
  double inNetworkEfficiency = 1;       // reduction in the switch, share of the link's bandwidth
  double peer_us = 0;                   // of each further peer that a rank addresses directly
  uint32_t algorithms = kAllAlgorithms; // bits 1 << kAlgorithm*: what the library implements
  uint32_t outerAlgorithms = 0;         // over the links that scale out; 0: the same
};

struct CollectiveTime {
  double link_us = 0;     // bytes over bandwidth
  double fixed_us = 0;    // start and hops
  double link_bytes = 0;  // sent by each rank, over all levels
  uint32_t algorithm = 0; // of the level that takes longest
  bool linked = true;     // false: the chip has no links at all; the times are then infinite
  bool extended = false;  // more ranks than any link joins: priced as if the outermost one did
  double total() const { return link_us + fixed_us; }
};

namespace detail {

struct HopCost {
  double start_us = 0; // once a call, however many chunks follow one another
  double fixed_us = 0, link_us = 0, bytes = 0;
  uint32_t algorithm = 0;
  double each() const { return fixed_us + link_us; }
};

/// The links that `ranks` ranks use at each level, from the innermost.
struct Levels {
  struct Level {
    const mansard_link *link;
    double members;  // that take part, each of `inside` devices
    double capacity; // that the level could join
    double inside;
    bool scalesOut;
  };
  Level level[MANSARD_LINK_COUNT];
  uint32_t count = 0;
  bool extended = false;
};

/// Levels below `first` are skipped: their members then talk over the next one. Where all levels
/// together join fewer than `ranks`, the outermost is taken to join them.
inline Levels levelsFrom(uint32_t first, const mansard_chip &chip, double ranks) {
  uint32_t outermost = first;
  for (uint32_t i = first; i < MANSARD_LINK_COUNT; ++i)
    if (chip.links[i].bytes_per_s > 0 && chip.links[i].domain >= chip.links[outermost].domain)
      outermost = i;
  Levels levels;
  double joined = 1;
  for (uint32_t i = first; i < MANSARD_LINK_COUNT && joined < ranks; ++i) {
    const mansard_link &link = chip.links[i];
    if (!(link.bytes_per_s > 0))
      continue;
    double domain = link.domain;
    if (i == outermost && domain < ranks) {
      domain = ranks;
      levels.extended = true;
    }
    if (!(domain > joined))
      continue;
    const double groups = std::ceil(std::min(ranks, domain) / joined);
    levels.level[levels.count++] = {&link, groups, std::max(groups, domain / joined), joined,
                                    i == MANSARD_LINK_SCALE_OUT};
    joined = domain;
  }
  return levels;
}

/// Bytes per second that each of the level's members gets when all send at once, to neighbours of
/// their own choice (`spread`: over all their links; otherwise to one peer at a time).
inline double levelBandwidth(const Levels::Level &level, bool spread) {
  const mansard_link &link = *level.link;
  switch (link.topology) {
  case MANSARD_TOPOLOGY_MESH: // one link to each other member
    return link.bytes_per_s / std::max(1.0, level.capacity - 1) *
           (spread ? level.members - 1 : 1.0);
  case MANSARD_TOPOLOGY_RING: // two neighbours; a closed ring carries two opposite streams
    return link.bytes_per_s * (spread && level.members >= level.capacity ? 1.0 : 0.5);
  case MANSARD_TOPOLOGY_BUS: // all devices share one bus
    return link.bytes_per_s / (level.members * level.inside);
  default:
    return link.bytes_per_s;
  }
}

/// The way to run `kind` on `chunks` times `size` bytes among the members of one level that is
/// cheapest for all of them together; what each costs. Not for alltoall and send.
inline HopCost levelCost(uint32_t kind, double size, double chunks, const Levels::Level &level,
                         const LinkSoftware &software) {
  const double n = level.members, hop = level.link->latency_s * 1e6;
  const double logarithm = std::ceil(std::log2(n) - 1e-9);
  const bool reduces = kind == MANSARD_COLLECTIVE_ALL_REDUCE;
  const bool isRing = level.link->topology == MANSARD_TOPOLOGY_RING;
  const double passes = reduces ? 2 : 1, shard = passes * size * (n - 1) / n;
  const double spread = levelBandwidth(level, true) * 1e-6,
               pair = levelBandwidth(level, false) * 1e-6;
  const uint32_t algorithms =
      level.scalesOut && software.outerAlgorithms ? software.outerAlgorithms : software.algorithms;
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
    if (cost.start_us + chunks * cost.each() < best.start_us + chunks * best.each())
      best = cost;
  };
  const auto offer = [&](uint32_t algorithm, double steps, double peers, double bytes,
                         double bandwidth) {
    if (!(algorithms >> algorithm & 1u))
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
  if (reduces && level.link->in_network_reduction && (algorithms >> kAlgorithmInNetwork & 1u))
    // Each rank sends its data up once and multicasts its reduced shard; the shard is charged at
    // the full domain's size, so that the time does not fall as ranks join.
    consider(kAlgorithmInNetwork, 2, 0, size * (1 + 1 / level.capacity), spread,
             software.inNetworkEfficiency, true);
  return best;
}

/// A way that all ranks can really take is preferred to one that stretches a level.
inline void keepCheaper(CollectiveTime &best, const CollectiveTime &other) {
  if (!best.linked || (best.extended && !other.extended) ||
      (best.extended == other.extended && other.total() < best.total()))
    best = other;
}

/// all_reduce, all_gather, reduce_scatter: inner levels see the whole buffer, each outer one the
/// shard that the inner ones leave. With c chunks the levels work as a pipeline: every level once,
/// and the slowest c - 1 times more.
inline CollectiveTime hierarchical(uint32_t kind, double size, const Levels &levels,
                                   const LinkSoftware &software) {
  CollectiveTime best;
  best.linked = false;
  for (const double chunks : {1.0, 4.0, 16.0}) {
    CollectiveTime time;
    time.extended = levels.extended;
    HopCost slowest;
    double part = size / chunks;
    for (uint32_t i = 0; i < levels.count; ++i) {
      const HopCost cost = levelCost(kind, part, chunks, levels.level[i], software);
      time.fixed_us += cost.start_us + cost.fixed_us;
      time.link_us += cost.link_us;
      time.link_bytes += cost.bytes * chunks;
      if (i == 0 || cost.each() > slowest.each())
        slowest = cost;
      part /= levels.level[i].members;
    }
    time.fixed_us += (chunks - 1) * slowest.fixed_us;
    time.link_us += (chunks - 1) * slowest.link_us;
    time.algorithm = slowest.algorithm;
    keepCheaper(best, time);
    if (levels.count < 2)
      break;
  }
  return best;
}

/// Sends that go straight to their targets: `bytes[i]` leave each rank over level i. The levels'
/// links carry them side by side; what one level forwards from another follows in small chunks.
inline CollectiveTime direct(const Levels &levels, const double *bytes, const double *peers,
                             const LinkSoftware &software) {
  CollectiveTime best;
  best.linked = false;
  const double efficiencies[] = {software.efficiency, software.fineEfficiency};
  const double hopFactors[] = {software.bulkHopFactor, software.fineHopFactor};
  for (int protocol = 0; protocol < 2; ++protocol) {
    if (!(efficiencies[protocol] > 0))
      continue;
    CollectiveTime time;
    time.extended = levels.extended;
    time.algorithm = kAlgorithmDirect;
    time.fixed_us = protocol == 0 ? software.bulkStart_us : 0;
    double busy_us[MANSARD_LINK_COUNT] = {};
    for (uint32_t i = 0; i < levels.count; ++i) {
      const Levels::Level &level = levels.level[i];
      const bool network = protocol == 0 && level.scalesOut && software.networkEfficiency > 0;
      const double efficiency = network ? software.networkEfficiency : efficiencies[protocol];
      // On a ring a byte crosses a quarter of a closed ring, or a half where it is open.
      const bool ring = level.link->topology == MANSARD_TOPOLOGY_RING;
      const double crossings =
          ring ? std::max(1.0, level.members / (level.members >= level.capacity ? 4 : 2)) : 1;
      const double hops = ring ? std::max(1.0, std::floor(level.members / 2)) : 1;
      time.fixed_us += hops * level.link->latency_s * 1e6 * hopFactors[protocol] +
                       std::max(0.0, peers[i] - 1) * software.peer_us;
      busy_us[i] = bytes[i] * crossings / (levelBandwidth(level, true) * 1e-6 * efficiency);
      if (protocol == 1 && software.finePeerBytes_us > 0 && peers[i] > 0)
        busy_us[i] = std::max(busy_us[i], bytes[i] / peers[i] / software.finePeerBytes_us);
      time.link_bytes += bytes[i];
    }
    time.link_us = overlapped(busy_us, MANSARD_LINK_COUNT);
    keepCheaper(best, time);
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

/// Ranks may pass over the link between dies, but not over their domain's to the network's. An
/// absent link is the same as starting one level further out.
inline bool mayStartAt(uint32_t first, const mansard_chip &chip) {
  return chip.links[first].bytes_per_s > 0 &&
         !(first == MANSARD_LINK_SCALE_OUT && chip.links[MANSARD_LINK_SCALE_UP].bytes_per_s > 0);
}

inline CollectiveTime unlinked() {
  CollectiveTime time;
  time.link_us = HUGE_VAL;
  time.linked = false;
  return time;
}

/// Ranks that share a rank's scale-up domain, itself among them; all where nothing scales out.
inline double domainOf(const mansard_chip &chip, double ranks) {
  if (!(chip.links[MANSARD_LINK_SCALE_OUT].bytes_per_s > 0))
    return ranks;
  double domain = 1;
  for (uint32_t i = 0; i <= MANSARD_LINK_SCALE_UP; ++i)
    if (chip.links[i].bytes_per_s > 0)
      domain = std::max(domain, chip.links[i].domain);
  return std::min(domain, ranks);
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
    const detail::Levels levels = detail::levelsFrom(first, chip, ranks);
    switch (collective.kind) {
    case MANSARD_COLLECTIVE_SEND: {
      const detail::Levels::Level &level = levels.level[levels.count - 1];
      CollectiveTime time;
      time.extended = levels.extended;
      time.algorithm = kAlgorithmDirect;
      time.fixed_us = level.link->latency_s * 1e6;
      time.link_bytes = size;
      time.link_us = size / (detail::levelBandwidth(level, false) * 1e-6 * software.efficiency);
      detail::keepCheaper(best, time);
      break;
    }
    case MANSARD_COLLECTIVE_ALLTOALL: {
      double bytes[MANSARD_LINK_COUNT] = {}, peers[MANSARD_LINK_COUNT] = {}, inner = 1;
      for (uint32_t i = 0; i < levels.count; ++i) {
        const double reached = std::min(ranks, inner * levels.level[i].members);
        peers[i] = reached - inner;
        bytes[i] = size * peers[i] / ranks;
        inner = reached;
      }
      detail::keepCheaper(best, detail::direct(levels, bytes, peers, software));
      if (levels.count == 1 && levels.level[0].link->topology != MANSARD_TOPOLOGY_RING &&
          software.algorithms >> kAlgorithmRecursive & 1u)
        detail::keepCheaper(best, detail::bruck(levels, size, software));
      break;
    }
    default:
      detail::keepCheaper(best, detail::hierarchical(collective.kind, size, levels, software));
    }
  }
  best.fixed_us += software.start_us;
  return best;
}

/// Copies of one token's row that its device sends.
struct ExpertCopies {
  double scaleUp;  // inside the domain, forwarded ones included
  double scaleOut; // to other domains
};

/// Experts are taken as independent, uniform choices. Low latency: one row for each (token, expert)
/// pair. Normal: one row to each domain that needs the token (at most node_limit of them), from
/// where it spreads to each device that needs it (DeepSeek-V3, arXiv 2412.19437, section 3.2.2).
/// `domain`: ranks in a scale-up domain.
inline ExpertCopies expertCopies(const mansard_expert_parallel &e, double domain) {
  const double ranks = static_cast<double>(std::max<int64_t>(e.ranks, 1));
  const double topk = static_cast<double>(e.topk);
  if (e.mode == MANSARD_EP_MODE_LOW_LATENCY)
    return {topk * (domain - 1) / ranks, topk * (ranks - domain) / ranks};
  const double nodes = std::max(1.0, ranks / domain);
  const double allowed =
      e.node_limit > 0 ? std::min(nodes, static_cast<double>(e.node_limit)) : nodes;
  const auto distinct = [topk](double of) { return of * (1 - std::pow(1 - 1 / of, topk)); };
  const double devices = std::min(ranks, allowed * domain);
  return {distinct(devices) * (domain - 1) / domain, distinct(allowed) * (nodes - 1) / nodes};
}

/// Time of moving the rows of `e` (each `row_bytes`, scales included) to their experts, or back.
/// Packing and the weighted sum are vector work and not counted here.
inline CollectiveTime expertParallelTime(const mansard_chip &chip, const mansard_expert_parallel &e,
                                         double row_bytes, const LinkSoftware &software) {
  const double ranks = static_cast<double>(std::max<int64_t>(e.ranks, 1));
  CollectiveTime best = detail::unlinked();
  if (ranks <= 1) {
    best = {};
    best.fixed_us = software.start_us;
    return best;
  }
  const double sent = static_cast<double>(e.tokens) * row_bytes;
  const double domain = detail::domainOf(chip, ranks);
  const ExpertCopies copies = expertCopies(e, domain);
  for (uint32_t first = 0; first < MANSARD_LINK_COUNT; ++first) {
    if (!detail::mayStartAt(first, chip))
      continue;
    const detail::Levels levels = detail::levelsFrom(first, chip, ranks);
    double bytes[MANSARD_LINK_COUNT] = {}, peers[MANSARD_LINK_COUNT] = {}, inner = 1;
    for (uint32_t i = 0; i < levels.count; ++i) {
      const double reached = std::min(ranks, inner * levels.level[i].members);
      const bool out = levels.level[i].scalesOut;
      peers[i] = reached - inner;
      if (out)
        bytes[i] = sent * copies.scaleOut + (inner == 1 ? sent * copies.scaleUp : 0);
      else // the domain's copies, shared out over its levels by the peers that each reaches
        bytes[i] = sent * copies.scaleUp * peers[i] / std::max(1.0, domain - 1);
      inner = reached;
    }
    detail::keepCheaper(best, detail::direct(levels, bytes, peers, software));
  }
  best.fixed_us += software.start_us;
  return best;
}

} // namespace mansard
