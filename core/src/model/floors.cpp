#include <mansard/base/counts.h>
#include <mansard/base/names.h>
#include <mansard/model/floors.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::model {
namespace {
constexpr double kRounding = 1e-9; // relative
}

std::vector<std::string> brokenFloors(const mansard_chip &chip, const work::Kernel &kernel,
                                      const mansard_estimate &estimate) {
  std::vector<std::string> broken;
  const Counts counts = countWork(kernel);
  const auto floor = [&](double work, double perSecond, std::string_view what) {
    if (!(work > 0) || !(perSecond > 0))
      return;
    const double least_us = work / perSecond * 1e6;
    if (estimate.latency_us * (1 + kRounding) < least_us)
      broken.push_back(fmt::format("{}: {:.4g} us is below the {:.4g} us that {} takes",
                                   work::describe(kernel), estimate.latency_us, least_us, what));
  };
  // Attention over a narrow cache may narrow its queries rather than widen the cache.
  const bool attends = kernel.op == MANSARD_OP_ATTENTION_PREFILL ||
                       kernel.op == MANSARD_OP_ATTENTION_DECODE ||
                       kernel.op == MANSARD_OP_MLA_PREFILL || kernel.op == MANSARD_OP_MLA_DECODE;
  const double own = chip.matrix_ops_per_s[kernel.dtype];
  floor(counts.matrixOperations,
        attends ? std::max(own, chip.matrix_ops_per_s[kernel.weight_dtype]) : own,
        "the matrix unit's peak");
  // What the last-level cache holds may be there already, and another draw of a balanced routing
  // may touch fewer experts.
  floor(counts.readBytes - counts.chanceBytes + counts.writeBytes - chip.l2_bytes,
        chip.dram_peak_bytes_per_s, "the memory's peak");
  double links = 0;
  bool adds = false;
  for (const mansard_link &link : chip.links) {
    links += link.bytes_per_s;
    adds = adds || link.in_network_reduction != 0;
  }
  floor(adds ? counts.linkBytes / 2 : counts.linkBytes, links, "every link at once");

  double sum = 0;
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i) {
    sum += estimate.part_us[i];
    if (!(estimate.part_us[i] >= 0))
      broken.push_back(fmt::format("{}: the {} part is {} us", work::describe(kernel),
                                   kBoundNames[i], estimate.part_us[i]));
  }
  if (!(std::fabs(sum - estimate.latency_us) <= 1e-6 * estimate.latency_us + kRounding))
    broken.push_back(fmt::format("{}: the parts add up to {:.6g} us, not to {:.6g} us",
                                 work::describe(kernel), sum, estimate.latency_us));
  return broken;
}

} // namespace mansard::model
