// Families whose every layer has a dense feed-forward: Llama, Qwen3.
#include "ConfigFamilies.h"

#include <fmt/format.h>

namespace mansard::ir {

void readLlama(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readHeads(fields, model);
  model.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  setAttentionBias(model, fields.flagOr("attention_bias", false));
  if (fields.flagOr("mlp_bias", false))
    fields.unsupported("mlp_bias", "true", {"false"});
  readCheckpoint(fields, model, "fp8", {"lm_head", "model.embed_tokens"});
  for (int64_t i = 0; i < layers; ++i)
    model.addLayer(false, false);
}

void readQwen3(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readHeads(fields, model);
  if (!fields.has("head_dim")) // the reference code's default is a constant, not a share of hidden
    fields.size("head_dim", 1, work::kMaxWidth);
  model.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  setAttentionBias(model, fields.flagOr("attention_bias", false));
  model.attention.qk_norm = true;
  readCheckpoint(fields, model, "fp8", {"lm_head", "model.embed_tokens"});

  // Layers from max_window_layers on slide, unless layer_types says which do.
  const bool windows = fields.flagOr("use_sliding_window", false);
  const int64_t window = fields.sizeOr("sliding_window", 1, work::kMaxTokens, 0);
  const int64_t firstSliding = fields.sizeOr("max_window_layers", 0, work::kMaxLayers, layers);
  const std::vector<bool> types = readLayerTypes(fields, layers);
  for (int64_t i = 0; i < layers; ++i) {
    const bool sliding =
        types.empty() ? windows && window > 0 && i >= firstSliding : types[static_cast<size_t>(i)];
    if (sliding && (!windows || window == 0))
      fields.fail("layer_types", windows ? "'layer_types' has sliding layers, but sliding_window "
                                           "is missing"
                                         : "'layer_types' has sliding layers, but "
                                           "use_sliding_window is false");
    if (sliding)
      model.attention.sliding_window = window;
    model.addLayer(sliding, false);
  }
}

} // namespace mansard::ir
