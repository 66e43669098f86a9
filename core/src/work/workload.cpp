#include <mansard/work/workload.h>

#include <mansard/base/units.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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
  case Quantisation::mxfp8:
    return {DType::mxfp8, DType::mxfp8, MANSARD_SCALING_GROUP, plain};
  }
  return {plain, plain, MANSARD_SCALING_NONE, plain};
}

int64_t Workload::sequencesPerReplica() const {
  return std::max<int64_t>(
      1, ceilDiv(static_cast<long>(batch), static_cast<long>(parallelism.dp * parallelism.pp)));
}

double Workload::tokensPerStep() const {
  const double sequences = static_cast<double>(batch);
  if (phase == Phase::prefill)
    return sequences * static_cast<double>(context);
  return sequences * (1 + accept * static_cast<double>(new_tokens - 1));
}

Result<> check(const Workload &workload) {
  constexpr int64_t most = int64_t{1} << 30;
  const auto invalid = [](std::string message) {
    return Error{ErrorCode::invalidInput, std::move(message), ""};
  };
  const Parallelism &p = workload.parallelism;
  const std::pair<const char *, int64_t> sizes[] = {{"--batch", workload.batch},
                                                    {"--context", workload.context},
                                                    {"--new-tokens", workload.new_tokens},
                                                    {"--tp", p.tp},
                                                    {"--pp", p.pp},
                                                    {"--dp", p.dp},
                                                    {"--ep", p.ep}};
  for (const auto &[flag, value] : sizes)
    if (value < 1 || value > most)
      return invalid(fmt::format("{} is {}; it may be 1 to {}", flag, value, most));
  constexpr int64_t mostDevices = 1 << 20;
  if (p.tp > mostDevices || p.pp > mostDevices || p.dp > mostDevices || p.tp * p.dp > mostDevices ||
      p.tp * p.dp * p.pp > mostDevices)
    return invalid(fmt::format("tp {} x pp {} x dp {} is more than {} devices", p.tp, p.pp, p.dp,
                               mostDevices));
  if (!(workload.accept >= 0 && workload.accept <= 1))
    return invalid(fmt::format("--accept is {}; it is a probability, 0 to 1", workload.accept));
  if (workload.phase == Phase::prefill && workload.new_tokens != 1)
    return invalid("--new-tokens belongs to --phase decode");
  if (workload.phase == Phase::decode && workload.new_tokens > workload.context)
    return invalid(fmt::format("--context {} counts the {} new tokens too", workload.context,
                               workload.new_tokens));
  const int64_t stage = p.tp * p.dp;
  const bool splitsReplica = p.ep <= p.tp && p.tp % p.ep == 0;
  const bool spansReplicas = p.ep > p.tp && p.ep % p.tp == 0 && stage % p.ep == 0;
  if (!splitsReplica && !spansReplicas) {
    int64_t nearest = 1;
    for (int64_t ep = 1; ep <= stage; ++ep) {
      const bool valid = ep <= p.tp ? p.tp % ep == 0 : ep % p.tp == 0 && stage % ep == 0;
      if (valid && std::abs(ep - p.ep) < std::abs(nearest - p.ep))
        nearest = ep;
    }
    return invalid(fmt::format("--ep {} does not divide the {} devices of a stage (tp {} x dp {}); "
                               "the nearest that does is {}",
                               p.ep, stage, p.tp, p.dp, nearest));
  }
  return Ok{};
}

} // namespace mansard::work
