// Families whose every layer has a dense feed-forward: Llama, Mistral, Qwen2, Qwen3.
#include "ConfigFamilies.h"

#include <algorithm>

namespace mansard::ir {
namespace {

/// Layers from max_window_layers on slide, unless layer_types says which do.
void addQwenLayers(ConfigFields &fields, work::Transformer &model, int64_t layers) {
  const bool windows = fields.flagOr("use_sliding_window", false);
  const int64_t window = fields.sizeOr("sliding_window", 1, work::kMaxTokens, 0);
  const int64_t firstSliding = fields.sizeOr("max_window_layers", 0, work::kMaxLayers, layers);
  std::vector<bool> sliding = readLayerTypes(fields, layers);
  if (sliding.empty())
    for (int64_t i = 0; i < layers; ++i)
      sliding.push_back(windows && window > 0 && i >= firstSliding);
  const bool any = std::find(sliding.begin(), sliding.end(), true) != sliding.end();
  if (any && (!windows || window == 0))
    fields.fail("layer_types", windows ? "'layer_types' has sliding layers, but sliding_window is "
                                         "missing"
                                       : "'layer_types' has sliding layers, but "
                                         "use_sliding_window is false");
  const size_t slides = any ? addSliding(model, sliding, window) : 0;
  for (bool each : sliding)
    model.addLayer(each ? slides : 0, false);
}

} // namespace

void readLlama(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readHeads(fields, model);
  model.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  setAttentionBias(model, fields.flagOr("attention_bias", false));
  if (fields.flagOr("mlp_bias", false))
    fields.unsupported("mlp_bias", "true", {"false"});
  readCheckpoint(fields, model, {"lm_head", "model.embed_tokens"});
  for (int64_t i = 0; i < layers; ++i)
    model.addLayer(0, false);
}

void readQwen3(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readHeads(fields, model);
  if (!fields.has("head_dim")) // the reference code's default is a constant, not a share of hidden
    fields.size("head_dim", 1, work::kMaxWidth);
  model.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  setAttentionBias(model, fields.flagOr("attention_bias", false));
  model.attentions.front().qk_norm = true;
  readCheckpoint(fields, model, {"lm_head", "model.embed_tokens"});
  addQwenLayers(fields, model, layers);
}

void readMistral(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model, /*tied=*/false);
  readHeads(fields, model);
  model.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  model.attentions.front().window = fields.sizeOr("sliding_window", 1, work::kMaxTokens, 0);
  readCheckpoint(fields, model, {"lm_head", "model.embed_tokens"});
  for (int64_t i = 0; i < layers; ++i)
    model.addLayer(0, false);
}

void readQwen2(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model, /*tied=*/false);
  readHeads(fields, model);
  model.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  model.attentions.front().qkv_bias = fields.flagOr("attention_bias", true);
  fields.ignore({"use_mrope"}); // positions of images
  readCheckpoint(fields, model, {"lm_head", "model.embed_tokens"});
  addQwenLayers(fields, model, layers);
  if (const int64_t drafting = fields.sizeOr("num_nextn_predict_layers", 0, work::kMaxLayers, 0))
    model.next_token = {drafting, model.layers.back().attention, false};
}

} // namespace mansard::ir
