// How the views write JSON: keys in the order given, numbers that are not finite as null, and text
// that is not UTF-8 repaired.
#pragma once

#include <mansard/base/names.h>
#include <mansard/sdk/abi.h>

#include <nlohmann/json.hpp>

#include <string>

namespace mansard::report {

using Json = nlohmann::ordered_json;

inline std::string dump(const Json &json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

/// `parts` by the name of their resource, each multiplied by `factor`.
inline Json breakdown(const double (&parts)[MANSARD_BOUND_COUNT], double factor = 1) {
  Json json;
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
    json[std::string(kBoundNames[i])] = parts[i] * factor;
  return json;
}

} // namespace mansard::report
