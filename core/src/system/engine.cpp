#include "engine.h"

#include <mansard/base/units.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::system {
namespace {

/// Tokens that an iteration takes of a prompt, behind those in the cache, and how many iterations
/// are like it.
struct Chunk {
  int64_t tokens, cached;
  double count;
};

/// Attention grows evenly from chunk to chunk, so the first and the last whole chunk stand for all
/// whole ones.
std::vector<Chunk> chunksOf(int64_t tokens, int64_t cached, int64_t size) {
  if (tokens <= size)
    return {{tokens, cached, 1}};
  const int64_t whole = tokens / size, rest = tokens % size;
  std::vector<Chunk> chunks{{size, cached, 1}};
  if (whole > 1) {
    chunks.front().count = static_cast<double>(whole) / 2;
    chunks.push_back({size, cached + (whole - 1) * size, static_cast<double>(whole) / 2});
  }
  if (rest > 0)
    chunks.push_back({rest, cached + whole * size, 1});
  return chunks;
}

} // namespace

Engine::Engine(const ServingScenario &scenario, StepCosts &costs)
    : scenario_(scenario), software_(scenario.software), costs_(costs) {
  const work::Parallelism &p = costs.base().parallelism;
  replicas_ = p.dp;
  stages_ = p.pp;
  ranks_ = p.dp * p.pp;
  coupled_ = p.spansReplicas();
  cached_ = std::min(scenario.isl - 1,
                     static_cast<int64_t>(static_cast<double>(scenario.isl) * scenario.prefixHit));
  computed_ = scenario.isl - cached_;
  context_ = scenario.isl + scenario.osl / 2;
}

double Engine::tokensPerIteration() const {
  const work::Workload &plan = scenario_.plan;
  return 1 + plan.accept * static_cast<double>(plan.new_tokens - 1);
}

Result<int64_t> Engine::places(std::string &limit, MemoryUse &memory) {
  const auto reserved =
      scenario_.isl + static_cast<int64_t>(std::ceil(static_cast<double>(scenario_.osl) *
                                                     software_.reserved_output));
  auto decode = costs_.memory(ranks_, reserved);
  if (!decode)
    return decode.error();
  auto prompt =
      costs_.prefill(ranks_, chunksOf(computed_, cached_, budget(0)).front().tokens, cached_);
  if (!prompt)
    return prompt.error();
  memory.weights = decode->weights;
  const work::MemoryNeed &other = prompt->detail->program->memory;
  memory.activations =
      std::max(decode->activations + decode->buffers, other.activations + other.buffers);
  memory.capacity = costs_.capacity();
  const double left = memory.capacity * software_.share - memory.weights - memory.activations;
  const double fit = std::floor(left / decode->kvCache);
  if (!(fit >= 1)) {
    std::string remedies;
    for (const std::string &remedy : costs_.remedies(ranks_, reserved))
      remedies += (remedies.empty() ? "; would fit with " : ", or ") + remedy;
    return Error{
        ErrorCode::unsupported,
        fmt::format("a device of {:.1f} GiB, {:.0f} % of it for {}, does not hold {:.1f} GiB of "
                    "weights, {:.1f} of activations and a sequence of {} tokens, {:.2f}{}",
                    memory.capacity / kGiB, 100 * software_.share, software_.name,
                    memory.weights / kGiB, memory.activations / kGiB, reserved,
                    decode->kvCache / kGiB, remedies),
        ""};
  }
  const double most = software_.sequences * static_cast<double>(replicas_);
  const double byMemory = fit * static_cast<double>(ranks_);
  limit = byMemory <= most
              ? fmt::format("memory: {:.1f} GiB a device for caches of {} tokens", left / kGiB,
                            reserved)
              : fmt::format("{}: {:.0f} sequences a rank", software_.name, software_.sequences);
  const double places = std::min(std::min(byMemory, most), static_cast<double>(int64_t{1} << 30));
  memory.kvCache =
      decode->kvCache * std::ceil(std::min(places, static_cast<double>(scenario_.concurrency)) /
                                  static_cast<double>(ranks_));
  return static_cast<int64_t>(places);
}

