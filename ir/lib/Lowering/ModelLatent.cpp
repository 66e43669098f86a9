// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): keys and values
// expanded per head in prefill, the projections absorbed into queries and outputs in decode.
#include "ModelBuilder.h"

namespace mansard::ir {

using mlir::Value;

Value ModelBuilder::latent(const Layer &layer, Value x) {
  const work::AttentionShape &a = shapeOfAttention(layer);
  const std::string family = familyOf(layer, "mla");
  const int64_t queryWidth = a.heads * (a.qk_nope_head_dim + a.qk_rope_head_dim);
  const int64_t compressedWidth = a.kv_lora_rank + a.qk_rope_head_dim;
  const bool quantised = quantises(layer, Module::attention_in);

  Value query = x, selected;
  if (a.q_lora_rank > 0) {
    query = linear(family + ".q_a_proj", x,
                   {model_.hidden, a.q_lora_rank, Shard::replicated, quantised, false, {}});
    query = norm(family + ".q_a_norm", query);
    if (a.index_topk > 0)
      selected = select(layer, x, query);
    query = linear(
        family + ".q_b_proj", query,
        {a.q_lora_rank, queryWidth, Shard::column, quantises(layer, Module::query_up), false, {}});
  } else {
    query = linear(family + ".q_proj", x,
                   {model_.hidden, queryWidth, Shard::column, quantised, false, {}});
  }
  Value compressed =
      linear(family + ".kv_a_proj", x,
             {model_.hidden, compressedWidth, Shard::replicated, quantised, false, {}});
  const Value gain = weight(family + ".kv_a_norm", {a.kv_lora_rank}, Shard::replicated);
  compressed = builder_
                   .create<NormOp>(location_, mlir::TypeRange{compressed.getType()},
                                   NormKind::rmsnorm, label(family + ".kv_a_norm"), compressed,
                                   gain, Value(), nullptr, integer(a.kv_lora_rank), Scaling::none)
                   .getResult();
  auto rope = builder_.create<RopeOp>(
      location_, query.getType(), mlir::TypeRange{compressed.getType()}, label(family + ".rope"),
      query, compressed, Value(), builder_.getDenseI64ArrayAttr({a.heads}),
      integer(a.qk_nope_head_dim + a.qk_rope_head_dim), integer(a.qk_rope_head_dim));
  query = rope.getResult();
  compressed = rope.getKeyResult();
  Value cache = cacheOf(family, workload_.context, 1, compressedWidth);
  cache = written(family + ".kv_write", compressed, cache);
  const Value attended = prefill_ && !selected ? attendExpanded(layer, query, compressed, cache)
                                               : attendAbsorbed(layer, query, cache, selected);
  return linear(family + ".o_proj", attended,
                {a.heads * a.v_head_dim,
                 model_.hidden,
                 Shard::row,
                 quantises(layer, Module::attention_out),
                 false,
                 {}});
}

Value ModelBuilder::attendExpanded(const Layer &layer, Value query, Value compressed, Value cache) {
  const work::AttentionShape &a = shapeOfAttention(layer);
  const std::string family = familyOf(layer, "mla");
  Value latentPart;
  if (workload_.cached > 0) // older tokens' keys and values are expanded with the new ones'
    latentPart = builder_.create<GatherOp>(
        location_, plainTensor({sequences() * workload_.context, a.kv_lora_rank}),
        label(family + ".kv_read"), cache, Value(), ExpertsAttr());
  else
    latentPart = builder_.create<ViewOp>(location_, plainTensor({rows(), a.kv_lora_rank}),
                                         ViewKind::columns, mlir::ValueRange{compressed}, 1);
  const Value expanded = linear(family + ".kv_b_proj", latentPart,
                                {a.kv_lora_rank,
                                 a.heads * (a.qk_nope_head_dim + a.v_head_dim),
                                 Shard::column,
                                 quantises(layer, Module::key_value_up),
                                 false,
                                 {}});
  return builder_.create<MlaOp>(location_, plainTensor({rows(), a.heads * a.v_head_dim}),
                                label(family + ".attend"), query, expanded, cache, Value(),
                                /*absorbed=*/false, a.heads, a.kv_lora_rank, a.qk_rope_head_dim,
                                a.qk_nope_head_dim, a.v_head_dim);
}

/// The two halves of the key-value up projection stay in 16 bits: they multiply queries and outputs
/// that nobody has quantised.
Value ModelBuilder::attendAbsorbed(const Layer &layer, Value query, Value cache, Value selected) {
  const work::AttentionShape &a = shapeOfAttention(layer);
  const std::string family = familyOf(layer, "mla");
  const int64_t heads = a.heads, latentDim = a.kv_lora_rank;
  const Value perHead =
      builder_.create<ViewOp>(location_, plainTensor({heads, rows(), a.qk_nope_head_dim}),
                              ViewKind::heads, mlir::ValueRange{query}, 1);
  const Value keyUp =
      weight(family + ".k_b_proj", {heads, a.qk_nope_head_dim, latentDim}, Shard::heads);
  const Value absorbed = builder_.create<GroupedMatmulOp>(
      location_, plainTensor({heads, rows(), latentDim}), label(family + ".k_b_proj"), perHead,
      keyUp, Value(), Scaling::none);
  const Value attended = builder_.create<MlaOp>(
      location_, plainTensor({heads, rows(), latentDim}), label(family + ".attend"), query,
      absorbed, cache, selected, /*absorbed=*/true, heads, latentDim, a.qk_rope_head_dim,
      a.qk_nope_head_dim, a.v_head_dim);
  const Value valueUp =
      weight(family + ".v_b_proj", {heads, latentDim, a.v_head_dim}, Shard::heads);
  const Value values = builder_.create<GroupedMatmulOp>(
      location_, plainTensor({heads, rows(), a.v_head_dim}), label(family + ".v_b_proj"), attended,
      valueUp, Value(), Scaling::none);
  return builder_.create<ViewOp>(location_, plainTensor({rows(), heads * a.v_head_dim}),
                                 ViewKind::merge, mlir::ValueRange{values}, 1);
}

} // namespace mansard::ir
