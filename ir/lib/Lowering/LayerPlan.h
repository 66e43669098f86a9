// The layers of a model as turns that repeat.
#pragma once

#include <mansard/work/transformer.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::ir {

/// Linear modules of a layer that a checkpoint may keep in 16 bits.
enum class Module { attention_in, query_up, key_value_up, attention_out, dense, experts, shared };
inline constexpr size_t kModules = 7;

struct Layer {
  size_t attention = 0; // position in Transformer::attentions
  bool moe = false;
  std::array<bool, kModules> plain{}; // kept in 16 bits, by Module
  bool operator==(const Layer &) const = default;
};

/// `layers`, one after another, `count` times.
struct Turn {
  int64_t count = 1;
  std::vector<Layer> layers;
};

/// Whether `pattern` names `module` or something that contains it. The pattern's components, in
/// which `*` stands for any characters, are found in a row among the module's.
bool matchesModule(std::string_view pattern, std::string_view module);

/// The model's layers folded into few turns: runs of one kind, or alternating kinds (up to eight
/// layers a turn).
std::vector<Turn> planLayers(const work::Transformer &model);

/// As planLayers sees layer `index` (from 0), of the kind `run`.
Layer describeLayer(const work::Transformer &model, const work::LayerRun &run, int64_t index);

} // namespace mansard::ir
