// MiMo-V2: layers that see everything between layers with a short window and sinks, with numbers of
// key-value heads of their own and values narrower than keys.
#include "ConfigFamilies.h"

#include <fmt/format.h>

#include <algorithm>

namespace mansard::ir {
namespace {

/// One flag for each layer.
std::vector<int64_t> flagsOf(ConfigFields &fields, const char *key, int64_t layers) {
  auto flags = fields.sizes(key, 0, 1);
  if (int64_t(flags.size()) != layers) {
    fields.fail(key, fmt::format("'{}' must list 0 or 1 for each of the {} layers", key, layers));
    flags.assign(static_cast<size_t>(layers), 0);
  }
  return flags;
}

} // namespace

void readMimoV2(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readHeads(fields, model);
  work::AttentionShape full = model.attentions.front();
  full.v_head_dim = fields.sizeOr("v_head_dim", 1, work::kMaxWidth, full.head_dim);
  full.rope_dim = readRotaryColumns(fields, full.head_dim, 1);
  full.qkv_bias = fields.flagOr("attention_bias", false);
  full.sinks = fields.flagOr("add_full_attention_sink_bias", false);

  work::AttentionShape sliding = full;
  sliding.name = "sliding";
  sliding.heads = fields.sizeOr("swa_num_attention_heads", 1, work::kMaxWidth, full.heads);
  sliding.kv_heads = fields.sizeOr("swa_num_key_value_heads", 1, work::kMaxWidth, full.kv_heads);
  if (sliding.heads % sliding.kv_heads != 0)
    fields.fail("swa_num_key_value_heads",
                fmt::format("'swa_num_key_value_heads' is {}, which does not divide "
                            "swa_num_attention_heads = {}",
                            sliding.kv_heads, sliding.heads));
  sliding.head_dim = fields.sizeOr("swa_head_dim", 1, work::kMaxWidth, full.head_dim);
  sliding.v_head_dim = fields.sizeOr("swa_v_head_dim", 1, work::kMaxWidth, full.v_head_dim);
  sliding.rope_dim = readRotaryColumns(fields, sliding.head_dim, 1);
  sliding.sinks = fields.flagOr("add_swa_attention_sink_bias", false);
  sliding.window = fields.size("sliding_window", 1, work::kMaxTokens);
  if (fields.sizeOr("sliding_window_size", 1, work::kMaxTokens, sliding.window) != sliding.window)
    fields.fail("sliding_window_size",
                "'sliding_window_size' and 'sliding_window' contradict each other");
  fields.ignore({"attention_chunk_size", "attention_value_scale", "swa_rope_theta",
                 "layernorm_epsilon", "hybrid_block_size"});

  const auto slides = flagsOf(fields, "hybrid_layer_pattern", layers);
  const auto moe = flagsOf(fields, "moe_layer_freq", layers);
  const bool anyFull = std::find(slides.begin(), slides.end(), 0) != slides.end();
  const bool anySliding = std::find(slides.begin(), slides.end(), 1) != slides.end();
  model.attentions.clear();
  if (anyFull)
    model.attentions.push_back(full);
  if (anySliding)
    model.attentions.push_back(sliding);
  model.attentions.front().name.clear();
  const size_t last = model.attentions.size() - 1;
  for (size_t i = 0; i < slides.size(); ++i)
    model.addLayer(slides[i] ? last : 0, moe[i] != 0);

  if (std::find(moe.begin(), moe.end(), 1) != moe.end())
    readRouting(fields, model.moe);
  else
    fields.fail("moe_layer_freq", "'moe_layer_freq' gives no layer experts");
  const int64_t inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  const bool anyDense = std::find(moe.begin(), moe.end(), 0) != moe.end();
  // A draft's layer slides and is dense (the model's report; the config may leave out how many).
  if (const int64_t drafting = fields.sizeOr("num_nextn_predict_layers", 0, work::kMaxLayers, 0))
    model.next_token = {drafting, last, false};
  if (anyDense || model.next_token.count > 0)
    model.inter = inter;
  readCheckpoint(fields, model, {"lm_head", "model.embed_tokens", "model.layers.*.mlp.gate"});
}

} // namespace mansard::ir
