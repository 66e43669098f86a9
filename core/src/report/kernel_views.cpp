#include "blocks.h"
#include "json.h"

#include <mansard/report/csv.h>
#include <mansard/report/kernel_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

namespace mansard::report {
namespace {

using Align = TextTable::Align;

std::string tilingText(const mansard_tiling &t) {
  std::vector<std::string> parts;
  std::vector<int32_t> tile;
  for (int32_t extent : {t.tile_m, t.tile_n, t.tile_k})
    if (extent > 0)
      tile.push_back(extent);
  if (!tile.empty())
    parts.push_back(fmt::format("{}", fmt::join(tile, " x ")));
  if (t.split_k > 1)
    parts.push_back(fmt::format("split {}", t.split_k));
  if (t.tiles)
    parts.push_back(fmt::format("{} {}", t.tiles, t.tiles == 1 ? "tile" : "tiles"));
  if (t.waves > 0)
    parts.push_back(number(t.waves) + " waves");
  if (t.cores)
    parts.push_back(fmt::format("{} {}", t.cores, t.cores == 1 ? "core" : "cores"));
  if (t.stages)
    parts.push_back(fmt::format("{} stages", t.stages));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string ofPeak(double value, double peak, std::string_view unit) {
  return peak > 0
             ? fmt::format("{} of the peak of {} {}", percent(value / peak), number(peak), unit)
             : std::string();
}

} // namespace

std::string kernelTable(const KernelReport &r) {
  const mansard_estimate &e = r.estimate;
  std::string out =
      fmt::format("{} on {} ({}), model {}\n\n", r.what, r.target, r.targetName, r.model);

  TextTable facts({{"", {}}, {"", {}}, {"", {}}});
  facts.addRow({"latency", duration(e.latency_us),
                fmt::format("80 % interval [{} - {}]", duration(r.interval.low_us),
                            duration(r.interval.high_us))});
  if (r.cycles > 0)
    facts.addRow({"cycles", grouped(r.cycles)});
  facts.addRow({"bound", std::string(kBoundNames[e.bound])});
  if (e.operations > 0)
    facts.addRow({"rate", number(r.tflops) + " TFLOPS", ofPeak(r.tflops, r.peak_tflops, "TFLOPS")});
  if (r.dram_GBps > 0)
    facts.addRow(
        {"DRAM", number(r.dram_GBps) + " GB/s", ofPeak(r.dram_GBps, r.peak_dram_GBps, "GB/s")});
  if (e.link_bytes > 0)
    facts.addRow({"sent", size(e.link_bytes), "by each device"});
  if (r.power.power_W > 0)
    facts.addRow({"power", number(r.power.power_W, 3) + " W", r.power.text()});
  out += facts.text();
  if (r.inputs.size() > 1)
    out += "  spread   " + spreadSources(r.inputs, r.shares) + '\n';
  if (const std::string tiling = tilingText(e.tiling); !tiling.empty())
    out += "  tiling   " + tiling + '\n';
  out += "  validated  " + r.standing.text(r.kernel.op) + '\n';
  out += '\n';

  out += resourceTable(e.part_us, e.latency_us) + noteLines(r.notes);
  return out;
}

std::string kernelJson(const KernelReport &r) {
  const mansard_estimate &e = r.estimate;
  const mansard_tiling &t = e.tiling;
  Json json;
  json["target"] = r.target;
  json["model"] = r.model;
  json["op"] = kOpNames[r.kernel.op];
  json["latency_us"] = e.latency_us;
  json["bound"] = kBoundNames[e.bound];
  json["breakdown_us"] = breakdown(e.part_us);
  json["tflops"] = r.tflops;
  json["dram_gbytes_per_s"] = r.dram_GBps;
  json["cycles"] = r.cycles;
  json["tiling"] =
      Json{{"tile_m", t.tile_m}, {"tile_n", t.tile_n}, {"tile_k", t.tile_k}, {"split_k", t.split_k},
           {"tiles", t.tiles},   {"waves", t.waves},   {"cores", t.cores},   {"stages", t.stages}};
  json["low_us"] = r.interval.low_us;
  json["high_us"] = r.interval.high_us;
  json["uncertainty"] = Json{{"latency_us", sharesJson(r.inputs, r.shares)}};
  addPower(json, r.power);
  json["energy_j"] = known(r.power.power_W * e.latency_us * 1e-6);
  json["notes"] = r.notes;
  json["validation"] = validation(r.standing, r.kernel.op);
  if (!r.system.empty())
    json["system"] = r.system;
  return dump(json);
}

std::string kernelCsv(const KernelReport &r) {
  const mansard_estimate &e = r.estimate;
  std::vector<std::string> header{"target", "model",   "op",   "latency_us",
                                  "low_us", "high_us", "bound"};
  const auto exact = [](double value) { return fmt::format("{}", value); };
  std::vector<std::string> row{r.target,
                               r.model,
                               std::string(kOpNames[r.kernel.op]),
                               exact(e.latency_us),
                               exact(r.interval.low_us),
                               exact(r.interval.high_us),
                               std::string(kBoundNames[e.bound])};
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i) {
    header.push_back(fmt::format("{}_us", kBoundNames[i]));
    row.push_back(exact(e.part_us[i]));
  }
  for (const auto &[name, value] :
       {std::pair{"tflops", r.tflops}, {"dram_gbytes_per_s", r.dram_GBps}, {"cycles", r.cycles}}) {
    header.emplace_back(name);
    row.push_back(exact(value));
  }
  return csvLine(header) + csvLine(row);
}

} // namespace mansard::report
