#include <mansard/work/workload.h>

#include <mansard/base/units.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mansard::work {

QuantisationScheme schemeOf(Quantisation quantisation) {
  constexpr DType plain = DType::bf16;
  switch (quantisation) {
  case Quantisation::bf16:
    return {DType::bf16, DType::bf16, MANSARD_SCALING_NONE, plain};
  case Quantisation::fp16:
    return {DType::fp16, DType::fp16, MANSARD_SCALING_NONE, DType::fp16};
  case Quantisation::fp8:
    return {DType::fp8, DType::fp8, MANSARD_SCALING_TENSOR, plain};
  case Quantisation::fp8_block:
    return {DType::fp8, DType::fp8, MANSARD_SCALING_BLOCK, plain};
  case Quantisation::w8a8:
    return {DType::int8, DType::int8, MANSARD_SCALING_TOKEN, plain};
  case Quantisation::w8a16:
    return {DType::bf16, DType::int8, MANSARD_SCALING_CHANNEL, plain};
  case Quantisation::w4a16:
    return {DType::bf16, DType::int4, MANSARD_SCALING_GROUP, plain};
  case Quantisation::nvfp4:
    return {DType::nvfp4, DType::nvfp4, MANSARD_SCALING_GROUP, plain};
  case Quantisation::mxfp4:
    return {DType::bf16, DType::mxfp4, MANSARD_SCALING_GROUP, plain};
  case Quantisation::mxfp4_mxfp8:
    return {DType::mxfp8, DType::mxfp4, MANSARD_SCALING_GROUP, plain};
  case Quantisation::mxfp8:
    return {DType::mxfp8, DType::mxfp8, MANSARD_SCALING_GROUP, plain};
  }
  return {plain, plain, MANSARD_SCALING_NONE, plain};
}

std::string degreesOf(const Parallelism &p) {
  std::string text;
  const auto add = [&](const std::string &part) { text += (text.empty() ? "" : ", ") + part; };
  for (const auto &[name, degree] : {std::pair{"tp", p.tp},
                                     {"pp", p.pp},
                                     {"dp", p.dp},
                                     {"cp", p.cp},
                                     {"ep", p.ep},
                                     {"moe-tp", p.moe_tp},
                                     {"redundant experts", p.redundant_experts}})
    if (degree > 1)
      add(fmt::format("{} {}", name, degree));
  if (p.sp)
    add("sp");
  if (p.gathersTokens())
    add("tokens gathered");
  return text.empty() ? "one device" : text;
}

int64_t Workload::sequencesPerReplica() const {
  return std::max<int64_t>(
      1, ceilDiv(static_cast<long>(batch), static_cast<long>(parallelism.dp * parallelism.pp)));
}

double Workload::tokensPerStep() const {
  const double sequences = static_cast<double>(batch);
  if (phase == Phase::prefill)
    return sequences * static_cast<double>(tokensPerSequence());
  return sequences * (1 + accept * static_cast<double>(new_tokens - 1));
}

