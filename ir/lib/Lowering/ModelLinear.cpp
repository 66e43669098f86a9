// Linear attention by the gated delta rule (Gated DeltaNet, arXiv 2412.06464),
// as Qwen3-Next has it: one projection to queries, keys, values and the
// output's gates, one to decay and strength.
#include "ModelBuilder.h"

namespace mansard::ir {

using mlir::Value;

Value ModelBuilder::deltaRule(const Layer &layer, Value x) {
  const work::AttentionShape &a = shapeOfAttention(layer);
  const std::string family = familyOf(layer, "linear_attention");
  const int64_t channels = (2 * a.kv_heads + a.heads) * a.head_dim;
  const Value projected = linear(family + ".in_proj", x,
                                 {model_.hidden,
                                  channels + a.heads * a.head_dim,
                                  Shard::column,
                                  quantises(layer, Module::attention_in),
                                  false,
                                  {a.kv_heads, a.kv_heads, a.heads, a.heads}});
  // Two numbers a head: too narrow for anybody to quantise.
  const Value decay =
      linear(family + ".decay_proj", x,
             {model_.hidden, 2 * a.heads, Shard::column, false, false, {a.heads, a.heads}});
  const Value parameters[] = {
      weight(family + ".convolution", {a.convolution, channels}, Shard::column, false,
             {a.kv_heads, a.kv_heads, a.heads}),
      weight(family + ".decay", {2, a.heads}, Shard::column, false, {a.heads}),
      weight(family + ".norm", {a.head_dim}, Shard::replicated)};

  // Tokens that are tried at once leave a state each, of which the last
  // accepted one goes on.
  const int64_t states = prefill_ ? 1 : tokensPerSequence_;
  const Value state =
      builder_.create<KvCacheOp>(location_,
                                 tensor({sequences(), states * a.head_dim, a.heads * a.head_dim},
                                        typeOf(builder_.getContext(), a.state)),
                                 label(family + ".state"), a.heads);
  const Value window =
      builder_.create<KvCacheOp>(location_, plainTensor({sequences(), a.convolution - 1, channels}),
                                 label(family + ".window"), a.kv_heads);
  const Value attended = builder_.create<DeltaRuleOp>(
      location_, plainTensor({rows(), a.heads * a.head_dim}),
      prefill_ ? Phase::prefill : Phase::decode, label(family + ".attend"), projected, decay, state,
      window, parameters, a.heads, a.kv_heads, a.head_dim);
  return linear(family + ".o_proj", attended,
                {a.heads * a.head_dim,
                 model_.hidden,
                 Shard::row,
                 quantises(layer, Module::attention_out),
                 false,
                 {}});
}

} // namespace mansard::ir
