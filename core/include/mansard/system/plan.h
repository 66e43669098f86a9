// Which parallel plan serves a model best on given devices, within limits on what its users wait
// for: all plans are priced by the serving estimate, at as many requests as each can take.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>
#include <mansard/model/estimate.h>
#include <mansard/system/serving.h>
#include <mansard/work/workload.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mansard::system {

struct PlanQuestion {
  /// Lengths, quantisation, speculation, software. Its parallelism, concurrency and disaggregation
  /// are what is looked for.
  ServingScenario scenario;
  int64_t devices = 1;                                      // at most, of all workers
  double ttft_ms = std::numeric_limits<double>::infinity(); // at most
  double tpot_ms = std::numeric_limits<double>::infinity();
  bool aggregated = true, disaggregated = true;            // which kinds are tried
  bool context = false;                                    // context parallelism is tried as well
  size_t keep = 5;                                         // best plans, or nearest misses
  int threads = 2;                                         // of no account to the result
  std::function<void(int64_t done, int64_t all)> progress; // from the thread that asks
};

/// One worker's degrees, or two kinds of workers', at the concurrency that yields most.
struct Plan {
  work::Parallelism parallelism;         // of a worker that decodes
  std::optional<Disaggregation> prefill; // the other kind's, and numbers of both
  int64_t concurrency = 0;               // of one deployment of `estimate.devices`
  int64_t copies = 1;                    // of it that the devices have room for
  double excess = 0; // over the limits: the larger ratio to a limit; at most 1 if both are met
  ServingEstimate estimate;
};

struct PlanAnswer {
  std::vector<Plan> best;                 // that meet the limits, most tokens/s/chip first
  std::vector<Plan> nearest;              // where none does: those that exceed them least
  int64_t plans = 0;                      // looked at: degrees and workers
  int64_t points = 0;                     // priced: plans at a concurrency
  std::map<std::string, int64_t> leftOut; // plans by why they were not priced
};

/// What workers of at most `devices` devices may be: every way to cut `model`'s attention by
/// tensor, pipeline and data parallelism (with `context`, its positions), and its experts over the
/// same devices. Whether the degrees divide the model is for lowering it to say.
std::vector<work::Parallelism> candidatePlans(const work::Transformer &model, int64_t devices,
                                              bool context);

/// The same answer whatever the number of threads. Errors: the question makes no sense; the model
/// is a module; a plugin failed. That no plan fits or meets the limits is an answer.
Result<PlanAnswer> searchPlans(const PlanQuestion &question, const model::Lowering &lowering,
                               const host::Model &target);

} // namespace mansard::system
