// MiniMax-M2: grouped queries normed over all heads, rotary positions on a part of each head, every
// layer with experts.
#include "ConfigFamilies.h"

#include <fmt/format.h>

namespace mansard::ir {

void readMinimaxM2(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readHeads(fields, model);
  work::AttentionShape &attention = model.attentions.front();
  attention.rope_dim = fields.sizeOr("rotary_dim", 0, attention.head_dim, attention.head_dim);
  fields.ignore({"partial_rotary_factor"}); // rotary_dim as a share
  attention.qk_norm = fields.flagOr("use_qk_norm", false);
  const std::string norm = fields.textOr("qk_norm_type", "per_layer");
  if (norm != "per_layer" && norm != "per_head")
    fields.unsupported("qk_norm_type", norm, {"per_layer", "per_head"});
  attention.qk_norm_whole = attention.qk_norm && norm == "per_layer";
  if (fields.has("sliding_window"))
    fields.unsupported("sliding_window", "a window", {"null"});
  for (int64_t type : fields.sizes("attn_type_list", 0, 1))
    if (type != 1) // 0: linear attention, of earlier models of the family
      fields.unsupported("attn_type_list", "0", {"1"});

  model.moe.experts = fields.size("num_local_experts", 1, work::kMaxWidth);
  model.moe.experts_per_token = fields.size("num_experts_per_tok", 1, model.moe.experts);
  model.moe.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  if (const int64_t shared = fields.sizeOr("shared_intermediate_size", 0, work::kMaxWidth, 0)) {
    model.moe.shared_experts = 1;
    model.moe.shared_inter = shared;
  }
  fields.ignore({"scoring_func", "use_routing_bias", "output_router_logits", "router_aux_loss_coef",
                 "router_jitter_noise"});
  for (int64_t i = 0; i < layers; ++i)
    model.addLayer(0, true);
  const int64_t each = fields.sizeOr("mtp_transformer_layers", 1, work::kMaxLayers, 1);
  const int64_t modules = fields.sizeOr("num_mtp_modules", 0, work::kMaxLayers / each, 0);
  if (fields.flagOr("use_mtp", false) && modules > 0)
    model.next_token = {modules * each, 0, true};
  readCheckpoint(fields, model, {"lm_head", "gate"});
}

} // namespace mansard::ir
