#include "blocks.h"
#include "json.h"

#include <mansard/report/csv.h>
#include <mansard/report/text_table.h>
#include <mansard/report/training_report.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::report {
namespace {

using Align = TextTable::Align;

/// What a reader looks for; JSON and CSV have them all.
constexpr size_t kKernelsShown = 16;

std::string kernelsTable(const TrainingReport &r) {
  TextTable table({{"largest kernels", {}},
                   {"pass", {}},
                   {"work on a device", {}},
                   {"count", Align::right},
                   {"each", Align::right},
                   {"total", Align::right},
                   {"share", Align::right},
                   {"bound", {}}});
  bool hidden = false;
  for (size_t i = 0; i < std::min(kKernelsShown, r.kernels.size()); ++i) {
    const TrainingKernelLine &k = r.kernels[i];
    const bool partly = k.exposed_us < k.total_us * (1 - 1e-9);
    hidden = hidden || partly;
    table.addRow({k.name, k.pass, k.what, grouped(k.count), duration(k.latency_us),
                  duration(k.total_us) + (partly ? "*" : " "), percent(k.share),
                  std::string(kBoundNames[k.bound])});
  }
  std::string out = table.text();
  if (r.kernels.size() > kKernelsShown)
    out += fmt::format("  and {} more, which --json and --csv list\n",
                       r.kernels.size() - kKernelsShown);
  if (hidden)
    out += "  * in part or whole hidden behind what runs beside it; its share is what is left\n";
  return out;
}

std::string summary(const TrainingReport &r) {
  TextTable facts({{"", {}}, {"", Align::right}, {"", {}}});
  facts.addRow({"step", duration(r.step_us), fmt::format("bound by {}", kBoundNames[r.bound])});
  facts.addRow(
      {"tokens/s", grouped(r.tokens_per_s), fmt::format("{} tokens a step", grouped(r.tokens))});
  facts.addRow({"tokens/s/chip", grouped(r.tokens_per_s_per_chip),
                fmt::format("{} {}, {} {}", r.chips, r.chips == 1 ? "chip" : "chips", r.devices,
                            r.devices == 1 ? "device" : "devices")});
  facts.addRow({"MFU", percent(r.mfu),
                fmt::format("{} of {} TFLOPS a device, attention counted without its mask",
                            number(r.model_tflops_per_device), number(r.peak_tflops_per_device))});
  facts.addRow({"HFU", percent(r.hfu), "with what is computed again"});
  facts.addRow({"communication", percent(r.communicationShare), "of the step is lost to it"});
  facts.addRow({"bubble", percent(r.bubbleShare), "of the step"});
  facts.addRow(
      {"memory a device", number(r.memory_GiB()) + " GiB",
       fmt::format("of {} GiB{}: weights {}, gradients {}, optimizer {}, activations {}",
                   number(r.capacity_GiB),
                   r.plan.parallelism.pp > 1 ? fmt::format(" (stage {})", r.memoryStage + 1) : "",
                   number(r.weights_GiB), number(r.gradients_GiB), number(r.optimizer_GiB),
                   number(r.activations_GiB))});
  return facts.text();
}

std::string partsTable(const TrainingReport &r) {
  TextTable table(
      {{"part", {}}, {"time", Align::right}, {"share", Align::right}, {"", {}}, {"", {}}});
  for (const TrainingPart &part : r.parts)
    if (part.share >= kShown)
      table.addRow(
          {part.name, duration(part.us), percent(part.share), bar(part.share), part.remark});
  return table.text();
}

} // namespace

std::string trainingTable(const TrainingReport &r) {
  std::string out =
      fmt::format("{} ({} parameters) on {} ({}), model {}\n{}\n{}\n", r.modelName,
                  rate(r.parameters, ""), r.target, r.targetName, r.model, r.scenario, r.method);
  if (!r.fits)
    out += r.misfit() + '\n';
  out += '\n' + kernelsTable(r) + '\n' + summary(r) + '\n' + partsTable(r) + '\n' +
         resourceTable(r.part_us, r.step_us);
  // The misfit heads the table already.
  return out +
         noteLines(std::span(r.notes).subspan(std::min<size_t>(r.fits ? 0 : 1, r.notes.size())));
}

std::string trainingJson(const TrainingReport &r) {
  Json json;
  json["target"] = r.target;
  json["model"] = r.modelName;
  json["phase"] = "training";
  json["step_time_ms"] = r.step_us / 1e3;
  json["tokens_per_s"] = r.tokens_per_s;
  json["tokens_per_s_per_chip"] = r.tokens_per_s_per_chip;
  json["chips"] = r.chips;
  json["devices"] = r.devices;
  json["mfu"] = r.mfu;
  json["hfu"] = r.hfu;
  json["model_tflops_per_s_per_device"] = r.model_tflops_per_device;
  json["peak_tflops_per_s_per_device"] = r.peak_tflops_per_device;
  json["parameters"] = r.parameters;
  json["micro_batches"] = r.microBatches;
  json["memory_gib_per_device"] = Json{{"weights", r.weights_GiB},
                                       {"gradients", r.gradients_GiB},
                                       {"optimizer", r.optimizer_GiB},
                                       {"activations", r.activations_GiB},
                                       {"capacity", r.capacity_GiB}};
  json["fits"] = r.fits;
  json["remedies"] = r.remedies;
  json["bound"] = kBoundNames[r.bound];
  json["breakdown_ms"] = breakdown(r.part_us, 1e-3);
  Json parts;
  for (const TrainingPart &part : r.parts)
    parts[part.key] = part.us / 1e3;
  json["parts_ms"] = std::move(parts);
  json["bubble_share"] = r.bubbleShare;
  json["communication_share"] = r.communicationShare;
  Json kernels = Json::array();
  for (const TrainingKernelLine &k : r.kernels)
    kernels.push_back(Json{{"name", k.name},
                           {"pass", k.pass},
                           {"op", k.op},
                           {"count", k.count},
                           {"latency_us", k.latency_us},
                           {"bound", kBoundNames[k.bound]},
                           {"share", k.share},
                           {"exposed_us", k.exposed_us},
                           {"work", k.what}});
  json["kernels"] = std::move(kernels);
  json["notes"] = r.notes;
  json["priced_by"] = r.model;
  return dump(json);
}

std::string trainingCsv(const TrainingReport &r) {
  const auto exact = [](double value) { return fmt::format("{}", value); };
  std::string out = csvLine({"target", "model", "pass", "name", "op", "work", "count", "latency_us",
                             "exposed_us", "share", "bound"});
  for (const TrainingKernelLine &k : r.kernels)
    out += csvLine({r.target, r.modelName, k.pass, k.name, k.op, k.what, exact(k.count),
                    exact(k.latency_us), exact(k.exposed_us), exact(k.share),
                    std::string(kBoundNames[k.bound])});
  return out + csvLine({r.target, r.modelName, "", "step", "", r.scenario, "1", exact(r.step_us),
                        exact(r.step_us), "1", std::string(kBoundNames[r.bound])});
}

} // namespace mansard::report
