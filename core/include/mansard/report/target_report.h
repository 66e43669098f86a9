// A chip's description as people check it: every number with its source, the figures that follow
// from them, and what looks wrong.
#pragma once

#include <mansard/base/result.h>
#include <mansard/host/host.h>
#include <mansard/hw/catalog.h>
#include <mansard/hw/chip.h>
#include <mansard/report/standing.h>

#include <string>
#include <vector>

namespace mansard::report {

struct TargetLine {
  std::string id, name, vendor, family, model, memory, status;
  int year = 0;
  Measured measured = Measured::nothing; // the most that stands behind any operation
};
/// Every target of the catalog. One that cannot be read is left out and put in `problems`.
std::vector<TargetLine> collectTargets(const hw::Catalog &catalog, std::vector<Error> &problems);

/// Which targets to keep: of each list any, of all lists at once; an empty one lets all pass.
struct TargetFilter {
  std::vector<std::string> vendors{}, families{}, memories{};
  std::vector<std::string> years{}; // "2024", "2022-2024", "2024-", "-2022"
};
/// Letters' case does not count. Errors: a value that no target of `targets` has, with the nearest;
/// a year that is none.
Result<std::vector<TargetLine>> filterTargets(std::vector<TargetLine> targets,
                                              const TargetFilter &filter);
std::string targetsTable(const std::vector<TargetLine> &targets);
std::string targetsJson(const std::vector<TargetLine> &targets);

/// A figure that follows from the numbers, of one device.
struct Derived {
  std::string key; // with its unit: "peak_tflops.bf16"
  double value;
  std::string unit, meaning;
};
std::vector<Derived> derivedFigures(const hw::Chip &chip);

std::string targetTable(const hw::Chip &chip);
std::string targetJson(const hw::Chip &chip);

struct Finding {
  bool error = false; // otherwise worth a look
  std::string message, place;
};
struct TargetCheck {
  std::string id, file;
  size_t numbers = 0;
  std::vector<Finding> findings;
  bool sound() const;
};
/// Reads a target (a name or a file), binds it to its model, and does the arithmetic. What is wrong
/// is a finding; the result is an error only where a plugin failed.
Result<TargetCheck> checkTarget(host::Host &host, const hw::Catalog &catalog,
                                const std::string &nameOrPath);
std::string checkTable(const TargetCheck &check);
std::string checksJson(const std::vector<TargetCheck> &checks);

} // namespace mansard::report
