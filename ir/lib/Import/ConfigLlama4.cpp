// Llama 4: most layers turn positions and attend in chunks, every fourth sees everything and turns
// none; experts in every layer or every second, with one shared expert.
#include "ConfigFamilies.h"

#include <fmt/format.h>

#include <algorithm>

namespace mansard::ir {

void readLlama4(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model, /*tied=*/false);
  readHeads(fields, model);
  setAttentionBias(model, fields.flagOr("attention_bias", false));
  work::AttentionShape full = model.attentions.front(), chunked = full;
  full.rope_dim = 0;
  chunked.name = "chunked";
  chunked.chunk = fields.size("attention_chunk_size", 1, work::kMaxTokens);
  chunked.qk_norm = fields.flagOr("use_qk_norm", true);

  // The flags say which layers turn positions, whatever their name says.
  auto turns = fields.sizes("no_rope_layers", 0, 1);
  const int64_t interval = fields.sizeOr("no_rope_layer_interval", 1, work::kMaxLayers, 4);
  if (turns.empty())
    for (int64_t i = 0; i < layers; ++i)
      turns.push_back((i + 1) % interval != 0 ? 1 : 0);
  if (int64_t(turns.size()) != layers) {
    fields.fail("no_rope_layers", fmt::format("'no_rope_layers' lists {} layers, but "
                                              "num_hidden_layers is {}",
                                              turns.size(), layers));
    turns.resize(static_cast<size_t>(layers));
  }
  const auto types = fields.texts("layer_types");
  for (size_t i = 0; i < types.size() && i < turns.size(); ++i)
    if (types[i] != (turns[i] ? "chunked_attention" : "full_attention"))
      fields.fail("layer_types", fmt::format("'layer_types' has '{}' for layer {}, which "
                                             "contradicts no_rope_layers",
                                             types[i], i));
  const bool anyFull = std::find(turns.begin(), turns.end(), 0) != turns.end();
  const bool anyChunked = std::find(turns.begin(), turns.end(), 1) != turns.end();
  model.attentions.clear();
  if (anyFull)
    model.attentions.push_back(full);
  if (anyChunked)
    model.attentions.push_back(chunked);
  model.attentions.front().name.clear();

  work::ExpertShape &moe = model.moe;
  moe.experts = fields.size("num_local_experts", 1, work::kMaxWidth);
  moe.experts_per_token = fields.size("num_experts_per_tok", 1, moe.experts);
  moe.inter = moe.shared_inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  moe.shared_experts = 1;
  const int64_t step = fields.sizeOr("interleave_moe_layer_step", 1, work::kMaxLayers, 1);
  std::vector<bool> experts(static_cast<size_t>(layers), false);
  if (fields.has("moe_layers"))
    for (int64_t layer : fields.sizes("moe_layers", 0, layers - 1))
      experts[static_cast<size_t>(layer)] = true;
  else
    for (int64_t i = 0; i < layers; ++i)
      experts[static_cast<size_t>(i)] = (i + 1) % step == 0;
  for (size_t i = 0; i < turns.size(); ++i)
    model.addLayer(turns[i] ? model.attentions.size() - 1 : 0, experts[i]);
  const int64_t dense = fields.size("intermediate_size_mlp", 1, work::kMaxWidth);
  if (std::find(experts.begin(), experts.end(), false) != experts.end())
    model.inter = dense;
  if (std::find(experts.begin(), experts.end(), true) == experts.end())
    fields.fail("interleave_moe_layer_step", "no layer has experts");
  fields.ignore({"attn_scale", "attn_temperature_tuning", "cache_implementation", "floor_scale",
                 "for_llm_compressor", "output_router_logits", "router_aux_loss_coef",
                 "router_jitter_noise"});
  readCheckpoint(fields, model, {"lm_head", "model.embed_tokens", "router"});
}

} // namespace mansard::ir
