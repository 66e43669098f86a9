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
    layers();
    if (model_.attention.kind == AttentionKind::latent)
      latent();
    else
      groupedQuery();
    experts();
    checkpoint();
    return std::move(problem_);
  }

private:
  void problem(std::string key, std::string message, ErrorCode code = ErrorCode::invalidInput) {
    if (!problem_)
      problem_ = TransformerProblem{std::move(key), std::move(message), code};
  }

  void within(const char *key, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most)
      problem(key, fmt::format("'{}' is {}; it must be from {} to {}", key, value, least, most));
  }
  void width(const char *key, int64_t value) { within(key, value, 1, kMaxWidth); }

  void absent(const char *key, int64_t value, const char *why) {
    if (value != 0)
      problem(key, fmt::format("'{}' is {}, but {}", key, value, why));
  }

  void sizes() {
    width("hidden", model_.hidden);
    width("vocab", model_.vocab);
    within("max_positions", model_.max_positions, 1, kMaxTokens);
    within("inter", model_.inter, 0, kMaxWidth);
    within("next_token_layers", model_.next_token_layers, 0, kMaxLayers);
  }

  void layers() {
    if (model_.layers.empty())
      problem("layers.count", "the model has no layers");
    int64_t count = 0;
    for (const LayerRun &run : model_.layers) {
      within("layers.count", run.count, 1, kMaxLayers);
      if (problem_)
        return;
      count += run.count;
      dense_ |= !run.moe;
      moe_ |= run.moe;
      sliding_ |= run.sliding;
      if (count > kMaxLayers)
        return problem("layers.count",
                       fmt::format("the model has more than {} layers", kMaxLayers));
    }
    if (dense_ && model_.inter == 0)
      problem("inter", "'inter' is 0, but the model has dense layers");
    if (!dense_)
      absent("inter", model_.inter, "no layer is dense");
  }

  void groupedQuery() {
    const AttentionShape &a = model_.attention;
    width("attention.heads", a.heads);
    width("attention.kv_heads", a.kv_heads);
    width("attention.head_dim", a.head_dim);
    if (!problem_ && a.heads % a.kv_heads != 0)
      problem("attention.kv_heads",
              fmt::format("'attention.kv_heads' is {}, which does not divide attention.heads = {}",
                          a.kv_heads, a.heads));
    const char *why = "attention.kind is grouped_query";
    absent("attention.q_lora_rank", a.q_lora_rank, why);
    absent("attention.kv_lora_rank", a.kv_lora_rank, why);
    absent("attention.qk_nope_head_dim", a.qk_nope_head_dim, why);
    absent("attention.qk_rope_head_dim", a.qk_rope_head_dim, why);
    absent("attention.v_head_dim", a.v_head_dim, why);
    within("attention.sliding_window", a.sliding_window, 0, kMaxTokens);
    if (sliding_ && a.sliding_window == 0)
      problem("attention.sliding_window",
              "'attention.sliding_window' is 0, but the model has sliding layers");
    if (!sliding_)
      absent("attention.sliding_window", a.sliding_window, "no layer slides");
  }

  void latent() {
    const AttentionShape &a = model_.attention;
    width("attention.heads", a.heads);
    within("attention.q_lora_rank", a.q_lora_rank, 0, kMaxWidth);
    width("attention.kv_lora_rank", a.kv_lora_rank);
    width("attention.qk_nope_head_dim", a.qk_nope_head_dim);
    width("attention.qk_rope_head_dim", a.qk_rope_head_dim);
    width("attention.v_head_dim", a.v_head_dim);
    if (a.kv_heads != a.heads)
      problem("attention.kv_heads",
              fmt::format("'attention.kv_heads' is {}; latent attention has as many as heads, {}",
                          a.kv_heads, a.heads));
    if (!problem_ && a.head_dim != a.qk_nope_head_dim + a.qk_rope_head_dim)
      problem("attention.head_dim",
              fmt::format("'attention.head_dim' is {}; in latent attention it is "
                          "qk_nope_head_dim + qk_rope_head_dim = {}",
                          a.head_dim, a.qk_nope_head_dim + a.qk_rope_head_dim));
    const auto refuse = [this](const char *key, bool given) {
      if (given)
        problem(key, fmt::format("'{}' is not supported with latent attention", key),
                ErrorCode::unsupported);
    };
    refuse("attention.qkv_bias", a.qkv_bias);
    refuse("attention.output_bias", a.output_bias);
    refuse("attention.qk_norm", a.qk_norm);
    refuse("attention.sinks", a.sinks);
    refuse("attention.sliding_window", a.sliding_window != 0);
    refuse("layers.pattern", sliding_);
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
  bool dense_ = false, moe_ = false, sliding_ = false;
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
