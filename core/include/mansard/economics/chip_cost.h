// Area by block, dies, yield, memory and package: what a chip costs to make.
#pragma once

#include <mansard/base/result.h>
#include <mansard/economics/assumptions.h>
#include <mansard/economics/yield.h>
#include <mansard/hw/chip.h>
#include <mansard/hw/process_node.h>

#include <optional>
#include <string>
#include <vector>

namespace mansard::economics {

/// Of all compute dies of one device, in mm2.
struct AreaBlock {
  std::string name;
  double mm2 = 0;
};
struct AreaEstimate {
  std::vector<AreaBlock> blocks;
  double cores_mm2 = 0; // of them, what a spare core can stand in for
  double total_mm2 = 0;
};

/// From the chip's numbers: multiply-adds, vector lanes with their registers, memory inside of
/// cores, last-level cache, memory and link interfaces, and the rest. Constants of the blocks after
/// Zhang et al., "LLMCompass", ISCA 2024 (their cost model), and the die photograph of GA100 it
/// shows; densities of the node.
AreaEstimate areaOf(const hw::Chip &chip, const hw::ProcessNode &node);

struct ChipCost {
  AreaEstimate area;      // of one device, by the model
  double dieArea_mm2 = 0; // of one compute die: stated by the chip, else by the model
  bool areaStated = false;
  double dies = 1;                               // compute dies of a package
  double grossDies = 0, yield = 0, goodDies = 0; // of a wafer; yield with spare cores
  double defectFree = 0;                         // yield without
  double logic_usd = 0, ioDies_usd = 0, memory_usd = 0, package_usd = 0, test_usd = 0;
  double total_usd = 0; // to make a package, design and margin left out
};

/// `ioNode`: of the dies without cores; null where there are none. Errors: a number that the
/// arithmetic needs is missing (which, and where it belongs).
Result<ChipCost> chipCost(const hw::Chip &chip, const hw::ProcessNode &node,
                          const hw::ProcessNode *ioNode, const Assumptions &assumptions,
                          YieldModel model = YieldModel::negative_binomial);

/// The node that `text`, of a chip's process, begins with a name of; the longest name wins. Error:
/// none does; it lists those there are.
Result<hw::ProcessNode> nodeOf(const hw::Catalog &catalog, const hw::Chip &chip,
                               const std::string &text);

/// What the dies of a chip are made in.
struct Processes {
  hw::ProcessNode compute;
  std::optional<hw::ProcessNode> io; // of the dies without cores, where there are any

  const hw::ProcessNode *ioOrNull() const { return io ? &*io : nullptr; }
};

/// Errors as nodeOf().
Result<Processes> processesOf(const hw::Catalog &catalog, const hw::Chip &chip);

} // namespace mansard::economics
