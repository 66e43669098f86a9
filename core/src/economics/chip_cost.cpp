#include <mansard/economics/chip_cost.h>

#include <mansard/base/units.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::economics {
namespace {

Defects defectsOf(const hw::ProcessNode &node, YieldModel model) {
  return {model, node.number("defects_per_cm2"), node.number("cluster_alpha")};
}

double dieCost(const hw::ProcessNode &node, double area_mm2, double yield) {
  return node.number("wafer_price_usd") / (diesPerWafer(area_mm2) * yield);
}

Error missing(const hw::Chip &chip, const std::string &what) {
  return {ErrorCode::invalidInput, fmt::format("{} lacks {}", chip.id, what), chip.file};
}

} // namespace

Result<hw::ProcessNode> nodeOf(const hw::Catalog &catalog, const hw::Chip &chip,
                               const std::string &text) {
  auto found = catalog.nodeOfProcess(text);
  if (!found)
    return found.error();
  if (*found)
    return **found;
  std::vector<std::string> all;
  for (const std::string &id : catalog.nodeIds())
    if (auto node = catalog.node(id); node)
      all.insert(all.end(), node->names.begin(), node->names.end());
  return Error{
      ErrorCode::notFound,
      text.empty()
          ? fmt::format("{} does not say what process it is made in (physical.process)", chip.id)
          : fmt::format("physical.process of {}, \"{}\", begins with no process that is "
                        "known; there are {}",
                        chip.id, text, fmt::join(all, ", ")),
      ""};
}

Result<Processes> processesOf(const hw::Catalog &catalog, const hw::Chip &chip) {
  auto compute = nodeOf(catalog, chip, chip.process);
  if (!compute)
    return compute.error();
  Processes processes{std::move(*compute), {}};
  if (chip.ioProcess.empty())
    return processes;
  auto io = nodeOf(catalog, chip, chip.ioProcess);
  if (!io)
    return io.error();
  processes.io = std::move(*io);
  return processes;
}

Result<ChipCost> chipCost(const hw::Chip &chip, const hw::ProcessNode &node,
                          const hw::ProcessNode *ioNode, const Assumptions &assumptions,
                          YieldModel model) {
  ChipCost cost;
  cost.area = areaOf(chip, node);
  const double devices = chip.devicesPerChip();
  cost.dies = chip.number("physical.dies_per_chip", devices);
  cost.areaStated = chip.has("physical.die_area_mm2");
  cost.dieArea_mm2 =
      chip.number("physical.die_area_mm2", cost.area.total_mm2 * devices / cost.dies);
  constexpr double kWaferArea_mm2 = 70'685;
  if (cost.dieArea_mm2 > kWaferArea_mm2 / 2)
    return Error{ErrorCode::invalidInput,
                 fmt::format("a die of {:.0f} mm2 does not fit a wafer twice", cost.dieArea_mm2),
                 chip.file};
  const Defects defects = defectsOf(node, model);
  HarvestedDie die;
  die.area_mm2 = cost.dieArea_mm2;
  const double coresNeeded = std::ceil(chip.number("compute.cores") * devices / cost.dies);
  die.needed = static_cast<int>(coresNeeded);
  die.cores = static_cast<int>(std::max(coresNeeded, chip.number("physical.cores_per_die")));
  die.coreShare = cost.area.cores_mm2 / cost.area.total_mm2;
  cost.grossDies = diesPerWafer(cost.dieArea_mm2);
  if (cost.grossDies < 1)
    return Error{ErrorCode::invalidInput,
                 fmt::format("no die of {:.0f} mm2 fits a wafer", cost.dieArea_mm2), chip.file};
  cost.defectFree = yieldOf(die.area_mm2, defects);
  cost.yield = harvestedYield(die, defects);
  cost.goodDies = cost.grossDies * cost.yield;
  cost.logic_usd = cost.dies * dieCost(node, cost.dieArea_mm2, cost.yield);

  const double ioDies = chip.number("physical.io_dies_per_chip");
  const double ioArea_mm2 = chip.number("physical.io_die_area_mm2");
  if (ioDies > 0 && ioArea_mm2 > 0) {
    const hw::ProcessNode &made = ioNode ? *ioNode : node;
    cost.ioDies_usd =
        ioDies * dieCost(made, ioArea_mm2, yieldOf(ioArea_mm2, defectsOf(made, model)));
  }
  if (!(chip.memory.price_usd_per_GB.value > 0))
    return missing(chip, fmt::format("a price of its memory: {} has no price_usd_per_GB",
                                     chip.memoryTechnology));
  const double stacks = chip.number("memory.stacks") * devices;
  const double stack_GB =
      chip.number("memory.capacity_per_stack_GiB", chip.memory.capacity_GiB.value);
  cost.memory_usd = stacks * stack_GB * chip.memory.price_usd_per_GB.value;
  const bool stacked = chip.memory.stacked();
  const double silicon_mm2 = cost.dies * cost.dieArea_mm2 + ioDies * ioArea_mm2;
  cost.package_usd = stacked ? (silicon_mm2 + stacks * assumptions.number("package.stack_mm2")) *
                                   assumptions.number("package.advanced_usd_per_mm2")
                             : silicon_mm2 * assumptions.number("package.plain_usd_per_mm2");
  cost.test_usd = assumptions.number("package.test_usd");
  cost.total_usd =
      cost.logic_usd + cost.ioDies_usd + cost.memory_usd + cost.package_usd + cost.test_usd;
  return cost;
}

} // namespace mansard::economics