Result<double> Engine::device_us(double decoding) {
  const double wanted = std::clamp(decoding, 1.0, static_cast<double>(most_));
  int64_t above = most_, below = (most_ + 1) / 2;
  while (below > 1 && static_cast<double>(below) >= wanted) {
    above = below;
    below = (below + 1) / 2;
  }
  auto high = costs_.decode(above, context_);
  if (!high)
    return high.error();
  if (above == below || wanted >= static_cast<double>(above))
    return high->total_us;
  auto low = costs_.decode(below, context_);
  if (!low)
    return low.error();
  const double share = (wanted - static_cast<double>(below)) / static_cast<double>(above - below);
  return low->total_us + share * (high->total_us - low->total_us);
}

Result<StepCost> Engine::sample(double decoding) {
  int64_t above = most_;
  while (above > 1 && static_cast<double>((above + 1) / 2) >= decoding)
    above = (above + 1) / 2;
  return costs_.decode(above, context_);
}

double Engine::host_us(double decoding) const {
  return software_.iteration_us * static_cast<double>(stages_) +
         software_.sequence_us * decoding / static_cast<double>(replicas_);
}

double Engine::withHost(double device_us, double sequences) const {
  const double host = host_us(sequences);
  return std::max(device_us + (1 - software_.hidden) * host, host);
}

Result<double> Engine::iteration_us(double decoding) {
  auto device = device_us(decoding);
  if (!device)
    return device;
  return withHost(*device, decoding);
}

int64_t Engine::budget(int64_t decoding) const {
  double tokens = software_.tokens_per_iteration;
  if (software_.mixes_prompts)
    tokens -= static_cast<double>(ceilDiv(static_cast<long>(decoding), static_cast<long>(ranks_)) *
                                  scenario_.plan.new_tokens);
  // A scheduler with no room left still takes a block of a prompt.
  constexpr double kLeast = 64;
  return static_cast<int64_t>(std::max(tokens, kLeast));
}

int64_t Engine::mostPacked(int64_t decoding) const {
  return std::max<int64_t>(1, budget(decoding) / computed_);
}

Result<PromptCost> Engine::prompt(int64_t decoding, int64_t packed, int64_t ranks) {
  const bool mixed = software_.mixes_prompts && decoding > 0;
  PromptCost cost;
  cost.packed = std::clamp<int64_t>(packed, 1, mostPacked(decoding));
  const double company = static_cast<double>(cost.packed), stages = static_cast<double>(stages_);
  StepCost without{};
  double withoutHost_us = 0;
  if (mixed) {
    auto decode = costs_.decode(decoding, context_);
    if (!decode)
      return decode.error();
    without = *decode;
    withoutHost_us = withHost(without.total_us, static_cast<double>(decoding));
  }
  double iterations = 0;
  for (const Chunk &chunk : chunksOf(computed_, cached_, budget(decoding))) {
    const StepWork apart{0, 0, cost.packed * ranks, chunk.tokens, chunk.cached};
    StepWork work = apart;
    if (mixed) {
      work.decoding = decoding;
      work.context = context_;
    }
    auto step = costs_.of(work);
    auto alone = costs_.of(apart);
    if (!step || !alone)
      return !step ? step.error() : alone.error();
    // What the prompts add where nothing is shared, and where all is.
    const double added_us =
        software_.sharing * (step->total_us - without.total_us) +
        (1 - software_.sharing) * std::max(alone->total_us, step->total_us - without.total_us);
    const double full_us =
        withHost(without.total_us + added_us, mixed ? static_cast<double>(decoding) : company);
    iterations += chunk.count;
    if (iterations == chunk.count) // the first: later ones are launched while it runs
      cost.latency_us += step->kernels * software_.launch_us;
    cost.latency_us += chunk.count * full_us;
    cost.load_us += chunk.count * (full_us - withoutHost_us) / (company * stages);
    for (uint32_t part = 0; part < MANSARD_BOUND_COUNT; ++part)
      cost.part_us[part] += chunk.count *
                            (software_.sharing * (step->part_us[part] - without.part_us[part]) +
                             (1 - software_.sharing) * alone->part_us[part]) /
                            (company * stages);
    cost.energy += (step->energy + without.energy * -1) * (chunk.count / (company * stages));
    cost.communication_us +=
        chunk.count * (step->communication_us - without.communication_us) / (company * stages);
    cost.with = step->detail;
  }
  cost.iterations = static_cast<int64_t>(std::llround(iterations));
  cost.without = without.detail;
  return cost;
}

} // namespace mansard::system
