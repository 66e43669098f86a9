// The entry point of the nvidia plugin.
#include "nvidia_model.h"

#include <array>

namespace mansard::nvidia {
namespace {

// The constants reach the plugin as "calibration.<name>"; declaring them lets the host say which
// are missing or misspelt.
constexpr auto kKeyNames = [] {
  std::array<std::array<char, 64>, std::size(kConstants)> names{};
  for (size_t i = 0; i < names.size(); ++i) {
    size_t at = 0;
    for (char c : std::string_view("calibration."))
      names[i][at++] = c;
    for (char c : kConstants[i].name)
      names[i][at++] = c;
  }
  return names;
}();
constexpr auto kKeys = [] {
  std::array<sdk::Key, std::size(kConstants)> keys{};
  for (size_t i = 0; i < keys.size(); ++i)
    keys[i] = {std::string_view(kKeyNames[i].data(), 12 + kConstants[i].name.size()),
               kConstants[i].unit, kConstants[i].meaning, true};
  return keys;
}();

} // namespace
} // namespace mansard::nvidia

MANSARD_PLUGIN(mansard::nvidia::NvidiaModel,
               {.id = "nvidia",
                .version = "0.1",
                .description = "NVIDIA GPUs: Ampere, Ada, Hopper, Blackwell",
                .keys = mansard::nvidia::kKeys});
