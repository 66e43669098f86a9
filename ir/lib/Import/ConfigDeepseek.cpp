// DeepSeek-V3 and the models of its shape (Kimi K2): latent attention, group-limited routing,
// shared experts, next-token layers (arXiv 2412.19437).
#include "ConfigFamilies.h"

#include <fmt/format.h>

namespace mansard::ir {
namespace {

void readLatentAttention(ConfigFields &fields, work::Transformer &model) {
  work::AttentionShape &attention = model.attentions.front();
  attention.kind = work::AttentionKind::latent;
  attention.heads = fields.size("num_attention_heads", 1, work::kMaxWidth);
  attention.q_lora_rank = fields.sizeOr("q_lora_rank", 1, work::kMaxWidth, 0); // null: full rank
  attention.kv_lora_rank = fields.size("kv_lora_rank", 1, work::kMaxWidth);
  attention.qk_nope_head_dim = fields.size("qk_nope_head_dim", 1, work::kMaxWidth);
  attention.qk_rope_head_dim = fields.size("qk_rope_head_dim", 1, work::kMaxWidth);
  attention.v_head_dim = fields.size("v_head_dim", 1, work::kMaxWidth);
  attention.kv_heads = attention.heads;
  attention.head_dim = attention.qk_nope_head_dim + attention.qk_rope_head_dim;

  // Written by some versions although they follow from the rest.
  const auto follows = [&](const char *key, int64_t expected, const char *from) {
    if (const int64_t given = fields.sizeOr(key, 1, 2 * work::kMaxWidth, expected);
        given != expected)
      fields.fail(key, fmt::format("'{}' is {}, but {} = {}", key, given, from, expected));
  };
  follows("num_key_value_heads", attention.heads, "num_attention_heads");
  follows("qk_head_dim", attention.head_dim, "qk_nope_head_dim + qk_rope_head_dim");
  follows("head_dim", attention.qk_rope_head_dim, "qk_rope_head_dim");
  if (fields.flagOr("attention_bias", false))
    fields.unsupported("attention_bias", "true", {"false"});
  fields.ignore({"rope_interleave"});
}

} // namespace

void readRouting(ConfigFields &fields, work::ExpertShape &moe) {
  moe.experts = fields.size("n_routed_experts", 1, work::kMaxWidth);
  moe.experts_per_token = fields.size("num_experts_per_tok", 1, moe.experts);
  moe.inter = fields.size("moe_intermediate_size", 1, work::kMaxWidth);
  moe.shared_experts = fields.sizeOr("n_shared_experts", 0, work::kMaxWidth, 0);
  moe.shared_inter = moe.shared_experts * moe.inter;
  // One group is no limit.
  const int64_t groups = fields.size("n_group", 1, work::kMaxWidth);
  const int64_t groupsPerToken = fields.size("topk_group", 1, work::kMaxWidth);
  if (groupsPerToken > groups)
    fields.fail("topk_group",
                fmt::format("'topk_group' is {}, but n_group is {}", groupsPerToken, groups));
  else if (moe.experts % groups != 0)
    fields.fail("n_group", fmt::format("'n_group' is {}, which does not divide n_routed_experts = "
                                       "{}",
                                       groups, moe.experts));
  else if (moe.experts_per_token > groupsPerToken * (moe.experts / groups))
    fields.fail("num_experts_per_tok",
                fmt::format("'num_experts_per_tok' is {}, but a token's topk_group = {} groups "
                            "hold only {}",
                            moe.experts_per_token, groupsPerToken,
                            groupsPerToken * (moe.experts / groups)));
  else if (groups > 1) {
    moe.groups = groups;
    moe.groups_per_token = groupsPerToken;
  }
  // Newer versions of transformers know no other method and leave the field out.
  if (const std::string method = fields.textOr("topk_method", "noaux_tc"); method != "noaux_tc")
    fields.unsupported("topk_method", method, {"noaux_tc"});
  if (const std::string scoring = fields.textOr("scoring_func", "sigmoid");
      scoring != "sigmoid" && scoring != "softmax")
    fields.unsupported("scoring_func", scoring, {"sigmoid", "softmax"});
  fields.ignore({"norm_topk_prob", "routed_scaling_factor", "aux_loss_alpha", "seq_aux", "ep_size",
                 "output_router_logits", "router_aux_loss_coef"});
}

void readDenseFirst(ConfigFields &fields, work::Transformer &model, int64_t layers) {
  const int64_t firstMoe = fields.size("first_k_dense_replace", 0, work::kMaxLayers);
  const int64_t every = fields.sizeOr("moe_layer_freq", 1, work::kMaxLayers, 1);
  bool anyDense = false, anyMoe = false;
  for (int64_t i = 0; i < layers; ++i) {
    const bool moe = i >= firstMoe && i % every == 0;
    anyDense |= !moe;
    anyMoe |= moe;
    model.addLayer(0, moe);
  }
  if (const int64_t drafting = fields.sizeOr("num_nextn_predict_layers", 0, work::kMaxLayers, 0))
    model.next_token = {drafting, 0, model.layers.back().moe};
  const int64_t inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  if (anyDense)
    model.inter = inter;
  if (!anyMoe)
    fields.fail("first_k_dense_replace",
                fmt::format("'first_k_dense_replace' is {}, so none of the {} layers has experts",
                            firstMoe, layers));
}

void readDeepseekV3(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readLatentAttention(fields, model);
  readRouting(fields, model.moe);
  readDenseFirst(fields, model, layers);
  // The modules that the DeepSeek-V3 report (section 3.3.1) keeps in higher precision.
  readCheckpoint(fields, model, {"model.embed_tokens", "lm_head", "model.layers.*.mlp.gate"});
}

} // namespace mansard::ir
