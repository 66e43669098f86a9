#include "json.h"

#include <mansard/base/units.h>
#include <mansard/report/csv.h>
#include <mansard/report/plan_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <cmath>

namespace mansard::report {
namespace {

using Align = TextTable::Align;

std::string boundOf(const system::ServingEstimate &e) {
  return e.hostBound ? "host" : std::string(kBoundNames[e.bound]);
}

std::string limits(const PlanReport &r) {
  std::string text;
  const auto add = [&](const char *name, double limit_ms) {
    if (std::isfinite(limit_ms))
      text +=
          fmt::format("{}{} at most {}", text.empty() ? "" : ", ", name, duration(limit_ms * 1e3));
  };
  add("time to first token", r.ttft_ms);
  add("time per token", r.tpot_ms);
  return text.empty() ? "no limits" : text;
}

std::string plansTable(const PlanReport &r) {
  TextTable table({{"", Align::right},
                   {"plan", {}},
                   {"devices", Align::right},
                   {"requests", Align::right},
                   {"TTFT", Align::right},
                   {"TPOT", Align::right},
                   {"tokens/s/chip", Align::right},
                   {"requests/s", Align::right},
                   {"memory", Align::right},
                   {"bound", {}},
                   {"links", Align::right}});
  int rank = 0;
  for (const PlanLine &line : r.lines) {
    const system::ServingEstimate &e = line.found.estimate;
    const std::string copies = line.found.copies > 1
                                   ? fmt::format("{} x {}", line.found.copies, e.devices)
                                   : std::to_string(e.devices);
    table.addRow({std::to_string(++rank), line.plan, copies,
                  grouped(static_cast<double>(line.found.concurrency)), duration(e.ttft_ms * 1e3),
                  duration(e.tpot_ms * 1e3), grouped(e.tokens_per_s_per_chip),
                  number(e.requests_per_s), percent(line.memoryUsed_GiB / line.memory_GiB),
                  boundOf(e), percent(e.communicationShare)});
  }
  return table.text();
}

/// What the first plan is made of.
std::string firstPlan(const PlanReport &r) {
  const PlanLine &line = r.lines.front();
  const system::ServingEstimate &e = line.found.estimate;
  const system::MemoryUse &m = e.memory;
  TextTable facts({{"", {}}, {"", {}}});
  facts.addRow({"as flags", line.flags});
  facts.addRow({"a token",
                fmt::format("decoding {}, others' prompts {}, host {}", duration(e.decode_ms * 1e3),
                            duration(e.prompts_ms * 1e3), duration(e.host_ms * 1e3))});
  std::string first =
      fmt::format("the prompt {}, waiting {}, host {}", duration(e.prompt_ms * 1e3),
                  duration((e.queue_ms + e.slot_ms) * 1e3), duration(e.request_ms * 1e3));
  if (e.transfer_ms > 0)
    first += fmt::format(", sending its cache {}", duration(e.transfer_ms * 1e3));
  facts.addRow({"the first token", first});
  facts.addRow(
      {"memory a device",
       fmt::format(
           "weights {}, KV cache {}, activations and buffers {} of {} GiB, which {} takes of {}; "
           "{} requests fit ({})",
           number(m.weights / kGiB), number(m.kvCache / kGiB), number(m.activations / kGiB),
           number(line.memory_GiB), r.software, number(m.capacity / kGiB),
           grouped(static_cast<double>(e.places)), e.limit)});
  std::string kernels;
  constexpr size_t kMost = 3;
  for (size_t i = 0; i < std::min(e.kernels.size(), kMost); ++i)
    kernels += fmt::format("{}{} {} ({})", i ? ", " : "", e.kernels[i].name,
                           percent(e.kernels[i].share), kBoundNames[e.kernels[i].bound]);
  facts.addRow({"largest kernels", kernels});
  return facts.text();
}

} // namespace

std::string planTable(const PlanReport &r) {
  const int64_t chips = (r.devices + r.perChip - 1) / r.perChip;
  std::string out = fmt::format("{} on {} ({}), {}\n{}; {}; up to {} {}{}\n\n", r.model,
                                r.system.empty() ? r.target : r.system, r.targetName, r.software,
                                r.scenario, limits(r), chips, chips == 1 ? "chip" : "chips",
                                r.perChip > 1 ? fmt::format(", {} devices", r.devices) : "");
  if (!r.met)
    out += r.lines.empty() ? "  no plan fits\n"
                           : fmt::format("  no plan keeps the limits; the nearest exceeds them {} "
                                         "times:\n\n",
                                         number(r.lines.front().found.excess, 3));
  if (!r.lines.empty())
    out += plansTable(r) + '\n' + firstPlan(r) + '\n';
  out += fmt::format("  {} plans, priced at {} concurrencies in all", grouped(double(r.plans)),
                     grouped(double(r.points)));
  for (const auto &[reason, count] : r.leftOut)
    out += fmt::format("; {} {}", grouped(double(count)), reason);
  return out + '\n';
}

std::string planJson(const PlanReport &r) {
  Json json;
  json["target"] = r.target;
  if (!r.system.empty())
    json["system"] = r.system;
  json["model"] = r.model;
  json["software"] = r.software;
  json["scenario"] = r.scenario;
  json["devices"] = r.devices;
  json["limits_ms"] = Json{{"ttft", r.ttft_ms}, {"tpot", r.tpot_ms}};
  json["met"] = r.met;
  Json plans = Json::array();
  for (const PlanLine &line : r.lines) {
    const system::Plan &plan = line.found;
    const system::ServingEstimate &e = plan.estimate;
    Json one;
    one["plan"] = line.plan;
    one["flags"] = line.flags;
    one["parallelism"] = parallelismJson(plan.parallelism);
    if (plan.prefill) {
      one["prefill_parallelism"] = parallelismJson(plan.prefill->prefill);
      one["prefill_workers"] = plan.prefill->prefillWorkers;
      one["decode_workers"] = plan.prefill->decodeWorkers;
    }
    one["devices"] = e.devices;
    one["chips"] = e.chips;
    one["copies"] = plan.copies;
    one["concurrency"] = plan.concurrency;
    one["ttft_ms"] = e.ttft_ms;
    one["tpot_ms"] = e.tpot_ms;
    one["excess"] = plan.excess;
    one["tokens_per_s_per_chip"] = e.tokens_per_s_per_chip;
    one["tokens_per_s_per_user"] = e.tokens_per_s_per_user;
    one["requests_per_s"] = e.requests_per_s;
    one["bound"] = boundOf(e);
    one["communication_share"] = e.communicationShare;
    one["memory_gib_per_device"] = Json{{"weights", e.memory.weights / kGiB},
                                        {"kv_cache", e.memory.kvCache / kGiB},
                                        {"activations", e.memory.activations / kGiB},
                                        {"usable", line.memory_GiB},
                                        {"capacity", e.memory.capacity / kGiB}};
    one["places"] = e.places;
    one["limit"] = e.limit;
    one["notes"] = e.notes;
    plans.push_back(std::move(one));
  }
  json["plans"] = std::move(plans);
  json["looked_at"] = r.plans;
  json["priced"] = r.points;
  json["left_out"] = r.leftOut;
  return dump(json);
}

std::string planCsv(const PlanReport &r) {
  const auto exact = [](double value) { return fmt::format("{}", value); };
  std::string out =
      csvLine({"target", "model", "software", "plan", "flags", "devices", "copies", "concurrency",
               "ttft_ms", "tpot_ms", "tokens_per_s_per_chip", "tokens_per_s_per_user",
               "requests_per_s", "bound", "communication_share", "met"});
  for (const PlanLine &line : r.lines) {
    const system::ServingEstimate &e = line.found.estimate;
    out += csvLine({r.system.empty() ? r.target : r.system, r.model, r.software, line.plan,
                    line.flags, std::to_string(e.devices), std::to_string(line.found.copies),
                    std::to_string(line.found.concurrency), exact(e.ttft_ms), exact(e.tpot_ms),
                    exact(e.tokens_per_s_per_chip), exact(e.tokens_per_s_per_user),
                    exact(e.requests_per_s), boundOf(e), exact(e.communicationShare),
                    r.met ? "1" : "0"});
  }
  return out;
}

} // namespace mansard::report
