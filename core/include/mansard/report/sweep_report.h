// A sweep with what memory and chip cost at each point, collected once, and its views.
#pragma once

#include <mansard/base/result.h>
#include <mansard/economics/assumptions.h>
#include <mansard/explore/sweep.h>

#include <optional>
#include <string>
#include <vector>

namespace mansard::report {

/// Of a package. Nothing where descriptions lack what it takes.
struct SweptCost {
  std::optional<double> interface_mm2; // of the memory interfaces
  std::optional<double> memory_usd, make_usd;
  /// As buyers pay it: that of the chip as shipped, and what the point costs more or less to make.
  std::optional<double> price_usd;
};

struct SweptFigures {
  std::optional<double> tokensPerJoule, usdPerMtok;
};

struct SweepReport {
  explore::SweepResult result;
  std::string economics;
  std::vector<SweptCost> costs;                    // as result.chips
  std::vector<std::vector<SweptFigures>> figures;  // as result.chips and their phases
  std::vector<std::vector<std::string>> costNotes; // by target: why figures are missing
};

SweepReport collectSweep(const hw::Catalog &catalog, explore::SweepResult result,
                         const economics::Assumptions &economics);

/// With every kernel at every point if `kernels`; else only those whose bound changes.
std::string sweepTable(const SweepReport &report, bool kernels);
std::string sweepJson(const SweepReport &report);
/// A row for each target, point and phase; if `kernels`, for each kernel of these.
std::string sweepCsv(const SweepReport &report, bool kernels);

/// Names and what they vary, for `list`.
std::string sweepsTable(const std::vector<explore::Sweep> &sweeps);
std::string sweepsJson(const std::vector<explore::Sweep> &sweeps);

} // namespace mansard::report
