// A decoder-only transformer as its config describes it: sizes and structure, no numbers of any
// hardware. Plain values: safe to share between threads once built.
#pragma once

#include <mansard/base/dtype.h>
#include <mansard/base/result.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::work {

enum class AttentionKind { grouped_query, latent, delta_rule };
inline constexpr std::array<std::string_view, 3> kAttentionKindNames{"grouped_query", "latent",
                                                                     "delta_rule"};

/// One kind of attention that layers of a model have.
struct AttentionShape {
  std::string name; // as layers name it ("sliding"); empty: the model's first kind
  AttentionKind kind = AttentionKind::grouped_query;
  // Latent attention: kv_heads = heads (a key and a value each, once expanded) and head_dim =
  // qk_nope_head_dim + qk_rope_head_dim.
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  int64_t v_head_dim = 0; // of a head's value; head_dim is its query's and key's
  bool qkv_bias = false, output_bias = false;
  // What a query sees: all before it, or at most `window` positions, or (Llama 4) those since the
  // last multiple of `chunk`. 0: no such limit.
  int64_t window = 0, chunk = 0;
  // grouped query
  int64_t rope_dim = 0;       // columns of a head that its position turns; 0: none
  bool qk_norm = false;       // RMS norm of each head's query and key (Qwen3)
  bool qk_norm_whole = false; // qk_norm takes all heads' columns at once (MiniMax-M2)
  bool sinks = false;         // a learned logit per head in the softmax (gpt-oss)
  bool output_gate = false;   // a sigmoid of the input multiplies what is attended (Qwen3-Next)
  // latent (DeepSeek-V2, arXiv 2405.04434): ranks of the compressed query and key-value, split of a
  // head
  int64_t q_lora_rank = 0, kv_lora_rank = 0, qk_nope_head_dim = 0, qk_rope_head_dim = 0;
  // latent, sparse (DeepSeek-V3.2, arXiv 2512.02556, section 2.1): an indexer picks the
  // `index_topk` positions that a query sees; 0: it sees all
  int64_t index_heads = 0, index_head_dim = 0, index_topk = 0;
  // linear, by the gated delta rule (arXiv 2412.06464): a state of head_dim x head_dim for each of
  // `heads` values in place of keys and values; kv_heads of queries and of keys; tokens that the
  // convolution before it sees
  int64_t convolution = 0;
  DType state = DType::fp32;

  /// Elements that a token adds to the cache of one layer.
  double cachedPerToken() const;
  /// Whether the cache stops growing where tokens are no longer seen.
  bool forgets() const { return window > 0 || chunk > 0; }
  /// Of linear attention: columns of queries, keys and values, which the convolution passes over.
  double channels() const;
  /// Bytes that a sequence keeps in one layer whatever its length, the convolution's inputs in 16
  /// bits.
  double stateBytes() const;

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
  size_t attention = 0; // position in Transformer::attentions
  bool moe = false;     // a mixture of experts in place of the dense feed-forward

  bool operator==(const LayerRun &) const = default;
};

struct Transformer {
  std::string id, name, source; // source: where the config is from
  std::vector<std::string> hf;  // names on Hugging Face of models of this shape: "Qwen/Qwen3-32B"
  int64_t hidden = 0, vocab = 0, max_positions = 0;
  int64_t inter = 0; // width of the dense feed-forward; 0 where every layer has experts
  bool tied_embeddings = false;
  bool gated = true;                      // gate and up projections (SwiGLU), else up only
  bool layer_norm = false;                // with gain and bias, in place of the RMS norm (GPT-3)
  bool ffn_bias = false;                  // of the dense feed-forward
  std::vector<AttentionShape> attentions; // the first has no name, the others are sorted by it
  ExpertShape moe;
  std::vector<LayerRun> layers; // in order; alternating layers are runs of 1
  LayerRun next_token; // multi-token-prediction layers after the last, run only when asked for
  DType stored = DType::bf16; // the checkpoint's own weight type
  bool stored_block_scaled = false;
  std::vector<std::string> unquantised; // patterns of modules that the checkpoint keeps in 16 bits

  const AttentionShape &attentionOf(const LayerRun &run) const { return attentions[run.attention]; }
  /// One more layer at the end, joined to the last run if it is of the same kind.
  void addLayer(size_t attention, bool moe);
  int64_t layerCount() const;
  /// All parameters, embeddings included, next-token layers left out.
  double parameters() const;
  /// Those of them that one token is multiplied by: its experts and the output head, but not the
  /// rest of the embedding table, of which it reads one row.
  double activeParameters() const;
  /// Elements that a token adds to the key-value cache of all layers; `seenForEver`: of those
  /// layers only that never forget it.
  double cachedElementsPerToken(bool seenForEver = false) const;
  /// Bytes that a sequence keeps in all layers whatever its length: the states of linear attention.
  double stateBytes() const;

  bool operator==(const Transformer &) const = default;
};

/// "sliding moe": the name of the attention, if it has one, and of the feed-forward.
std::string layerKindName(const Transformer &model, const LayerRun &run);

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
