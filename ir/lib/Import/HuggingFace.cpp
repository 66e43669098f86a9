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

struct Family {
  std::string_view architecture;
  std::array<std::string_view, 2> modelTypes; // the second may be empty
  ReadFamily read;
};

constexpr std::array<Family, 6> kFamilies{{
    {"LlamaForCausalLM", {"llama", ""}, readLlama},
    {"Qwen3ForCausalLM", {"qwen3", ""}, readQwen3},
    {"Qwen3MoeForCausalLM", {"qwen3_moe", ""}, readQwen3Moe},
    {"MixtralForCausalLM", {"mixtral", ""}, readMixtral},
    {"GptOssForCausalLM", {"gpt_oss", ""}, readGptOss},
    {"DeepseekV3ForCausalLM", {"deepseek_v3", "kimi_k2"}, readDeepseekV3},
}};

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
  (*family)->read(fields, model);
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
