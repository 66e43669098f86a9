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
  if (s.traffic.imbalance > 1)
    text += fmt::format(", busiest experts' device {} of the mean", number(s.traffic.imbalance));
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
  TextTable table({{"", {}}, {"", Align::right}, {"", {}}});
  table.addRow({"time to first token", milliseconds(e.ttft_ms),
                split({{"place in the batch", e.slot_ms},
                       {"waiting", e.queue_ms},
                       {"prompt", e.prompt_ms},
                       {"cache transfer", e.transfer_ms},
                       {"host", e.request_ms}})});
  table.addRow(
      {"time per output token", milliseconds(e.tpot_ms),
       split({{"decoding", e.decode_ms}, {"others' prompts", e.prompts_ms}, {"host", e.host_ms}})});
  table.addRow(
      {"requests/s", number(e.requests_per_s),
       fmt::format("{} in flight, {} of them decoding",
                   grouped(static_cast<double>(r.scenario.concurrency)), number(e.decoding, 3))});
  table.addRow({"tokens/s", grouped(e.tokens_per_s),
                fmt::format("of answers, and {} of prompts", grouped(e.input_tokens_per_s))});
  table.addRow({"tokens/s/chip", number(e.tokens_per_s_per_chip),
                fmt::format("{} {}, {} {}", e.chips, e.chips == 1 ? "chip" : "chips", e.devices,
                            e.devices == 1 ? "device" : "devices")});
  table.addRow({"tokens/s/user", number(e.tokens_per_s_per_user), ""});
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
  return table.text();
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

ServingReport collectServing(const system::ServingScenario &scenario,
                             const system::ServingEstimate &estimate, const std::string &modelName,
                             const host::Model &target) {
  return {target.chip().id, target.chip().name, target.id(), modelName, scenario, estimate};
}

std::string servingTable(const ServingReport &r) {
  return headline(r) + '\n' + facts(r) + '\n' + kernelTable(r.estimate) + '\n' +
         partTable(r.estimate) + noteLines(r.estimate.notes);
}

std::string servingJson(const ServingReport &r) { return dump(toJson(r)); }

std::string sweepTable(const std::vector<ServingReport> &reports) {
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

std::string sweepJson(const std::vector<ServingReport> &reports) {
  Json all = Json::array();
  for (const ServingReport &r : reports)
    all.push_back(toJson(r));
  return dump(all);
}

std::string sweepCsv(const std::vector<ServingReport> &reports) {
  std::string text =
      csvLine({"target", "model", "software", "isl", "osl", "concurrency", "ttft_ms", "tpot_ms",
               "tokens_per_s_per_user", "tokens_per_s_per_chip", "requests_per_s",
               "communication_share", "running", "places", "bound"});
  for (const ServingReport &r : reports) {
    const system::ServingScenario &s = r.scenario;
    const system::ServingEstimate &e = r.estimate;
    const auto cell = [](double value) { return fmt::format("{}", value); };
    text += csvLine({r.target, r.modelName, s.software.id, std::to_string(s.isl),
                     std::to_string(s.osl), std::to_string(s.concurrency), cell(e.ttft_ms),
                     cell(e.tpot_ms), cell(e.tokens_per_s_per_user), cell(e.tokens_per_s_per_chip),
                     cell(e.requests_per_s), cell(e.communicationShare), std::to_string(e.running),
                     std::to_string(e.places), boundOf(e)});
  }
  return text;
}

} // namespace mansard::report
