#include <mansard/hw/catalog.h>
#include <mansard/hw/system.h>

#include "chip_keys.h"
#include "inheritance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::hw {
namespace {

std::string *textMember(System &system, std::string_view key) {
  if (key == "id")
    return &system.id;
  if (key == "name")
    return &system.name;
  if (key == "vendor")
    return &system.vendor;
  if (key == "chip")
    return &system.chip;
  if (key == "status")
    return &system.status;
  if (key == "host.cpu")
    return &system.hostCpu;
  return nullptr;
}

Error unknownKey(const std::string &key, const std::string &place) {
  std::vector<std::string> names = keyNames(systemFields());
  names.insert(names.end(), {"id", "name", "vendor", "chip", "status", "year", "inherits", "notes",
                             "host.cpu", "sources"});
  return {ErrorCode::invalidInput,
          fmt::format("no key '{}' in a system{}", key, suggestion(key, names)), place};
}

Result<> takeEntry(System &system, const std::string &key, const Entry &entry) {
  const auto wrong = [&](std::string message) {
    return Error{ErrorCode::invalidInput, std::move(message), entry.place};
  };
  if (std::string *member = textMember(system, key); member || isTopologyKey(key)) {
    if (entry.kind != Entry::Kind::text)
      return wrong(fmt::format("'{}' is a text", key));
    if (member) {
      *member = entry.text;
      return Ok{};
    }
    Result<Quantity> topology = parseTopology(entry.text, entry.place);
    if (!topology)
      return topology.error();
    system.numbers.insert_or_assign(key, std::move(*topology));
    return Ok{};
  }
  if (key == "inherits")
    return Ok{};
  if (key == "year") {
    if (entry.kind != Entry::Kind::number)
      return wrong("'year' is a number");
    system.year = static_cast<int>(entry.number.value);
    return Ok{};
  }
  const ChipField *field = findField(systemFields(), key);
  if (!field)
    return unknownKey(key, entry.place);
  if (entry.kind != Entry::Kind::number || !entry.sourced)
    return wrong(
        fmt::format("'{}' must be {{ value = ..., source = ..., confidence = ... }}", key));
  if (Result<> range = checkRange(*field, key, entry.number.value, entry.place); !range)
    return range;
  system.numbers.insert_or_assign(key, entry.number);
  return Ok{};
}

/// What must be there, and agree.
Result<> checkComplete(const System &system) {
  const auto wrong = [&](std::string message) {
    return Error{ErrorCode::invalidInput, std::move(message), system.file};
  };
  for (const auto &[name, text] : {std::pair{"id", system.id},
                                   {"name", system.name},
                                   {"vendor", system.vendor},
                                   {"chip", system.chip}})
    if (text.empty())
      return wrong(fmt::format("'{}' is missing", name));
  for (const ChipField &field : systemFields())
    if (field.required && !system.has(field.key))
      return wrong(fmt::format("'{}' ({}) is missing", field.key, field.meaning));
  for (const char *key : {"chips_per_node", "nodes"})
    if (const double count = system.number(key); count != std::floor(count))
      return wrong(fmt::format("'{}' is {:g}, not a whole number", key, count));
  for (std::string_view level : kLinkNames) {
    const std::string prefix = fmt::format("links.{}.", level);
    if (const auto first = system.numbers.lower_bound(prefix);
        first == system.numbers.end() || !first->first.starts_with(prefix))
      continue;
    for (const char *field : {"topology", "bandwidth_GBps", "latency_us", "domain"})
      if (!system.has(prefix + field))
        return wrong(fmt::format("'{}{}' is missing", prefix, field));
  }
  const double node = system.number("links.node.domain"),
               scaleUp = system.number("links.scale_up.domain");
  if (node > 0 && node >= scaleUp)
    return wrong(fmt::format("links.node, the first tier of links.scale_up, joins {:g} devices: "
                             "that must be fewer than the {:g} of the whole",
                             node, scaleUp));
  return Ok{};
}

} // namespace

double System::number(std::string_view key, double otherwise) const {
  const auto found = numbers.find(key);
  return found == numbers.end() ? otherwise : found->second.value;
}

const std::vector<ChipField> &systemFields() {
  static const std::vector<ChipField> fields{
      {"chips_per_node", "", "packages of a node: a chassis or a tray", true, 1, 1e4},
      {"nodes", "", "nodes, at most", true, 1, 1e5},
      {"links.<level>.bandwidth_GBps", "GB/s", "of a device, one direction", false, 1e-3, 1e5},
      {"links.<level>.latency_us", "us", "one hop, software included", false, 0, 1e4},
      {"links.<level>.domain", "", "devices that reach one another", false, 1, 1e6},
      {"links.<level>.in_network_reduction", "", "1 where switches add", false, 0, 1},
      {"nic.per_node", "", "adapters of a node for the links that scale out", false, 0, 1e3},
      {"nic.rate_Gbps", "Gb/s", "of one of them, one direction", false, 1, 1e4},
      {"nic.rails", "", "planes of switches that adapters of one position have to themselves",
       false, 1, 1e3},
      {"host.cpus_per_node", "", "processors of a node", false, 1, 64},
      {"host.memory_GiB", "GiB", "memory of a node's processors", false, 1, 1e6},
      {"host.link_GBps", "GB/s", "between a device and its processor, one direction", false, 0.1,
       1e4},
      {"power.node_W", "W", "of a node at full load", false, 100, 1e6},
      {"power.system_W", "W", "of the whole at full load", false, 100, 1e9},
      {"price.node_USD", "USD", "of a node as buyers pay it", false, 1e3, 1e8},
      {"price.node_CNY", "CNY", "of a node as buyers pay it", false, 1e3, 1e9},
      {"price.system_USD", "USD", "of the whole as buyers pay it", false, 1e3, 1e11},
      {"price.system_CNY", "CNY", "of the whole as buyers pay it", false, 1e3, 1e12},
  };
  return fields;
}

std::string unitOfSystem(std::string_view key) {
  const ChipField *field = findField(systemFields(), key);
  return field ? std::string(field->unit) : "";
}

Result<System> buildSystem(const Document &document, const Catalog &catalog) {
  const Result<Document> resolved = resolveInheritance(
      document, [&](const std::string &name) { return catalog.systemDocument(name); });
  if (!resolved)
    return resolved.error();
  System system;
  system.file = document.file;
  for (const auto &[key, entry] : resolved->entries)
    if (Result<> done = takeEntry(system, key, entry); !done)
      return done.error();
  for (const auto &[key, list] : resolved->lists) {
    if (key != "notes")
      return unknownKey(key, document.file);
    system.notes = list;
  }
  if (Result<> complete = checkComplete(system); !complete)
    return complete.error();
  return system;
}

} // namespace mansard::hw
