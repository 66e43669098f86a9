// GLM-4.5 and after: grouped queries with rotary positions on half of each head, routing, shared
// expert and next-token layer as in DeepSeek-V3 (arXiv 2508.06471).
#include "ConfigFamilies.h"

namespace mansard::ir {

void readGlm4Moe(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  readHeads(fields, model);
  work::AttentionShape &attention = model.attentions.front();
  // The reference code's default, and what the published configs say.
  attention.rope_dim = readRotaryColumns(fields, attention.head_dim, 0.5);
  attention.qkv_bias = fields.flag("attention_bias"); // of the three, not of the output
  attention.qk_norm = fields.flag("use_qk_norm");
  readRouting(fields, model.moe);
  readDenseFirst(fields, model, layers);
  readCheckpoint(fields, model, {"lm_head", "model.embed_tokens", "model.layers.*.mlp.gate"});
}

} // namespace mansard::ir
