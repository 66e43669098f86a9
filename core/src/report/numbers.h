// The numbers of a description as people check them: by section, each with unit, range and source.
#pragma once

#include "json.h"

#include <mansard/hw/quantity.h>

#include <map>
#include <string>
#include <string_view>

namespace mansard::report {

using Numbers = std::map<std::string, hw::Quantity, std::less<>>; // by dotted key
using UnitOf = std::string (*)(std::string_view key);

std::string numbersTable(const Numbers &numbers, UnitOf unitOf);
Json numbersJson(const Numbers &numbers, UnitOf unitOf);

/// How many numbers that nobody official gives have no range, and the first of them; empty if none.
std::string withoutRange(const Numbers &numbers);

} // namespace mansard::report
