// The lightning indexer of DeepSeek Sparse Attention (DeepSeek-V3.2, arXiv 2512.02556,
// section 2.1).
#include "ModelBuilder.h"

#include <algorithm>

namespace mansard::ir {

using mlir::Value;

/// The positions that each row sees, or nothing where it sees all: engines skip the scores of
/// sequences that have no more positions than are kept. Each device scores for itself. Queries are
/// turned and quantised in one pass, keys as they are written.
Value ModelBuilder::select(const Layer &layer, Value x, Value compressedQuery) {
  const work::AttentionShape &a = shapeOfAttention(layer);
  const std::string family = familyOf(layer, "indexer");
  const mlir::Type fp8 = typeOf(builder_.getContext(), DType::fp8);
  const int64_t queryWidth = a.index_heads * a.index_head_dim;
  Value key = linear(family + ".k_proj", x,
                     {model_.hidden,
                      a.index_head_dim,
                      Shard::replicated,
                      quantises(layer, Module::attention_in),
                      false,
                      {}});
  key = builder_
            .create<NormOp>(location_, mlir::TypeRange{key.getType()}, NormKind::layernorm,
                            label(family + ".k_norm"), key,
                            weight(family + ".k_norm", {2 * a.index_head_dim}, Shard::replicated),
                            Value(), nullptr, nullptr, Scaling::none)
            .getResult();
  Value cache = builder_.create<KvCacheOp>(
      location_, tensor({sequences(), workload_.context, a.index_head_dim}, fp8),
      label(family + ".keys"), 1);
  cache = written(family + ".k_write", key, cache);
  const Value queryUp = weight(family + ".q_b_proj", {a.q_lora_rank, queryWidth}, Shard::replicated,
                               quantises(layer, Module::query_up));
  const Value weights =
      weight(family + ".weights_proj", {model_.hidden, a.index_heads}, Shard::replicated);
  if (workload_.context <= a.index_topk)
    return {};

  const bool quantised = quantises(layer, Module::query_up);
  const auto multiply = [&](const std::string &name, Value in, Value by, bool narrow) -> Value {
    return builder_.create<MatmulOp>(location_, plainTensor({rows(), shapeOf(by)[1]}), label(name),
                                     in, by, Value(), Value(), Activation::none, scalingOf(narrow));
  };
  Value query = multiply(family + ".q_b_proj",
                         quantised ? quantise(familyOf(layer, "mla") + ".quantize", compressedQuery)
                                   : compressedQuery,
                         queryUp, quantised);
  query = builder_.create<QuantizeOp>(location_, tensor({rows(), queryWidth}, fp8),
                                      label(family + ".q_quantize"), query, Scaling::block);
  const Value importance = multiply(family + ".weights_proj", x, weights, false);
  return builder_.create<IndexOp>(location_, tensor({rows(), a.index_topk}, builder_.getI32Type()),
                                  label(family + ".select"), query, importance, cache,
                                  a.index_heads, a.index_head_dim, a.index_topk);
}

} // namespace mansard::ir
