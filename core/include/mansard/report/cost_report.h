// What a chip costs to make and to run, with ranges, collected once, and its views.
#pragma once

#include <mansard/base/result.h>
#include <mansard/economics/assumptions.h>
#include <mansard/economics/chip_cost.h>
#include <mansard/economics/tco.h>
#include <mansard/explore/uncertainty.h>
#include <mansard/hw/catalog.h>

#include <optional>
#include <string>
#include <vector>

namespace mansard::report {

struct CostReport {
  std::string target, targetName, node, assumptions;
  std::string yieldModel;
  economics::ChipCost cost;
  std::optional<economics::HourlyCost> hourly; // nothing where the chip has no price
  struct Figure {
    std::string key, unit, meaning;
    explore::Spread spread;
  };
  std::vector<Figure> figures;
  std::vector<explore::UncertainInput> inputs; // that the figures' shares name
  std::vector<std::string> notes;
};

/// Errors: the chip's process or its memory's price is not known (which file lacks what).
Result<CostReport> collectCost(const hw::Catalog &catalog, const hw::Chip &chip,
                               const economics::Assumptions &assumptions,
                               economics::YieldModel model);

std::string costTable(const CostReport &report);
std::string costJson(const CostReport &report);

} // namespace mansard::report
