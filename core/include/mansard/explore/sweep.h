// One workload on many variants of chips: each target under each set of overridden numbers.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>
#include <mansard/hw/chip.h>
#include <mansard/hw/document.h>
#include <mansard/model/estimate.h>
#include <mansard/work/workload.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mansard::explore {

/// A variant of every target.
struct SweepPoint {
  std::string name;
  std::vector<hw::Override> overrides; // none: the chip as it is
};

/// One field and the values it takes.
struct SweptField {
  std::string key;
  std::vector<std::string> values;
};

struct SweepTarget {
  std::string name; // or a path
  bool isSystem = false;
};

struct Sweep {
  std::string id, name, file; // of a file; else empty
  std::string model;          // as `mansard estimate --model`
  std::vector<SweepTarget> targets;
  std::vector<SweepPoint> points; // in order; none: only what `over` makes
  std::vector<SweptField> over;   // every point is crossed with every combination; the last field
                                  // varies fastest
  /// Of both phases: a decode step of `batch` sequences at KV length `context`; a prefill step of
  /// `prompts` prompts as long.
  work::Workload workload;
  int64_t prompts = 0; // 0: one for each data-parallel replica
  bool prefill = true, decode = true;

  int64_t promptsOfStep() const {
    return prompts > 0 ? prompts : workload.parallelism.dp * workload.parallelism.pp;
  }
};

/// KEY=VALUE,VALUE,... of a field to sweep over.
Result<SweptField> parseSweptField(const std::string &text);

/// Reads a file of configs/sweeps. Errors name the place and the nearest valid key.
Result<Sweep> parseSweep(const hw::Document &document);

/// Of all targets together.
inline constexpr size_t kMostPoints = 4096;

/// All points: the named ones crossed with every combination. Errors: a field twice; nothing to
/// vary; more than kMostPoints.
Result<std::vector<SweepPoint>> pointsOf(const Sweep &sweep);

/// All runs of one kernel under one name in a step.
struct SweptKernel {
  std::string name, what;
  uint32_t op = 0;
  int64_t count = 0;
  double total_us = 0; // that they add to the step
  uint32_t bound = 0;
};

/// Durations in microseconds.
struct SweptPhase {
  work::Phase phase = work::Phase::decode;
  double total_us = 0, tokens = 0; // of one step
  double part_us[MANSARD_BOUND_COUNT] = {};
  uint32_t bound = 0;
  double dramBound = 0; // share of the step in kernels that DRAM bounds
  double speedup = 0;   // over the target's reference point; 0: there is none
  double needBytes = 0; // of one device's memory
  bool fits = true;
  std::optional<double> power_W; // of a package on average; nothing where its energies are unknown
  std::vector<SweptKernel> kernels; // in order of execution

  double tokensPerSecond() const { return total_us > 0 ? tokens / total_us * 1e6 : 0; }
};

/// Operations a byte above which the matrix unit is the limit: its peak over the bandwidth that
/// reads sustain.
struct Ridge {
  uint32_t dtype = 0;
  double operationsPerByte = 0;
};

/// A target at a point.
struct SweptChip {
  size_t target = 0, point = 0; // indices
  std::string failure;          // why there is no result; empty: there is one
  hw::Chip chip;                // as overridden; none if that failed
  std::string pricedBy;
  bool asShipped = false; // the overrides changed nothing
  bool reference = false; // that others of the target are compared with
  int64_t devices = 0, chips = 0;
  double peakBytesPerSecond = 0, readBytesPerSecond = 0, capacityBytes = 0; // of a device
  std::vector<Ridge> ridges;      // by data type of the matrix work, in order of type
  std::vector<SweptPhase> phases; // prefill first
  std::vector<std::string> notes;
};

struct SweepResult {
  Sweep sweep;
  std::string model; // that was lowered
  std::vector<SweepPoint> points;
  std::vector<hw::Chip> shipped; // by target, without overrides
  std::vector<SweptChip> chips;  // by target, then point
};

struct SweepOptions {
  int threads = 1;
  std::function<void(int64_t done, int64_t all)> progress; // on the calling thread
};

/// Prices both phases of every target at every point, on programs that are lowered once for all
/// variants with the same capabilities. A target's reference is the chip as shipped if that is
/// among the points, else the first point that has a result. What fails at one point is told there.
/// Errors, before anything is priced: an unknown target, model or key, a workload that makes no
/// sense. Deterministic on any number of threads. Not thread-safe, as `host` is not.
Result<SweepResult> runSweep(host::Host &host, const model::Lowering &lowering, const Sweep &sweep,
                             const SweepOptions &options = {});

} // namespace mansard::explore
