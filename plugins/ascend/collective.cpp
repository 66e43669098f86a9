// Collectives over HCCS (a full mesh of eight) or UB (switched), by HCCL.
#include <mansard/base/collective.h>

#include "links.h"
#include "ops.h"

namespace mansard::ascend {

LinkSoftware linkSoftware(const Device &d) {
  LinkSoftware s;
  s.start_us = d.c.linkStart_us;
  s.efficiency = d.c.linkEfficiency;
  s.fineEfficiency = d.c.linkFineEfficiency;
  s.bulkHopFactor = d.c.linkHopFactor;
  s.peer_us = d.c.linkPeer_us;
  return s;
}

void noteLinks(const CollectiveTime &time, mansard_estimate &out) {
  out.link_bytes = time.link_bytes;
  if (time.extended) {
    out.flags |= MANSARD_ESTIMATE_FALLBACK;
    sdk::setNote(out, "more devices than any link of the chip joins: priced as if the outermost "
                      "link joined them all");
  }
}

void storeLinks(const CollectiveTime &time, Parts &parts, mansard_estimate &out) {
  parts.addSerial(MANSARD_BOUND_FIXED, time.fixed_us);
  parts.addSerial(MANSARD_BOUND_LINK, time.link_us);
  parts.store(out);
  noteLinks(time, out);
}

void estimateCollective(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  const CollectiveTime time = collectiveTime(d.chip, kernel.u.collective, linkSoftware(d));
  if (!time.linked)
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, kUnlinked);
  Parts parts;
  storeLinks(time, parts, out);
}

} // namespace mansard::ascend
