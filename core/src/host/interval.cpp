#include <mansard/host/interval.h>

#include <mansard/base/names.h>

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace mansard::host {
namespace {

/// 0 where the family has no such constant.
double residual(const hw::Chip &chip, uint32_t op, std::string_view percentile) {
  char buffer[64];
  const auto key =
      fmt::format_to_n(buffer, sizeof buffer, "residual.{}.{}", kOpNames[op], percentile);
  const auto it = chip.calibration.find(std::string_view(buffer, key.size));
  return it == chip.calibration.end() ? 0 : it->second.value;
}

} // namespace

Interval interval(const Model &model, const mansard_kernel &kernel, double latency_us) {
  if (kernel.op < MANSARD_OP_COUNT) {
    const double low = residual(model.chip(), kernel.op, "p10");
    const double high = residual(model.chip(), kernel.op, "p90");
    if (low > 0 && low <= high && std::isfinite(high))
      return {latency_us * low, latency_us * high, true};
  }
  return {latency_us / 2, latency_us * 2, false};
}

} // namespace mansard::host
