// Prompts on some workers, decoding on others.
#include "engine.h"
#include "queueing.h"

#include <mansard/base/units.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace mansard::system {
namespace {

/// Everything in steady state, for given numbers of workers.
struct State {
  int64_t prefillWorkers = 1, decodeWorkers = 1, running = 0;
  PromptCost prompt;
  double decoding = 0; // over all decode workers
  double device_us = 0, iteration_us = 0;
  double requests_per_us = 0, queue_us = 0, prefillBusy = 0;
};

class Disaggregated {
public:
  Disaggregated(const ServingScenario &scenario, StepCosts &decode, StepCosts &prefill)
      : scenario_(scenario), ways_(*scenario.disaggregated), prefillCosts_(prefill),
        decode_(scenario, decode), prefill_(scenario, prefill) {}

  Result<ServingEstimate> run() {
    std::string ignoredLimit;
    MemoryUse ignoredMemory;
    if (auto holds = prefill_.places(ignoredLimit, ignoredMemory); !holds)
      return Error{holds.error().code, "a prefill worker: " + holds.error().message,
                   holds.error().place};
    auto places = decode_.places(out_.limit, out_.memory);
    if (!places)
      return Error{places.error().code, "a decode worker: " + places.error().message,
                   places.error().place};
    placesOfWorker_ = *places;
    iterations_ = static_cast<double>(scenario_.osl - 1) / decode_.tokensPerIteration();
    if (auto sent = findTransfer(); !sent)
      return sent.error();

    std::optional<State> best;
    const auto tryWith = [&](int64_t prefillWorkers, int64_t decodeWorkers) -> Result<State> {
      auto state = solve(prefillWorkers, decodeWorkers);
      if (state && (!best || perDevice(*state) > perDevice(*best)))
        best = *state;
      return state;
    };
    if (ways_.prefillWorkers > 0) {
      if (auto state = tryWith(ways_.prefillWorkers, ways_.decodeWorkers); !state)
        return state.error();
    } else {
      for (int64_t decoders = 1; decoders <= kMostDecoders; ++decoders) {
        // As many as keep up with the prompts that these could take if none had to wait.
        auto unhindered = solve(kMany, decoders);
        if (!unhindered)
          return unhindered.error();
        const double needed = unhindered->prefillBusy * static_cast<double>(kMany);
        const auto enough = std::max<int64_t>(1, static_cast<int64_t>(needed) + 1);
        // Fewer are enough where several prompts at once are done faster than one by one.
        const int64_t step = std::max<int64_t>(1, enough / 8);
        for (int64_t workers = std::max<int64_t>(1, enough - 4 * step); workers <= enough;
             workers += step)
          if (auto state = tryWith(workers, decoders); !state)
            return state.error();
      }
    }
    if (auto told = report(*best); !told)
      return told.error();
    return std::move(out_);
  }

private:
  static constexpr int64_t kMostDecoders = 8;        // tried, where their number is free
  static constexpr int64_t kMany = int64_t{1} << 20; // prefill workers that never keep one waiting

  int64_t devicesOf(const State &s) const {
    return s.prefillWorkers * ways_.prefill.devices() +
           s.decodeWorkers * scenario_.plan.parallelism.devices();
  }
  double perDevice(const State &s) const {
    return s.requests_per_us / static_cast<double>(devicesOf(s));
  }

  /// Each device of a prefill worker sends what it has of a prompt's cache.
  Result<> findTransfer() {
    auto memory = prefillCosts_.memory(prefill_.ranks(), scenario_.isl);
    if (!memory)
      return memory.error();
    const double bytes = memory->kvCache / static_cast<double>(prefill_.stages());
    const mansard_chip &chip = prefillCosts_.target().view();
    const mansard_link *link = &chip.links[MANSARD_LINK_SCALE_OUT];
    if (!(link->bytes_per_s > 0)) {
      link = &chip.links[MANSARD_LINK_SCALE_UP];
      out_.notes.push_back("no scale-out link is known: caches are sent over the scale-up link");
    }
    const SoftwareProfile &software = scenario_.software;
    transfer_us_ = software.transfer_us;
    if (link->bytes_per_s > 0)
      transfer_us_ += toMicroseconds(link->latency_s) +
                      toMicroseconds(bytes / (link->bytes_per_s * software.transfer_efficiency));
    else
      out_.notes.back() = "no link between devices is known: sending caches takes its fixed time";
    return Ok{};
  }

