// A chip's description against the keys that its model declares.
#include "plugin.h"

#include <mansard/hw/document.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace mansard::host {
namespace {

constexpr std::string_view kCalibration = "calibration.";

bool present(const hw::Chip &chip, const std::string &key) {
  if (key.starts_with(kCalibration))
    return chip.calibration.find(std::string_view(key).substr(kCalibration.size())) !=
           chip.calibration.end();
  return chip.has(key);
}

} // namespace

Result<> checkKeys(const hw::Chip &chip, const Plugin &plugin) {
  const std::string section = chip.model + ".";
  for (auto it = chip.numbers.lower_bound(section);
       it != chip.numbers.end() && it->first.starts_with(section); ++it) {
    const std::string &key = it->first;
    if (std::any_of(plugin.keys.begin(), plugin.keys.end(),
                    [&](const DeclaredKey &declared) { return declared.key == key; }))
      continue;
    std::vector<std::string> valid;
    for (const DeclaredKey &declared : plugin.keys)
      if (declared.key.starts_with(section))
        valid.push_back(declared.key);
    std::string hint = hw::suggestion(key, valid);
    if (hint.empty())
      hint = valid.empty() ? "; it reads none of its own"
                           : fmt::format("; valid: {}", fmt::join(valid, ", "));
    return Error{ErrorCode::invalidInput,
                 fmt::format("the model '{}' reads no '{}'{}", plugin.info.id, key, hint),
                 chip.file};
  }
  for (const DeclaredKey &declared : plugin.keys)
    if (declared.required && !present(chip, declared.key)) {
      const bool calibration = declared.key.starts_with(kCalibration);
      return Error{
          ErrorCode::invalidInput,
          fmt::format("{} '{}' has no '{}'{}{}, which the model '{}' needs",
                      calibration ? "the family" : "target", calibration ? chip.family : chip.id,
                      declared.key, declared.meaning.empty() ? "" : ": " + declared.meaning,
                      declared.unit.empty() ? "" : " (" + declared.unit + ")", plugin.info.id),
          chip.file};
    }
  return Ok{};
}

} // namespace mansard::host
