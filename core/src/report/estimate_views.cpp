#include "blocks.h"
#include "json.h"

#include <mansard/report/csv.h>
#include <mansard/report/estimate_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::report {
namespace {

using Align = TextTable::Align;

std::string kernelsTable(const EstimateReport &r) {
  TextTable table({{"kernel", {}},
                   {"work on a device", {}},
                   {"count", Align::right},
                   {"each", Align::right},
                   {"total", Align::right},
                   {"share", Align::right},
                   {"bound", {}}});
  bool hidden = false;
  for (const KernelLine &k : r.kernels) {
    const bool partly = k.exposed_us < k.total_us * (1 - 1e-9);
    hidden = hidden || partly;
    table.addRow({k.name, k.what, std::to_string(k.count), duration(k.latency_us),
                  duration(k.total_us) + (partly ? "*" : " "), percent(k.share),
                  std::string(kBoundNames[k.bound])});
  }
  std::string out = table.text();
  if (hidden)
    out += "  * in part or whole hidden behind what runs beside it; its share is what is left\n";
  return out;
}

std::string summary(const EstimateReport &r) {
  TextTable facts({{"", {}}, {"", {}}, {"", {}}});
  const auto rate = [&](StepFigure figure, double value) {
    const explore::Spread *spread = r.spread(figure);
    return spread && spread->low < spread->high
               ? fmt::format("{} [{} - {}]", grouped(value), grouped(spread->low),
                             grouped(spread->high))
               : grouped(value);
  };
  const explore::Spread *latency_ms = r.spread(StepFigure::latency);
  facts.addRow({"step",
                latency_ms ? durationWithInterval(*latency_ms, 1e3) : duration(r.latency_ms * 1e3),
                fmt::format("bound by {}", kBoundNames[r.bound])});
  if (r.tokens > 0) // not every module has any
    facts.addRow({"tokens/s", rate(StepFigure::tokens, r.tokens_per_s),
                  fmt::format("{} tokens a step", grouped(r.tokens))});
  if (r.tokens > 0)
    facts.addRow({"tokens/s/chip", rate(StepFigure::tokens_per_chip, r.tokens_per_s_per_chip),
                  fmt::format("{} {}, {} {}", r.chips, r.chips == 1 ? "chip" : "chips", r.devices,
                              r.devices == 1 ? "device" : "devices")});
  facts.addRow({"communication", percent(r.communicationShare), "of the step is lost to it"});
  facts.addRow(
      {"memory a chip",
       number(r.weights_GiB + r.kvCache_GiB + r.activations_GiB + r.buffers_GiB) + " GiB",
       fmt::format("of {} GiB: weights {}, KV cache {}, activations {}{}", number(r.capacity_GiB),
                   number(r.weights_GiB), number(r.kvCache_GiB), number(r.activations_GiB),
                   r.buffers_GiB > 0 ? ", exchange buffers " + number(r.buffers_GiB) : "")});
  if (r.power.power_W > 0)
    facts.addRow({"power a chip", rate(StepFigure::power, r.power.power_W) + " W", r.power.text()});
  if (r.power.energyPerToken_J > 0)
    facts.addRow({"energy a token", number(r.power.energyPerToken_J, 3) + " J",
                  fmt::format("{} tokens/s/W", number(r.power.tokens_per_s_per_W, 3))});
  std::string text = facts.text();
  if (latency_ms && !latency_ms->shares.empty())
    text += "  spread         " + spreadSources(r.spreads.inputs, latency_ms->shares) + '\n';
  return text + "  validated      " + r.standing.text() + '\n';
}

std::string resources(const EstimateReport &r) {
  double part_us[MANSARD_BOUND_COUNT];
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
    part_us[i] = r.part_ms[i] * 1e3;
  return resourceTable(part_us, r.latency_ms * 1e3);
}

Json memoryJson(const std::vector<MemoryLine> &lines) {
  Json parts = Json::array();
  for (const MemoryLine &line : lines)
    parts.push_back(Json{{"part", line.part},
                         {"component", line.component},
                         {"dtype", line.type},
                         {"size", line.size_GiB}});
  return parts;
}

} // namespace

std::string estimateTable(const EstimateReport &r) {
  std::string out = fmt::format("{} on {} ({}), model {}\n{}\n", r.modelName, r.target,
                                r.targetName, r.model, r.scenario);
  if (!r.fits)
    out += r.misfit() + '\n';
  out += '\n' + kernelsTable(r) + '\n' + summary(r) + '\n' + resources(r) + '\n' +
         memoryTable(r.memory, r.capacity_GiB);
  // The misfit heads the table already.
  return out +
         noteLines(std::span(r.notes).subspan(std::min<size_t>(r.fits ? 0 : 1, r.notes.size())));
}

std::string estimateJson(const EstimateReport &r) {
  Json json;
  json["target"] = r.target;
  json["model"] = r.modelName;
  json["phase"] = r.phase;
  json["latency_ms"] = r.latency_ms;
  json["tokens_per_s"] = r.tokens_per_s;
  json["tokens_per_s_per_chip"] = r.tokens_per_s_per_chip;
  addSpreads(json, kStepFigureKeys, r.spreads);
  json["chips"] = r.chips;
  json["memory_gib_per_chip"] = Json{
      {"weights", r.weights_GiB},   {"kv_cache", r.kvCache_GiB}, {"activations", r.activations_GiB},
      {"capacity", r.capacity_GiB}, {"buffers", r.buffers_GiB},  {"parts", memoryJson(r.memory)}};
  json["bound"] = kBoundNames[r.bound];
  json["breakdown_ms"] = breakdown(r.part_ms);
  Json kernels = Json::array();
  for (const KernelLine &k : r.kernels)
    kernels.push_back(Json{{"name", k.name},
                           {"op", k.op},
                           {"count", k.count},
                           {"latency_us", k.latency_us},
                           {"bound", kBoundNames[k.bound]},
                           {"share", k.share},
                           {"exposed_us", k.exposed_us},
                           {"work", k.what}});
  json["kernels"] = std::move(kernels);
  addTokenPower(json, r.power);
  json["notes"] = r.notes;
  json["priced_by"] = r.model;
  if (!r.system.empty())
    json["system"] = r.system;
  json["validation"] = validation(r.standing);
  json["devices"] = r.devices;
  if (r.parallelism)
    json["parallelism"] = parallelismJson(*r.parallelism);
  json["tokens_per_step"] = r.tokens;
  json["communication_share"] = r.communicationShare;
  json["fits"] = r.fits;
  json["remedies"] = r.remedies;
  return dump(json);
}

std::string estimateCsv(const EstimateReport &r) {
  const auto exact = [](double value) { return fmt::format("{}", value); };
  std::string out = csvLine({"target", "model", "phase", "name", "op", "work", "count",
                             "latency_us", "exposed_us", "share", "bound"});
  for (const KernelLine &k : r.kernels)
    out += csvLine({r.target, r.modelName, r.phase, k.name, k.op, k.what, std::to_string(k.count),
                    exact(k.latency_us), exact(k.exposed_us), exact(k.share),
                    std::string(kBoundNames[k.bound])});
  return out + csvLine({r.target, r.modelName, r.phase, "step", "", r.scenario, "1",
                        exact(r.latency_ms * 1e3), exact(r.latency_ms * 1e3), "1",
                        std::string(kBoundNames[r.bound])});
}

} // namespace mansard::report
