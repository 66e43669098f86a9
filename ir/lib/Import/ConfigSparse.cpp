// DeepSeek-V3.2 and GLM-5: DeepSeek-V3's shape with an indexer that picks what each query sees
// (arXiv 2512.02556, section 2.1).
#include "ConfigFamilies.h"

#include <fmt/format.h>

#include <algorithm>

namespace mansard::ir {
namespace {

/// Kinds of feed-forward by layer, which follow from first_k_dense_replace.
void checkFeedForwards(ConfigFields &fields, const work::Transformer &model) {
  const auto given = fields.texts("mlp_layer_types");
  if (given.empty())
    return;
  std::vector<std::string> expected;
  for (const work::LayerRun &run : model.layers)
    expected.insert(expected.end(), static_cast<size_t>(run.count), run.moe ? "sparse" : "dense");
  if (given != expected)
    fields.fail("mlp_layer_types", "'mlp_layer_types' contradicts first_k_dense_replace");
}

/// Layers that take over another's selection are not supported.
void checkSharing(ConfigFields &fields) {
  if (const int64_t every = fields.sizeOr("index_topk_freq", 1, work::kMaxLayers, 1); every != 1)
    fields.unsupported("index_topk_freq", std::to_string(every), {"1"});
  if (const std::string pattern = fields.textOr("index_topk_pattern", "");
      pattern.find_first_not_of('F') != std::string::npos)
    fields.unsupported("index_topk_pattern", pattern, {"F for every layer"});
  for (const std::string &type : fields.texts("indexer_types"))
    if (type != "full")
      fields.unsupported("indexer_types", type, {"full"});
  fields.ignore({"index_skip_topk_offset"}); // read only where selections are shared
}

} // namespace

void readDeepseekV32(ConfigFields &fields, work::Transformer &model) {
  readDeepseekV3(fields, model);
  work::AttentionShape &attention = model.attentions.front();
  attention.index_heads = fields.size("index_n_heads", 1, work::kMaxWidth);
  attention.index_head_dim = fields.size("index_head_dim", 1, work::kMaxWidth);
  attention.index_topk = fields.size("index_topk", 1, work::kMaxTokens);
  for (const std::string &type : fields.texts("layer_types"))
    if (type != "deepseek_sparse_attention")
      fields.unsupported("layer_types", type, {"deepseek_sparse_attention"});
  checkFeedForwards(fields, model);
  checkSharing(fields);
  fields.ignore({"indexer_rope_interleave"});
}

} // namespace mansard::ir
