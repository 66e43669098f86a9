#include <mansard/system/training.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace mansard::system {
namespace {

Error invalid(std::string message, const char *flag) {
  return {ErrorCode::invalidInput, std::move(message), flag};
}

/// The divisor of `size` nearest to `asked`.
int64_t nearestDivisor(int64_t size, int64_t asked) {
  int64_t nearest = 1;
  for (int64_t i = 1; i * i <= size; ++i)
    for (const int64_t candidate : {i, size / i})
      if (size % candidate == 0 && std::abs(candidate - asked) < std::abs(nearest - asked))
        nearest = candidate;
  return nearest;
}

template <size_t N>
Result<size_t> choice(const char *flag, const std::array<std::string_view, N> &names,
                      const std::string &text) {
  if (const auto index = indexOf(names, text))
    return *index;
  const std::vector<std::string> valid(names.begin(), names.end());
  return invalid(fmt::format("'{}' is not known{}; it may be {}", text, hw::suggestion(text, valid),
                             fmt::join(names, ", ")),
                 flag);
}

} // namespace

Result<TrainingPlan> named(TrainingPlan plan, const TrainingNames &names) {
  const auto recompute = choice("--recompute", kRecomputeNames, names.recompute);
  const auto attention = choice("--attention", kAttentionMethodNames, names.attention);
  const auto optimizer = choice("--optimizer", kOptimizerNames, names.optimizer);
  const auto dtype = choice("--dtype", kTrainingDTypes, names.dtype);
  for (const auto *each : {&recompute, &attention, &optimizer, &dtype})
    if (!*each)
      return each->error();
  plan.method.recompute = static_cast<Recompute>(*recompute);
  plan.method.attention = static_cast<AttentionMethod>(*attention);
  plan.optimizer = static_cast<Optimizer>(*optimizer);
  plan.precision =
      static_cast<work::Quantisation>(*indexOf(work::kQuantisationNames, kTrainingDTypes[*dtype]));
  return plan;
}

Result<> check(const TrainingPlan &plan, const work::Transformer &model) {
  constexpr int64_t kMost = int64_t{1} << 30;
  const work::Parallelism &p = plan.parallelism;
  const std::pair<const char *, int64_t> sizes[] = {{"--seq", plan.seq},
                                                    {"--global-batch", plan.global_batch},
                                                    {"--micro-batch", plan.micro_batch},
                                                    {"--interleave", plan.virtual_stages},
                                                    {"--tp", p.tp},
                                                    {"--pp", p.pp},
                                                    {"--dp", p.dp},
                                                    {"--cp", p.cp},
                                                    {"--ep", p.ep}};
  for (const auto &[flag, value] : sizes)
    if (value < 1 || value > kMost)
      return invalid(fmt::format("is {}; it may be 1 to {}", value, kMost), flag);
  if (plan.zero < 0 || plan.zero > 3)
    return invalid(fmt::format("is {}; it may be 0 to 3", plan.zero), "--zero");
  if (plan.zero > 1 && p.pp > 1)
    return invalid(fmt::format("{} cuts what every micro-batch of a pipeline needs; --pp {} goes "
                               "with --zero 0 or 1",
                               plan.zero, p.pp),
                   "--zero");
  if (plan.global_batch % p.dp != 0)
    return invalid(fmt::format("{} sequences do not spread evenly over --dp {}; the nearest degree "
                               "that divides them is {}",
                               plan.global_batch, p.dp, nearestDivisor(plan.global_batch, p.dp)),
                   "--global-batch");
  const int64_t own = plan.global_batch / p.dp;
  if (own % plan.micro_batch != 0)
    return invalid(fmt::format("{} does not divide a replica's {} sequences; the nearest that does "
                               "is {}",
                               plan.micro_batch, own, nearestDivisor(own, plan.micro_batch)),
                   "--micro-batch");
  if (p.pp > model.layerCount())
    return invalid(
        fmt::format("{} is more stages than the model has layers, {}", p.pp, model.layerCount()),
        "--pp");
  if (plan.virtual_stages > 1 && p.pp == 1)
    return invalid("interleaves the stages of a pipeline; there is none with --pp 1",
                   "--interleave");
  const int64_t longest = (model.layerCount() + p.pp - 1) / p.pp;
  if (plan.virtual_stages > longest)
    return invalid(
        fmt::format("{} is more than the {} layers of a stage", plan.virtual_stages, longest),
        "--interleave");
  if (plan.virtual_stages > 1 && plan.microBatches() % p.pp != 0)
    return invalid(fmt::format("the interleaved schedule takes micro-batches {} (--pp) at a time, "
                               "which does not divide {}",
                               p.pp, plan.microBatches()),
                   "--interleave");
  return Ok{};
}

double modelOperations(const work::Transformer &model, double tokens, int64_t seq) {
  double attention = 0;
  for (const work::LayerRun &run : model.layers) {
    const work::AttentionShape &a = model.attentionOf(run);
    if (a.kind == work::AttentionKind::delta_rule)
      continue; // its cost does not grow with the length
    int64_t seen = seq;
    for (const int64_t limit : {a.window, a.chunk})
      if (limit > 0)
        seen = std::min(seen, limit);
    const auto columns = static_cast<double>(a.head_dim + a.v_head_dim) / 2;
    attention += static_cast<double>(run.count) * static_cast<double>(a.heads) * columns *
                 static_cast<double>(seen);
  }
  return (6 * model.activeParameters() + 12 * attention) * tokens;
}

} // namespace mansard::system
