// What the cost of a chip and of running it rests on beside the chip itself: prices of memory and
// packages, of hosts and electricity, and how long and how much a chip is used.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/catalog.h>
#include <mansard/hw/chip.h>
#include <mansard/hw/quantity.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::economics {

/// A file of configs/economics: one place and time.
struct Assumptions {
  std::string id, name, file;
  std::map<std::string, hw::Quantity, std::less<>> numbers;

  bool has(std::string_view key) const { return numbers.find(key) != numbers.end(); }
  /// Only for keys that assumptionFields() requires, or that has() tells of.
  double number(std::string_view key) const;
};

/// Every key with unit, meaning and range.
const std::vector<hw::ChipField> &assumptionFields();

/// By name (configs/economics/<id>.toml) or path. Unknown keys, missing numbers and numbers without
/// source are errors that name the place.
Result<Assumptions> readAssumptions(const hw::Catalog &catalog, const std::string &nameOrPath);

} // namespace mansard::economics
