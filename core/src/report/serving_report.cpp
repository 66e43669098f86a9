#include "blocks.h"
#include "json.h"

#include <mansard/base/units.h>
#include <mansard/report/csv.h>
#include <mansard/report/serving_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::report {
namespace {

using Align = TextTable::Align;

std::string headline(const ServingReport &r) {
  const system::ServingScenario &s = r.scenario;
  const work::Workload &plan = s.plan;
  std::string text = fmt::format("{} on {} ({}), model {}, software {}\n", r.modelName, r.target,
                                 r.targetName, r.model, s.software.name);
  text += fmt::format("prompts of {} tokens, answers of {}, {} (KV cache {})",
                      grouped(static_cast<double>(s.isl)), grouped(static_cast<double>(s.osl)),
                      work::kQuantisationNames[static_cast<size_t>(plan.quantisation)],
                      nameOf(plan.kvCache));
  if (s.prefixHit > 0)
    text += fmt::format(", {} of a prompt cached", percent(s.prefixHit));
  if (plan.new_tokens > 1)
    text += fmt::format(", {} tokens a step, {} accepted", plan.new_tokens, percent(plan.accept));
  if (plan.imbalance > 1)
    text += fmt::format(", busiest experts' device {} of the mean", number(plan.imbalance));
  if (s.disaggregated)
    text +=
        fmt::format("\nprefill workers: {}; decode workers: {}",
                    work::degreesOf(s.disaggregated->prefill), work::degreesOf(plan.parallelism));
  else
    text += ", " + work::degreesOf(plan.parallelism);
  return text + '\n';
}

std::string milliseconds(double ms) { return duration(ms * 1e3); }

std::string boundOf(const system::ServingEstimate &e) {
  return e.hostBound ? "host" : std::string(kBoundNames[e.bound]);
}

double valueOf(const system::ServingEstimate &e, ServingFigure figure) {
  switch (figure) {
  case ServingFigure::ttft:
    return e.ttft_ms;
  case ServingFigure::tpot:
    return e.tpot_ms;
  case ServingFigure::tokens_per_chip:
    return e.tokens_per_s_per_chip;
  case ServingFigure::requests:
    return e.requests_per_s;
  case ServingFigure::tokens:
    return e.tokens_per_s;
  case ServingFigure::tokens_per_user:
    return e.tokens_per_s_per_user;
  case ServingFigure::power:
    return e.power.total();
  }
  return 0;
}

/// A figure with its interval.
std::string cell(const ServingReport &r, ServingFigure figure) {
  const double value = valueOf(r.estimate, figure);
  explore::Spread spread;
  spread.value = spread.low = spread.high = value;
  if (const explore::Spread *found = r.spread(figure))
    spread = *found;
  const bool isTime = figure == ServingFigure::ttft || figure == ServingFigure::tpot;
  return isTime ? durationWithInterval(spread, 1e3) : explore::withInterval(spread);
}

/// "waiting 3 ms, prompt 80 ms": those that are there.
std::string split(const std::vector<std::pair<const char *, double>> &parts_ms) {
  double total_ms = 0;
  for (const auto &[name, ms] : parts_ms)
    total_ms += ms;
  std::string text;
  for (const auto &[name, ms] : parts_ms)
    if (ms > kShown * total_ms)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, milliseconds(ms));
  return text;
}

