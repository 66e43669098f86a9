#include <mansard/host/interval.h>

#include <mansard/base/names.h>

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace mansard::host {
namespace {

/// 0 where the family has no such constant. `regime`: the name of a bound, or "" for all.
double residual(const hw::Chip &chip, uint32_t op, std::string_view regime,
                std::string_view percentile) {
  char buffer[64];
  const auto key = fmt::format_to_n(buffer, sizeof buffer, "residual.{}.{}{}{}", kOpNames[op],
                                    regime, regime.empty() ? "" : ".", percentile);
  const auto it = chip.calibration.find(std::string_view(buffer, key.size));
  return it == chip.calibration.end() ? 0 : it->second.value;
}

} // namespace

Interval interval(const Model &model, const mansard_kernel &kernel,
                  const mansard_estimate &estimate) {
  const double latency_us = estimate.latency_us;
  const std::string_view bound =
      estimate.bound < MANSARD_BOUND_COUNT ? kBoundNames[estimate.bound] : "";
  if (kernel.op < MANSARD_OP_COUNT)
    for (std::string_view regime : {bound, std::string_view()}) {
      const double low = residual(model.chip(), kernel.op, regime, "p10");
      const double high = residual(model.chip(), kernel.op, regime, "p90");
      if (low > 0 && low <= high && std::isfinite(high))
        return {latency_us * low, latency_us * high, true};
    }
  return {latency_us / 2, latency_us * 2, false};
}

} // namespace mansard::host
