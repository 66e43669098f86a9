// Collectives, and the dispatch and combine of expert parallelism, over NVLink and the network.
#include "nvidia_model.h"

#include <mansard/base/collective.h>

#include <algorithm>

namespace mansard::nvidia {
namespace {

LinkSoftware linkSoftware(const Constants &c) {
  LinkSoftware software;
  software.start_us = c.linkStartUs;
  software.efficiency = c.linkBulk;
  software.fineEfficiency = c.linkFine;
  software.bulkHopFactor = c.linkBulkHops;
  software.inNetworkEfficiency = c.linkInSwitch;
  software.peer_us = c.linkPeerUs;
  software.networkEfficiency = c.linkNetwork;
  return software;
}

/// `memoryUs`: what packing and unpacking keep DRAM busy beside the links.
void store(const CollectiveTime &time, double extraFixedUs, double memoryUs,
           mansard_estimate &out) {
  if (!time.linked)
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, "the chip has no links");
  if (time.extended)
    sdk::setNote(out, "more ranks than the chip's links join: priced as if the outermost did");
  Busy busy;
  busy[MANSARD_BOUND_LINK] = time.link_us;
  busy[MANSARD_BOUND_DRAM] = memoryUs;
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, time.fixed_us + extraFixedUs);
  parts.addOverlapped(busy);
  parts.store(out);
  out.link_bytes = time.link_bytes;
}

} // namespace

void estimateCollective(const NvidiaModel &model, const mansard_kernel &kernel,
                        mansard_estimate &out) {
  store(collectiveTime(model.chip, kernel.u.collective, linkSoftware(model.constants)), 0, 0, out);
}

void estimateExpertParallel(const NvidiaModel &model, const mansard_kernel &kernel,
                            mansard_estimate &out) {
  const mansard_expert_parallel &e = kernel.u.expert_parallel;
  const Constants &c = model.constants;
  LinkSoftware software;
  software.start_us = c.expertStartUs;
  // Low latency writes row by row into the peers' memories; the other mode hands over chunks, as
  // the bulk protocol of collectives does.
  software.efficiency = e.mode == MANSARD_EP_MODE_LOW_LATENCY ? c.expertLink : c.linkBulk;
  software.networkEfficiency = c.linkNetwork;
  const double ranks = static_cast<double>(std::max<int64_t>(e.ranks, 1));
  const double row = static_cast<double>(e.hidden) * bytesOf(kernel.dtype);
  const CollectiveTime time = expertParallelTime(model.chip, e, row, software);
  // One group of warps receives for each local expert and source: its tokens queue, and every
  // expert has counters and flags of its own.
  const double local = std::max(1.0, static_cast<double>(e.experts) / ranks);
  const double queue =
      static_cast<double>(e.tokens * e.topk) / std::max(1.0, static_cast<double>(e.experts));
  const double tokenUs = e.direction == MANSARD_EP_DISPATCH ? c.expertTokenUs : 0;
  const Counts counts = countWork(kernel);
  const double cold = missShare(model, counts.readBytes + counts.writeBytes);
  const double memoryUs =
      model.dramUs(counts.readBytes * cold, counts.writeBytes * cold, c.gemmDram);
  store(time, tokenUs * queue + c.expertExpertUs * local, memoryUs, out);
  if (out.status != MANSARD_OK)
    return;
  out.dram_read_bytes = counts.readBytes * cold;
  out.dram_write_bytes = counts.writeBytes * cold;
}

} // namespace mansard::nvidia
