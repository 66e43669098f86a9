// Attention with grouped key-value heads (Llama, Qwen3, Mixtral, gpt-oss).
#include "ModelBuilder.h"

#include <algorithm>

namespace mansard::ir {

using mlir::Value;

Value ModelBuilder::groupedQuery(const Layer &layer, Value x) {
  const work::AttentionShape &a = model_.attention;
  const std::string family = layer.sliding ? "sliding_attention" : "attention";
  const int64_t width = (a.heads + 2 * a.kv_heads) * a.head_dim;
  Value qkv = linear(family + ".qkv_proj", x,
                     {model_.hidden,
                      width,
                      Shard::column,
                      quantises(layer, Module::attention_in),
                      a.qkv_bias,
                      {a.heads, a.kv_heads, a.kv_heads}});
  const mlir::DenseI64ArrayAttr turned = builder_.getDenseI64ArrayAttr({a.heads, a.kv_heads});
  if (a.qk_norm) {
    // The gains of queries and of keys, one after the other.
    const Value gain = weight(family + ".qk_norm", {2 * a.head_dim}, Shard::replicated);
    qkv = builder_
              .create<NormOp>(location_, mlir::TypeRange{qkv.getType()}, NormKind::rmsnorm,
                              label(family + ".qk_norm"), qkv, gain, Value(), turned,
                              integer(a.head_dim), Scaling::none)
              .getResult();
  }
  qkv = builder_
            .create<RopeOp>(location_, qkv.getType(), mlir::TypeRange{}, label(family + ".rope"),
                            qkv, Value(), Value(), turned, integer(a.head_dim), integer(a.head_dim))
            .getResult();

  const int64_t window = layer.sliding ? a.sliding_window : 0;
  // A layer that slides keeps what its oldest query still sees.
  const int64_t queries = prefill_ ? 1 : tokensPerSequence_;
  const int64_t positions =
      window > 0 ? std::min(workload_.context, window + queries - 1) : workload_.context;
  Value cache = cacheOf(family, positions, a.kv_heads, 2 * a.kv_heads * a.head_dim);
  cache = builder_.create<ScatterOp>(location_, cache.getType(), label(family + ".kv_write"), qkv,
                                     cache, Value());
  const Value sinks = a.sinks ? weight(family + ".sinks", {a.heads}, Shard::heads) : Value();
  const Value attended = builder_.create<AttentionOp>(
      location_, plainTensor({rows(), a.heads * a.head_dim}),
      prefill_ ? Phase::prefill : Phase::decode, label(family + ".attend"), qkv, cache, sinks,
      a.heads, a.kv_heads, a.head_dim, workload_.context, window, /*causal=*/true);
  return linear(family + ".o_proj", attended,
                {a.heads * a.head_dim,
                 model_.hidden,
                 Shard::row,
                 quantises(layer, Module::attention_out),
                 a.output_bias,
                 {}});
}

} // namespace mansard::ir
