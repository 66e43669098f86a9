// Qwen3-Next and Qwen3.5: three layers of linear attention by the gated delta rule to one of gated
// full attention, each with experts of which one is shared.
#include "ConfigFamilies.h"

#include <fmt/format.h>

#include <algorithm>

namespace mansard::ir {
namespace {

constexpr std::string_view kLinear = "linear_attention", kFull = "full_attention";

/// The state's type: engines keep it in single precision unless the config says otherwise.
DType readStateType(ConfigFields &fields) {
  const std::string name = fields.textOr("mamba_ssm_dtype", "float32");
  if (name == "float32")
    return DType::fp32;
  if (name == "bfloat16")
    return DType::bf16;
  fields.unsupported("mamba_ssm_dtype", name, {"float32", "bfloat16"});
  return DType::fp32;
}

work::AttentionShape readLinear(ConfigFields &fields) {
  work::AttentionShape linear;
  linear.kind = work::AttentionKind::delta_rule;
  linear.heads = fields.size("linear_num_value_heads", 1, work::kMaxWidth);
  linear.kv_heads = fields.size("linear_num_key_heads", 1, work::kMaxWidth);
  linear.head_dim = fields.size("linear_key_head_dim", 1, work::kMaxWidth);
  linear.v_head_dim = fields.size("linear_value_head_dim", 1, work::kMaxWidth);
  linear.convolution = fields.size("linear_conv_kernel_dim", 2, work::kMaxWidth);
  linear.state = readStateType(fields);
  if (linear.heads % linear.kv_heads != 0)
    fields.fail("linear_num_key_heads",
                fmt::format("'linear_num_key_heads' is {}, which does not divide "
                            "linear_num_value_heads = {}",
                            linear.kv_heads, linear.heads));
  if (linear.v_head_dim != linear.head_dim)
    fields.fail("linear_value_head_dim",
                fmt::format("'linear_value_head_dim' is {}; only states as wide as "
                            "linear_key_head_dim = {} are supported",
                            linear.v_head_dim, linear.head_dim),
                ErrorCode::unsupported);
  return linear;
}

/// Whether each layer's attention is full.
std::vector<bool> readFullLayers(ConfigFields &fields, int64_t layers) {
  const int64_t interval = fields.sizeOr("full_attention_interval", 1, work::kMaxLayers, 4);
  std::vector<bool> full(static_cast<size_t>(layers));
  for (size_t i = 0; i < full.size(); ++i)
    full[i] = (static_cast<int64_t>(i) + 1) % interval == 0;
  const auto types = fields.texts("layer_types");
  if (!fields.has("layer_types"))
    return full;
  if (static_cast<int64_t>(types.size()) != layers) {
    fields.fail("layer_types", fmt::format("'layer_types' lists {} layers, but num_hidden_layers "
                                           "is {}",
                                           types.size(), layers));
    return full;
  }
  for (size_t i = 0; i < full.size(); ++i) {
    if (types[i] != kLinear && types[i] != kFull)
      fields.unsupported("layer_types", types[i], {kLinear, kFull});
    full[i] = types[i] == kFull;
  }
  return full;
}

void readAttentions(ConfigFields &fields, work::Transformer &model, bool hasLinear, bool hasFull) {
  readHeads(fields, model);
  work::AttentionShape full = model.attentions.front();
  if (fields.flagOr("attention_bias", false))
    fields.unsupported("attention_bias", "true", {"false"});
  if (!fields.flagOr("attn_output_gate", true))
    fields.unsupported("attn_output_gate", "false", {"true"});
  full.qk_norm = full.output_gate = true;
  full.rope_dim = readRotaryColumns(fields, full.head_dim, 0.25);
  const work::AttentionShape linear = readLinear(fields);
  model.attentions.clear();
  if (hasLinear)
    model.attentions.push_back(linear);
  if (hasLinear && hasFull)
    full.name = "full";
  if (hasFull)
    model.attentions.push_back(full);
}

/// Experts of every layer but those of mlp_only_layers; none in Qwen3.5's dense models.
std::vector<bool> readExperts(ConfigFields &fields, work::Transformer &model, int64_t layers) {
  std::vector<bool> moe(static_cast<size_t>(layers), fields.has("num_experts"));
  if (fields.has("num_experts")) {
    model.moe.experts = fields.size("num_experts", 1, work::kMaxWidth);
    model.moe.experts_per_token = fields.size("num_experts_per_tok", 1, model.moe.experts);
    model.moe.inter = fields.size("moe_intermediate_size", 1, work::kMaxWidth);
    model.moe.shared_inter = fields.size("shared_expert_intermediate_size", 1, work::kMaxWidth);
    model.moe.shared_experts = 1;
    const int64_t step = fields.sizeOr("decoder_sparse_step", 1, work::kMaxLayers, 1);
    for (size_t i = 0; i < moe.size(); ++i)
      moe[i] = (static_cast<int64_t>(i) + 1) % step == 0;
    for (int64_t dense : fields.sizes("mlp_only_layers", 0, layers - 1))
      moe[static_cast<size_t>(dense)] = false;
    fields.ignore({"norm_topk_prob", "output_router_logits", "router_aux_loss_coef"});
  }
  if (std::find(moe.begin(), moe.end(), false) != moe.end())
    model.inter = fields.size("intermediate_size", 1, work::kMaxWidth);
  else
    fields.ignore({"intermediate_size"}); // of the dense layers, of which there are none
  return moe;
}

} // namespace

void readQwen3Next(ConfigFields &fields, work::Transformer &model) {
  const int64_t layers = readCommon(fields, model);
  const std::vector<bool> full = readFullLayers(fields, layers);
  const bool hasFull = std::find(full.begin(), full.end(), true) != full.end();
  const bool hasLinear = std::find(full.begin(), full.end(), false) != full.end();
  readAttentions(fields, model, hasLinear, hasFull);
  // What the published fp8 checkpoints leave in 16 bits; the recurrence's own parameters always
  // are.
  readCheckpoint(fields, model, {"lm_head", "embed_tokens", "mlp.gate"});
  if (fields.flagOr("use_sliding_window", false))
    fields.unsupported("use_sliding_window", "true", {"false"});
  const std::vector<bool> moe = readExperts(fields, model, layers);
  const size_t fullAttention = model.attentions.size() - 1;
  for (size_t i = 0; i < full.size(); ++i)
    model.addLayer(full[i] ? fullAttention : 0, moe[i]);
  // The draft attends as full layers do.
  if (const int64_t drafting = fields.sizeOr("mtp_num_hidden_layers", 0, work::kMaxLayers, 0))
    model.next_token = {drafting, fullAttention, moe.back()};
  if (fields.flagOr("mtp_use_dedicated_embeddings", false))
    fields.unsupported("mtp_use_dedicated_embeddings", "true", {"false"});
}

} // namespace mansard::ir
