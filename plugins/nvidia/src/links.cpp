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
  return software;
}

void store(const CollectiveTime &time, double extraFixedUs, mansard_estimate &out) {
  if (!time.linked)
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, "the chip has no links");
  if (time.extended)
    sdk::setNote(out, "more ranks than the chip's links join: priced as if the outermost did");
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, time.fixed_us + extraFixedUs);
  parts.addSerial(MANSARD_BOUND_LINK, time.link_us);
  parts.store(out);
  out.link_bytes = time.link_bytes;
}

} // namespace

void estimateCollective(const NvidiaModel &model, const mansard_kernel &kernel,
                        mansard_estimate &out) {
  store(collectiveTime(model.chip, kernel.u.collective, linkSoftware(model.constants)), 0, out);
}

void estimateExpertParallel(const NvidiaModel &model, const mansard_kernel &kernel,
                            mansard_estimate &out) {
  const mansard_expert_parallel &e = kernel.u.expert_parallel;
  const Constants &c = model.constants;
  LinkSoftware software;
  software.start_us = c.expertStartUs;
  software.efficiency = c.expertLink;
  const double ranks = static_cast<double>(std::max<int64_t>(e.ranks, 1));
  const double row = static_cast<double>(e.hidden) * bytesOf(kernel.dtype);
  const CollectiveTime time = expertParallelTime(model.chip, e, row, software);
  // One group of warps receives for each local expert and source: its tokens queue, and every
  // expert has counters and flags of its own.
  const double local = std::max(1.0, static_cast<double>(e.experts) / ranks);
  const double queue =
      static_cast<double>(e.tokens * e.topk) / std::max(1.0, static_cast<double>(e.experts));
  const double tokenUs = e.direction == MANSARD_EP_DISPATCH ? c.expertTokenUs : 0;
  store(time, tokenUs * queue + c.expertExpertUs * local, out);
}

} // namespace mansard::nvidia
