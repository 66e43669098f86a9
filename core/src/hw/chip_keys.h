// Which keys a chip's description may have; shared by the parser and the overrides.
#pragma once

#include <mansard/base/names.h>
#include <mansard/hw/chip.h>

#include <string>
#include <string_view>
#include <vector>

namespace mansard::hw {

/// The shared field that `key` is an instance of, or null.
const ChipField *findChipField(std::string_view key);
/// Every key written out, for suggestions.
std::vector<std::string> chipKeyNames();

} // namespace mansard::hw
