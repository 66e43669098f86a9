// Dispatch and combine by the vector cores, which write rows straight into the peers' memories
// (CloudMatrix384: arXiv 2506.12708, section 4.2.1), with a barrier at the end.
#include "links.h"
#include "ops.h"

#include <mansard/base/counts.h>
#include <mansard/base/expert_exchange.h>

#include <algorithm>
#include <cmath>

namespace mansard::ascend {

void estimateExpertParallel(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_expert_parallel &e = kernel.u.expert_parallel;
  const double hidden = static_cast<double>(e.hidden);
  const double row = hidden * bytesOf(kernel.dtype) + (bytesOf(kernel.dtype) <= 1 ? 4 : 0);
  LinkSoftware software = linkSoftware(d);
  software.start_us = d.c.dispatchStart_us;
  software.peer_us = d.c.dispatchPeer_us;
  software.efficiency = d.c.dispatchEfficiency;
  software.fineEfficiency = 0;
  software.bulkHopFactor = 1;
  const CollectiveTime time = expertParallelTime(d.chip, e, row, software);
  if (!time.linked)
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, kUnlinked);
  // Each (token, expert) row passes a unified buffer on its way in or out.
  const double rows = static_cast<double>(e.tokens) * static_cast<double>(e.topk);
  const double rounds = std::ceil(rows / d.vectorCores);
  const Counts counts = countWork(kernel);
  Busy busy;
  busy[MANSARD_BOUND_L2] = d.chipL2_us(rows * row, rows * row);
  // Sending and flagging keep a vector core as busy as counting does.
  busy[MANSARD_BOUND_VECTOR] = counts.vectorOperations / d.vectorOps + rounds * d.c.dispatchRow_us;
  const double cold = std::max(0.0, counts.readBytes + counts.writeBytes - d.l2Bytes);
  busy[MANSARD_BOUND_DRAM] = cold / d.dram(1, 1);
  // Hops with the bytes: the route taken is the cheapest in their sum.
  busy[MANSARD_BOUND_LINK] = time.total() - software.start_us;
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, software.start_us);
  parts.addOverlapped(busy);
  parts.store(out);
  noteLinks(time, out);
}

} // namespace mansard::ascend
