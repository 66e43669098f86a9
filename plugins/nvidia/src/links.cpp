// Collectives, and the dispatch and combine of expert parallelism, over NVLink and the network.
#include "nvidia_model.h"

#include <mansard/base/collective.h>
#include <mansard/base/counts.h>
#include <mansard/base/expert_exchange.h>

#include <algorithm>

namespace mansard::nvidia {
namespace {

constexpr double kGBps = 1e3; // bytes per microsecond
/// NCCL's steps over a network: 5.0 us in a tree, 2.7 in a ring (nccl@5067397 src/graph/tuning.cc).
constexpr double kTreeHop = 5.0 / 2.7;

LinkSoftware linkSoftware(const Constants &c) {
  LinkSoftware software;
  software.start_us = c.linkStartUs;
  software.efficiency = c.linkBulk;
  software.fineEfficiency = c.linkFine;
  software.bulkHopFactor = c.linkBulkHops;
  software.fineHopFactor = c.linkFineHops;
  software.bulkStart_us = c.linkBulkStartUs;
  software.finePeerBytes_us = c.linkPeerGBps * kGBps;
  software.inNetworkEfficiency = c.linkInSwitch;
  software.peer_us = c.linkPeerUs;
  software.networkEfficiency = c.linkNetwork;
  // NCCL's trees join hosts; within one they are chains, as its rings are.
  software.algorithms = 1u << kAlgorithmRing | 1u << kAlgorithmInNetwork | 1u << kAlgorithmTree;
  software.acrossNodes = true;
  software.treeHopFactor = kTreeHop;
  return software;
}

/// Beside the links, `coresUs` of packing and unpacking rows, which keep DRAM busy for `memoryUs`.
void store(const CollectiveTime &time, double extraFixedUs, double coresUs, double memoryUs,
           mansard_estimate &out) {
  if (!time.linked)
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, "the chip has no links");
  if (time.extended)
    sdk::setNote(out, "more ranks than the chip's links join: priced as if the outermost did");
  Busy busy;
  busy[MANSARD_BOUND_LINK] = time.link_us;
  busy[MANSARD_BOUND_VECTOR] = coresUs;
  busy[MANSARD_BOUND_DRAM] = memoryUs;
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, time.fixed_us + extraFixedUs);
  parts.addOverlapped(busy);
  parts.store(out);
  out.link_bytes = time.link_bytes;
}

double heldShare(const NvidiaModel &model) {
  return std::min(1.0, model.constants.linkCores / model.cores);
}

} // namespace

void estimateCollective(const NvidiaModel &model, const mansard_kernel &kernel,
                        mansard_estimate &out) {
  store(collectiveTime(model.chip, kernel.u.collective, linkSoftware(model.constants)), 0, 0, 0,
        out);
  out.held_share = heldShare(model);
}

void estimateExpertParallel(const NvidiaModel &model, const mansard_kernel &kernel,
                            mansard_estimate &out) {
  const mansard_expert_parallel &e = kernel.u.expert_parallel;
  const Constants &c = model.constants;
  LinkSoftware software;
  software.start_us = c.expertStartUs;
  const bool lowLatency = e.mode == MANSARD_EP_MODE_LOW_LATENCY;
  const bool dispatch = e.direction == MANSARD_EP_DISPATCH;
  // Low latency writes row by row into the peers' memories; the other mode hands over chunks, as
  // the bulk protocol of collectives does.
  software.efficiency = !lowLatency ? c.linkBulk : dispatch ? c.expertLink : c.expertCombineLink;
  software.networkEfficiency = c.linkNetwork;
  const double ranks = static_cast<double>(std::max<int64_t>(e.ranks, 1));
  const double row = static_cast<double>(e.hidden) * bytesOf(kernel.dtype);
  const CollectiveTime time = expertParallelTime(model.chip, e, row, software);
  // Low latency launches one block for each of all experts (for more experts than cores, for two,
  // three ... of them; DeepEP, internode_ll.cu), and the blocks share out the tokens: each takes
  // one after another, narrows it to FP8 or adds up what comes back.
  const double experts = std::max(1.0, static_cast<double>(e.experts));
  const double blocks =
      lowLatency ? std::ceil(experts / std::ceil(experts / model.cores)) : model.cores;
  const double trips = std::max(0.0, std::ceil(static_cast<double>(e.tokens) / blocks) - 1);
  // Every local expert has a counter and a flag from each peer; on the way back the flag alone.
  const double flags = std::max(1.0, experts / ranks) * (dispatch ? 1 : 0.5);
  const Counts counts = countWork(kernel);
  const double cold = missShare(model, counts.readBytes + counts.writeBytes);
  const double memoryUs =
      model.dramUs(counts.readBytes * cold, counts.writeBytes * cold, c.gemmDram);
  const double tokensUs = trips * (dispatch ? c.expertTokenUs : c.expertCombineTokenUs);
  store(time, c.expertExpertUs * flags, tokensUs, memoryUs, out);
  if (out.status != MANSARD_OK)
    return;
  out.dram_read_bytes = counts.readBytes * cold;
  out.dram_write_bytes = counts.writeBytes * cold;
  // Low latency leaves the cores while rows are on their way: a hook takes in what has arrived
  // (DeepEP@dd758ca docs/legacy.md).
  out.held_share = lowLatency ? 0 : heldShare(model);
}

} // namespace mansard::nvidia
