#include "transformer_problem.h"

#include <fmt/format.h>

namespace mansard::work {
namespace {

/// Collects the first problem; later ones are often its consequences.
class Inspector {
public:
  explicit Inspector(const Transformer &model) : model_(model) {}

  std::optional<TransformerProblem> run() {
    sizes();
    attentions();
    if (!problem_)
      layers();
    experts();
    checkpoint();
    return std::move(problem_);
  }

private:
  void problem(std::string key, std::string message, ErrorCode code = ErrorCode::invalidInput) {
    if (!problem_)
      problem_ = TransformerProblem{std::move(key), std::move(message), code};
  }

  void within(const std::string &key, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most)
      problem(key, fmt::format("'{}' is {}; it must be from {} to {}", key, value, least, most));
  }
  void width(const std::string &key, int64_t value) { within(key, value, 1, kMaxWidth); }

  void absent(const std::string &key, int64_t value, const std::string &why) {
    if (value != 0)
      problem(key, fmt::format("'{}' is {}, but {}", key, value, why));
  }

  void sizes() {
    width("hidden", model_.hidden);
    width("vocab", model_.vocab);
    within("max_positions", model_.max_positions, 1, kMaxTokens);
    within("inter", model_.inter, 0, kMaxWidth);
    within("next_token_layers", model_.next_token.count, 0, kMaxLayers);
  }

  void attentions() {
    if (model_.attentions.empty())
      problem("attention.kind", "the model has no attention");
    std::string_view last;
    for (const AttentionShape &attention : model_.attentions) {
      const bool first = &attention == &model_.attentions.front();
      if (first ? !attention.name.empty() : attention.name <= last)
        return problem("attention", "the first attention has no name, and the others are sorted by "
                                    "theirs");
      last = attention.name;
      section_ = first ? "attention." : "attention." + attention.name + ".";
      switch (attention.kind) {
      case AttentionKind::latent:
        latent(attention);
        break;
      case AttentionKind::delta_rule:
        deltaRule(attention);
        break;
      case AttentionKind::grouped_query:
        groupedQuery(attention);
        break;
      }
    }
  }

  void layers() {
    if (model_.layers.empty())
      problem("layers.count", "the model has no layers");
    int64_t count = 0;
    std::vector<bool> used(model_.attentions.size(), false);
    const auto attends = [&](const LayerRun &run) {
      if (run.attention >= used.size())
        return problem("layers.pattern", fmt::format("a layer has attention {}, but there are {}",
                                                     run.attention, used.size()));
      used[run.attention] = true;
    };
    for (const LayerRun &run : model_.layers) {
      within("layers.count", run.count, 1, kMaxLayers);
      attends(run);
      if (problem_)
        return;
      count += run.count;
      dense_ |= !run.moe;
      moe_ |= run.moe;
      if (count > kMaxLayers)
        return problem("layers.count",
                       fmt::format("the model has more than {} layers", kMaxLayers));
    }
    if (model_.next_token.count > 0) {
      attends(model_.next_token);
      dense_ |= !model_.next_token.moe;
      moe_ |= model_.next_token.moe;
    }
    for (size_t i = 0; i < used.size() && !problem_; ++i)
      if (!used[i])
        problem(i == 0 ? "attention.kind" : "attention." + model_.attentions[i].name,
                fmt::format("no layer has the attention of [attention{}{}]", i == 0 ? "" : ".",
                            model_.attentions[i].name));
    if (dense_ && model_.inter == 0)
      problem("inter", "'inter' is 0, but the model has dense layers");
    if (!dense_)
      absent("inter", model_.inter, "no layer is dense");
  }

  std::string key(const char *name) const { return section_ + name; }

