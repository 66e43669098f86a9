#include <mansard/base/names.h>
#include <mansard/report/standing.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace mansard::report {
namespace {

constexpr std::string_view kMeasuredKey = "measured.";

size_t indexOf(Measured measured) { return static_cast<size_t>(measured); }

} // namespace

size_t Standing::allRows() const {
  size_t all = 0;
  for (const auto &[chip, count] : rows)
    all += count;
  return all;
}

std::string Standing::text(uint32_t op) const {
  const std::string range = p10 > 0 ? fmt::format("eight of ten at {} to {} times the estimate",
                                                  number(p10, 3), number(p90, 3))
                                    : "";
  if (measured == Measured::nothing)
    return range.empty() ? "not measured"
                         : fmt::format("not measured; to be expected: {} ({})", range, source);
  std::vector<std::string> parts;
  for (const auto &[chip, count] : rows)
    parts.push_back(fmt::format("{}{} of {}", grouped(static_cast<double>(count)),
                                parts.empty() ? fmt::format(" {}", kOpNames[op]) : "", chip));
  const std::string text = fmt::format(
      "{} measured: {}", measured == Measured::chip ? "this chip is" : "others of the family are",
      fmt::join(parts, ", "));
  return range.empty() ? text : fmt::format("{}; {}", text, range);
}

Standing standingOf(const hw::Chip &chip, uint32_t op, uint32_t flags) {
  Standing standing;
  const std::string prefix = fmt::format("residual.{}.", kOpNames[op]);
  const auto found = [&](std::string_view name) {
    return chip.calibration.find(prefix + std::string(name));
  };
  const auto low = found("p10"), high = found("p90");
  if (low != chip.calibration.end() && high != chip.calibration.end()) {
    standing.p10 = low->second.value;
    standing.p90 = high->second.value;
    standing.source = low->second.source;
  }
  if (flags & (MANSARD_ESTIMATE_UNCALIBRATED | MANSARD_ESTIMATE_FALLBACK))
    return standing;
  const std::string stem = prefix + std::string(kMeasuredKey);
  for (auto at = chip.calibration.lower_bound(stem);
       at != chip.calibration.end() && at->first.starts_with(stem); ++at) {
    const std::string id = at->first.substr(stem.size());
    standing.rows.emplace_back(id, static_cast<size_t>(at->second.value));
    if (id == chip.id)
      standing.measured = Measured::chip;
    else if (standing.measured == Measured::nothing)
      standing.measured = Measured::family;
  }
  return standing;
}

Measured measuredOf(const hw::Chip &chip) {
  Measured best = Measured::nothing;
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
    best = std::min(best, standingOf(chip, op).measured);
  return best;
}

std::string StepStanding::text() const {
  const double chip = share[indexOf(Measured::chip)], family = share[indexOf(Measured::family)];
  if (chip < kShown && family < kShown)
    return "no part of the step is priced by measurements of this chip's family";
  return fmt::format("{} of the step by measurements of this chip, {} of its family, {} by none",
                     percent(chip), percent(family), percent(share[indexOf(Measured::nothing)]));
}

StepStanding standingOf(const model::StepEstimate &estimate, const hw::Chip &chip) {
  StepStanding step;
  std::map<std::pair<uint32_t, Measured>, StepStanding::Op> ops;
  double total_us = 0;
  for (size_t i = 0; i < estimate.program.steps.size(); ++i) {
    const uint32_t kernel = estimate.program.steps[i].kernel;
    const uint32_t op = estimate.program.kernels[kernel].op;
    Standing standing = standingOf(chip, op, estimate.estimates[kernel].flags);
    const double exposed_us = estimate.steps[i].exposed_us;
    total_us += exposed_us;
    step.share[indexOf(standing.measured)] += exposed_us;
    StepStanding::Op &all = ops[{op, standing.measured}];
    all.op = op;
    all.share += exposed_us;
    all.standing = std::move(standing);
  }
  const double scale = total_us > 0 ? 1 / total_us : 0;
  for (double &share : step.share)
    share *= scale;
  for (auto &[key, op] : ops) {
    op.share *= scale;
    step.ops.push_back(std::move(op));
  }
  std::stable_sort(step.ops.begin(), step.ops.end(),
                   [](const auto &a, const auto &b) { return a.share > b.share; });
  return step;
}

} // namespace mansard::report
