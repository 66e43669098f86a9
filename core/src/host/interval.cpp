#include <mansard/host/interval.h>

#include <mansard/base/dtype.h>
#include <mansard/base/names.h>

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <string_view>

namespace mansard::host {
namespace {

/// The constant residual.<part>.<part>..., empty parts left out; 0 where the family has none.
template <typename... Parts> double residual(const hw::Chip &chip, Parts... parts) {
  char buffer[128];
  char *end = fmt::format_to_n(buffer, sizeof buffer, "residual").out;
  const auto append = [&](std::string_view part) {
    const auto room = static_cast<size_t>(buffer + sizeof buffer - end);
    if (!part.empty())
      end = fmt::format_to_n(end, room, ".{}", part).out;
  };
  (append(parts), ...);
  const auto it =
      chip.calibration.find(std::string_view(buffer, static_cast<size_t>(end - buffer)));
  return it == chip.calibration.end() ? 0 : it->second.value;
}

/// Half the width, in log, that a chip of which the operation was not measured adds.
double carriedOver(const hw::Chip &chip, std::string_view op) {
  if (residual(chip, op, "measured", chip.id) > 0)
    return 0;
  const double ofOp = residual(chip, op, "unmeasured");
  const double width = ofOp > 0 ? ofOp : residual(chip, "unmeasured");
  return width > 0 && std::isfinite(width) ? width : 0;
}

} // namespace

double Band::middle() const { return std::log(low * high) / 2; }
double Band::half() const { return std::log(high / low) / 2; }

Band band(const Model &model, const mansard_kernel &kernel, const mansard_estimate &estimate) {
  const hw::Chip &chip = model.chip();
  const std::string_view any;
  const std::string_view bound =
      estimate.bound < MANSARD_BOUND_COUNT ? kBoundNames[estimate.bound] : any;
  const std::string_view dtype =
      kernel.dtype < MANSARD_DTYPE_COUNT ? kDTypes[kernel.dtype].name : any;
  if (kernel.op < MANSARD_OP_COUNT) {
    const std::string_view op = kOpNames[kernel.op];
    const std::string_view regimes[][2] = {{dtype, bound}, {dtype, any}, {any, bound}, {any, any}};
    for (const auto &[ofType, ofBound] : regimes) {
      const double low = residual(chip, op, ofType, ofBound, "p10");
      const double high = residual(chip, op, ofType, ofBound, "p90");
      if (low > 0 && low <= high && std::isfinite(high))
        return {low, high, carriedOver(chip, op), true};
    }
  }
  return {1, 1, std::numbers::ln2, false};
}

Interval interval(const Model &model, const mansard_kernel &kernel,
                  const mansard_estimate &estimate) {
  const Band its = band(model, kernel, estimate);
  const double wider = std::exp(std::hypot(its.half(), its.carried) - its.half());
  return {estimate.latency_us * its.low / wider, estimate.latency_us * its.high * wider, its.known};
}

} // namespace mansard::host
