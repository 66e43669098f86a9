// What looks wrong with a system's description.
#include <mansard/base/names.h>
#include <mansard/report/system_report.h>
#include <mansard/report/text_table.h>

#include "numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace mansard::report {
namespace {

class Checker {
public:
  Checker(const hw::System &system, const hw::Chip &chip, TargetCheck &check)
      : system_(system), chip_(chip), check_(check) {}

  void all() {
    identity();
    domains();
    adapters();
    ranges();
  }

private:
  void error(std::string message) {
    check_.findings.push_back({true, std::move(message), system_.file});
  }
  void warning(std::string message) {
    check_.findings.push_back({false, std::move(message), system_.file});
  }

  void identity() {
    const std::string stem = std::filesystem::path(system_.file).stem().string();
    if (stem != system_.id)
      warning(fmt::format("id '{}' is not the file's name, which is what the system is found by",
                          system_.id));
    if (system_.year && (system_.year < 2015 || system_.year > 2040))
      error(fmt::format("year {} is out of range", system_.year));
    if (!system_.year)
      warning("missing: year");
    static const std::vector<std::string> statuses{"shipping", "announced", "rumoured"};
    if (std::find(statuses.begin(), statuses.end(), system_.status) == statuses.end())
      error(fmt::format("status '{}' is not one of {}{}", system_.status, fmt::join(statuses, ", "),
                        hw::suggestion(system_.status, statuses)));
  }

  /// Inner levels join fewer devices than outer ones, and none more than there are.
  void domains() {
    const double devices = static_cast<double>(system_.chips() * chip_.devicesPerChip());
    double inner = 1;
    std::string innerName = "a device";
    for (const char *level : {"die", "node", "scale_up", "scale_out"}) {
      const std::string key = fmt::format("links.{}.domain", level);
      if (!system_.has(key))
        continue;
      const double domain = system_.number(key);
      if (domain > devices)
        error(fmt::format("{} is {:g}, but there are {:g} devices", key, domain, devices));
      if (domain < inner)
        error(fmt::format("{} is {:g}, fewer than the {:g} of {}", key, domain, inner, innerName));
      inner = domain;
      innerName = key;
    }
    if (inner < devices)
      warning(fmt::format("the links join {:g} of {:g} devices", inner, devices));
    if (chip_.devicesPerChip() > 1 && !system_.has("links.die.domain"))
      warning(fmt::format("a chip has {} devices, but no links.die", chip_.devicesPerChip()));
  }

  /// A node's adapters carry what its devices' links that scale out are said to.
  void adapters() {
    const double rate_GBps = system_.number("nic.rate_Gbps") / 8,
                 count = system_.number("nic.per_node"),
                 out = system_.number("links.scale_out.bandwidth_GBps");
    if (!(rate_GBps > 0) || !(count > 0) || !(out > 0))
      return;
    const double share =
        count * rate_GBps / static_cast<double>(system_.chipsPerNode() * chip_.devicesPerChip());
    if (std::abs(out - share) > 0.03 * share)
      error(fmt::format("links.scale_out.bandwidth_GBps is {}; a node's {:g} adapters give each of "
                        "its devices {}",
                        number(out), count, number(share)));
    if (system_.number("nic.rails", 1) > count)
      error(fmt::format("nic.rails is {:g}, more than the {:g} adapters of a node",
                        system_.number("nic.rails"), count));
  }

  /// Numbers that nobody official gives should say how far off they may be.
  void ranges() {
    if (std::string without = withoutRange(system_.numbers); !without.empty())
      warning(std::move(without));
  }

  const hw::System &system_;
  const hw::Chip &chip_;
  TargetCheck &check_;
};

} // namespace

TargetCheck checkSystem(const hw::Catalog &catalog, const std::string &nameOrPath) {
  TargetCheck check;
  check.id = check.file = nameOrPath;
  const auto system = catalog.system(nameOrPath);
  const auto chip = system ? catalog.chipOf(*system) : Result<hw::Chip>(system.error());
  if (!chip) {
    check.findings.push_back({true, chip.error().message, chip.error().place});
    return check;
  }
  check.id = system->id;
  check.file = system->file;
  check.numbers = system->numbers.size();
  Checker(*system, *chip, check).all();
  return check;
}

} // namespace mansard::report
