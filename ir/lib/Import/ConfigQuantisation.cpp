// What a checkpoint stores: the types of its weights and the modules left in 16 bits.
#include "ConfigFamilies.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace mansard::ir {
namespace {

std::optional<DType> plainType(ConfigFields &fields, const char *key) {
  if (!fields.has(key))
    return std::nullopt;
  std::string name = fields.text(key);
  if (name.starts_with("torch."))
    name = name.substr(6);
  if (name == "bfloat16")
    return DType::bf16;
  if (name == "float16")
    return DType::fp16;
  if (name == "float32")
    return DType::fp32;
  fields.unsupported(key, name, {"bfloat16", "float16", "float32"});
  return std::nullopt;
}

/// One scale per this many rows and columns; what `stored_block_scaled` stands for.
constexpr int64_t kScaleBlock = 128;

void readBlock(ConfigFields &fields, const char *key, work::Transformer &model) {
  model.stored_block_scaled = fields.has(key);
  const auto block = fields.sizes(key, 1, work::kMaxWidth);
  if (model.stored_block_scaled && block != std::vector<int64_t>{kScaleBlock, kScaleBlock})
    fields.fail(key, fmt::format("'quantization_config.{0}' must be [{1}, {1}]", key, kScaleBlock),
                ErrorCode::unsupported);
}

void readFp8(ConfigFields &quantisation, work::Transformer &model,
             std::initializer_list<std::string_view> inSixteenBits) {
  model.stored = DType::fp8;
  if (const std::string format = quantisation.textOr("fmt", "e4m3");
      format != "e4m3" && format != "float8_e4m3fn")
    quantisation.unsupported("fmt", format, {"e4m3", "float8_e4m3fn"});
  if (const std::string scheme = quantisation.textOr("activation_scheme", "dynamic");
      scheme != "dynamic" && scheme != "static")
    quantisation.unsupported("activation_scheme", scheme, {"dynamic", "static"});
  quantisation.ignore({"scale_fmt", "packed_modules_mapping"}); // how a scale is rounded; names
  readBlock(quantisation, "weight_block_size", model);
  const char *listed =
      quantisation.has("ignored_layers") ? "ignored_layers" : "modules_to_not_convert";
  model.unquantised = quantisation.texts(listed);
  if (!quantisation.has(listed))
    model.unquantised.assign(inSixteenBits.begin(), inSixteenBits.end());
}

void readMxfp4(ConfigFields &quantisation, work::Transformer &model) {
  model.stored = DType::mxfp4;
  model.unquantised = quantisation.texts("modules_to_not_convert");
  if (!quantisation.has("modules_to_not_convert"))
    quantisation.fail("modules_to_not_convert",
                      "'quantization_config.modules_to_not_convert' is missing; it must list the "
                      "modules kept in 16 bits");
}

/// NVIDIA's Model Optimizer: one algorithm and the modules that it leaves alone.
void readModelOpt(ConfigFields &quantisation, work::Transformer &model) {
  const std::string algorithm = quantisation.text("quant_algo");
  if (algorithm == "NVFP4")
    model.stored = DType::nvfp4;
  else if (algorithm == "FP8")
    model.stored = DType::fp8;
  else
    quantisation.unsupported("quant_algo", algorithm, {"NVFP4", "FP8"});
  model.unquantised = quantisation.texts(quantisation.has("ignore") ? "ignore" : "exclude_modules");
  // The algorithm in more words; the cache's type is the deployment's choice.
  quantisation.ignore({"config_groups", "kv_cache_scheme", "kv_cache_quant_algo", "producer",
                       "group_size", "ignore", "exclude_modules"});
}

/// The weights' type of one group of compressed-tensors; none and an error if there is none.
std::optional<DType> groupType(ConfigFields &group, work::Transformer &model) {
  group.ignore({"input_activations", "output_activations", "targets", "format"});
  auto weights = group.object("weights");
  if (!weights) {
    group.fail("weights", "a group of 'quantization_config.config_groups' has no weights");
    return std::nullopt;
  }
  const int64_t bits = weights->size("num_bits", 4, 8);
  const std::string type = weights->text("type");
  const int64_t size = weights->sizeOr("group_size", -1, work::kMaxWidth, 0);
  readBlock(*weights, "block_structure", model);
  weights->ignore({"actorder", "dynamic", "observer", "observer_kwargs", "strategy", "symmetric",
                   "scale_dtype", "zp_dtype"});
  std::optional<DType> stored;
  if (type == "float")
    stored = bits == 8 ? DType::fp8 : size == 32 ? DType::mxfp4 : DType::nvfp4;
  else if (type == "int")
    stored = bits == 8 ? DType::int8 : DType::int4;
  else
    weights->unsupported("type", type, {"float", "int"});
  if (bits != 4 && bits != 8) {
    weights->unsupported("num_bits", std::to_string(bits), {"4", "8"});
    stored.reset();
  }
  group.adopt(*weights, "a group's weights");
  return stored;
}

/// Module patterns for a regular expression of literals, `.*` and alternatives in brackets; none
/// for any other.
std::optional<std::vector<std::string>> globsOf(std::string_view expression) {
  constexpr size_t kMost = 64; // patterns
  std::vector<std::string> done{""};
  const auto append = [&](std::string_view text) {
    for (std::string &each : done)
      each += text;
  };
  for (size_t at = 0; at < expression.size(); ++at) {
    const char c = expression[at];
    if (c == '.' && at + 1 < expression.size() && expression[at + 1] == '*') {
      append("*");
      ++at;
    } else if (c == '\\' && at + 1 < expression.size() && expression[at + 1] == '.') {
      append(".");
      ++at;
    } else if (c == '(') {
      const size_t end = expression.find(')', at);
      if (end == std::string_view::npos)
        return std::nullopt;
      std::vector<std::string> more;
      std::string_view rest = expression.substr(at + 1, end - at - 1);
      while (true) {
        const size_t bar = rest.find('|');
        const std::string_view choice = rest.substr(0, bar);
        if (choice.find_first_of(".*+?[](){}^$\\") != std::string_view::npos)
          return std::nullopt;
        for (const std::string &each : done)
          more.push_back(each + std::string(choice));
        if (bar == std::string_view::npos)
          break;
        rest.remove_prefix(bar + 1);
      }
      if (more.size() > kMost)
        return std::nullopt;
      done = std::move(more);
      at = end;
    } else if (!((c == '^' && at == 0) || (c == '$' && at + 1 == expression.size()))) {
      if (std::string_view("*+?[]){}|^$\\").find(c) != std::string_view::npos)
        return std::nullopt;
      append(std::string_view(&expression[at], 1));
    }
  }
  return done;
}

void readCompressed(ConfigFields &quantisation, work::Transformer &model) {
  quantisation.ignore({"format", "kv_cache_scheme", "quantization_status", "version",
                       "global_compression_ratio", "sparsity_config", "transform_config"});
  std::set<DType> types;
  if (auto groups = quantisation.object("config_groups")) {
    for (const std::string &name : groups->keys())
      if (auto group = groups->object(name)) {
        if (const auto type = groupType(*group, model))
          types.insert(*type);
        groups->adopt(*group, "a group of compressed-tensors");
      }
    quantisation.adopt(*groups, "the groups of compressed-tensors");
  }
  if (types.size() == 1)
    model.stored = *types.begin();
  else
    quantisation.fail("config_groups",
                      types.empty() ? "'quantization_config.config_groups' is missing; it must say "
                                      "how weights are stored"
                                    : "'quantization_config.config_groups' stores weights in "
                                      "several types, which is not supported",
                      types.empty() ? ErrorCode::invalidInput : ErrorCode::unsupported);
  for (const std::string &pattern : quantisation.texts("ignore")) {
    if (!pattern.starts_with("re:")) {
      model.unquantised.push_back(pattern);
      continue;
    }
    const auto globs = globsOf(std::string_view(pattern).substr(3));
    if (!globs) {
      quantisation.unsupported("ignore", pattern, {"names, '.*' and alternatives in brackets"});
      continue;
    }
    model.unquantised.insert(model.unquantised.end(), globs->begin(), globs->end());
  }
}

} // namespace