  void groupedQuery(const AttentionShape &a) {
    width(key("heads"), a.heads);
    width(key("kv_heads"), a.kv_heads);
    width(key("head_dim"), a.head_dim);
    width(key("v_head_dim"), a.v_head_dim);
    within(key("rope_dim"), a.rope_dim, 0, a.head_dim);
    if (!problem_ && a.heads % a.kv_heads != 0)
      problem(key("kv_heads"), fmt::format("'{}' is {}, which does not divide {} = {}",
                                           key("kv_heads"), a.kv_heads, key("heads"), a.heads));
    noRanks(a);
    absent(key("convolution"), a.convolution, key("kind") + " is grouped_query");
    within(key("window"), a.window, 0, kMaxTokens);
    within(key("chunk"), a.chunk, 0, kMaxTokens);
    if (a.window > 0)
      absent(key("chunk"), a.chunk, "a window is given");
    if (a.qk_norm_whole && !a.qk_norm)
      problem(key("qk_norm_whole"),
              fmt::format("'{}' is true, but there is no qk_norm", key("qk_norm_whole")));
  }

  /// What only latent attention has.
  void noRanks(const AttentionShape &a) {
    const std::string why =
        key("kind") + " is " + std::string(kAttentionKindNames[static_cast<size_t>(a.kind)]);
    absent(key("q_lora_rank"), a.q_lora_rank, why);
    absent(key("kv_lora_rank"), a.kv_lora_rank, why);
    absent(key("qk_nope_head_dim"), a.qk_nope_head_dim, why);
    absent(key("qk_rope_head_dim"), a.qk_rope_head_dim, why);
    absent(key("index_heads"), a.index_heads, why);
    absent(key("index_head_dim"), a.index_head_dim, why);
    absent(key("index_topk"), a.index_topk, why);
  }

  void refuse(const char *name, bool given, const char *with) {
    if (given)
      problem(key(name), fmt::format("'{}' is not supported with {} attention", key(name), with),
              ErrorCode::unsupported);
  }

  void deltaRule(const AttentionShape &a) {
    width(key("heads"), a.heads);
    width(key("kv_heads"), a.kv_heads);
    width(key("head_dim"), a.head_dim);
    within(key("convolution"), a.convolution, 2, kMaxWidth);
    if (a.v_head_dim != a.head_dim)
      problem(key("v_head_dim"),
              fmt::format("'{}' is {}; in linear attention it is head_dim = {}", key("v_head_dim"),
                          a.v_head_dim, a.head_dim),
              ErrorCode::unsupported);
    if (!problem_ && a.heads % a.kv_heads != 0)
      problem(key("kv_heads"), fmt::format("'{}' is {}, which does not divide {} = {}",
                                           key("kv_heads"), a.kv_heads, key("heads"), a.heads));
    noRanks(a);
    constexpr const char *kWith = "linear";
    refuse("qkv_bias", a.qkv_bias, kWith);
    refuse("output_bias", a.output_bias, kWith);
    refuse("qk_norm", a.qk_norm || a.qk_norm_whole, kWith);
    refuse("rope_dim", a.rope_dim != 0, kWith);
    refuse("sinks", a.sinks, kWith);
    refuse("output_gate", a.output_gate, kWith); // it always has one
    refuse("window", a.window != 0, kWith);
    refuse("chunk", a.chunk != 0, kWith);
  }

  void indexer(const AttentionShape &a) {
    if (a.index_topk == 0) {
      const std::string why = key("index_topk") + " is 0";
      absent(key("index_heads"), a.index_heads, why);
      return absent(key("index_head_dim"), a.index_head_dim, why);
    }
    within(key("index_topk"), a.index_topk, 1, kMaxTokens);
    width(key("index_heads"), a.index_heads);
    width(key("index_head_dim"), a.index_head_dim);
    if (a.q_lora_rank == 0)
      problem(key("q_lora_rank"),
              fmt::format("'{}' is 0, but the indexer starts from the compressed query",
                          key("q_lora_rank")));
  }

