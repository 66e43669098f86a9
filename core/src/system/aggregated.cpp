// Prompts and decoding sequences on the same devices.
#include "engine.h"
#include "queueing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace mansard::system {
namespace {

/// The engine in steady state. `prompts` enter with each iteration, which takes iteration_us.
struct State {
  double prompts = 0, decoding = 0;
  double device_us = 0, host_us = 0, load_us = 0; // of an iteration: they sum to iteration_us
  double iteration_us = 0;
  double queue_us = 0, own_us = 0; // of the time to the first token
};

class Aggregated {
public:
  Aggregated(const ServingScenario &scenario, StepCosts &costs)
      : scenario_(scenario), engine_(scenario, costs) {}

  Result<ServingEstimate> run() {
    auto places = engine_.places(out_.limit, out_.memory);
    if (!places)
      return places.error();
    out_.places = *places;
    out_.running = std::min(scenario_.concurrency, *places);
    running_ = static_cast<double>(out_.running);
    engine_.setMost(out_.running);
    iterations_ = static_cast<double>(scenario_.osl - 1) / engine_.tokensPerIteration();
    if (auto solved = waves() ? solveWaves() : solveSteady(); !solved)
      return solved.error();
    if (auto told = report(); !told)
      return told.error();
    return std::move(out_);
  }

private:
  double perRank() const { return running_ / static_cast<double>(engine_.ranks()); }

  /// Where prompts go first and answers are of one length, requests that began together end
  /// together: they stay one wave.
  bool waves() const {
    return !scenario_.software.mixes_prompts && scenario_.lengthSpread == 0 && perRank() > 1;
  }

  /// Where answers are of one length but prompts do not hold up decoding, requests end one
  /// iteration after another, as they began: each comes while its predecessor's prompt is computed
  /// and shares the iteration with its successor's.
  bool follows() const {
    return scenario_.software.mixes_prompts && scenario_.lengthSpread == 0 && perRank() > 2;
  }

  /// Prompts that begin together where `prompts` arrive in each iteration: all since the last look.
  double together(double prompts) const {
    return prompts * std::max(1.0, scenario_.software.poll_iterations);
  }

  /// Of an iteration, prompts of the busiest replica while `prompts` of all ranks enter.
  double busiest(double prompts) const {
    const double mean = together(prompts) / static_cast<double>(engine_.ranks());
    return busiestOf(engine_.replicasWait() ? static_cast<double>(engine_.replicas()) : 1, mean) /
           together(1);
  }

  State at(double prompts) {
    // An answer is not held up by its own prompt.
    const double others = (running_ - 1) / running_;
    State s;
    s.prompts = prompts;
    s.decoding = std::min(running_, prompts * iterations_);
    const auto device = engine_.device_us(s.decoding);
    const auto whole = engine_.iteration_us(s.decoding);
    if (!device || !whole) {
      failed_ = !device ? device.error() : whole.error();
      return s;
    }
    s.device_us = iterations_ > 0 ? *device : 0;
    s.host_us = iterations_ > 0 ? *whole - *device : 0;
    s.load_us = static_cast<double>(engine_.stages()) * busiest(prompts * others) * prompt_.load_us;
    s.iteration_us = s.device_us + s.host_us + s.load_us;

    const SoftwareProfile &software = scenario_.software;
    const double most = static_cast<double>(engine_.mostPacked(out_.running));
    const double spread = static_cast<double>(prompt_.iterations);
    // What runs when a request arrives is half done on average.
    const double pause_us = software.poll_iterations / 2;
    if (software.mixes_prompts) {
      const double filled = prompts * spread / (static_cast<double>(engine_.ranks()) * most);
      s.queue_us = pause_us * s.iteration_us +
                   meanWait(filled, 1, perRank()) * spread * s.iteration_us / most;
    } else {
      const double busy = s.load_us / s.iteration_us;
      s.queue_us = pause_us * (1 - busy) * (s.device_us + s.host_us) +
                   meanWait(busy, 1, perRank()) * prompt_.latency_us;
    }
    s.own_us = prompt_.latency_us;
    if (follows()) {
      s.queue_us += prompt_.load_us * static_cast<double>(engine_.stages());
      s.own_us += prompt_.load_us * static_cast<double>(engine_.stages());
    }
    return s;
  }

  /// Prompts that enter with each iteration, so that entering, waiting and decoding requests are
  /// all that there are.
  Result<> solveSteady() {
    int64_t packed = 1, active = engine_.replicas();
    constexpr int kPasses = 4;
    for (int pass = 0; pass < kPasses; ++pass) {
      auto prompt = engine_.prompt(out_.running, packed, active * engine_.stages());
      if (!prompt)
        return prompt.error();
      prompt_ = *prompt;
      const double most = iterations_ > 0 ? std::min(running_, running_ / iterations_) : running_;
      const double prompts = crossing(0, most, [&](double n) {
        const State s = at(n);
        return n * ((request_us() + s.queue_us + s.own_us) / s.iteration_us + iterations_) -
               running_;
      });
      state_ = at(prompts);
      if (failed_)
        return *failed_;
      const int64_t nowPacked = powerBelow(together(prompts) / static_cast<double>(engine_.ranks()),
                                           engine_.mostPacked(out_.running));
      const int64_t nowActive = activeReplicas(together(prompts));
      if (nowPacked == packed && nowActive == active)
        break;
      packed = nowPacked;
      active = nowActive;
    }
    return Ok{};
  }