namespace {

Error invalid(std::string message) { return {ErrorCode::invalidInput, std::move(message), ""}; }

/// Whether experts may be spread so: inside of each replica, or over whole replicas of a stage.
bool spreadsEvenly(const Parallelism &p) {
  const int64_t group = p.expertGroup();
  return p.spansReplicas() ? group % p.tp == 0 && p.stageDevices() % group == 0
         : p.moe_tp > 0    ? group == p.tp
                           : p.tp % p.ep == 0;
}

/// The value nearest to that of `degree` with which experts are spread evenly; 0: none.
int64_t nearestDegree(Parallelism p, int64_t Parallelism::*degree) {
  const int64_t asked = p.*degree;
  int64_t nearest = 0;
  for (int64_t value = 1; value <= p.stageDevices(); ++value) {
    p.*degree = value;
    if (spreadsEvenly(p) && (nearest == 0 || std::abs(value - asked) < std::abs(nearest - asked)))
      nearest = value;
  }
  return nearest;
}

Result<> checkExperts(const Parallelism &p) {
  if (spreadsEvenly(p))
    return Ok{};
  const std::string stage =
      fmt::format("the {} devices of a stage (tp {} x dp {}{})", p.stageDevices(), p.tp, p.dp,
                  p.cp > 1 ? fmt::format(" x cp {}", p.cp) : "");
  if (p.moe_tp == 0)
    return invalid(fmt::format("--ep {} does not divide {}; the nearest that does is {}", p.ep,
                               stage, nearestDegree(p, &Parallelism::ep)));
  std::vector<std::string> ways;
  for (const auto &[flag, degree] :
       {std::pair{"--moe-tp", &Parallelism::moe_tp}, std::pair{"--ep", &Parallelism::ep}})
    if (const int64_t nearest = nearestDegree(p, degree); nearest > 0)
      ways.push_back(fmt::format("{} {}", flag, nearest));
  return invalid(fmt::format("--ep {} x --moe-tp {} is {} devices for the experts; it must be tp, "
                             "{}, or a multiple of it that divides {}{}{}",
                             p.ep, p.moe_tp, p.expertGroup(), p.tp, stage,
                             ways.empty() ? "" : "; the nearest is ", fmt::join(ways, " or ")));
}

Result<> check(const Parallelism &p) {
  constexpr int64_t most = 1 << 20; // devices
  int64_t devices = 1;
  for (const int64_t degree : {p.tp, p.pp, p.dp, p.cp})
    devices = degree > most ? most + 1 : std::min(devices * degree, most + 1);
  if (devices > most)
    return invalid(fmt::format("tp {} x pp {} x dp {}{} is more than {} devices", p.tp, p.pp, p.dp,
                               p.cp > 1 ? fmt::format(" x cp {}", p.cp) : "", most));
  if (p.moe_tp < 0 || p.moe_tp > most)
    return invalid(fmt::format("--moe-tp is {}; it may be 1 to {}, or 0: what --ep leaves of --tp",
                               p.moe_tp, most));
  if (p.redundant_experts < 0 || p.redundant_experts > most)
    return invalid(
        fmt::format("--redundant-experts is {}; it may be 0 to {}", p.redundant_experts, most));
  if (p.sp && p.tp == 1)
    return invalid("--sp shares rows among the devices of --tp, which is 1");
  return checkExperts(p);
}

} // namespace

Result<> check(const Workload &workload) {
  constexpr int64_t most = int64_t{1} << 30;
  const Parallelism &p = workload.parallelism;
  const std::pair<const char *, int64_t> sizes[] = {{"--batch", workload.batch},
                                                    {"--context", workload.context},
                                                    {"--new-tokens", workload.new_tokens},
                                                    {"--tp", p.tp},
                                                    {"--pp", p.pp},
                                                    {"--dp", p.dp},
                                                    {"--ep", p.ep},
                                                    {"--cp", p.cp}};
  for (const auto &[flag, value] : sizes)
    if (value < 1 || value > most)
      return invalid(fmt::format("{} is {}; it may be 1 to {}", flag, value, most));
  if (auto sound = check(p); !sound)
    return sound;
  if (!(workload.accept >= 0 && workload.accept <= 1))
    return invalid(fmt::format("--accept is {}; it is a probability, 0 to 1", workload.accept));
  constexpr double mostImbalance = 1e3;
  if (!(workload.imbalance >= 1 && workload.imbalance <= mostImbalance))
    return invalid(fmt::format("--imbalance is {}; the busiest device's load over the mean may be "
                               "1 to {}",
                               workload.imbalance, mostImbalance));
  if (workload.phase == Phase::decode && workload.cached != 0)
    return invalid(
        "--cached belongs to --phase prefill; a decode step's --context is in the cache");
  if (workload.cached < 0 || workload.cached >= workload.context)
    return invalid(fmt::format("--cached is {} of a --context of {}; it may be 0 to {}",
                               workload.cached, workload.context, workload.context - 1));
  if (workload.phase == Phase::prefill && workload.new_tokens != 1)
    return invalid("--new-tokens belongs to --phase decode");
  if (workload.phase == Phase::decode && workload.new_tokens > workload.context)
    return invalid(fmt::format("--context {} counts the {} new tokens too", workload.context,
                               workload.new_tokens));
  if (workload.training && (workload.phase != Phase::prefill || workload.cached != 0))
    return invalid("a training step's forward pass is a prefill with nothing cached");
  // Each device of a context-parallel group must have a position to ask for and one to look at.
  const int64_t positions =
      workload.phase == Phase::prefill ? workload.tokensPerSequence() : workload.context;
  const int64_t share = workload.phase == Phase::prefill ? 1 : workload.new_tokens;
  if (positions / p.cp < share)
    return invalid(fmt::format("--cp {} leaves fewer than {} of {} positions to a device; it may "
                               "be at most {}",
                               p.cp, share, positions, positions / share));
  return Ok{};
}

} // namespace mansard::work
