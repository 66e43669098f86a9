// Names of models on Hugging Face, and which of them have one shape.
#pragma once

#include <string>
#include <string_view>

namespace mansard::hw {

/// Whether `name` has the form of a name on Hugging Face: "owner/model".
bool isHubName(std::string_view name);

std::string lowered(std::string_view name);

/// What is left of a name on Hugging Face without its owner and, at its end, what tells only of
/// training or of the checkpoint's precision, in lower case: "deepseek-r1" of
/// "nvidia/DeepSeek-R1-0528-NVFP4". Models of one such name have one shape.
std::string shapeName(std::string_view hubName);

} // namespace mansard::hw
