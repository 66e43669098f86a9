// Which keys a chip's description may have; shared by the parsers of chips and systems and by the
// overrides.
#pragma once

#include <mansard/base/names.h>
#include <mansard/base/result.h>
#include <mansard/hw/chip.h>

#include <string>
#include <string_view>
#include <vector>

namespace mansard::hw {

/// The shared field that `key` is an instance of, or null.
const ChipField *findChipField(std::string_view key);
/// The one of `fields` that `key` is an instance of, or null.
const ChipField *findField(const std::vector<ChipField> &fields, std::string_view key);
/// "links.<level>.topology", the only keys of links that are texts.
bool isTopologyKey(std::string_view key);
/// The code of a topology's name.
Result<Quantity> parseTopology(const std::string &text, const std::string &place);
/// An error if `value` is outside the field's range.
Result<> checkRange(const ChipField &field, const std::string &key, double value,
                    const std::string &place);
/// Every instance of the fields' keys, and of the links' topologies.
std::vector<std::string> keyNames(const std::vector<ChipField> &fields);
/// Every key of a chip written out, for suggestions.
std::vector<std::string> chipKeyNames();
/// An error that names the nearest if an override of `key` is one that no value makes right.
Result<> checkOverrideKey(const Chip &chip, const std::string &key);

} // namespace mansard::hw