  Result<State> solve(int64_t prefillWorkers, int64_t decodeWorkers) {
    // Prompts are taken one by one until that no longer keeps up.
    constexpr double kKeepsUp = 0.7;
    int64_t packed = std::max<int64_t>(1, ways_.prefillBatch);
    while (true) {
      auto state = solve(prefillWorkers, decodeWorkers, packed);
      if (!state || ways_.prefillBatch > 0 || state->prefillBusy < kKeepsUp ||
          2 * packed > prefill_.mostPacked(0))
        return state;
      packed *= 2;
    }
  }

  Result<State> solve(int64_t prefillWorkers, int64_t decodeWorkers, int64_t packed) {
    State s;
    s.prefillWorkers = prefillWorkers;
    s.decodeWorkers = decodeWorkers;
    auto prompt = prefill_.prompt(0, packed, prefill_.ranks());
    if (!prompt)
      return prompt.error();
    s.prompt = *prompt;
    const auto workers = static_cast<double>(decodeWorkers);
    const double room = static_cast<double>(placesOfWorker_) * workers;
    const double most = std::min(room, static_cast<double>(scenario_.concurrency));
    s.running = static_cast<int64_t>(most);
    decode_.setMost(static_cast<int64_t>(std::ceil(most / workers)));

    std::optional<Error> failed;
    const auto at = [&](double decoding) {
      s.decoding = decoding;
      const auto device = decode_.device_us(decoding / workers);
      const auto whole = decode_.iteration_us(decoding / workers);
      if (!device || !whole) {
        failed = !device ? device.error() : whole.error();
        return 0.0;
      }
      s.device_us = *device;
      s.iteration_us = *whole;
      const double answer_us = iterations_ * s.iteration_us;
      s.requests_per_us = decoding / answer_us;
      const double batch_us = s.prompt.latency_us;
      const double rate = static_cast<double>(prefillWorkers * s.prompt.packed * prefill_.ranks()) /
                          batch_us; // prompts that all prefill workers do
      s.prefillBusy = s.requests_per_us / rate;
      s.queue_us = meanWait(s.prefillBusy, static_cast<double>(prefillWorkers),
                            static_cast<double>(scenario_.concurrency)) *
                   batch_us;
      const double before_us = scenario_.software.request_us + s.queue_us + batch_us + transfer_us_;
      // Those in prefill do not need a place among those that decode.
      return s.requests_per_us * (before_us + answer_us) -
             static_cast<double>(scenario_.concurrency);
    };
    at(crossing(0, most, at));
    if (failed)
      return *failed;
    return s;
  }

