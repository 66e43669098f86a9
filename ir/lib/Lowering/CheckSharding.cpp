// What the workload's degrees must divide, said in the model's terms before anything is built.
#include <Lowering/Model.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

namespace mansard::ir {
namespace {

/// The value nearest to `asked` that `valid` accepts; 1 always does.
int64_t nearest(int64_t asked, int64_t limit, const std::function<bool(int64_t)> &valid) {
  int64_t best = 1;
  for (int64_t candidate = 1; candidate <= std::min(limit, 2 * asked); ++candidate)
    if (valid(candidate) && std::abs(candidate - asked) < std::abs(best - asked))
      best = candidate;
  return best;
}

Error indivisible(const char *flag, int64_t degree, const char *what, int64_t size, int64_t near) {
  return {ErrorCode::invalidInput,
          fmt::format("{} {} does not divide the model's {} {}; the nearest that does is {} {}",
                      flag, degree, size, what, flag, near),
          flag};
}

} // namespace

Result<> checkSharding(const work::Transformer &model, const work::Workload &workload) {
  if (auto result = work::check(model); !result)
    return result;
  if (auto result = work::check(workload); !result)
    return result;
  const work::Parallelism &p = workload.parallelism;
  const work::AttentionShape &a = model.attention;
  const bool hasDense = std::any_of(model.layers.begin(), model.layers.end(),
                                    [](const work::LayerRun &run) { return !run.moe; });
  const bool hasExperts = model.moe.experts > 0;
  const bool replicatesShared = p.ep > p.tp;

  const auto heads = [&](int64_t tp) { return a.heads % tp == 0; };
  const auto keyValueHeads = [&](int64_t tp) {
    return a.kind == work::AttentionKind::latent || a.kv_heads % tp == 0 || tp % a.kv_heads == 0;
  };
  const auto dense = [&](int64_t tp) { return !hasDense || model.inter % tp == 0; };
  const auto shared = [&](int64_t tp) {
    return model.moe.shared_experts == 0 || replicatesShared || model.moe.shared_inter % tp == 0;
  };
  const auto tensor = [&](int64_t tp) {
    return heads(tp) && keyValueHeads(tp) && dense(tp) && shared(tp);
  };
  const int64_t nearTp = nearest(p.tp, a.heads, tensor);
  if (!heads(p.tp))
    return indivisible("--tp", p.tp, "attention heads", a.heads, nearTp);
  if (!keyValueHeads(p.tp))
    return indivisible("--tp", p.tp, "key-value heads", a.kv_heads, nearTp);
  if (!dense(p.tp))
    return indivisible("--tp", p.tp, "columns of the feed-forward", model.inter, nearTp);
  if (!shared(p.tp))
    return indivisible("--tp", p.tp, "columns of the shared experts", model.moe.shared_inter,
                       nearTp);
  if (p.ep > 1 && !hasExperts)
    return Error{ErrorCode::invalidInput,
                 fmt::format("--ep {} spreads experts, but {} has none; leave it out or say --ep 1",
                             p.ep, model.name.empty() ? model.id : model.name),
                 "--ep"};
  if (hasExperts) {
    // Over several replicas, second copies fill the places that are left.
    const auto spread = [&](int64_t ep) { return ep > p.tp || model.moe.experts % ep == 0; };
    if (!spread(p.ep))
      return indivisible("--ep", p.ep, "experts", model.moe.experts,
                         nearest(p.ep, model.moe.experts, spread));
    const int64_t ways = p.ep > p.tp ? 1 : p.tp / p.ep;
    if (model.moe.inter % ways != 0)
      return Error{
          ErrorCode::invalidInput,
          fmt::format("--tp {} with --ep {} cuts an expert's {} columns {} ways, which does "
                      "not divide them; --ep {} leaves experts whole",
                      p.tp, p.ep, model.moe.inter, ways, p.tp),
          "--tp"};
  }
  if (p.pp > model.layerCount())
    return Error{ErrorCode::invalidInput,
                 fmt::format("--pp {} is more stages than the model has layers, {}", p.pp,
                             model.layerCount()),
                 "--pp"};
  return Ok{};
}

} // namespace mansard::ir
