// How well the model that prices a chip is validated: what measurements stand behind its estimates,
// as the calibration of the chip's family records them.
#pragma once

#include <mansard/hw/chip.h>
#include <mansard/model/estimate.h>
#include <mansard/sdk/abi.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mansard::report {

/// What was measured: the chip itself, others of its family only, or nothing.
enum class Measured { chip, family, nothing };
inline constexpr std::array<std::string_view, 3> kMeasuredNames{"chip", "family", "nothing"};

/// Of one operation.
struct Standing {
  Measured measured = Measured::nothing;
  std::vector<std::pair<std::string, size_t>> rows; // measured chips, and how many kernels of each
  /// Measured over predicted, 10th and 90th percentile over all regimes; 0 where nothing tells.
  double p10 = 0, p90 = 0;
  std::string source; // of the percentiles

  size_t allRows() const;
  /// In one line, without its subject: "1,506 gemm of h100-sxm, ...".
  std::string text(uint32_t op) const;
};
/// From residual.<op>.{p10,p90} and residual.<op>.measured.<chip>. `flags` are the estimate's: one
/// that its model calls uncalibrated stands on nothing, whatever its family's calibration has.
Standing standingOf(const hw::Chip &chip, uint32_t op, uint32_t flags = 0);

/// Of all operations: the best that any has.
Measured measuredOf(const hw::Chip &chip);

/// Of a step: how much of its time is in kernels that stand on what.
struct StepStanding {
  struct Op {
    uint32_t op = 0;
    double share = 0;
    Standing standing;
  };
  std::array<double, 3> share{}; // by Measured
  std::vector<Op> ops;           // the largest first

  std::string text() const;
};
StepStanding standingOf(const model::StepEstimate &estimate, const hw::Chip &chip);

} // namespace mansard::report
