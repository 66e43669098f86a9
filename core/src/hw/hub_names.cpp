#include "hub_names.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace mansard::hw {
namespace {

/// Endings, between hyphens, of names of the same shape: tuning, then precision and its ways.
constexpr auto kSameShape = std::to_array<std::string_view>(
    {"instruct", "base",  "chat",    "it",     "thinking",  "original", "preview",   "hf",
     "text",     "fp8",   "fp4",     "nvfp4",  "mxfp4",     "mxfp8",    "bf16",      "fp16",
     "int8",     "int4",  "w8a8",    "w8a16",  "w4a16",     "w4a8",     "awq",       "gptq",
     "kv",       "block", "dynamic", "static", "pertensor", "channel",  "quantized", "ptpc"});

bool isDate(std::string_view part) { // "0528", "2507"
  return part.size() == 4 && std::all_of(part.begin(), part.end(),
                                         [](unsigned char c) { return std::isdigit(c) != 0; });
}

} // namespace

bool isHubName(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == name.size() ||
      name.find('/', slash + 1) != std::string_view::npos || name.front() == '.' ||
      name.front() == '~')
    return false;
  constexpr std::array<std::string_view, 4> kFiles{".toml", ".json", ".mlir", ".ll"};
  return std::none_of(kFiles.begin(), kFiles.end(),
                      [&](std::string_view ending) { return name.ends_with(ending); });
}

std::string lowered(std::string_view name) {
  std::string text(name);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string shapeName(std::string_view hubName) {
  std::string name = lowered(hubName.substr(hubName.find('/') + 1)); // all where there is no owner
  for (size_t hyphen; (hyphen = name.rfind('-')) != std::string::npos; name.resize(hyphen)) {
    const std::string_view last = std::string_view(name).substr(hyphen + 1);
    if (!isDate(last) && std::find(kSameShape.begin(), kSameShape.end(), last) == kSameShape.end())
      break;
  }
  return name;
}

} // namespace mansard::hw