std::string facts(const ServingReport &r) {
  const system::ServingEstimate &e = r.estimate;
  TextTable table({{"", {}}, {"", {}}, {"", {}}});
  table.addRow({"time to first token", cell(r, ServingFigure::ttft),
                split({{"place in the batch", e.slot_ms},
                       {"waiting", e.queue_ms},
                       {"prompt", e.prompt_ms},
                       {"cache transfer", e.transfer_ms},
                       {"host", e.request_ms}})});
  table.addRow(
      {"time per output token", cell(r, ServingFigure::tpot),
       split({{"decoding", e.decode_ms}, {"others' prompts", e.prompts_ms}, {"host", e.host_ms}})});
  table.addRow(
      {"requests/s", cell(r, ServingFigure::requests),
       fmt::format("{} in flight, {} of them decoding",
                   grouped(static_cast<double>(r.scenario.concurrency)), number(e.decoding, 3))});
  table.addRow({"tokens/s", cell(r, ServingFigure::tokens),
                fmt::format("of answers, and {} of prompts", grouped(e.input_tokens_per_s))});
  table.addRow({"tokens/s/chip", cell(r, ServingFigure::tokens_per_chip),
                fmt::format("{} {}, {} {}", e.chips, e.chips == 1 ? "chip" : "chips", e.devices,
                            e.devices == 1 ? "device" : "devices")});
  table.addRow({"tokens/s/user", cell(r, ServingFigure::tokens_per_user), ""});
  if (r.power.power_W > 0)
    table.addRow({"power a chip", cell(r, ServingFigure::power) + " W", r.power.text()});
  if (r.power.energyPerToken_J > 0)
    table.addRow({"energy a token", number(r.power.energyPerToken_J, 3) + " J",
                  fmt::format("of answers, prompts and all; {} tokens/s/W",
                              number(r.power.tokens_per_s_per_W, 3))});
  table.addRow({"bound", boundOf(e), "in the mean iteration"});
  table.addRow({"communication", percent(e.communicationShare), "of it is lost to links"});
  table.addRow({"prompts", percent(e.prefillBusy),
                e.prefillWorkers > 0
                    ? fmt::format("of the prefill workers' time; {} of them, {} decode workers",
                                  e.prefillWorkers, e.decodeWorkers)
                    : "of the time"});
  table.addRow({"places", grouped(static_cast<double>(e.places)), e.limit});
  const system::MemoryUse &m = e.memory;
  table.addRow({"memory a device", number((m.weights + m.kvCache + m.activations) / kGiB) + " GiB",
                fmt::format("of {}: weights {}, KV cache {}, activations and buffers {}",
                            number(m.capacity / kGiB), number(m.weights / kGiB),
                            number(m.kvCache / kGiB), number(m.activations / kGiB))});
  std::string text = table.text();
  for (const auto &[figure, title] : {std::pair{ServingFigure::ttft, "time to first token"},
                                      std::pair{ServingFigure::tpot, "time per output token"},
                                      std::pair{ServingFigure::tokens_per_chip, "tokens/s/chip"}})
    if (const explore::Spread *spread = r.spread(figure); spread && !spread->shares.empty())
      text += fmt::format("  spread of {}: {}\n", title,
                          spreadSources(r.spreads.inputs, spread->shares));
  return text;
}

std::string kernelTable(const system::ServingEstimate &e) {
  TextTable table(
      {{"largest kernels", {}}, {"work on a device", {}}, {"share", Align::right}, {"bound", {}}});
  for (const system::KernelShare &k : e.kernels)
    table.addRow({k.name, k.what, percent(k.share), std::string(kBoundNames[k.bound])});
  return table.text();
}

std::string partTable(const system::ServingEstimate &e) {
  double total = 0;
  for (double part : e.part_us)
    total += part;
  TextTable table({{"resource", {}}, {"share", Align::right}, {"", {}}});
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
    if (total > 0 && e.part_us[i] / total >= kShown)
      table.addRow(
          {std::string(kBoundNames[i]), percent(e.part_us[i] / total), bar(e.part_us[i] / total)});
  return table.text();
}

Json toJson(const ServingReport &r) {
  const system::ServingEstimate &e = r.estimate;
  const system::ServingScenario &s = r.scenario;
  Json json;
  json["target"] = r.target;
  json["model"] = r.modelName;
  json["software"] = s.software.id;
  json["isl"] = s.isl;
  json["osl"] = s.osl;
  json["concurrency"] = s.concurrency;
  json["ttft_ms"] = e.ttft_ms;
  json["tpot_ms"] = e.tpot_ms;
  json["tokens_per_s_per_chip"] = e.tokens_per_s_per_chip;
  json["requests_per_s"] = e.requests_per_s;
  addSpreads(json, kServingFigureKeys, r.spreads);
  json["bound"] = boundOf(e);
  json["tokens_per_s"] = e.tokens_per_s;
  json["tokens_per_s_per_user"] = e.tokens_per_s_per_user;
  json["input_tokens_per_s"] = e.input_tokens_per_s;
  json["chips"] = e.chips;
  json["devices"] = e.devices;
  json["ttft_parts_ms"] = Json{{"place", e.slot_ms},
                               {"queue", e.queue_ms},
                               {"prompt", e.prompt_ms},
                               {"transfer", e.transfer_ms},
                               {"host", e.request_ms}};
  json["tpot_parts_ms"] =
      Json{{"decode", e.decode_ms}, {"prompts", e.prompts_ms}, {"host", e.host_ms}};
  json["decoding"] = e.decoding;
  json["running"] = e.running;
  json["places"] = e.places;
  json["places_limit"] = e.limit;
  json["prompt_share"] = e.prefillBusy;
  json["communication_share"] = e.communicationShare;
  addTokenPower(json, r.power);
  if (e.prefillWorkers > 0) {
    json["prefill_workers"] = e.prefillWorkers;
    json["decode_workers"] = e.decodeWorkers;
  }
  json["breakdown_ms"] = breakdown(e.part_us, 1e-3);
  Json kernels = Json::array();
  for (const system::KernelShare &k : e.kernels)
    kernels.push_back(Json{
        {"name", k.name}, {"work", k.what}, {"share", k.share}, {"bound", kBoundNames[k.bound]}});
  json["kernels"] = std::move(kernels);
  json["memory_gib_per_device"] = Json{{"weights", e.memory.weights / kGiB},
                                       {"kv_cache", e.memory.kvCache / kGiB},
                                       {"activations", e.memory.activations / kGiB},
                                       {"capacity", e.memory.capacity / kGiB}};
  json["notes"] = e.notes;
  json["priced_by"] = r.model;
  return json;
}

} // namespace

