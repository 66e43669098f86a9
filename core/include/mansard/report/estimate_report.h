// The estimate of one step of a model, collected once from what lowering and pricing gave, and its
// views.
#pragma once

#include <mansard/explore/uncertain_step.h>
#include <mansard/host/host.h>
#include <mansard/model/estimate.h>
#include <mansard/report/memory_lines.h>
#include <mansard/report/power_figures.h>
#include <mansard/report/standing.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::report {

/// All runs of one kernel under one name.
struct KernelLine {
  std::string name, op, what; // what: a short description of the work
  int64_t count = 0;
  double latency_us = 0; // of one run
  double total_us = 0;   // of all runs
  double exposed_us = 0; // what they add to the step; less where something runs beside them
  double share = 0;      // of the step
  uint32_t bound = 0;
};

/// Those that have ranges; power has none where it is not known.
enum class StepFigure { latency, tokens, tokens_per_chip, power };
inline constexpr std::array<std::string_view, 4> kStepFigureKeys{
    "latency_ms", "tokens_per_s", "tokens_per_s_per_chip", "power_w"};

struct EstimateReport {
  std::string target, targetName, model, modelName, phase, scenario;
  std::string system; // that the target is built into; empty: none was named
  double latency_ms = 0, tokens = 0, tokens_per_s = 0, tokens_per_s_per_chip = 0;
  int64_t devices = 0, chips = 0;
  std::optional<work::Parallelism> parallelism; // a module's is its own
  double weights_GiB = 0, kvCache_GiB = 0, activations_GiB = 0, capacity_GiB = 0; // of a chip
  double buffers_GiB = 0;
  std::vector<MemoryLine> memory; // of a chip
  bool fits = true;
  double missing_GiB = 0, deviceCapacity_GiB = 0; // of a device
  std::vector<std::string> remedies;
  uint32_t bound = 0;
  double part_ms[MANSARD_BOUND_COUNT] = {};
  double communicationShare = 0; // of the step: what it would gain if links were free
  PowerFigures power;            // of a package
  StepStanding standing;
  std::vector<KernelLine> kernels; // in order of execution
  /// By StepFigure; no figures where the ranges could not be found, which a note tells.
  explore::Spreads spreads;
  std::vector<std::string> notes;

  /// Null where there is none.
  const explore::Spread *spread(StepFigure figure) const {
    return spreads.of(static_cast<size_t>(figure));
  }

  /// "DOES NOT FIT: needs 81.2 GiB more ...", or empty.
  std::string misfit() const;
};

EstimateReport collectEstimate(const model::StepEstimate &estimate, const host::Model &target);

std::string estimateTable(const EstimateReport &report);
std::string estimateJson(const EstimateReport &report);
/// A row for each kernel, and one named "step" for their whole.
std::string estimateCsv(const EstimateReport &report);

} // namespace mansard::report
