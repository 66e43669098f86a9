#include "Import/HuggingFace.h"

#include "ConfigFamilies.h"

#include <mansard/hw/document.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <exception>
#include <filesystem>

namespace mansard::ir {
namespace {

using namespace std::string_view_literals;

struct Family {
  std::string_view architecture;
  std::array<std::string_view, 2> modelTypes; // the second may be empty
  ReadFamily read;
};

constexpr auto kFamilies = std::to_array<Family>({
    {"LlamaForCausalLM", {"llama", ""}, readLlama},
    {"Llama4ForCausalLM", {"llama4_text", ""}, readLlama4},
    {"Llama4ForConditionalGeneration", {"llama4", ""}, readLlama4},
    {"MistralForCausalLM", {"mistral", ""}, readMistral},
    {"Qwen2ForCausalLM", {"qwen2", ""}, readQwen2},
    {"Qwen3ForCausalLM", {"qwen3", ""}, readQwen3},
    {"Qwen3MoeForCausalLM", {"qwen3_moe", ""}, readQwen3Moe},
    {"MixtralForCausalLM", {"mixtral", ""}, readMixtral},
    {"GptOssForCausalLM", {"gpt_oss", ""}, readGptOss},
    {"DeepseekV3ForCausalLM", {"deepseek_v3", "kimi_k2"}, readDeepseekV3},
    {"KimiK25ForConditionalGeneration", {"kimi_k25", ""}, readDeepseekV3},
    {"Glm4MoeForCausalLM", {"glm4_moe", ""}, readGlm4Moe},
    {"MiniMaxM2ForCausalLM", {"minimax_m2", ""}, readMinimaxM2},
    {"MiMoForCausalLM", {"mimo", ""}, readQwen2},
    {"MiMoV2FlashForCausalLM", {"mimo_v2_flash", ""}, readMimoV2},
    {"DeepseekV32ForCausalLM", {"deepseek_v32", ""}, readDeepseekV32},
    {"GlmMoeDsaForCausalLM", {"glm_moe_dsa", ""}, readDeepseekV32},
    {"Qwen3NextForCausalLM", {"qwen3_next", ""}, readQwen3Next},
    {"Qwen3_5ForCausalLM", {"qwen3_5_text", ""}, readQwen3Next},
    {"Qwen3_5ForConditionalGeneration", {"qwen3_5", ""}, readQwen3Next},
    {"Qwen3_5MoeForCausalLM", {"qwen3_5_moe_text", ""}, readQwen3Next},
    {"Qwen3_5MoeForConditionalGeneration", {"qwen3_5_moe", ""}, readQwen3Next},
});

/// Known, but with parts that have no op to describe them.
struct Beyond {
  std::string_view architecture, parts;
};

constexpr auto kBeyond = std::to_array<Beyond>({
    {"DeciLMForCausalLM", "layers that differ in width from one to the next (block_configs)"},
    {"DeepseekV4ForCausalLM",
     "compressed attention (compress_ratios) and hyper-connections (hc_mult)"},
    {"KimiLinearForCausalLM", "linear attention that decays by channel (linear_attn_config)"},
    {"MiniMaxM1ForCausalLM", "lightning attention (attn_type_list)"},
    {"MiniMaxText01ForCausalLM", "lightning attention (attn_type_list)"},
    {"NemotronHForCausalLM", "Mamba-2 layers (hybrid_override_pattern)"},
});

Error unknownArchitecture(const ConfigFile &file, const std::string &what) {
  std::vector<std::string> names;
  for (const Family &family : kFamilies)
    names.emplace_back(family.architecture);
  const auto place = file.places.find("architectures");
  return Error{ErrorCode::unsupported,
               fmt::format("{}; supported are {}", what, fmt::join(names, ", ")),
               place == file.places.end() ? file.path : place->second};
}

/// A suggestion by what is before the ending that all of them share.
std::string nearestArchitecture(std::string_view name) {
  constexpr std::string_view kEnding = "ForCausalLM";
  const auto trunk = [&](std::string_view text) {
    return text.ends_with(kEnding) ? text.substr(0, text.size() - kEnding.size()) : text;
  };
  std::vector<std::string> trunks;
  for (const Family &family : kFamilies)
    trunks.emplace_back(trunk(family.architecture));
  const std::string nearest = hw::nearestName(trunk(name), trunks);
  return nearest.empty() ? "" : fmt::format(" (did you mean '{}{}'?)", nearest, kEnding);
}

Result<const Family *> familyOf(const ConfigFile &file, ConfigFields &fields) {
  const auto architectures = fields.texts("architectures");
  if (!fields.has("architectures"))
    return unknownArchitecture(file, "'architectures' is missing");
  if (architectures.size() != 1)
    return unknownArchitecture(file, "'architectures' must be a list of one text");
  const std::string &name = architectures.front();
  for (const Family &family : kFamilies) {
    if (family.architecture != name)
      continue;
    const std::string type = fields.textOr("model_type", std::string(family.modelTypes[0]));
    if (type.empty() || (type != family.modelTypes[0] && type != family.modelTypes[1]))
      fields.fail("model_type",
                  fmt::format("'model_type' is '{}', but the architecture is {}", type, name));
    return &family;
  }
  for (const Beyond &beyond : kBeyond)
    if (beyond.architecture == name)
      return unknownArchitecture(
          file, fmt::format("architecture '{}' is not supported: there is no model of its {}", name,
                            beyond.parts));
  return unknownArchitecture(
      file, fmt::format("architecture '{}' is not supported{}", name, nearestArchitecture(name)));
}

/// The folder's name for ".../Llama-3.1-8B/config.json", else the file's without "_config.json".
std::string idOf(const std::string &path) {
  std::error_code ignored;
  const std::filesystem::path file = std::filesystem::absolute(path, ignored);
  std::string stem = file.stem().string();
  if (stem == "config" && file.parent_path().has_filename())
    return file.parent_path().filename().string();
  for (std::string_view suffix : {"_config", "-config", ".config"})
    if (stem.ends_with(suffix) && stem.size() > suffix.size())
      stem.resize(stem.size() - suffix.size());
  return stem;
}

/// Of what a model sees and hears, and of how that is marked among the words.
void ignoreSenses(ConfigFields &fields) {
  fields.ignore({"vision_config",
                 "audio_config",
                 "image_token_id",
                 "image_token_index",
                 "video_token_id",
                 "vision_start_token_id",
                 "vision_end_token_id",
                 "boi_token_index",
                 "eoi_token_index",
                 "media_placeholder_token_id",
                 "use_unified_vision_chunk",
                 "video_placeholder",
                 "ignore_index",
                 "language_model_only",
                 "projector_hidden_act",
                 "multimodal_projector_bias",
                 "spatial_merge_size",
                 "vision_feature_layer",
                 "auto_map",
                 "transformers_version",
                 "bos_token_id",
                 "eos_token_id",
                 "pad_token_id"});
}

Result<work::Transformer> import(const std::string &path) {
  const Result<ConfigFile> file = readConfigFile(path);
  if (!file)
    return file.error();
  ConfigFields fields(*file, file->root);
  const Result<const Family *> family = familyOf(*file, fields);
  if (!family)
    return family.error();
  work::Transformer model;
  model.id = model.name = idOf(path);
  model.source = path;
  model.attentions.emplace_back();
  if (fields.has("text_config")) { // the language model of one that sees images
    const auto both = {"tie_word_embeddings"sv, "quantization_config"sv, "dtype"sv,
                       "torch_dtype"sv};
    ignoreSenses(fields);
    fields.ignore(both);
    auto text = fields.object("text_config");
    if (!text)
      return *fields.error((*family)->architecture);
    text->share(fields, both);
    text->ignore({"architectures", "model_type"});
    (*family)->read(*text, model);
    fields.adopt(*text, (*family)->architecture);
  } else {
    (*family)->read(fields, model);
  }
  foldModules(model);
  if (auto error = fields.error((*family)->architecture))
    return *error;
  if (Result<> valid = work::check(model); !valid)
    return Error{valid.error().code, valid.error().message, path};
  return model;
}

} // namespace

Result<work::Transformer> importHuggingFace(const std::string &path) {
  try {
    return import(path);
  } catch (const std::exception &error) { // memory, or a path that is none
    return Error{ErrorCode::io, fmt::format("cannot be imported: {}", error.what()), path};
  }
}

} // namespace mansard::ir