Result<ServingReport> collectServing(explore::UncertainServing &serving,
                                     const system::ServingScenario &scenario,
                                     const std::string &modelName, const host::Model &target) {
  auto estimate = serving.estimate(scenario);
  if (!estimate)
    return estimate.error();
  ServingReport report{target.chip().id, target.chip().name,   target.id(), modelName,
                       scenario,         std::move(*estimate), {},          {}};
  report.power =
      powerFigures(target.chip(), report.estimate.power, report.estimate.tokens_per_s_per_chip);
  const size_t known = kServingFigureKeys.size() - (report.power.power_W > 0 ? 0 : 1);
  const auto fill = [known](const host::Model &model, const system::ServingEstimate &point,
                            std::span<const double>, std::span<double> out) -> Result<> {
    for (size_t i = 0; i < known; ++i)
      out[i] = valueOf(point, static_cast<ServingFigure>(i));
    if (constexpr auto power = static_cast<size_t>(ServingFigure::power); power < known)
      out[power] = std::min(out[power], model.chip().number("power.tdp_W"));
    return Ok{};
  };
  auto spreads = serving.spreads(scenario, report.estimate, known, fill);
  std::vector<std::string> &notes = report.estimate.notes;
  if (std::string note = report.power.note(target.chip()); !note.empty())
    notes.push_back(std::move(note));
  if (!spreads) {
    notes.push_back("no ranges: " + spreads.error().message);
    return report;
  }
  notes.insert(notes.end(), spreads->notes.begin(), spreads->notes.end());
  report.spreads = std::move(*spreads);
  return report;
}

std::string servingTable(const ServingReport &r) {
  return headline(r) + '\n' + facts(r) + '\n' + kernelTable(r.estimate) + '\n' +
         partTable(r.estimate) + noteLines(r.estimate.notes);
}

std::string servingJson(const ServingReport &r) { return dump(toJson(r)); }

std::string servingSweepTable(const std::vector<ServingReport> &reports) {
  if (reports.empty())
    return {};
  TextTable table({{"", {}},
                   {"concurrency", Align::right},
                   {"ttft", Align::right},
                   {"tpot", Align::right},
                   {"tokens/s/user", Align::right},
                   {"tokens/s/chip", Align::right},
                   {"requests/s", Align::right},
                   {"communication", Align::right},
                   {"running", Align::right},
                   {"bound", {}}});
  std::vector<std::pair<double, double>> points;
  std::vector<std::string> labels;
  for (const ServingReport &r : reports) {
    const system::ServingEstimate &e = r.estimate;
    labels.emplace_back(1, static_cast<char>('a' + static_cast<int>(labels.size() % 26)));
    points.emplace_back(e.tokens_per_s_per_user, e.tokens_per_s_per_chip);
    table.addRow({labels.back(), grouped(static_cast<double>(r.scenario.concurrency)),
                  milliseconds(e.ttft_ms), milliseconds(e.tpot_ms), number(e.tokens_per_s_per_user),
                  number(e.tokens_per_s_per_chip), number(e.requests_per_s),
                  percent(e.communicationShare), grouped(static_cast<double>(e.running)),
                  boundOf(e)});
  }
  return headline(reports.front()) + '\n' + table.text() + '\n' +
         plot(points, labels, "tokens/s/user", "tokens/s/chip") +
         noteLines(reports.back().estimate.notes);
}

std::string servingSweepJson(const std::vector<ServingReport> &reports) {
  Json all = Json::array();
  for (const ServingReport &r : reports)
    all.push_back(toJson(r));
  return dump(all);
}

std::string servingSweepCsv(const std::vector<ServingReport> &reports) {
  std::string text =
      csvLine({"target", "model", "software", "isl", "osl", "concurrency", "ttft_ms", "tpot_ms",
               "tokens_per_s_per_user", "tokens_per_s_per_chip", "requests_per_s",
               "communication_share", "running", "places", "bound", "power_w"});
  for (const ServingReport &r : reports) {
    const system::ServingScenario &s = r.scenario;
    const system::ServingEstimate &e = r.estimate;
    const auto cell = [](double value) { return fmt::format("{}", value); };
    text += csvLine({r.target, r.modelName, s.software.id, std::to_string(s.isl),
                     std::to_string(s.osl), std::to_string(s.concurrency), cell(e.ttft_ms),
                     cell(e.tpot_ms), cell(e.tokens_per_s_per_user), cell(e.tokens_per_s_per_chip),
                     cell(e.requests_per_s), cell(e.communicationShare), std::to_string(e.running),
                     std::to_string(e.places), boundOf(e), cell(r.power.power_W)});
  }
  return text;
}

} // namespace mansard::report