  /// All requests of a rank are prefilled, in batches, before any of them decodes.
  Result<> solveWaves() {
    const auto waiting = static_cast<int64_t>(std::ceil(perRank()));
    auto prompt = engine_.prompt(out_.running, std::min(waiting, engine_.mostPacked(out_.running)),
                                 engine_.ranks());
    if (!prompt)
      return prompt.error();
    prompt_ = *prompt;
    State &s = state_;
    s = at(running_ / std::max(1.0, iterations_));
    if (failed_)
      return *failed_;
    const double stages = static_cast<double>(engine_.stages());
    const double batch = std::min(perRank(), static_cast<double>(prompt_.packed));
    const double each_us = prompt_.load_us * stages;
    s.decoding = running_;
    s.queue_us = each_us * (perRank() - batch) / 2;
    s.own_us = prompt_.latency_us;
    s.load_us = iterations_ > 0 ? s.queue_us / iterations_ : 0;
    s.iteration_us = s.device_us + s.host_us + s.load_us;
    return Ok{};
  }

  double request_us() const { return scenario_.software.request_us; }

  static int64_t powerBelow(double value, int64_t most) {
    int64_t power = 1;
    while (static_cast<double>(2 * power) <= value)
      power *= 2;
    return std::min(power, most);
  }

  /// Replicas that have prompts in an iteration that has any.
  int64_t activeReplicas(double prompts) const {
    const int64_t replicas = engine_.replicas();
    if (!engine_.replicasWait())
      return replicas;
    const double each = prompts / static_cast<double>(engine_.stages());
    const double any = each > 0 ? each / -std::expm1(-each) : 1; // given that there are some
    return std::min(replicas, 2 * powerBelow(any / 1.5, replicas));
  }

  /// When all requests come at once, the mean one waits for half of the others.
  double burst_us() const {
    const double each_us = prompt_.load_us * static_cast<double>(engine_.stages());
    const double batches = perRank() / static_cast<double>(prompt_.packed);
    const double between_us =
        scenario_.software.mixes_prompts ? (state_.device_us + state_.host_us) : 0;
    return each_us * perRank() / 2 + between_us * batches / 2;
  }

  Result<> report() {
    const State &s = state_;
    // An answer of one token ends with its prompt's iteration.
    const double yield = iterations_ > 0 ? engine_.tokensPerIteration() : HUGE_VAL;
    const double clients = static_cast<double>(scenario_.concurrency);
    out_.request_ms = request_us() / 1e3;
    out_.prompt_ms = s.own_us / 1e3;
    out_.queue_ms = s.queue_us / 1e3;
    out_.queue_ms += scenario_.firstBurst * std::max(0.0, burst_us() - s.queue_us) / 1e3;
    out_.decode_ms = s.device_us / yield / 1e3;
    out_.host_ms = s.host_us / yield / 1e3;
    out_.prompts_ms = s.load_us / yield / 1e3;
    out_.tpot_ms = out_.decode_ms + out_.host_ms + out_.prompts_ms;
    const double answer_ms = out_.tpot_ms * static_cast<double>(scenario_.osl - 1);
    const double inside_ms = out_.request_ms + out_.prompt_ms + out_.queue_ms + answer_ms;
    out_.slot_ms = (clients - running_) / running_ * inside_ms;
    out_.ttft_ms = inside_ms - answer_ms + out_.slot_ms;
    out_.requests_per_s = clients / (out_.ttft_ms + answer_ms) * 1e3;
    out_.decoding = out_.requests_per_s * answer_ms / 1e3;

    auto sample = engine_.sample(s.decoding);
    if (!sample)
      return sample.error();
    const double scale = iterations_ > 0 ? s.device_us / sample->total_us : 0;
    const double entering =
        prompt_.load_us > 0 ? s.load_us / prompt_.load_us : 0; // prompts of the busiest rank
    double total_us = 0;
    for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part) {
      out_.part_us[part] = scale * sample->part_us[part] + entering * prompt_.part_us[part];
      total_us += out_.part_us[part];
      if (out_.part_us[part] > out_.part_us[out_.bound])
        out_.bound = part;
    }
    out_.hostBound = s.host_us > total_us;
    out_.communicationShare =
        total_us > 0
            ? (scale * sample->communication_us + entering * prompt_.communication_us) / total_us
            : 0;
    const economics::EnergyModel &energy = engine_.energy();
    if (energy.known())
      out_.power =
          energy.packagePower(sample->energy * scale + prompt_.energy * entering, s.iteration_us,
                              total_us, static_cast<double>(scenario_.plan.parallelism.devices()));
    out_.prefillBusy = s.iteration_us > 0 ? s.load_us / s.iteration_us : 0;
    out_.overlap = sample->detail->overlap;
    out_.kernels = largestKernels(scale > 0 ? sample->detail : nullptr, prompt_, entering);
    out_.notes = sample->detail->program->notes;
    if (out_.places < scenario_.concurrency)
      out_.notes.insert(out_.notes.begin(),
                        fmt::format("{} of {} requests run at once ({}); the others wait for a "
                                    "place, {:.1f} s on average",
                                    out_.running, scenario_.concurrency, out_.limit,
                                    out_.slot_ms / 1e3));
    if (prompt_.iterations > 1)
      out_.notes.push_back(
          fmt::format("a prompt is spread over {} iterations", prompt_.iterations));
    return Ok{};
  }

  const ServingScenario &scenario_;
  Engine engine_;
  ServingEstimate out_;
  double running_ = 0, iterations_ = 0;
  PromptCost prompt_;
  State state_;
  std::optional<Error> failed_;
};

} // namespace

Result<ServingEstimate> estimateAggregated(const ServingScenario &scenario, StepCosts &costs) {
  return Aggregated(scenario, costs).run();
}

} // namespace mansard::system
