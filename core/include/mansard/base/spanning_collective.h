// Collectives of several nodes by one ring or tree over all their ranks, as NCCL runs them.
//
// Every adapter of a node carries a part of the ring (a channel), so that a node's boundary is as
// wide as its adapters together; but all that a rank passes on crosses it, not a shard alone. Steps
// as NCCL's own cost model counts them (github NVIDIA/nccl@5067397 src/graph/tuning.cc): of a
// ring's 2 (n - 1), two for each node are between nodes; a tree goes down a chain in each node and
// over log2 of the nodes, and back. Trees are pairs, in which a node that is a leaf of one is an
// inner node of the other (Sanders, Speck, Traff, Parallel Computing 35, 2009): each node sends
// twice the buffer. With switches that add, a node's ranks reduce in the switch what a tree then
// takes over.
//
// Pure, allocates nothing.
#pragma once

#include <mansard/base/link_levels.h>

namespace mansard::detail {

/// What one way to span the nodes takes: hops in a node and between nodes, bytes of each rank over
/// the links in its node and over its share of the node's adapters.
struct Span {
  uint32_t algorithm;
  double innerHops, outerHops, innerBytes, outerBytes, innerEfficiency, outerEfficiency;
  bool bulk;
};

/// all_reduce, all_gather, reduce_scatter. `levels` end in one that scales out.
inline CollectiveTime spanningCollective(uint32_t kind, double size, double ranks,
                                         const Levels &levels, const LinkSoftware &software) {
  const Levels::Level &outer = levels.level[levels.count - 1];
  const double nodes = outer.members, inside = outer.inside;
  const bool reduces = kind == MANSARD_COLLECTIVE_ALL_REDUCE;
  const double passes = reduces ? 2 : 1;
  double hop = 0, innerRate = HUGE_VAL; // the slowest of a node's levels decides
  for (uint32_t i = 0; i + 1 < levels.count; ++i) {
    hop = std::max(hop, levels.level[i].link->latency_s * 1e6);
    innerRate = std::min(innerRate, levelBandwidth(levels.level[i], true) * 1e-6);
  }
  const double outerHop = outer.link->latency_s * 1e6,
               outerRate = levelBandwidth(outer, true) * 1e-6;
  CollectiveTime best = unlinked();
  const auto consider = [&](const Span &span) {
    if (!(span.innerEfficiency > 0) || !(span.outerEfficiency > 0))
      return;
    CollectiveTime time;
    time.extended = levels.extended;
    time.algorithm = span.algorithm;
    time.fixed_us = (span.innerHops * hop + span.outerHops * outerHop) *
                        (span.bulk ? software.bulkHopFactor : software.fineHopFactor) +
                    (span.bulk ? software.bulkStart_us : 0);
    // Chunks follow one another: both kinds of links are busy at once.
    time.link_us = std::max(span.innerBytes / (innerRate * span.innerEfficiency),
                            span.outerBytes / (outerRate * span.outerEfficiency));
    time.link_bytes = span.innerBytes + span.outerBytes;
    keepCheaper(best, time);
  };
  const double shard = passes * size * (ranks - 1) / ranks, steps = passes * (ranks - 1),
               crossings = std::min(steps, reduces ? 2 * nodes : nodes - 1);
  const double depth = std::ceil(std::log2(nodes) - 1e-9),
               treeHops = 2 * depth * software.treeHopFactor;
  // Of two nodes each is the other's only child: half of what inner nodes of larger trees send.
  const double treeBytes = (nodes > 2 ? 2 : 1) * size / inside;
  const auto offers = [&](uint32_t algorithm) { return software.algorithms >> algorithm & 1u; };
  for (const bool bulk : {true, false}) {
    const double inner = bulk ? software.efficiency : software.fineEfficiency,
                 out = bulk ? software.networkShare() : software.fineEfficiency;
    if (offers(kAlgorithmRing))
      consider(
          {kAlgorithmRing, steps - crossings, crossings, shard, shard / inside, inner, out, bulk});
    if (reduces && offers(kAlgorithmTree))
      consider({kAlgorithmTree, 2 * (inside - 1), treeHops, 2 * size, treeBytes, inner, out, bulk});
  }
  const Levels::Level &node = levels.level[0];
  if (reduces && levels.count == 2 && node.link->in_network_reduction &&
      offers(kAlgorithmInNetwork) && offers(kAlgorithmTree))
    consider({kAlgorithmInNetwork, 2, treeHops, size * (1 + 1 / node.capacity), treeBytes,
              software.inNetworkEfficiency, software.networkShare(), true});
  return best;
}

} // namespace mansard::detail