  void latent(const AttentionShape &a) {
    width(key("heads"), a.heads);
    within(key("q_lora_rank"), a.q_lora_rank, 0, kMaxWidth);
    width(key("kv_lora_rank"), a.kv_lora_rank);
    width(key("qk_nope_head_dim"), a.qk_nope_head_dim);
    width(key("qk_rope_head_dim"), a.qk_rope_head_dim);
    width(key("v_head_dim"), a.v_head_dim);
    if (a.kv_heads != a.heads)
      problem(key("kv_heads"), fmt::format("'{}' is {}; latent attention has as many as heads, {}",
                                           key("kv_heads"), a.kv_heads, a.heads));
    if (!problem_ && a.head_dim != a.qk_nope_head_dim + a.qk_rope_head_dim)
      problem(key("head_dim"),
              fmt::format("'{}' is {}; in latent attention it is qk_nope_head_dim + "
                          "qk_rope_head_dim = {}",
                          key("head_dim"), a.head_dim, a.qk_nope_head_dim + a.qk_rope_head_dim));
    indexer(a);
    absent(key("convolution"), a.convolution, key("kind") + " is latent");
    constexpr const char *kWith = "latent";
    refuse("qkv_bias", a.qkv_bias, kWith);
    refuse("output_bias", a.output_bias, kWith);
    refuse("qk_norm", a.qk_norm || a.qk_norm_whole, kWith);
    refuse("rope_dim", a.rope_dim != 0, kWith);
    refuse("sinks", a.sinks, kWith);
    refuse("output_gate", a.output_gate, kWith);
    refuse("window", a.window != 0, kWith);
    refuse("chunk", a.chunk != 0, kWith);
  }

  void experts() {
    const ExpertShape &moe = model_.moe;
    if (!moe_) {
      const char *why = "no layer has experts";
      absent("moe.experts", moe.experts, why);
      absent("moe.experts_per_token", moe.experts_per_token, why);
      absent("moe.inter", moe.inter, why);
      absent("moe.shared_experts", moe.shared_experts, why);
      absent("moe.shared_inter", moe.shared_inter, why);
      absent("moe.groups", moe.groups, why);
      absent("moe.groups_per_token", moe.groups_per_token, why);
      absent("moe.bias", moe.bias, why);
      return;
    }
    width("moe.experts", moe.experts);
    within("moe.experts_per_token", moe.experts_per_token, 1, moe.experts);
    width("moe.inter", moe.inter);
    within("moe.shared_experts", moe.shared_experts, 0, kMaxWidth);
    if (moe.shared_experts == 0)
      absent("moe.shared_inter", moe.shared_inter, "moe.shared_experts is 0");
    else
      width("moe.shared_inter", moe.shared_inter);
    within("moe.groups", moe.groups, 0, moe.experts);
    if (moe.groups == 0)
      return absent("moe.groups_per_token", moe.groups_per_token, "moe.groups is 0");
    within("moe.groups_per_token", moe.groups_per_token, 1, moe.groups);
    if (problem_)
      return;
    if (moe.experts % moe.groups != 0)
      return problem("moe.groups",
                     fmt::format("'moe.groups' is {}, which does not divide moe.experts = {}",
                                 moe.groups, moe.experts));
    const int64_t reachable = moe.groups_per_token * (moe.experts / moe.groups);
    if (moe.experts_per_token > reachable)
      problem("moe.experts_per_token",
              fmt::format("'moe.experts_per_token' is {}, but a token's {} groups hold only {}",
                          moe.experts_per_token, moe.groups_per_token, reachable));
  }

  void checkpoint() {
    const DType stored = model_.stored;
    if (stored == DType::fp64 || stored == DType::tf32 || stored == DType::int32)
      problem("checkpoint.dtype",
              fmt::format("'checkpoint.dtype' is {}, which no checkpoint stores", nameOf(stored)));
    if (model_.stored_block_scaled && stored != DType::fp8 && stored != DType::int8)
      problem("checkpoint.block_scaled",
              fmt::format("'checkpoint.block_scaled' goes with fp8 or int8, not with {}",
                          nameOf(stored)));
    if (!model_.unquantised.empty() && bytesOf(stored) >= bytesOf(DType::bf16))
      problem("checkpoint.unquantised",
              fmt::format("'checkpoint.unquantised' is given, but {} is not a quantised type",
                          nameOf(stored)));
  }

  const Transformer &model_;
  std::optional<TransformerProblem> problem_;
  std::string section_; // of the attention that is looked at: "attention.sliding."
  bool dense_ = false, moe_ = false;
};

} // namespace

std::optional<TransformerProblem> findProblem(const Transformer &model) {
  return Inspector(model).run();
}

Result<> check(const Transformer &model) {
  if (auto problem = findProblem(model))
    return Error{problem->code, std::move(problem->message), ""};
  return Ok{};
}

} // namespace mansard::work
