// A served model in steady state: what its users wait for and what the deployment yields, at a
// given number of requests in flight.
//
// Clients keep `concurrency` requests in flight: each sends the next when its last is answered.
// Nothing is simulated: the state in which as many prompts enter as answers leave is found as a
// fixed point, so results are deterministic and hold Little's law,
// requests/s x (ttft + (osl - 1) x tpot) = concurrency.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>
#include <mansard/model/estimate.h>
#include <mansard/system/profile.h>
#include <mansard/system/step_costs.h>
#include <mansard/work/workload.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mansard::system {

/// Prompts on workers of their own, whose cache is sent to the workers that decode.
struct Disaggregation {
  work::Parallelism prefill; // of one prefill worker; the scenario's plan is one decode worker's
  int64_t prefillWorkers = 0, decodeWorkers = 0; // both 0: as many as balance
  int64_t prefillBatch =
      0; // prompts that a rank of a prefill worker takes at once; 0: as load asks
};

struct ServingScenario {
  int64_t isl = 1024, osl = 1024; // tokens of a prompt and of an answer, on average
  int64_t concurrency = 1;        // requests in flight over the whole deployment
  double prefixHit = 0;           // share of a prompt that the cache has already
  double lengthSpread = 0; // lengths are spread over [1 - this, 1 + this] of their mean; 0: equal
  double firstBurst = 0;   // share of the requests that came at once, at the start
  /// Parallelism, quantisation, cache type, new tokens a step and their acceptance.
  work::Workload plan;
  ExpertTraffic traffic;
  SoftwareProfile software;
  std::optional<Disaggregation> disaggregated;
};

/// Sizes that make no sense, by flag.
Result<> check(const ServingScenario &scenario);

/// What a kernel takes of the devices' time, over decoding and prompts.
struct KernelShare {
  std::string name, what; // as in `estimate`; `what` of the decode step, where it runs there
  uint32_t bound = 0;
  double share = 0;
};

struct MemoryUse {
  double weights = 0, kvCache = 0, activations = 0, capacity = 0; // bytes of one device
};

/// Durations in milliseconds unless named otherwise.
struct ServingEstimate {
  double ttft_ms = 0, tpot_ms = 0;
  // Of the time to the first token: waiting for a place, for the prompts ahead, the prompt itself,
  // sending its cache, and the host.
  double slot_ms = 0, queue_ms = 0, prompt_ms = 0, transfer_ms = 0, request_ms = 0;
  // Of the time of a token: decoding by itself, the iterations' part for others' prompts, and what
  // the host does not hide. They sum to tpot_ms.
  double decode_ms = 0, prompts_ms = 0, host_ms = 0;

  double requests_per_s = 0;
  double tokens_per_s = 0, tokens_per_s_per_chip = 0; // of answers
  double tokens_per_s_per_user = 0;                   // 1 / tpot
  double input_tokens_per_s = 0;
  int64_t chips = 0, devices = 0;
  int64_t prefillWorkers = 0, decodeWorkers = 0; // disaggregated; else 0

  double decoding = 0;    // sequences that decode at any time
  int64_t running = 0;    // most requests that are in the engine at once
  int64_t places = 0;     // most that memory and software let in
  std::string limit;      // what sets `places`
  double prefillBusy = 0; // share of the time that prompts take of the devices that take them

  double part_us[MANSARD_BOUND_COUNT] = {}; // of the mean iteration (of decode workers)
  uint32_t bound = 0;                       // the largest; meaningless if hostBound
  bool hostBound = false;                   // the host takes longer than the devices
  double communicationShare = 0;            // of the mean iteration: lost to links
  /// Average power of a package in W, by part; nothing where the chip's description lacks what it
  /// takes. While the host holds it up a package idles.
  economics::Energy power;
  std::vector<KernelShare> kernels; // largest first
  MemoryUse memory;                 // of a device that decodes
  work::Overlap overlap = work::Overlap::none;
  std::vector<std::string> notes;
};

/// Prices on iterations that are lowered and priced once: `costs` are for the scenario's plan,
/// `prefill` for the prefill workers' (null unless disaggregated). Errors: the scenario makes no
/// sense; a device cannot hold the weights and one sequence; lowering or pricing fails.
Result<ServingEstimate> estimateServing(const ServingScenario &scenario, StepCosts &costs,
                                        StepCosts *prefill = nullptr);

/// What a prefill worker's StepCosts are made for.
work::Workload prefillPlan(const ServingScenario &scenario);

/// One deployment, lowering what it needs and keeping it. `lowering` and `target` outlive it. One
/// object a thread.
class Serving {
public:
  /// Plans, traffic and kernels are those of `deployment`.
  Serving(const model::Lowering &lowering, const host::Model &target,
          const ServingScenario &deployment);

  /// Under any load: lengths, concurrency, schedule and host costs are those of `load`, whose
  /// deployment is the same.
  Result<ServingEstimate> estimate(const ServingScenario &load);

private:
  bool isModule_;
  std::unique_ptr<StepCosts> costs_, prefill_;
};

/// Of a deployment that is asked once.
Result<ServingEstimate> estimateServing(const ServingScenario &scenario,
                                        const model::Lowering &lowering, const host::Model &target);

} // namespace mansard::system
