#include <mansard/model/timeline.h>
#include <mansard/system/server_kernels.h>

#include <algorithm>
#include <iterator>

namespace mansard::system {

void ServerKernels::adjust(const mansard_chip &chip, const mansard_kernel &kernel,
                           mansard_estimate &estimate) const {
  if (kernel.op == MANSARD_OP_VECTOR)
    return model::stretch(estimate, vectorShare);
  if (kernel.op != MANSARD_OP_COLLECTIVE ||
      kernel.u.collective.kind != MANSARD_COLLECTIVE_ALL_REDUCE || !(allReduceEfficiency > 0))
    return;
  const mansard_link &link = chip.links[MANSARD_LINK_SCALE_UP];
  const auto ranks = static_cast<double>(kernel.u.collective.ranks);
  if (!(link.bytes_per_s > 0) || link.domain < ranks || ranks < 2)
    return;
  const double peers = ranks - 1;
  const double moved_us = static_cast<double>(kernel.u.collective.size_bytes) /
                          (link.bytes_per_s * 1e-6 * allReduceEfficiency);
  const double oneShot_us = peers * moved_us, twoShot_us = 2 * peers / ranks * moved_us;
  const bool twice = allReduceStart_us / 2 + twoShot_us < oneShot_us;
  const double start_us = allReduceStart_us * (twice ? 1.5 : 1);
  const double link_us = twice ? twoShot_us : oneShot_us;
  if (start_us + link_us >= estimate.latency_us)
    return;
  std::fill(std::begin(estimate.part_us), std::end(estimate.part_us), 0.0);
  estimate.part_us[MANSARD_BOUND_FIXED] = start_us;
  estimate.part_us[MANSARD_BOUND_LINK] = link_us;
  estimate.latency_us = start_us + link_us;
  estimate.bound = start_us > link_us ? MANSARD_BOUND_FIXED : MANSARD_BOUND_LINK;
  estimate.link_bytes =
      (twice ? 2 * peers / ranks : peers) * static_cast<double>(kernel.u.collective.size_bytes);
}

} // namespace mansard::system
