// A system's description as people check it: every number with its source, the figures that follow
// from them and its chip, and what looks wrong.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/catalog.h>
#include <mansard/hw/system.h>
#include <mansard/report/target_report.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mansard::report {

struct SystemLine {
  std::string id, name, vendor, chip, status;
  int year = 0;
  int64_t chipsPerNode = 0, chips = 0, devices = 0; // chips and devices: at most
  double scaleUp_GBps = 0, scaleOut_GBps = 0;       // of a device, one direction
  int64_t domain = 0;                               // devices behind the links that scale up
};
/// Every system of the catalog. One that cannot be read, or whose chip cannot, is left out and put
/// in `problems`.
std::vector<SystemLine> collectSystems(const hw::Catalog &catalog, std::vector<Error> &problems);
std::string systemsTable(const std::vector<SystemLine> &systems);
std::string systemsJson(const std::vector<SystemLine> &systems);

/// `chip`: the system's, with its links.
std::string systemTable(const hw::System &system, const hw::Chip &chip);
std::string systemJson(const hw::System &system, const hw::Chip &chip);

/// Reads a system (a name or a file) and its chip and does the arithmetic. What is wrong is a
/// finding.
TargetCheck checkSystem(const hw::Catalog &catalog, const std::string &nameOrPath);

} // namespace mansard::report
