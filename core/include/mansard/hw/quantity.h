// A number with where it comes from: value, range, source, confidence, note.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mansard::hw {

/// From best to worst known. `user` is a number given with --set.
enum class Confidence : uint32_t {
  vendor,
  paper,
  measured,
  fitted,
  derived,
  press,
  estimate,
  recall,
  user
};
inline constexpr std::array<std::string_view, 9> kConfidenceNames{
    "vendor", "paper", "measured", "fitted", "derived", "press", "estimate", "recall", "user"};

struct Quantity {
  double value = 0;
  std::optional<double> low, high; // what sources disagree over, or what nothing official says
  std::string source;
  Confidence confidence = Confidence::estimate;
  std::string note; // what else there is to know: arithmetic, rival figures
};

} // namespace mansard::hw
