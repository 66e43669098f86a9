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
  const bool hasDense = std::any_of(model.layers.begin(), model.layers.end(),
                                    [](const work::LayerRun &run) { return !run.moe; });
  const bool hasExperts = model.moe.experts > 0;
  const bool replicatesShared = p.spansReplicas();

  const auto heads = [](const work::AttentionShape &a, int64_t tp) { return a.heads % tp == 0; };
  const auto keyValueHeads = [](const work::AttentionShape &a, int64_t tp) {
    return a.kind == work::AttentionKind::latent || a.kv_heads % tp == 0 || tp % a.kv_heads == 0;
  };
  const auto attentions = [&](int64_t tp) {
    return std::all_of(model.attentions.begin(), model.attentions.end(), [&](const auto &each) {
      return heads(each, tp) && keyValueHeads(each, tp);
    });
  };
  const auto dense = [&](int64_t tp) { return !hasDense || model.inter % tp == 0; };
  const auto shared = [&](int64_t tp) {
    return model.moe.shared_experts == 0 || replicatesShared || model.moe.shared_inter % tp == 0;
  };
  const auto tensor = [&](int64_t tp) { return attentions(tp) && dense(tp) && shared(tp); };
  const int64_t nearTp = nearest(p.tp, model.attentions.front().heads, tensor);
  for (const work::AttentionShape &each : model.attentions) {
    if (!heads(each, p.tp))
      return indivisible("--tp", p.tp, "attention heads", each.heads, nearTp);
    if (!keyValueHeads(each, p.tp))
      return indivisible("--tp", p.tp, "key-value heads", each.kv_heads, nearTp);
  }
  if (!dense(p.tp))
    return indivisible("--tp", p.tp, "columns of the feed-forward", model.inter, nearTp);
  if (!shared(p.tp))
    return indivisible("--tp", p.tp, "columns of the shared experts", model.moe.shared_inter,
                       nearTp);
  const std::string name = model.name.empty() ? model.id : model.name;
  if (p.ep > 1 && !hasExperts)
    return Error{ErrorCode::invalidInput,
                 fmt::format("--ep {} spreads experts, but {} has none; leave it out or say --ep 1",
                             p.ep, name),
                 "--ep"};
  if ((p.spansReplicas() || p.redundant_experts > 0) && !hasExperts)
    return Error{ErrorCode::invalidInput, fmt::format("{} has no experts", name),
                 p.redundant_experts > 0 ? "--redundant-experts" : "--moe-tp"};
  if (hasExperts) {
    // Over several replicas, second copies fill the places that are left, as they do where asked
    // for.
    const auto spread = [&](int64_t ep) {
      return p.spansReplicas() || p.redundant_experts > 0 || ep > p.tp ||
             model.moe.experts % ep == 0;
    };
    if (!spread(p.ep))
      return indivisible("--ep", p.ep, "experts", model.moe.experts,
                         nearest(p.ep, model.moe.experts, spread));
    const int64_t ways = p.expertWidthWays();
    if (p.moe_tp > 0 && model.moe.inter % ways != 0)
      return indivisible(
          "--moe-tp", ways, "columns of an expert", model.moe.inter,
          nearest(ways, model.moe.inter, [&](int64_t to) { return model.moe.inter % to == 0; }));
    if (model.moe.inter % ways != 0)
      return Error{
          ErrorCode::invalidInput,
          fmt::format("--tp {} with --ep {} cuts an expert's {} columns {} ways, which does "
                      "not divide them; --ep {} leaves experts whole",
                      p.tp, p.ep, model.moe.inter, ways, p.tp),
          "--tp"};
  }
  if (p.cp > 1)
    for (const work::AttentionShape &each : model.attentions)
      if (each.kind == work::AttentionKind::delta_rule || each.index_topk > 0)
        return Error{ErrorCode::invalidInput,
                     fmt::format("--cp {} shares the positions of each sequence; of {} that is not "
                                 "known to work; leave it out or say --cp 1",
                                 p.cp,
                                 each.index_topk > 0 ? "attention to selected positions"
                                                     : "linear attention"),
                     "--cp"};
  if (p.pp > model.layerCount())
    return Error{ErrorCode::invalidInput,
                 fmt::format("--pp {} is more stages than the model has layers, {}", p.pp,
                             model.layerCount()),
                 "--pp"};
  return Ok{};
}

} // namespace mansard::ir
