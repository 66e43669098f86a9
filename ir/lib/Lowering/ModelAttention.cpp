// Attention with grouped key-value heads (Llama, Qwen, Mixtral, gpt-oss, MiMo).
#include "ModelBuilder.h"

#include <algorithm>
#include <numeric>

namespace mansard::ir {

using mlir::Value;

Value ModelBuilder::groupedQuery(const Layer &layer, Value x) {
  const work::AttentionShape &a = shapeOfAttention(layer);
  const std::string family = familyOf(layer, "attention");
  llvm::SmallVector<int64_t, 3> parts{a.heads, a.kv_heads, a.kv_heads};
  llvm::SmallVector<int64_t, 3> widths{a.head_dim, a.head_dim, a.v_head_dim};
  if (a.output_gate) {
    parts.push_back(a.heads);
    widths.push_back(a.v_head_dim);
  }
  const int64_t width = std::inner_product(parts.begin(), parts.end(), widths.begin(), int64_t{0});
  if (a.v_head_dim == a.head_dim)
    widths.clear();
  Value qkv = linear(family + ".qkv_proj", x,
                     {model_.hidden, width, Shard::column, quantises(layer, Module::attention_in),
                      a.qkv_bias, parts, widths});
  const mlir::DenseI64ArrayAttr turned = builder_.getDenseI64ArrayAttr({a.heads, a.kv_heads});
  if (a.qk_norm) {
    // The gains of queries and of keys, one after the other.
    const Value gain = a.qk_norm_whole
                           ? weight(family + ".qk_norm", {(a.heads + a.kv_heads) * a.head_dim},
                                    Shard::column, false, {a.heads, a.kv_heads})
                           : weight(family + ".qk_norm", {2 * a.head_dim}, Shard::replicated);
    qkv = builder_
              .create<NormOp>(location_, mlir::TypeRange{qkv.getType()}, NormKind::rmsnorm,
                              label(family + ".qk_norm"), qkv, gain, Value(), turned,
                              integer(a.head_dim), Scaling::none, a.qk_norm_whole)
              .getResult();
  }
  if (a.rope_dim > 0)
    qkv =
        builder_
            .create<RopeOp>(location_, qkv.getType(), mlir::TypeRange{}, label(family + ".rope"),
                            qkv, Value(), Value(), turned, integer(a.head_dim), integer(a.rope_dim))
            .getResult();

  // A layer that forgets keeps what its oldest query still sees.
  const int64_t queries = prefill_ ? 1 : tokensPerSequence_;
  const int64_t seen = a.window > 0 ? a.window : a.chunk;
  const int64_t positions =
      seen > 0 ? std::min(workload_.context, seen + queries - 1) : workload_.context;
  Value cache = cacheOf(family, positions, a.kv_heads, a.kv_heads * (a.head_dim + a.v_head_dim));
  cache = written(family + ".kv_write", qkv, cache);
  const Value sinks = a.sinks ? weight(family + ".sinks", {a.heads}, Shard::heads) : Value();
  const Value attended = builder_.create<AttentionOp>(
      location_, plainTensor({rows(), a.heads * a.v_head_dim}),
      prefill_ ? Phase::prefill : Phase::decode, label(family + ".attend"), qkv, cache, sinks,
      a.heads, a.kv_heads, a.head_dim, workload_.context, a.window, /*causal=*/true, a.output_gate,
      a.v_head_dim == a.head_dim ? 0 : a.v_head_dim, a.chunk);
  return linear(family + ".o_proj", attended,
                {a.heads * a.v_head_dim,
                 model_.hidden,
                 Shard::row,
                 quantises(layer, Module::attention_out),
                 a.output_bias,
                 {}});
}

} // namespace mansard::ir
