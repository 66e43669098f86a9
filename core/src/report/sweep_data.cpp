// A sweep for programs: JSON and CSV.
#include "json.h"
#include "sweep_rows.h"

#include <mansard/base/names.h>
#include <mansard/base/units.h>
#include <mansard/report/csv.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

namespace mansard::report {
namespace {

Json asJson(const std::optional<double> &value) { return value ? Json(*value) : Json(); }

Json kernelsJson(const SweptPhase &phase) {
  Json list = Json::array();
  for (const SweptKernel &kernel : phase.kernels)
    list.push_back(Json{{"name", kernel.name},
                        {"op", kOpNames[kernel.op]},
                        {"what", kernel.what},
                        {"count", kernel.count},
                        {"total_us", kernel.total_us},
                        {"share", phase.total_us > 0 ? kernel.total_us / phase.total_us : 0},
                        {"bound", kBoundNames[kernel.bound]}});
  return list;
}

Json phaseJson(const SweptChip &chip, const SweptPhase &phase, const SweptFigures &figures) {
  return Json{{"latency_ms", phase.total_us / 1e3},
              {"tokens_per_s", phase.tokensPerSecond()},
              {"tokens_per_s_per_chip", rateOf(chip, phase)},
              {"speedup", phase.speedup > 0 ? Json(phase.speedup) : Json()},
              {"bound", kBoundNames[phase.bound]},
              {"dram_bound_share", phase.dramBound},
              {"breakdown_ms", breakdown(phase.part_us, 1e-3)},
              {"fits", phase.fits},
              {"memory_need_gib", phase.needBytes / kGiB},
              {"power_w", asJson(phase.power_W)},
              {"tokens_per_s_per_w", asJson(figures.tokensPerJoule)},
              {"usd_per_mtok", asJson(figures.usdPerMtok)},
              {"kernels", kernelsJson(phase)}};
}

Json chipJson(const Rows &rows, size_t point) {
  const SweptChip &c = rows.chip(point);
  const bool runs = c.failure.empty();
  Json overrides = Json::object();
  for (const hw::Override &change : rows.result().points[point].overrides)
    overrides[change.key] = change.value;
  Json json{{"target", rows.result().shipped[rows.target].selectedId()},
            {"model", rows.result().model},
            {"point", rows.result().points[point].name},
            {"overrides", std::move(overrides)},
            {"as_shipped", c.asShipped},
            {"reference", c.reference},
            {"failure", runs ? Json() : Json(c.failure)}};
  if (!runs)
    return json;
  Json ridges = Json::object();
  for (const explore::Ridge &ridge : c.ridges)
    ridges[std::string(kDTypes[ridge.dtype].name)] = ridge.operationsPerByte;
  const SweptCost &cost = rows.cost(point);
  json["priced_by"] = c.pricedBy;
  json["devices"] = c.devices;
  json["chips"] = c.chips;
  json["memory"] = Json{{"technology", c.chip.memoryTechnology},
                        {"stacks", c.chip.number("memory.stacks")},
                        {"pin_rate_Gbps", c.chip.pinRate_Gbps()},
                        {"peak_gbytes_per_s", c.peakBytesPerSecond / kGiga},
                        {"read_gbytes_per_s", c.readBytesPerSecond / kGiga},
                        {"capacity_gib", c.capacityBytes / kGiB}};
  json["ridge_ops_per_byte"] = std::move(ridges);
  json["cost"] = Json{{"memory_interface_mm2", asJson(cost.interface_mm2)},
                      {"memory_usd", asJson(cost.memory_usd)},
                      {"make_usd", asJson(cost.make_usd)},
                      {"price_usd", asJson(cost.price_usd)}};
  for (size_t i = 0; i < c.phases.size(); ++i)
    json[phaseName(c.phases[i])] = phaseJson(c, c.phases[i], rows.figures(point)[i]);
  json["notes"] = c.notes;
  return json;
}

std::string exact(double value) { return fmt::format("{}", value); }
std::string exact(const std::optional<double> &value) { return value ? exact(*value) : ""; }

std::string kernelCsv(const Rows &rows) {
  std::string text;
  for (size_t i = 0; i < rows.across(); ++i)
    for (const SweptPhase &phase : rows.chip(i).phases)
      for (const SweptKernel &k : phase.kernels)
        text += csvLine({rows.result().shipped[rows.target].selectedId(),
                         rows.result().points[i].name, phaseName(phase), k.name,
                         std::string(kOpNames[k.op]), k.what, std::to_string(k.count),
                         exact(k.total_us), std::string(kBoundNames[k.bound])});
  return text;
}

std::string phaseCsv(const Rows &rows) {
  std::string text;
  for (size_t i = 0; i < rows.across(); ++i) {
    const SweptChip &c = rows.chip(i);
    const SweptCost &cost = rows.cost(i);
    std::vector<std::string> start{rows.result().shipped[rows.target].selectedId(),
                                   rows.result().points[i].name, c.failure};
    if (!c.failure.empty()) {
      start.resize(22);
      text += csvLine(start);
    }
    for (size_t k = 0; k < c.phases.size(); ++k) {
      const SweptPhase &p = c.phases[k];
      const SweptFigures &f = rows.figures(i)[k];
      std::vector<std::string> cells = start;
      cells.insert(cells.end(),
                   {c.chip.memoryTechnology, exact(c.chip.number("memory.stacks")),
                    exact(c.chip.pinRate_Gbps()), exact(c.peakBytesPerSecond / kGiga),
                    exact(c.readBytesPerSecond / kGiga), exact(c.capacityBytes / kGiB),
                    phaseName(p), exact(p.total_us / 1e3), exact(rateOf(c, p)), exact(p.speedup),
                    std::string(kBoundNames[p.bound]), exact(p.dramBound), p.fits ? "1" : "0",
                    exact(p.power_W), exact(f.tokensPerJoule), exact(f.usdPerMtok),
                    exact(cost.memory_usd), exact(cost.make_usd), exact(cost.price_usd)});
      text += csvLine(cells);
    }
  }
  return text;
}

} // namespace

std::string sweepJson(const SweepReport &report) {
  Json all = Json::array();
  for (size_t target = 0; target < report.result.shipped.size(); ++target)
    for (size_t point = 0; point < report.result.points.size(); ++point)
      all.push_back(chipJson({report, target}, point));
  return dump(all);
}

std::string sweepCsv(const SweepReport &report, bool kernels) {
  std::string text = kernels ? csvLine({"target", "point", "phase", "kernel", "op", "what", "count",
                                        "total_us", "bound"})
                             : csvLine({"target",
                                        "point",
                                        "failure",
                                        "technology",
                                        "stacks",
                                        "pin_rate_Gbps",
                                        "peak_gbytes_per_s",
                                        "read_gbytes_per_s",
                                        "capacity_gib",
                                        "phase",
                                        "latency_ms",
                                        "tokens_per_s_per_chip",
                                        "speedup",
                                        "bound",
                                        "dram_bound_share",
                                        "fits",
                                        "power_w",
                                        "tokens_per_s_per_w",
                                        "usd_per_mtok",
                                        "memory_usd",
                                        "make_usd",
                                        "price_usd"});
  for (size_t target = 0; target < report.result.shipped.size(); ++target) {
    const Rows rows{report, target};
    text += kernels ? kernelCsv(rows) : phaseCsv(rows);
  }
  return text;
}

std::string sweepsTable(const std::vector<explore::Sweep> &sweeps) {
  TextTable table({{"sweep", {}}, {"", {}}, {"model", {}}, {"targets", {}}});
  for (const explore::Sweep &sweep : sweeps) {
    std::string targets;
    for (const explore::SweepTarget &target : sweep.targets)
      targets += (targets.empty() ? "" : ", ") + target.name;
    table.addRow({sweep.id, sweep.name, sweep.model, targets});
  }
  return table.text();
}

std::string sweepsJson(const std::vector<explore::Sweep> &sweeps) {
  Json list = Json::array();
  for (const explore::Sweep &sweep : sweeps) {
    Json targets = Json::array();
    for (const explore::SweepTarget &target : sweep.targets)
      targets.push_back(target.name);
    list.push_back(Json{{"id", sweep.id},
                        {"name", sweep.name},
                        {"model", sweep.model},
                        {"targets", std::move(targets)}});
  }
  return dump(list);
}

} // namespace mansard::report