  Result<> report(const State &s) {
    const double yield = decode_.tokensPerIteration();
    const double clients = static_cast<double>(scenario_.concurrency);
    out_.prefillWorkers = s.prefillWorkers;
    out_.decodeWorkers = s.decodeWorkers;
    out_.devices = devicesOf(s);
    out_.places = placesOfWorker_ * s.decodeWorkers;
    out_.running = s.running;
    out_.request_ms = scenario_.software.request_us / 1e3;
    // When all requests come at once, the mean one waits for half of the others.
    const double burst_us = s.prefillBusy / s.requests_per_us * clients / 2;
    out_.queue_ms =
        (s.queue_us + scenario_.firstBurst * std::max(0.0, burst_us - s.queue_us)) / 1e3;
    out_.prompt_ms = s.prompt.latency_us / 1e3;
    out_.transfer_ms = transfer_us_ / 1e3;
    out_.decode_ms = s.device_us / yield / 1e3;
    out_.host_ms = (s.iteration_us - s.device_us) / yield / 1e3;
    out_.tpot_ms = out_.decode_ms + out_.host_ms;
    const double answer_ms = out_.tpot_ms * static_cast<double>(scenario_.osl - 1);
    const double before_ms = out_.request_ms + out_.queue_ms + out_.prompt_ms + out_.transfer_ms;
    // With every place taken, the rest wait for one.
    out_.slot_ms = std::max(0.0, clients / s.requests_per_us / 1e3 - before_ms - answer_ms);
    out_.ttft_ms = before_ms + out_.slot_ms;
    out_.requests_per_s = clients / (out_.ttft_ms + answer_ms) * 1e3;
    out_.decoding = out_.requests_per_s * answer_ms / 1e3;
    out_.prefillBusy = s.prefillBusy;

    decode_.setMost(static_cast<int64_t>(
        std::ceil(static_cast<double>(s.running) / static_cast<double>(s.decodeWorkers))));
    auto sample = decode_.sample(s.decoding / static_cast<double>(s.decodeWorkers));
    if (!sample)
      return sample.error();
    const double scale = s.device_us / sample->total_us;
    for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part)
      out_.part_us[part] = scale * sample->part_us[part];
    out_.bound = sample->bound;
    out_.hostBound = s.iteration_us > 2 * s.device_us;
    out_.communicationShare = sample->communication_us / sample->total_us;
    if (decode_.energy().known())
      out_.power = power(s, sample->energy * scale);
    out_.overlap = sample->detail->overlap;
    out_.kernels = largestKernels(sample->detail, s.prompt, 0);
    const std::vector<std::string> &told = sample->detail->program->notes;
    out_.notes.insert(out_.notes.end(), told.begin(), told.end());
    if (out_.slot_ms > 0.01 * out_.ttft_ms)
      out_.notes.insert(out_.notes.begin(),
                        fmt::format("{} of {} requests may decode at once ({}); the others wait "
                                    "for a place, {:.1f} s on average",
                                    out_.places, scenario_.concurrency, out_.limit,
                                    out_.slot_ms / 1e3));
    if (ways_.prefillWorkers == 0)
      out_.notes.push_back(
          fmt::format("{} prefill and {} decode workers yield most per device with "
                      "up to {} decode workers",
                      s.prefillWorkers, s.decodeWorkers, kMostDecoders));
    return Ok{};
  }

  /// The mean of all packages.
  economics::Energy power(const State &s, const economics::Energy &iteration) const {
    const economics::EnergyModel &energy = decode_.energy();
    const auto mean = [&](const economics::Energy &of, double time_us, double busy_us,
                          int64_t workers, int64_t devices) {
      const auto each = static_cast<double>(devices), all = static_cast<double>(devicesOf(s));
      return energy.packagePower(of, time_us, busy_us, each) *
             (static_cast<double>(workers) * each / all);
    };
    const double batch_us = s.prompt.latency_us;
    const double busy = std::min(1.0, s.prefillBusy);
    const auto batch = static_cast<double>(s.prompt.packed * prefill_.stages());
    return mean(iteration, s.iteration_us, s.device_us, s.decodeWorkers,
                scenario_.plan.parallelism.devices()) +
           mean(s.prompt.energy * (batch * busy), batch_us, batch_us * busy, s.prefillWorkers,
                ways_.prefill.devices());
  }

  const ServingScenario &scenario_;
  const Disaggregation &ways_;
  StepCosts &prefillCosts_;
  Engine decode_, prefill_;
  ServingEstimate out_;
  int64_t placesOfWorker_ = 0;
  double iterations_ = 0, transfer_us_ = 0;
};

} // namespace

Result<ServingEstimate> estimateDisaggregated(const ServingScenario &scenario, StepCosts &decode,
                                              StepCosts &prefill) {
  return Disaggregated(scenario, decode, prefill).run();
}

} // namespace mansard::system
