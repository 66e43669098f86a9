#include <mansard/work/transformer.h>

namespace mansard::work {
namespace {

/// The matrices and vectors of each part, in parameters.
double attentionParameters(const AttentionShape &a, double hidden) {
  const double heads = double(a.heads);
  if (a.kind == AttentionKind::latent) {
    const double queryHead = double(a.qk_nope_head_dim + a.qk_rope_head_dim);
    const double queryRank = double(a.q_lora_rank), keyValueRank = double(a.kv_lora_rank);
    const double query =
        queryRank > 0 ? hidden * queryRank + queryRank /* norm */ + queryRank * heads * queryHead
                      : hidden * heads * queryHead;
    const double keyValue = hidden * (keyValueRank + double(a.qk_rope_head_dim)) + keyValueRank +
                            keyValueRank * heads * double(a.qk_nope_head_dim + a.v_head_dim);
    const double indexer = a.index_topk > 0
                               ? queryRank * double(a.index_heads * a.index_head_dim) +
                                     hidden * double(a.index_head_dim + a.index_heads) +
                                     2.0 * double(a.index_head_dim) /* norm */
                               : 0;
    return query + keyValue + indexer + heads * double(a.v_head_dim) * hidden;
  }
  if (a.kind == AttentionKind::delta_rule) {
    const double values = heads * double(a.head_dim), channels = a.channels();
    return hidden * (channels + values + 2.0 * heads) + channels * double(a.convolution) +
           2.0 * heads /* decay */ + double(a.head_dim) /* norm */ + values * hidden;
  }
  const double keyHeads = double(a.kv_heads), headDim = double(a.head_dim);
  const double projected = (heads + keyHeads) * headDim + keyHeads * double(a.v_head_dim);
  const double normed = a.qk_norm_whole ? (heads + keyHeads) * headDim : 2.0 * headDim;
  return hidden * projected + heads * double(a.v_head_dim) * hidden + (a.qkv_bias ? projected : 0) +
         (a.output_bias ? hidden : 0) + (a.qk_norm ? normed : 0) + (a.sinks ? heads : 0) +
         (a.output_gate ? hidden * heads * double(a.v_head_dim) : 0);
}

double feedForwardParameters(const Transformer &model, double width, bool bias) {
  const double up = model.gated ? 2 : 1;
  const double hidden = double(model.hidden);
  return (up + 1) * hidden * width + (bias ? up * width + hidden : 0);
}

/// Of a layer with `experts` of its routed experts counted.
double expertParameters(const Transformer &model, double experts) {
  const ExpertShape &moe = model.moe;
  const double router = double(moe.experts) * (double(model.hidden) + (moe.bias ? 1 : 0));
  return router + experts * feedForwardParameters(model, double(moe.inter), moe.bias) +
         feedForwardParameters(model, double(moe.shared_inter), false);
}

double layerParameters(const Transformer &model, double experts) {
  const double norm = double(model.hidden) * (model.layer_norm ? 2 : 1), norms = 2 * norm;
  double sum = 0;
  for (const LayerRun &run : model.layers)
    sum += double(run.count) *
           (attentionParameters(model.attentionOf(run), double(model.hidden)) + norms +
            (run.moe ? expertParameters(model, experts)
                     : feedForwardParameters(model, double(model.inter), model.ffn_bias)));
  return sum + norm /* the final one */;
}

} // namespace

double AttentionShape::cachedPerToken() const {
  if (kind == AttentionKind::latent)
    return double(kv_lora_rank + qk_rope_head_dim + index_head_dim);
  if (kind == AttentionKind::delta_rule)
    return 0;
  return double(kv_heads) * double(head_dim + v_head_dim);
}

double AttentionShape::channels() const { return double(2 * kv_heads + heads) * double(head_dim); }

double AttentionShape::stateBytes() const {
  if (kind != AttentionKind::delta_rule)
    return 0;
  return double(heads) * double(head_dim) * double(head_dim) * bytesOf(state) +
         double(convolution - 1) * channels() * bytesOf(DType::bf16);
}

void Transformer::addLayer(size_t attention, bool moe) {
  if (!layers.empty() && layers.back().attention == attention && layers.back().moe == moe)
    ++layers.back().count;
  else
    layers.push_back({1, attention, moe});
}

std::string layerKindName(const Transformer &model, const LayerRun &run) {
  const std::string &name = model.attentionOf(run).name;
  return (name.empty() ? "" : name + " ") + (run.moe ? "moe" : "dense");
}

int64_t Transformer::layerCount() const {
  int64_t count = 0;
  for (const LayerRun &run : layers)
    count += run.count;
  return count;
}

double Transformer::parameters() const {
  const double table = double(vocab) * double(hidden);
  return layerParameters(*this, double(moe.experts)) + (tied_embeddings ? table : 2 * table);
}

double Transformer::activeParameters() const {
  return layerParameters(*this, double(moe.experts_per_token)) + double(vocab) * double(hidden);
}

double Transformer::cachedElementsPerToken(bool seenForEver) const {
  double sum = 0;
  for (const LayerRun &run : layers)
    if (!(seenForEver && attentionOf(run).forgets()))
      sum += double(run.count) * attentionOf(run).cachedPerToken();
  return sum;
}

double Transformer::stateBytes() const {
  double sum = 0;
  for (const LayerRun &run : layers)
    sum += double(run.count) * attentionOf(run).stateBytes();
  return sum;
}

} // namespace mansard::work
