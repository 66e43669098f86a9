// How long the dispatch and combine of expert parallelism take over a chip's links: each token's
// row to the devices that hold its experts, and the results back.
//
// Times in microseconds, sizes in bytes. Pure, allocates nothing.
#pragma once

#include <mansard/base/link_levels.h>
#include <mansard/sdk/abi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mansard {

/// Copies of one token's row that its device sends.
struct ExpertCopies {
  double scaleUp;  // inside the domain, forwarded ones included
  double scaleOut; // to other domains
};

/// Experts are taken as independent, uniform choices. Low latency: one row for each (token, expert)
/// pair. Normal: one row to each domain that needs the token (at most node_limit of them), to the
/// device of the sender's own position there, from where it spreads to each device that needs it
/// (DeepSeek-V3, arXiv 2412.19437, section 3.2.2). `domain`: ranks in a scale-up domain.
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

namespace detail {

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
    const detail::Levels levels = detail::levelsFrom(first, false, chip, ranks);
    double bytes[detail::Levels::kMost] = {}, peers[detail::Levels::kMost] = {}, inner = 1;
    for (uint32_t i = 0; i < levels.count; ++i) {
      const double reached = std::min(ranks, inner * levels.level[i].members);
      peers[i] = reached - inner;
      if (levels.level[i].scalesOut)
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
