#include <mansard/economics/assumptions.h>

#include "../hw/chip_keys.h"

#include <fmt/format.h>

#include <filesystem>

namespace mansard::economics {

double Assumptions::number(std::string_view key) const {
  const auto found = numbers.find(key);
  return found == numbers.end() ? 0 : found->second.value;
}

const std::vector<hw::ChipField> &assumptionFields() {
  static const std::vector<hw::ChipField> fields{
      {"package.advanced_usd_per_mm2", "USD/mm2",
       "of silicon on an interposer, losses included, where memory is stacked", true, 0.01, 10},
      {"package.plain_usd_per_mm2", "USD/mm2", "of silicon on a plain substrate", true, 0.001, 10},
      {"package.stack_mm2", "mm2", "footprint of a stack of memory", true, 10, 1e3},
      {"package.test_usd", "USD", "test and assembly of a package", true, 1, 1e4},
      {"server.usd_per_chip", "USD", "a chip's share of host, chassis and adapters", true, 100,
       1e6},
      {"server.w_per_chip", "W", "a chip's share of host, fans and adapters", true, 1, 1e4},
      {"network.share_of_server", "", "network over servers with their chips, in price", true, 0,
       2},
      {"facility.usd_per_W", "USD/W", "building, power and cooling, of a watt drawn by servers",
       true, 0, 100},
      {"facility.years", "", "of use of the building", true, 1, 50},
      {"power.load_share", "", "of the thermal design power, where a load's own is not known", true,
       0.05, 1.2},
      {"power.pue", "", "power of the facility over power of its servers", true, 1, 3},
      {"power.electricity_usd_per_kWh", "USD/kWh", "", true, 0.001, 2},
      {"use.years", "", "of use of a chip and its server", true, 0.5, 20},
      {"use.utilisation", "", "share of hours at the load estimated", true, 0.01, 1},
      {"use.interest", "", "cost of capital a year", true, 0, 1},
      {"use.operation_share", "", "staff, space and repair a year over the servers' price", true, 0,
       1},
      {"use.cny_per_usd", "", "yuan for a dollar", true, 1, 20},
  };
  return fields;
}

Result<Assumptions> readAssumptions(const hw::Catalog &catalog, const std::string &nameOrPath) {
  auto document = catalog.economicsDocument(nameOrPath);
  if (!document)
    return document.error();
  Assumptions out;
  out.file = document->file;
  for (const auto &[key, entry] : document->entries) {
    if (key == "id" || key == "name") {
      (key == "id" ? out.id : out.name) = entry.text;
      continue;
    }
    const hw::ChipField *field = hw::findField(assumptionFields(), key);
    if (!field)
      return Error{ErrorCode::invalidInput,
                   fmt::format("no key '{}' among economic assumptions{}", key,
                               hw::suggestion(key, hw::keyNames(assumptionFields()))),
                   entry.place};
    if (entry.kind != hw::Entry::Kind::number || !entry.sourced)
      return Error{
          ErrorCode::invalidInput,
          fmt::format("'{}' must be {{ value = ..., source = ..., confidence = ... }}", key),
          entry.place};
    if (Result<> range = hw::checkRange(*field, key, entry.number.value, entry.place); !range)
      return range.error();
    out.numbers.insert_or_assign(key, entry.number);
  }
  for (const hw::ChipField &field : assumptionFields())
    if (!out.has(field.key))
      return Error{ErrorCode::invalidInput,
                   fmt::format("'{}' ({}) is missing", field.key, field.meaning), out.file};
  return out;
}

} // namespace mansard::economics
