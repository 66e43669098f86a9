// Chips built into servers, racks and clusters: how many, over which links, with which hosts,
// adapters, power and price.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/chip.h>
#include <mansard/hw/document.h>
#include <mansard/hw/quantity.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::hw {

/// Links are of one device and direction, as a chip's own, and take their place: a chip in a system
/// has no other links than the system's. Domains count devices. Adapters and hosts are of a node,
/// which is what one chassis (or tray) holds.
struct System {
  std::string id, name, vendor, chip, status;
  std::string hostCpu; // in words
  int year = 0;
  std::string file;
  std::map<std::string, Quantity, std::less<>> numbers;
  std::vector<std::string> notes;

  bool has(std::string_view key) const { return numbers.find(key) != numbers.end(); }
  /// The number, or `otherwise` where the description lacks it.
  double number(std::string_view key, double otherwise = 0) const;
  int64_t chipsPerNode() const { return static_cast<int64_t>(number("chips_per_node", 1)); }
  int64_t nodes() const { return static_cast<int64_t>(number("nodes", 1)); }
  /// At most.
  int64_t chips() const { return chipsPerNode() * nodes(); }
};

/// Every key that a system may have, links included.
const std::vector<ChipField> &systemFields();

/// Where a file's `inherits` is found.
class Catalog;

/// A system from a document whose `inherits` chain is resolved through `catalog`. Unknown keys,
/// numbers without source or out of range, and links that join more devices than there are, are
/// errors that name the place. Whether its chip exists is for the catalog to say.
Result<System> buildSystem(const Document &document, const Catalog &catalog);

/// Unit of a system's key, from the field or the key's suffix.
std::string unitOfSystem(std::string_view key);

} // namespace mansard::hw
