// A decoder-only transformer as its config describes it: sizes and structure, no numbers of any
// hardware. Plain values: safe to share between threads once built.
#pragma once

#include <mansard/base/dtype.h>
#include <mansard/base/result.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mansard::work {

enum class AttentionKind { grouped_query, latent };

struct AttentionShape {
  AttentionKind kind = AttentionKind::grouped_query;
  // Latent attention: kv_heads = heads (a key and a value each, once expanded) and head_dim =
  // qk_nope_head_dim + qk_rope_head_dim.
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  bool qkv_bias = false, output_bias = false;
  bool qk_norm = false;       // RMS norm of each head's query and key (Qwen3)
  bool sinks = false;         // a learned logit per head in the softmax (gpt-oss)
  int64_t sliding_window = 0; // of the layers that slide; 0: none do
  // latent (DeepSeek-V2, arXiv 2405.04434): ranks of the compressed query and key-value, split of a
  // head
  int64_t q_lora_rank = 0, kv_lora_rank = 0, qk_nope_head_dim = 0, qk_rope_head_dim = 0,
          v_head_dim = 0;

  bool operator==(const AttentionShape &) const = default;
};

struct ExpertShape {
  int64_t experts = 0; // routed; 0: the model is dense
  int64_t experts_per_token = 0;
  int64_t inter = 0; // width of one routed expert
  int64_t shared_experts = 0;
  int64_t shared_inter = 0;                 // width of all shared experts together
  int64_t groups = 0, groups_per_token = 0; // group-limited routing; 0: none
  bool bias = false;                        // of the experts' matmuls and of the router

  bool operator==(const ExpertShape &) const = default;
};

/// One kind of layer and how many of them follow one another.
struct LayerRun {
  int64_t count = 0;
  bool sliding = false; // attention sees only the window
  bool moe = false;     // a mixture of experts in place of the dense feed-forward

  bool operator==(const LayerRun &) const = default;
};

struct Transformer {
  std::string id, name, source; // source: where the config is from
  int64_t hidden = 0, vocab = 0, max_positions = 0;
  int64_t inter = 0; // width of the dense feed-forward; 0 where every layer has experts
  bool tied_embeddings = false;
  bool gated = true; // gate and up projections (SwiGLU), else up only
  AttentionShape attention;
  ExpertShape moe;
  std::vector<LayerRun> layers;  // in order; alternating layers are runs of 1
  int64_t next_token_layers = 0; // multi-token-prediction layers, run only when asked for
  DType stored = DType::bf16;    // the checkpoint's own weight type
  bool stored_block_scaled = false;
  std::vector<std::string> unquantised; // patterns of modules that the checkpoint keeps in 16 bits

  /// One more layer at the end, joined to the last run if it is of the same kind.
  void addLayer(bool sliding, bool moe);
  int64_t layerCount() const;
  /// All parameters, embeddings included, next-token layers left out.
  double parameters() const;
  /// Those of them that one token is multiplied by: its experts and the output head, but not the
  /// rest of the embedding table, of which it reads one row.
  double activeParameters() const;
  /// Elements that a token adds to the key-value cache of all layers; `beyondWindow`: of those
  /// layers that still hold it when the sliding window has passed.
  double cachedElementsPerToken(bool beyondWindow = false) const;

  bool operator==(const Transformer &) const = default;
};

/// Most layers a model may have, and the largest of its other sizes but lengths in tokens: far
/// above any model, and low enough that the products of two sizes are exact.
inline constexpr int64_t kMaxLayers = int64_t{1} << 16, kMaxWidth = int64_t{1} << 24,
                         kMaxTokens = int64_t{1} << 40;

/// Sizes that make no sense or contradict each other. The message names the field by its key in
/// a model's TOML.
Result<> check(const Transformer &model);

/// A built-in or user's TOML (configs/models/<id>.toml; its keys are documented in
/// configs/models/README.md). Errors name file, line and the nearest key.
Result<Transformer> readTransformer(const std::string &path);

} // namespace mansard::work