void readCheckpoint(ConfigFields &fields, work::Transformer &model,
                    std::initializer_list<std::string_view> inSixteenBits) {
  const auto old = plainType(fields, "torch_dtype"), renamed = plainType(fields, "dtype");
  if (old && renamed && *old != *renamed)
    fields.fail("dtype", "'dtype' and 'torch_dtype' contradict each other");
  const auto plain = renamed ? renamed : old;
  auto quantisation = fields.object("quantization_config");
  if (!quantisation) {
    if (!plain && !fields.has("quantization_config"))
      fields.fail("torch_dtype", "'torch_dtype' is missing; it must be bfloat16, float16 or "
                                 "float32");
    model.stored = plain.value_or(DType::bf16);
    return;
  }
  if (plain && *plain == DType::fp32)
    fields.unsupported(renamed ? "dtype" : "torch_dtype", "float32 beside quantization_config",
                       {"bfloat16", "float16"});
  const bool named = quantisation->has("quant_method");
  const std::string method =
      !named && quantisation->has("quant_algo") ? "modelopt" : quantisation->text("quant_method");
  if (method == "fp8")
    readFp8(*quantisation, model, inSixteenBits);
  else if (method == "mxfp4")
    readMxfp4(*quantisation, model);
  else if (method == "modelopt")
    readModelOpt(*quantisation, model);
  else if (method == "compressed-tensors")
    readCompressed(*quantisation, model);
  else if (named) {
    // Its other fields mean what its method says, so no other error is of use.
    fields.unsupported("quantization_config", method,
                       {"fp8", "mxfp4", "compressed-tensors", "modelopt"});
    return;
  }
  fields.adopt(*quantisation, "quantization_config");
}

void foldModules(work::Transformer &model) {
  std::map<std::string, std::set<int64_t>> numbers; // of the layers, by what is around them
  std::vector<std::string> folded;                  // in order
  for (std::string name : model.unquantised) {
    if (name.starts_with("language_model."))
      name.erase(0, std::string_view("language_model.").size());
    else if (name.starts_with("model.language_model."))
      name.erase(6, std::string_view("language_model.").size());
    constexpr std::string_view kLayers = "model.layers.";
    size_t end = kLayers.size();
    while (end < name.size() && name[end] >= '0' && name[end] <= '9')
      ++end;
    const size_t digits = end - std::min(end, kLayers.size());
    if (name.starts_with(kLayers) && digits > 0 && digits < 7) {
      const int64_t layer = std::stoll(name.substr(kLayers.size(), digits));
      name.replace(kLayers.size(), digits, "*");
      if (layer < model.layerCount()) // that of next tokens is no layer's
        numbers[name].insert(layer);
      else
        numbers[name];
    }
    if (std::find(folded.begin(), folded.end(), name) == folded.end())
      folded.push_back(name);
  }
  model.unquantised.clear();
  for (const std::string &name : folded) {
    const auto found = numbers.find(name);
    if (found == numbers.end() || found->second.size() == static_cast<size_t>(model.layerCount())) {
      model.unquantised.push_back(name);
      continue;
    }
    for (int64_t layer : found->second)
      model.unquantised.push_back(
          std::string(name).replace(name.find('*'), 1, std::to_string(layer)));
  }
}

} // namespace mansard::ir
