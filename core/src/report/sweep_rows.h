// What the views of a sweep share.
#pragma once

#include <mansard/report/sweep_report.h>

#include <string>
#include <vector>

namespace mansard::report {

using explore::SweepResult;
using explore::SweptChip;
using explore::SweptKernel;
using explore::SweptPhase;

inline std::string phaseName(const SweptPhase &phase) {
  return phase.phase == work::Phase::decode ? "decode" : "prefill";
}

inline double rateOf(const SweptChip &chip, const SweptPhase &phase) {
  return phase.tokensPerSecond() / static_cast<double>(chip.chips);
}

/// The chips of one target.
struct Rows {
  const SweepReport &report;
  size_t target;
  const SweepResult &result() const { return report.result; }
  size_t across() const { return result().points.size(); }
  const SweptChip &chip(size_t point) const { return result().chips[target * across() + point]; }
  const SweptCost &cost(size_t point) const { return report.costs[target * across() + point]; }
  const std::vector<SweptFigures> &figures(size_t point) const {
    return report.figures[target * across() + point];
  }
  std::string name(size_t point) const {
    const std::string &own = result().points[point].name;
    return own + (chip(point).asShipped && own != "as shipped" ? " (as shipped)" : "");
  }
};

} // namespace mansard::report
