#include "ConfigFamilies.h"

#include <fmt/format.h>

#include <algorithm>

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
                "short_factor", "long_factor", "truncate", "rope_theta", "partial_rotary_factor",
                "mrope_section", "mrope_interleaved"});
  fields.adopt(*rope, kRopeReader);
}

} // namespace

int64_t readCommon(ConfigFields &fields, work::Transformer &model, std::optional<bool> tied) {
  model.hidden = fields.size("hidden_size", 1, work::kMaxWidth);
  model.vocab = fields.size("vocab_size", 1, work::kMaxWidth);
  model.max_positions = fields.size("max_position_embeddings", 1, work::kMaxTokens);
  model.tied_embeddings =
      tied ? fields.flagOr("tie_word_embeddings", *tied) : fields.flag("tie_word_embeddings");
  if (const std::string activation = fields.text("hidden_act"); activation != "silu")
    fields.unsupported("hidden_act", activation, {"silu"});
  readRopeScaling(fields, "rope_scaling");
  readRopeScaling(fields, "rope_parameters");
  fields.ignore({"_name_or_path", "transformers_version", "auto_map", "bos_token_id",
                 "eos_token_id", "pad_token_id", "attention_dropout", "initializer_range",
                 "rms_norm_eps", "rope_theta", "use_cache", "pretraining_tp"});
  // What transformers writes of every model when asked for all of it.
  fields.ignore({"add_cross_attention",
                 "bad_words_ids",
                 "begin_suppress_tokens",
                 "chunk_size_feed_forward",
                 "cross_attention_hidden_size",
                 "decoder_start_token_id",
                 "diversity_penalty",
                 "do_sample",
                 "early_stopping",
                 "encoder_no_repeat_ngram_size",
                 "exponential_decay_length_penalty",
                 "finetuning_task",
                 "forced_bos_token_id",
                 "forced_eos_token_id",
                 "id2label",
                 "is_decoder",
                 "is_encoder_decoder",
                 "label2id",
                 "length_penalty",
                 "max_length",
                 "min_length",
                 "no_repeat_ngram_size",
                 "num_beam_groups",
                 "num_beams",
                 "num_return_sequences",
                 "output_attentions",
                 "output_hidden_states",
                 "output_scores",
                 "prefix",
                 "problem_type",
                 "pruned_heads",
                 "remove_invalid_values",
                 "repetition_penalty",
                 "return_dict",
                 "return_dict_in_generate",
                 "sep_token_id",
                 "suppress_tokens",
                 "task_specific_params",
                 "temperature",
                 "tf_legacy_loss",
                 "tie_encoder_decoder",
                 "tokenizer_class",
                 "top_k",
                 "top_p",
                 "torchscript",
                 "typical_p",
                 "use_bfloat16"});
  return fields.size("num_hidden_layers", 1, work::kMaxLayers);
}

void readHeads(ConfigFields &fields, work::Transformer &model) {
  work::AttentionShape &attention = model.attentions.front();
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
  attention.v_head_dim = attention.rope_dim = attention.head_dim;
}

int64_t readRotaryColumns(ConfigFields &fields, int64_t headDim, double otherwise) {
  double share = fields.fractionOr("partial_rotary_factor", otherwise);
  if (auto rope = fields.object("rope_parameters"))
    share = rope->fractionOr("partial_rotary_factor", share);
  return static_cast<int64_t>(static_cast<double>(headDim) * share);
}

void setAttentionBias(work::Transformer &model, bool bias) {
  model.attentions.front().qkv_bias = model.attentions.front().output_bias = bias;
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

size_t addSliding(work::Transformer &model, const std::vector<bool> &sliding, int64_t window) {
  if (std::find(sliding.begin(), sliding.end(), false) != sliding.end()) {
    work::AttentionShape other = model.attentions.front();
    other.name = "sliding";
    model.attentions.push_back(other);
  }
  model.attentions.back().window = window;
  return model.attentions.size() - 1;
}

} // namespace mansard::ir
