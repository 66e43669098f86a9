#include <mansard/base/units.h>
#include <mansard/report/system_report.h>
#include <mansard/report/text_table.h>

#include "numbers.h"

#include <fmt/format.h>

#include <algorithm>

namespace mansard::report {
namespace {

int64_t devicesOf(const hw::System &system, const hw::Chip &chip) {
  return system.chips() * chip.devicesPerChip();
}

/// Figures of the whole that follow from the system's numbers and its chip's.
std::vector<Derived> derivedFigures(const hw::System &system, const hw::Chip &chip) {
  const mansard_chip view = hw::ChipView(chip).chip();
  const auto devices = static_cast<double>(devicesOf(system, chip)),
             perNode = static_cast<double>(system.chipsPerNode() * chip.devicesPerChip());
  const double peak = std::max(view.matrix_ops_per_s[MANSARD_DTYPE_BF16],
                               view.matrix_ops_per_s[MANSARD_DTYPE_FP16]);
  std::vector<Derived> figures{
      {"chips", static_cast<double>(system.chips()), "", "at most"},
      {"devices", devices, "", "at most, as the runtime shows them"},
      {"node_peak_pflops", peak * perNode / kTera / 1e3, "PFLOPS", "of a node, 16-bit matrix"},
      {"node_memory_gib", view.dram_bytes * perNode / kGiB, "GiB", "of a node's chips"},
      {"peak_pflops", peak * devices / kTera / 1e3, "PFLOPS", "of the whole, 16-bit matrix"},
      {"memory_gib", view.dram_bytes * devices / kGiB, "GiB", "of the whole"}};
  const double up = view.links[MANSARD_LINK_SCALE_UP].bytes_per_s,
               out = view.links[MANSARD_LINK_SCALE_OUT].bytes_per_s;
  if (up > 0)
    figures.push_back(
        {"ops_per_scale_up_byte", peak / up, "op/B", "16-bit peak over the links that scale up"});
  if (out > 0)
    figures.push_back({"ops_per_scale_out_byte", peak / out, "op/B",
                       "16-bit peak over the links that scale out"});
  if (const double power = system.number("power.node_W"); power > 0)
    figures.push_back({"power_w_per_chip", power / static_cast<double>(system.chipsPerNode()), "W",
                       "of a node over its chips, hosts and fans included"});
  else if (const double whole = system.number("power.system_W"); whole > 0)
    figures.push_back({"power_w_per_chip", whole / static_cast<double>(system.chips()), "W",
                       "of the whole over its chips, hosts and switches included"});
  return figures;
}

} // namespace

std::vector<SystemLine> collectSystems(const hw::Catalog &catalog, std::vector<Error> &problems) {
  std::vector<SystemLine> lines;
  for (const std::string &id : catalog.systemIds()) {
    const auto system = catalog.system(id);
    const auto chip = system ? catalog.chipOf(*system) : Result<hw::Chip>(system.error());
    if (!chip) {
      problems.push_back(chip.error());
      continue;
    }
    SystemLine line{id, system->name, system->vendor, chip->id, system->status, system->year};
    line.chipsPerNode = system->chipsPerNode();
    line.chips = system->chips();
    line.devices = devicesOf(*system, *chip);
    line.scaleUp_GBps = system->number("links.scale_up.bandwidth_GBps");
    line.scaleOut_GBps = system->number("links.scale_out.bandwidth_GBps");
    line.domain = static_cast<int64_t>(system->number("links.scale_up.domain"));
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string systemsTable(const std::vector<SystemLine> &systems) {
  using Align = TextTable::Align;
  TextTable table({{"id", {}},
                   {"name", {}},
                   {"vendor", {}},
                   {"chip", {}},
                   {"year", {}},
                   {"a node", Align::right},
                   {"chips", Align::right},
                   {"domain", Align::right},
                   {"up GB/s", Align::right},
                   {"out GB/s", Align::right}});
  for (const SystemLine &s : systems)
    table.addRow({s.id, s.name, s.vendor, s.chip, s.year ? std::to_string(s.year) : "",
                  std::to_string(s.chipsPerNode), grouped(static_cast<double>(s.chips)),
                  s.domain ? std::to_string(s.domain) : "",
                  s.scaleUp_GBps > 0 ? number(s.scaleUp_GBps) : "",
                  s.scaleOut_GBps > 0 ? number(s.scaleOut_GBps) : ""});
  return table.text(0) +
         "chips: of a node, and at most; domain: devices behind the links that scale "
         "up; GB/s: of a device, one direction.\n";
}

std::string systemsJson(const std::vector<SystemLine> &systems) {
  Json json = Json::array();
  for (const SystemLine &s : systems)
    json.push_back(Json{{"id", s.id},
                        {"name", s.name},
                        {"vendor", s.vendor},
                        {"chip", s.chip},
                        {"year", s.year},
                        {"status", s.status},
                        {"chips_per_node", s.chipsPerNode},
                        {"chips", s.chips},
                        {"devices", s.devices},
                        {"scale_up_domain", s.domain},
                        {"scale_up_gbytes_per_s", s.scaleUp_GBps},
                        {"scale_out_gbytes_per_s", s.scaleOut_GBps}});
  return dump(json);
}

std::string systemTable(const hw::System &system, const hw::Chip &chip) {
  std::string out = fmt::format("{}: {} ({}), chip {}{}{}\n", system.id, system.name, system.vendor,
                                chip.id, system.year ? fmt::format(", {}", system.year) : "",
                                system.status.empty() ? "" : ", " + system.status);
  out += fmt::format("{} nodes of {} {} at most, {} {}. Links are of one device and direction.\n",
                     grouped(static_cast<double>(system.nodes())), system.chipsPerNode(),
                     system.chipsPerNode() == 1 ? "chip" : "chips",
                     grouped(static_cast<double>(devicesOf(system, chip))),
                     devicesOf(system, chip) == 1 ? "device" : "devices");
  if (!system.hostCpu.empty())
    out += fmt::format("Hosts: {}.\n", system.hostCpu);
  out += '\n' + numbersTable(system.numbers, hw::unitOfSystem) + "\nDerived\n";
  using Align = TextTable::Align;
  TextTable derived({{"", {}}, {"", Align::right}, {"", {}}, {"", {}}});
  for (const Derived &d : derivedFigures(system, chip))
    derived.addRow({d.key, number(d.value), d.unit, d.meaning});
  out += derived.text();
  for (const std::string &note : system.notes)
    out += "  note: " + note + '\n';
  return out;
}

std::string systemJson(const hw::System &system, const hw::Chip &chip) {
  Json json{{"id", system.id},     {"name", system.name},       {"vendor", system.vendor},
            {"chip", chip.id},     {"year", system.year},       {"status", system.status},
            {"file", system.file}, {"host_cpu", system.hostCpu}};
  json["numbers"] = numbersJson(system.numbers, hw::unitOfSystem);
  Json derived = Json::object();
  for (const Derived &d : derivedFigures(system, chip))
    derived[d.key] = d.value;
  json["derived"] = std::move(derived);
  json["notes"] = system.notes;
  return dump(json);
}

} // namespace mansard::report
