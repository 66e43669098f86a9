// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): keys and values
// expanded per head in prefill, the projections absorbed into queries and outputs in decode.
#include "ModelBuilder.h"

namespace mansard::ir {

using mlir::Value;

Value ModelBuilder::latent(const Layer &layer, Value x) {
  const work::AttentionShape &a = model_.attention;
  const int64_t queryWidth = a.heads * (a.qk_nope_head_dim + a.qk_rope_head_dim);
  const int64_t compressedWidth = a.kv_lora_rank + a.qk_rope_head_dim;
  const bool quantised = quantises(layer, Module::attention_in);

  Value query = x;
  if (a.q_lora_rank > 0) {
    query = linear("mla.q_a_proj", x,
                   {model_.hidden, a.q_lora_rank, Shard::replicated, quantised, false, {}});
    query = norm("mla.q_a_norm", query);
    query = linear(
        "mla.q_b_proj", query,
        {a.q_lora_rank, queryWidth, Shard::column, quantises(layer, Module::query_up), false, {}});
  } else {
    query =
        linear("mla.q_proj", x, {model_.hidden, queryWidth, Shard::column, quantised, false, {}});
  }
  Value compressed =
      linear("mla.kv_a_proj", x,
             {model_.hidden, compressedWidth, Shard::replicated, quantised, false, {}});
  const Value gain = weight("mla.kv_a_norm", {a.kv_lora_rank}, Shard::replicated);
  compressed = builder_
                   .create<NormOp>(location_, mlir::TypeRange{compressed.getType()},
                                   NormKind::rmsnorm, label("mla.kv_a_norm"), compressed, gain,
                                   Value(), nullptr, integer(a.kv_lora_rank), Scaling::none)
                   .getResult();
  auto rope = builder_.create<RopeOp>(
      location_, query.getType(), mlir::TypeRange{compressed.getType()}, label("mla.rope"), query,
      compressed, Value(), builder_.getDenseI64ArrayAttr({a.heads}),
      integer(a.qk_nope_head_dim + a.qk_rope_head_dim), integer(a.qk_rope_head_dim));
  query = rope.getResult();
  compressed = rope.getKeyResult();
  Value cache = cacheOf("mla", workload_.context, 1, compressedWidth);
  cache = builder_.create<ScatterOp>(location_, cache.getType(), label("mla.kv_write"), compressed,
                                     cache, Value());
  const Value attended =
      prefill_ ? attendExpanded(layer, query, compressed, cache) : attendAbsorbed(query, cache);
  return linear("mla.o_proj", attended,
                {a.heads * a.v_head_dim,
                 model_.hidden,
                 Shard::row,
                 quantises(layer, Module::attention_out),
                 false,
                 {}});
}

Value ModelBuilder::attendExpanded(const Layer &layer, Value query, Value compressed, Value cache) {
  const work::AttentionShape &a = model_.attention;
  const Value latentPart =
      builder_.create<ViewOp>(location_, plainTensor({rows(), a.kv_lora_rank}), ViewKind::columns,
                              mlir::ValueRange{compressed}, 1);
  const Value expanded = linear("mla.kv_b_proj", latentPart,
                                {a.kv_lora_rank,
                                 a.heads * (a.qk_nope_head_dim + a.v_head_dim),
                                 Shard::column,
                                 quantises(layer, Module::key_value_up),
                                 false,
                                 {}});
  return builder_.create<MlaOp>(location_, plainTensor({rows(), a.heads * a.v_head_dim}),
                                label("mla.attend"), query, expanded, cache, /*absorbed=*/false,
                                a.heads, a.kv_lora_rank, a.qk_rope_head_dim, a.qk_nope_head_dim,
                                a.v_head_dim);
}

/// The two halves of the key-value up projection stay in 16 bits: they multiply queries and outputs
/// that nobody has quantised.
Value ModelBuilder::attendAbsorbed(Value query, Value cache) {
  const work::AttentionShape &a = model_.attention;
  const int64_t heads = a.heads, latentDim = a.kv_lora_rank;
  const Value perHead =
      builder_.create<ViewOp>(location_, plainTensor({heads, rows(), a.qk_nope_head_dim}),
                              ViewKind::heads, mlir::ValueRange{query}, 1);
  const Value keyUp = weight("mla.k_b_proj", {heads, a.qk_nope_head_dim, latentDim}, Shard::heads);
  const Value absorbed = builder_.create<GroupedMatmulOp>(
      location_, plainTensor({heads, rows(), latentDim}), label("mla.k_b_proj"), perHead, keyUp,
      Value(), Scaling::none);
  const Value attended =
      builder_.create<MlaOp>(location_, plainTensor({heads, rows(), latentDim}),
                             label("mla.attend"), query, absorbed, cache, /*absorbed=*/true, heads,
                             latentDim, a.qk_rope_head_dim, a.qk_nope_head_dim, a.v_head_dim);
  const Value valueUp = weight("mla.v_b_proj", {heads, latentDim, a.v_head_dim}, Shard::heads);
  const Value values = builder_.create<GroupedMatmulOp>(
      location_, plainTensor({heads, rows(), a.v_head_dim}), label("mla.v_b_proj"), attended,
      valueUp, Value(), Scaling::none);
  return builder_.create<ViewOp>(location_, plainTensor({rows(), heads * a.v_head_dim}),
                                 ViewKind::merge, mlir::ValueRange{values}, 1);
}

} // namespace mansard::ir
