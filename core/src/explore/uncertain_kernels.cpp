#include <mansard/explore/uncertain_kernels.h>

#include <mansard/base/names.h>
#include <mansard/host/interval.h>
#include <mansard/report/residuals.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace mansard::explore {
namespace {

constexpr std::array<std::string_view, MANSARD_OP_COUNT> kTitles = [] {
  std::array<std::string_view, MANSARD_OP_COUNT> titles{};
  titles[MANSARD_OP_MATMUL] = "matmul";
  titles[MANSARD_OP_GROUPED_MATMUL] = "grouped matmul";
  titles[MANSARD_OP_ATTENTION_PREFILL] = "prefill attention";
  titles[MANSARD_OP_ATTENTION_DECODE] = "decode attention";
  titles[MANSARD_OP_MLA_PREFILL] = "latent prefill attention";
  titles[MANSARD_OP_MLA_DECODE] = "latent decode attention";
  titles[MANSARD_OP_VECTOR] = "vector";
  titles[MANSARD_OP_MOE] = "expert";
  titles[MANSARD_OP_COLLECTIVE] = "collective";
  titles[MANSARD_OP_EXPERT_PARALLEL] = "expert exchange";
  titles[MANSARD_OP_CUSTOM] = "custom kernel";
  return titles;
}();
static_assert(std::all_of(kTitles.begin(), kTitles.end(),
                          [](std::string_view title) { return !title.empty(); }));

double commonOf(const hw::Chip &chip, uint32_t op) {
  const auto found =
      chip.calibration.find(fmt::format("residual.{}.{}", kOpNames[op], report::kCommonKey));
  return found == chip.calibration.end() ? 1 : std::clamp(found->second.value, 0.0, 1.0);
}

} // namespace

void KernelTimes::add(const host::Model &target, const work::Program &program,
                      std::span<const mansard_estimate> estimates,
                      std::span<const model::StepTime> steps, double weight) {
  std::vector<double> exposed_us(program.kernels.size());
  double total_us = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    exposed_us[program.steps[i].kernel] += steps[i].exposed_us;
    total_us += steps[i].exposed_us;
  }
  if (!(total_us > 0) || !(weight > 0))
    return;
  for (size_t i = 0; i < exposed_us.size(); ++i) {
    const work::Kernel &kernel = program.kernels[i];
    if (!(exposed_us[i] > 0) || kernel.op >= MANSARD_OP_COUNT)
      continue;
    const double time = weight * exposed_us[i] / total_us;
    const host::Band band = host::band(target, kernel, estimates[i]);
    Sum &sum = sums_[kernel.op];
    if (!(sum.time > 0))
      sum.common = commonOf(target.chip(), kernel.op);
    sum.time += time;
    sum.middle += time * band.middle();
    sum.half += time * band.half();
    sum.carried += time * band.carried;
    sum.sites[report::siteOf(kernel)] += time * band.half();
  }
}

void KernelTimes::addInputs(std::vector<UncertainInput> &inputs, const std::string &owner) const {
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op) {
    const Sum &sum = sums_[op];
    if (!(sum.time > 0))
      continue;
    double apart = 0;
    for (const auto &[site, half] : sum.sites)
      apart += half * half;
    const double middle = sum.middle / sum.time;
    const double half = std::sqrt(sum.common * sum.half * sum.half + (1 - sum.common) * apart +
                                  sum.carried * sum.carried) /
                        sum.time;
    inputs.push_back({UncertainInput::Shape::lognormal,
                      fmt::format("{} times of {}", kTitles[op], owner), 1, std::exp(middle - half),
                      std::exp(middle + half)});
  }
}

model::KernelFactors KernelTimes::take(std::span<const double> &values) const {
  model::KernelFactors factors = model::kAsEstimated;
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
    if (sums_[op].time > 0) {
      factors[op] = values.front();
      values = values.subspan(1);
    }
  return factors;
}

} // namespace mansard::explore
