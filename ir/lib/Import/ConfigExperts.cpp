// Families with grouped-query attention and a mixture of experts: Qwen3-MoE, Mixtral, gpt-oss.
#include "ConfigFamilies.h"

#include <fmt/format.h>

#include <algorithm>

namespace mansard::ir {

void readQwen3Moe(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readHeads(fields, model);
  setAttentionBias(model, fields.flagOr("attention_bias", false));
  model.attentions.front().qk_norm = true;
  readCheckpoint(fields, model, {"lm_head", "model.embed_tokens", "model.layers.*.mlp.gate"});
  // Which layers would slide differs between versions of the reference code.
  if (fields.flagOr("use_sliding_window", false))
    fields.unsupported("use_sliding_window", "true", {"false"});
  fields.ignore({"sliding_window", "max_window_layers"}); // read only with use_sliding_window
  for (bool sliding : readLayerTypes(fields, layers))
    if (sliding)
      fields.unsupported("layer_types", "sliding_attention", {"full_attention"});
  fields.ignore({"norm_topk_prob", "output_router_logits", "router_aux_loss_coef"});

  model.moe.experts = fields.size("num_experts", 1, work::kMaxWidth);
  model.moe.experts_per_token = fields.size("num_experts_per_tok", 1, model.moe.experts);
  model.moe.inter = fields.size("moe_intermediate_size", 1, work::kMaxWidth);
  const int64_t step = fields.sizeOr("decoder_sparse_step", 1, work::kMaxLayers, 1);
  const auto dense = fields.sizes("mlp_only_layers", 0, layers - 1);
  bool anyDense = false;
  std::vector<bool> isDense(static_cast<size_t>(layers), false);
  for (int64_t layer : dense)
    isDense[static_cast<size_t>(layer)] = true;
  for (int64_t i = 0; i < layers; ++i) {
    const bool moe = !isDense[static_cast<size_t>(i)] && (i + 1) % step == 0;
    anyDense |= !moe;
    model.addLayer(0, moe);
  }
  if (anyDense)
    model.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  else
    fields.ignore({"intermediate_size"}); // of the dense layers, of which there are none
}

void readMixtral(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readHeads(fields, model);
  readCheckpoint(fields, model,
                 {"lm_head", "model.embed_tokens", "model.layers.*.block_sparse_moe.gate"});
  fields.ignore({"output_router_logits", "router_aux_loss_coef", "router_jitter_noise"});
  model.moe.experts = fields.size("num_local_experts", 1, work::kMaxWidth);
  model.moe.experts_per_token = fields.size("num_experts_per_tok", 1, model.moe.experts);
  model.moe.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  model.attentions.front().window = fields.sizeOr("sliding_window", 1, work::kMaxTokens, 0);
  for (int64_t i = 0; i < layers; ++i)
    model.addLayer(0, true);
}

void readGptOss(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readHeads(fields, model);
  setAttentionBias(model, fields.flag("attention_bias"));
  model.attentions.front().sinks = true;
  readCheckpoint(fields, model);
  fields.ignore(
      {"output_router_logits", "router_aux_loss_coef", "initial_context_length", "swiglu_limit"});

  model.moe.experts = fields.size("num_local_experts", 1, work::kMaxWidth);
  model.moe.experts_per_token = fields.size("num_experts_per_tok", 1, model.moe.experts);
  if (fields.sizeOr("experts_per_token", 1, work::kMaxWidth, model.moe.experts_per_token) !=
      model.moe.experts_per_token)
    fields.fail("experts_per_token",
                "'experts_per_token' and 'num_experts_per_tok' contradict each other");
  model.moe.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  model.moe.bias = true;

  const auto sliding = readLayerTypes(fields, layers);
  if (sliding.empty())
    fields.fail("layer_types", "'layer_types' is missing; it must list sliding_attention or "
                               "full_attention for each layer");
  const bool anySliding = std::find(sliding.begin(), sliding.end(), true) != sliding.end();
  size_t slides = 0;
  if (anySliding)
    slides = addSliding(model, sliding, fields.size("sliding_window", 1, work::kMaxTokens));
  else
    fields.ignore({"sliding_window"}); // no layer slides
  for (bool each : sliding)
    model.addLayer(each ? slides : 0, true);
}

} // namespace mansard::ir
