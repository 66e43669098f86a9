#include <mansard/work/transformer.h>

namespace mansard::work {
namespace {

/// The matrices and vectors of each part, in parameters.
double attentionParameters(const Transformer &model) {
  const AttentionShape &a = model.attention;
  const double hidden = double(model.hidden), heads = double(a.heads);
  if (a.kind == AttentionKind::latent) {
    const double queryHead = double(a.qk_nope_head_dim + a.qk_rope_head_dim);
    const double queryRank = double(a.q_lora_rank), keyValueRank = double(a.kv_lora_rank);
    const double query =
        queryRank > 0 ? hidden * queryRank + queryRank /* norm */ + queryRank * heads * queryHead
                      : hidden * heads * queryHead;
    const double keyValue = hidden * (keyValueRank + double(a.qk_rope_head_dim)) + keyValueRank +
                            keyValueRank * heads * double(a.qk_nope_head_dim + a.v_head_dim);
    return query + keyValue + heads * double(a.v_head_dim) * hidden;
  }
  const double queryWidth = heads * double(a.head_dim);
  const double projected = (heads + 2.0 * double(a.kv_heads)) * double(a.head_dim);
  return hidden * projected + queryWidth * hidden + (a.qkv_bias ? projected : 0) +
         (a.output_bias ? hidden : 0) + (a.qk_norm ? 2.0 * double(a.head_dim) : 0) +
         (a.sinks ? heads : 0);
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
  const double everyLayer = attentionParameters(model) + 2.0 * double(model.hidden) /* norms */;
  double sum = 0;
  for (const LayerRun &run : model.layers)
    sum += double(run.count) *
           (everyLayer + (run.moe ? expertParameters(model, experts)
                                  : feedForwardParameters(model, double(model.inter), false)));
  return sum + double(model.hidden) /* final norm */;
}

} // namespace

void Transformer::addLayer(bool sliding, bool moe) {
  if (!layers.empty() && layers.back().sliding == sliding && layers.back().moe == moe)
    ++layers.back().count;
  else
    layers.push_back({1, sliding, moe});
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

double Transformer::cachedElementsPerToken(bool beyondWindow) const {
  const double perLayer = attention.kind == AttentionKind::latent
                              ? double(attention.kv_lora_rank + attention.qk_rope_head_dim)
                              : 2.0 * double(attention.kv_heads) * double(attention.head_dim);
  double sum = 0;
  for (const LayerRun &run : layers)
    if (!(beyondWindow && run.sliding))
      sum += double(run.count) * perLayer;
  return sum;
}

} // namespace mansard::work
