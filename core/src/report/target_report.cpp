#include "numbers.h"

#include <mansard/base/dtype.h>
#include <mansard/base/units.h>
#include <mansard/report/target_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::report {
namespace {
std::string_view name(Measured measured) { return kMeasuredNames[static_cast<size_t>(measured)]; }
} // namespace

std::vector<TargetLine> collectTargets(const hw::Catalog &catalog, std::vector<Error> &problems) {
  std::vector<TargetLine> lines;
  for (const std::string &id : catalog.targetIds()) {
    auto chip = catalog.target(id);
    if (!chip) {
      problems.push_back(chip.error());
      continue;
    }
    lines.push_back({id, chip->name, chip->vendor, chip->family, chip->model,
                     chip->memoryTechnology, chip->status, chip->year, measuredOf(*chip)});
  }
  return lines;
}

std::string targetsTable(const std::vector<TargetLine> &targets) {
  TextTable table({{"id", {}},
                   {"name", {}},
                   {"vendor", {}},
                   {"family", {}},
                   {"model", {}},
                   {"memory", {}},
                   {"year", {}},
                   {"status", {}},
                   {"measured", {}}});
  for (const TargetLine &t : targets)
    table.addRow({t.id, t.name, t.vendor, t.family, t.model, t.memory,
                  t.year ? std::to_string(t.year) : "", t.status, std::string(name(t.measured))});
  return table.text(0);
}

std::string targetsJson(const std::vector<TargetLine> &targets) {
  Json json = Json::array();
  for (const TargetLine &t : targets)
    json.push_back(Json{{"id", t.id},
                        {"name", t.name},
                        {"vendor", t.vendor},
                        {"family", t.family},
                        {"model", t.model},
                        {"memory", t.memory},
                        {"year", t.year},
                        {"validated", t.measured != Measured::nothing},
                        {"measured", name(t.measured)},
                        {"status", t.status}});
  return dump(json);
}

std::vector<Derived> derivedFigures(const hw::Chip &chip) {
  std::vector<Derived> figures;
  const mansard_chip view = hw::ChipView(chip).chip();
  double densest = 0;
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
    if (const double peak = view.matrix_ops_per_s[type]; peak > 0) {
      figures.push_back({fmt::format("peak_tflops.{}", kDTypes[type].name), peak / kTera, "TFLOPS",
                         "cores x rate x clock"});
      if (type == MANSARD_DTYPE_BF16 || type == MANSARD_DTYPE_FP16)
        densest = std::max(densest, peak);
    }
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
    if (const double peak = view.vector_ops_per_s[type]; peak > 0)
      figures.push_back({fmt::format("vector_tflops.{}", kDTypes[type].name), peak / kTera,
                         "TFLOPS", "of the vector units"});
  figures.push_back({"dram_peak_gbytes_per_s", view.dram_peak_bytes_per_s / kGiga, "GB/s",
                     "pin rate x width x stacks"});
  figures.push_back({"dram_read_gbytes_per_s", view.dram_read_bytes_per_s / kGiga, "GB/s",
                     "sustained, reads alone: after refresh"});
  figures.push_back({"dram_mixed_gbytes_per_s", view.dram_mixed_bytes_per_s / kGiga, "GB/s",
                     "sustained, one write to a read: after turnarounds"});
  figures.push_back({"dram_capacity_gib", view.dram_bytes / kGiB, "GiB", "less what is reserved"});
  if (densest > 0 && view.dram_peak_bytes_per_s > 0)
    figures.push_back({"ridge_ops_per_byte", densest / view.dram_peak_bytes_per_s, "op/B",
                       "16-bit peak over DRAM peak: work below it is bound by memory"});
  return figures;
}

namespace {

std::string_view describe(Measured measured) {
  switch (measured) {
  case Measured::chip:
    return "kernels of this chip stand behind its model's constants";
  case Measured::family:
    return "kernels of other chips of its family, none of its own";
  case Measured::nothing:
    break;
  }
  return "no kernels of its family are among the recorded measurements";
}

} // namespace

std::string targetTable(const hw::Chip &chip) {
  std::string out =
      fmt::format("{}: {} ({}), family {}, model {}, memory {}{}{}\n", chip.id, chip.name,
                  chip.vendor, chip.family, chip.model, chip.memoryTechnology,
                  chip.year ? fmt::format(", {}", chip.year) : "",
                  chip.status.empty() ? "" : ", " + chip.status);
  out += "All numbers are of one device";
  if (chip.devicesPerChip() > 1)
    out += fmt::format("; a package holds {}", chip.devicesPerChip());
  out += fmt::format(". Measured: {}.\n", describe(measuredOf(chip)));
  if (!chip.process.empty())
    out += fmt::format("Compute dies: {}.\n", chip.process);
  if (!chip.nearestIsa.empty())
    out += fmt::format("Kernels in LLVM IR are compiled and timed as {} code.\n", chip.nearestIsa);

  using Align = TextTable::Align;
  out += '\n' + numbersTable(chip.numbers, hw::unitOf) + "\nDerived\n";
  TextTable derived({{"", {}}, {"", Align::right}, {"", {}}, {"", {}}});
  for (const Derived &d : derivedFigures(chip))
    derived.addRow({d.key, number(d.value), d.unit, d.meaning});
  out += derived.text();
  for (const std::string &note : chip.notes)
    out += "  note: " + note + '\n';
  return out;
}

std::string targetJson(const hw::Chip &chip) {
  Json json{{"id", chip.id},         {"name", chip.name},
            {"vendor", chip.vendor}, {"family", chip.family},
            {"model", chip.model},   {"memory", chip.memoryTechnology},
            {"year", chip.year},     {"validated", measuredOf(chip) != Measured::nothing},
            {"status", chip.status}, {"file", chip.file}};
  json["measured"] = name(measuredOf(chip));
  json["process"] = chip.process;
  if (!chip.nearestIsa.empty())
    json["nearest_isa"] = chip.nearestIsa;
  json["numbers"] = numbersJson(chip.numbers, hw::unitOf);
  Json derived = Json::object();
  for (const Derived &d : derivedFigures(chip))
    derived[d.key] = d.value;
  json["derived"] = std::move(derived);
  json["notes"] = chip.notes;
  return dump(json);
}

} // namespace mansard::report
