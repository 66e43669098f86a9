#include "LayerPlan.h"

#include <algorithm>
#include <array>

namespace mansard::ir {
namespace {

bool matchesComponent(std::string_view pattern, std::string_view text) {
  if (pattern.empty())
    return text.empty();
  if (pattern.front() == '*') {
    for (size_t skipped = 0; skipped <= text.size(); ++skipped)
      if (matchesComponent(pattern.substr(1), text.substr(skipped)))
        return true;
    return false;
  }
  return !text.empty() && pattern.front() == text.front() &&
         matchesComponent(pattern.substr(1), text.substr(1));
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t dot; (dot = text.find('.')) != std::string_view::npos; text.remove_prefix(dot + 1))
    parts.push_back(text.substr(0, dot));
  parts.push_back(text);
  return parts;
}

/// The names that checkpoints give to each Module, below a layer.
using Names = std::array<std::string_view, 6>; // empty ones name nothing
constexpr std::array<Names, kModules> kNames{
    {{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.qkv_proj",
      "self_attn.q_a_proj", "self_attn.kv_a_proj_with_mqa"},
     {"self_attn.q_b_proj"},
     {"self_attn.kv_b_proj"},
     {"self_attn.o_proj"},
     {"mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"},
     {"mlp.experts.0.gate_proj", "mlp.experts.0.up_proj", "mlp.experts.0.down_proj",
      "block_sparse_moe.experts.0.w1"},
     {"mlp.shared_experts.gate_proj", "mlp.shared_experts.up_proj", "mlp.shared_experts.down_proj",
      "mlp.shared_expert.gate_proj", "mlp.shared_expert.up_proj", "mlp.shared_expert.down_proj"}}};

/// Of linear attention.
constexpr Names kLinearIn{"linear_attn.in_proj_qkv", "linear_attn.in_proj_z",
                          "linear_attn.in_proj_qkvz"};
constexpr Names kLinearOut{"linear_attn.out_proj"};

const Names &namesOf(Module module, const work::AttentionShape &attention) {
  const bool linear = attention.kind == work::AttentionKind::delta_rule;
  if (linear && module == Module::attention_in)
    return kLinearIn;
  if (linear && module == Module::attention_out)
    return kLinearOut;
  return kNames[static_cast<size_t>(module)];
}

} // namespace

bool matchesModule(std::string_view pattern, std::string_view module) {
  const std::vector<std::string_view> wanted = split(pattern), parts = split(module);
  for (size_t start = 0; start + wanted.size() <= parts.size(); ++start)
    if (std::equal(wanted.begin(), wanted.end(), parts.begin() + static_cast<long>(start),
                   matchesComponent))
      return true;
  return false;
}

Layer describeLayer(const work::Transformer &model, const work::LayerRun &run, int64_t index) {
  Layer layer{run.attention, run.moe, {}};
  if (model.unquantised.empty())
    return layer;
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  for (size_t module = 0; module < kModules; ++module)
    for (std::string_view name : namesOf(static_cast<Module>(module), model.attentionOf(run)))
      for (const std::string &pattern : model.unquantised)
        if (!name.empty())
          layer.plain[module] |= matchesModule(pattern, prefix + std::string(name));
  return layer;
}

std::vector<Turn> planLayers(const work::Transformer &model) {
  // Only patterns with a number in them tell layers of one kind apart.
  const bool numbered = std::any_of(
      model.unquantised.begin(), model.unquantised.end(), [](const std::string &pattern) {
        return pattern.find_first_of("0123456789") != std::string::npos;
      });
  std::vector<Layer> layers;
  for (const work::LayerRun &run : model.layers)
    for (int64_t i = 0; i < run.count; ++i)
      layers.push_back(i > 0 && !numbered
                           ? layers.back()
                           : describeLayer(model, run, static_cast<int64_t>(layers.size())));
  std::vector<Turn> turns;
  constexpr size_t kLongestTurn = 8;
  for (size_t at = 0; at < layers.size();) {
    size_t best = 1, covered = 1;
    for (size_t period = 1; period <= kLongestTurn && at + period <= layers.size(); ++period) {
      size_t same = period;
      while (at + same < layers.size() && layers[at + same] == layers[at + same - period])
        ++same;
      same -= same % period;
      if (same > covered && same >= 2 * period) {
        best = period;
        covered = same;
      }
    }
    turns.push_back(
        {static_cast<int64_t>(covered / best),
         {layers.begin() + static_cast<long>(at), layers.begin() + static_cast<long>(at + best)}});
    at += covered;
  }
  return turns;
}

} // namespace mansard::ir
