// A process that dies are made in: what a wafer costs, how many of its dies work, how large the
// blocks of a chip come out, and what an operation takes of energy.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/chip.h>
#include <mansard/hw/document.h>
#include <mansard/hw/quantity.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::hw {

struct ProcessNode {
  std::string id, name, foundry;
  std::vector<std::string> names; // by which chips call it: "TSMC 4N"
  int year = 0;
  std::string file;
  std::map<std::string, Quantity, std::less<>> numbers;

  bool has(std::string_view key) const { return numbers.find(key) != numbers.end(); }
  /// The number, or `otherwise` where the description lacks it.
  double number(std::string_view key, double otherwise = 0) const;
};

/// Every key that a node may have, with unit, meaning and range.
const std::vector<ChipField> &processFields();

/// Unknown keys, missing numbers, numbers without source or out of range are errors that name the
/// place.
Result<ProcessNode> parseProcessNode(const Document &document);

/// Unit of a node's key.
std::string unitOfProcess(std::string_view key);

} // namespace mansard::hw
