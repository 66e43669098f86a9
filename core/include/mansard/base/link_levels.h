// The links that ranks use to reach one another, level by level, and what a library makes of them:
// the ground that collectives and expert exchange stand on.
//
// Alpha-beta model: an algorithm makes hops one after another, each of the link's latency, and
// every rank sends bytes over its own links (Thakur, Rabenseifner, Gropp, IJHPCA 19(1), 2005). A
// call may run with two protocols, as libraries do: a bulk one (chunks handed over with fences:
// dear hops, full bandwidth) and a fine one (a flag in every word: cheap hops, part of the
// bandwidth; where ranks send straight to one another, one channel a peer).
//
// Ranks fill a package's dies first, then the scale-up domain, then scale out. A scale-up network
// of tiers has cheaper hops among the devices of its first tier, through the same ports.
//
// Times in microseconds, sizes in bytes. Pure, allocates nothing.
#pragma once

#include <mansard/base/overlap.h>
#include <mansard/sdk/abi.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace mansard {

inline constexpr uint32_t kAlgorithmRing = 0, kAlgorithmRecursive = 1, kAlgorithmDirect = 2,
                          kAlgorithmOneShot = 3, kAlgorithmInNetwork = 4, kAlgorithmTree = 5,
                          kAlgorithmCount = 6;
inline constexpr std::array<std::string_view, kAlgorithmCount> kAlgorithmNames{
    "ring", "recursive", "direct", "one-shot", "in-network", "tree"};
inline constexpr uint32_t kAllAlgorithms = (1u << kAlgorithmCount) - 1;

/// What a family's communication library makes of the links; fitted per family.
struct LinkSoftware {
  double start_us = 0;          // of one call: launch, handshake on entry, drain
  double efficiency = 1;        // share of a link's bandwidth that the bulk protocol reaches
  double fineEfficiency = 0;    // the same of the fine protocol; 0: the library has none
  double networkEfficiency = 0; // the bulk protocol's over the links that scale out, where every
                                // rank sends on its own; 0: as on the others
  double bulkHopFactor = 1;     // a hop of the bulk protocol, in link latencies
  double fineHopFactor = 1;     // a hop of the fine one
  double treeHopFactor = 1;     // a hop of a tree between nodes, in those of a ring
  double bulkStart_us = 0;      // of a call with the bulk protocol, beyond start_us
  double finePeerBytes_us = 0;  // bytes per microsecond of the fine protocol to one peer; 0: as the
                                // peer's share of the links gives
  double inNetworkEfficiency = 1;       // reduction in the switch, share of the link's bandwidth
  double peer_us = 0;                   // of each further peer that a rank addresses directly
  uint32_t algorithms = kAllAlgorithms; // bits 1 << kAlgorithm*: what the library implements
  /// Whether one ring or tree joins all ranks of several nodes, a node's adapters each carrying a
  /// part of it (NCCL); otherwise level by level: each rank's shard among its likes of the other
  /// nodes, on the adapters of one position, or rail (HCCL).
  bool acrossNodes = false;

  double networkShare() const { return networkEfficiency > 0 ? networkEfficiency : efficiency; }
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

/// The links that `ranks` ranks use at each level, from the innermost.
struct Levels {
  struct Level {
    const mansard_link *link;
    double members;  // that take part, each of `inside` devices
    double capacity; // that the level could join
    double inside;
    bool scalesOut;
  };
  static constexpr uint32_t kMost = MANSARD_LINK_COUNT + 1;
  Level level[kMost];
  uint32_t count = 0;
  bool extended = false;
  bool sharedPorts = false; // two of the levels are tiers of one network

  bool scaleOut() const { return count > 0 && level[count - 1].scalesOut; }
};

/// Levels below `first` are skipped: their members then talk over the next one. Where all levels
/// together join fewer than `ranks`, the outermost is taken to join them. `tiered`: the first tier
/// of the scale-up network is a level of its own; otherwise the network is one level, with the
/// first tier's hops if that joins all ranks.
inline Levels levelsFrom(uint32_t first, bool tiered, const mansard_chip &chip, double ranks) {
  uint32_t outermost = first;
  for (uint32_t i = first; i < MANSARD_LINK_COUNT; ++i)
    if (chip.links[i].bytes_per_s > 0 && chip.links[i].domain >= chip.links[outermost].domain)
      outermost = i;
  Levels levels;
  double joined = 1;
  const auto add = [&](const mansard_link &link, double domain, bool scalesOut) {
    if (!(link.bytes_per_s > 0) || !(domain > joined) || joined >= ranks)
      return;
    const double groups = std::ceil(std::min(ranks, domain) / joined);
    levels.level[levels.count++] = {&link, groups, std::max(groups, domain / joined), joined,
                                    scalesOut};
    joined = domain;
  };
  for (uint32_t i = first; i < MANSARD_LINK_COUNT; ++i) {
    const mansard_link &link = chip.links[i];
    const bool hasTiers = i == MANSARD_LINK_SCALE_UP && chip.node.bytes_per_s > 0;
    if (hasTiers && (tiered || ranks <= chip.node.domain)) {
      const uint32_t before = levels.count;
      add(chip.node, std::min(chip.node.domain, link.domain), false);
      levels.sharedPorts = levels.count > before && joined < ranks;
    }
    double domain = link.domain;
    if (i == outermost && domain < ranks) {
      domain = ranks;
      levels.extended = joined < ranks && link.bytes_per_s > 0;
    }
    add(link, domain, i == MANSARD_LINK_SCALE_OUT);
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

/// A way that all ranks can really take is preferred to one that stretches a level.
inline void keepCheaper(CollectiveTime &best, const CollectiveTime &other) {
  if (!best.linked || (best.extended && !other.extended) ||
      (best.extended == other.extended && other.total() < best.total()))
    best = other;
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
    double busy_us[Levels::kMost] = {};
    for (uint32_t i = 0; i < levels.count; ++i) {
      const Levels::Level &level = levels.level[i];
      const double efficiency =
          protocol == 0 && level.scalesOut ? software.networkShare() : efficiencies[protocol];
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
    time.link_us = overlapped(busy_us, Levels::kMost);
    keepCheaper(best, time);
  }
  return best;
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

} // namespace detail
} // namespace mansard
