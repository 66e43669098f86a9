#include "ConfigFamilies.h"

#include <fmt/format.h>

namespace mansard::ir {
namespace {

constexpr std::string_view kRopeReader = "rotary scaling";

/// Rotary position scaling changes angles, not work: only its kind and fields are checked.
void readRopeScaling(ConfigFields &fields, const char *key) {
  auto rope = fields.object(key);
  if (!rope)
    return;
  for (const char *name : {"type", "rope_type"}) {
    const std::string type = rope->textOr(name, "default");
    if (type != "default" && type != "linear" && type != "dynamic" && type != "yarn" &&
        type != "longrope" && type != "llama3")
      rope->unsupported(name, type, {"default", "linear", "dynamic", "yarn", "longrope", "llama3"});
  }
  rope->ignore({"factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor",
                "beta_fast", "beta_slow", "mscale", "mscale_all_dim", "attention_factor",
                "short_factor", "long_factor", "truncate", "rope_theta"});
  fields.adopt(*rope, kRopeReader);
}

std::optional<DType> plainType(ConfigFields &fields, const char *key) {
  if (!fields.has(key))
    return std::nullopt;
  std::string name = fields.text(key);
  if (name.starts_with("torch."))
    name = name.substr(6);
  if (name == "bfloat16")
    return DType::bf16;
  if (name == "float16")
    return DType::fp16;
  if (name == "float32")
    return DType::fp32;
  fields.unsupported(key, name, {"bfloat16", "float16", "float32"});
  return std::nullopt;
}

/// One scale per this many rows and columns; what `stored_block_scaled` stands for.
constexpr int64_t kScaleBlock = 128;

void readFp8(ConfigFields &quantisation, work::Transformer &model,
             std::initializer_list<std::string_view> inSixteenBits) {
  model.stored = DType::fp8;
  if (const std::string format = quantisation.textOr("fmt", "e4m3"); format != "e4m3")
    quantisation.unsupported("fmt", format, {"e4m3"});
  if (const std::string scheme = quantisation.textOr("activation_scheme", "dynamic");
      scheme != "dynamic" && scheme != "static")
    quantisation.unsupported("activation_scheme", scheme, {"dynamic", "static"});
  quantisation.ignore({"scale_fmt"}); // how a scale is rounded
  model.stored_block_scaled = quantisation.has("weight_block_size");
  const auto block = quantisation.sizes("weight_block_size", 1, work::kMaxWidth);
  if (model.stored_block_scaled && block != std::vector<int64_t>{kScaleBlock, kScaleBlock})
    quantisation.fail(
        "weight_block_size",
        fmt::format("'quantization_config.weight_block_size' must be [{0}, {0}]", kScaleBlock),
        ErrorCode::unsupported);
  if (!quantisation.has("modules_to_not_convert"))
    model.unquantised.assign(inSixteenBits.begin(), inSixteenBits.end());
}

void readMxfp4(ConfigFields &quantisation, work::Transformer &model) {
  model.stored = DType::mxfp4;
  if (!quantisation.has("modules_to_not_convert"))
    quantisation.fail("modules_to_not_convert",
                      "'quantization_config.modules_to_not_convert' is missing; it must list the "
                      "modules kept in 16 bits");
}

} // namespace

int64_t readCommon(ConfigFields &fields, work::Transformer &model) {
  model.hidden = fields.size("hidden_size", 1, work::kMaxWidth);
  model.vocab = fields.size("vocab_size", 1, work::kMaxWidth);
  model.max_positions = fields.size("max_position_embeddings", 1, work::kMaxTokens);
  model.tied_embeddings = fields.flag("tie_word_embeddings");
  if (const std::string activation = fields.text("hidden_act"); activation != "silu")
    fields.unsupported("hidden_act", activation, {"silu"});
  readRopeScaling(fields, "rope_scaling");
  readRopeScaling(fields, "rope_parameters");
  fields.ignore({"_name_or_path", "transformers_version", "auto_map", "bos_token_id",
                 "eos_token_id", "pad_token_id", "attention_dropout", "initializer_range",
                 "rms_norm_eps", "rope_theta", "use_cache", "pretraining_tp"});
  return fields.size("num_hidden_layers", 1, work::kMaxLayers);
}

void readHeads(ConfigFields &fields, work::Transformer &model) {
  work::AttentionShape &attention = model.attention;
  attention.heads = fields.size("num_attention_heads", 1, work::kMaxWidth);
  attention.kv_heads = fields.size("num_key_value_heads", 1, work::kMaxWidth);
  if (attention.heads % attention.kv_heads != 0)
    fields.fail("num_key_value_heads",
                fmt::format("'num_key_value_heads' is {}, which does not divide "
                            "num_attention_heads = {}",
                            attention.kv_heads, attention.heads));
  attention.head_dim =
      fields.sizeOr("head_dim", 1, work::kMaxWidth, model.hidden / attention.heads);
  if (!fields.has("head_dim") && model.hidden % attention.heads != 0)
    fields.fail("num_attention_heads",
                fmt::format("'num_attention_heads' is {}, which does not divide hidden_size = {}, "
                            "and there is no head_dim",
                            attention.heads, model.hidden));
}

void setAttentionBias(work::Transformer &model, bool bias) {
  model.attention.qkv_bias = model.attention.output_bias = bias;
}

void readCheckpoint(ConfigFields &fields, work::Transformer &model, std::string_view method,
                    std::initializer_list<std::string_view> inSixteenBits) {
  const auto old = plainType(fields, "torch_dtype"), renamed = plainType(fields, "dtype");
  if (old && renamed && *old != *renamed)
    fields.fail("dtype", "'dtype' and 'torch_dtype' contradict each other");
  const auto plain = renamed ? renamed : old;
  auto quantisation = fields.object("quantization_config");
  if (!quantisation) {
    if (!plain && !fields.has("quantization_config"))
      fields.fail("torch_dtype", "'torch_dtype' is missing; it must be bfloat16, float16 or "
                                 "float32");
    model.stored = plain.value_or(DType::bf16);
    return;
  }
  if (plain && *plain == DType::fp32)
    fields.unsupported(renamed ? "dtype" : "torch_dtype", "float32 beside quantization_config",
                       {"bfloat16", "float16"});
  const std::string given = quantisation->text("quant_method");
  if (given != method && quantisation->has("quant_method")) {
    // Its other fields mean what its method says, so no other error is of use.
    fields.unsupported("quantization_config", given, {method});
    return;
  }
  model.unquantised = quantisation->texts("modules_to_not_convert");
  if (method == "fp8")
    readFp8(*quantisation, model, inSixteenBits);
  else
    readMxfp4(*quantisation, model);
  fields.adopt(*quantisation, "quantization_config");
}

std::vector<bool> readLayerTypes(ConfigFields &fields, int64_t layers) {
  std::vector<bool> sliding;
  const auto types = fields.texts("layer_types");
  for (const std::string &type : types) {
    if (type != "sliding_attention" && type != "full_attention")
      fields.unsupported("layer_types", type, {"sliding_attention", "full_attention"});
    sliding.push_back(type == "sliding_attention");
  }
  if (fields.has("layer_types") && int64_t(types.size()) != layers) {
    fields.fail("layer_types", fmt::format("'layer_types' lists {} layers, but num_hidden_layers "
                                           "is {}",
                                           types.size(), layers));
    sliding.resize(static_cast<size_t>(layers));
  }
  return sliding;
}

} // namespace mansard::ir
