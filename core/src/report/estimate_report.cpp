#include <mansard/base/names.h>
#include <mansard/base/units.h>
#include <mansard/hw/system.h>
#include <mansard/model/kernel_runs.h>
#include <mansard/report/estimate_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace mansard::report {
namespace {

std::string scenarioOf(const model::StepEstimate &e) {
  if (e.isModule)
    return "a module: lengths and parallelism are its own";
  const work::Workload &w = e.workload;
  std::string text =
      w.phase == work::Phase::decode
          ? fmt::format("decode, batch {}, context {}", grouped(static_cast<double>(w.batch)),
                        grouped(static_cast<double>(w.context)))
          : fmt::format("prefill, {} prompts of {} tokens", grouped(static_cast<double>(w.batch)),
                        grouped(static_cast<double>(w.context)));
  if (w.cached > 0)
    text += fmt::format(", {} of them cached", grouped(static_cast<double>(w.cached)));
  if (w.new_tokens > 1)
    text += fmt::format(", {} tokens a step, {} accepted", w.new_tokens, percent(w.accept));
  text +=
      fmt::format(", {} (KV cache {})",
                  work::kQuantisationNames[static_cast<size_t>(w.quantisation)], nameOf(w.kvCache));
  const work::Parallelism &p = w.parallelism;
  if (p.devices() > 1 || p.redundant_experts > 0)
    text += ", " + work::degreesOf(p);
  return text;
}

void collectKernels(const model::StepEstimate &e, EstimateReport &report) {
  for (model::KernelRuns &runs : model::kernelRuns(e.program, e.steps)) {
    const work::Kernel &kernel = e.program.kernels[runs.kernel];
    const mansard_estimate &estimate = e.estimates[runs.kernel];
    KernelLine &line = report.kernels.emplace_back();
    line.name = std::move(runs.name);
    line.op = kOpNames[kernel.op];
    line.what = work::describe(kernel);
    line.count = runs.count;
    line.latency_us = estimate.latency_us;
    line.total_us = runs.total_us;
    line.exposed_us = runs.exposed_us;
    line.bound = estimate.bound;
  }
  const double total_us = e.timeline.total_us;
  for (KernelLine &line : report.kernels)
    line.share = total_us > 0 ? line.exposed_us / total_us : 0;
  report.communicationShare = total_us > 0 ? e.communication_us / total_us : 0;
}

/// In W of a package, by part; nothing where its description lacks what it takes.
economics::Energy powerOf(const hw::Chip &chip, const work::Program &program,
                          std::span<const mansard_estimate> estimates, double latency_ms,
                          int64_t devices) {
  const economics::EnergyModel model(chip);
  if (!model.known())
    return {};
  const double time_us = latency_ms * 1e3;
  return model.packagePower(model.dynamic(program, estimates), time_us, time_us,
                            static_cast<double>(devices));
}

void addRanges(const model::StepEstimate &e, const host::Model &target, EstimateReport &report) {
  const double tokens = report.tokens, chips = static_cast<double>(report.chips);
  const bool powerKnown = report.power.power_W > 0;
  auto spreads = explore::spreadsOfStep(
      target, e.program, kStepFigureKeys.size() - (powerKnown ? 0 : 1),
      [&](const host::Model &point, const model::Evaluator &step, std::span<double> figures) {
        const double latency_ms = step.timeline().total_us / 1e3;
        const double rate = latency_ms > 0 ? tokens / latency_ms * 1e3 : 0;
        figures[static_cast<size_t>(StepFigure::latency)] = latency_ms;
        figures[static_cast<size_t>(StepFigure::tokens)] = rate;
        figures[static_cast<size_t>(StepFigure::tokens_per_chip)] = rate / chips;
        if (powerKnown)
          figures[static_cast<size_t>(StepFigure::power)] =
              powerOf(point.chip(), e.program, step.estimates(), latency_ms, report.devices)
                  .total();
      });
  if (!spreads) {
    report.notes.push_back("no ranges: " + spreads.error().message);
    return;
  }
  report.notes.insert(report.notes.end(), spreads->notes.begin(), spreads->notes.end());
  report.spreads = std::move(*spreads);
}

} // namespace

std::string EstimateReport::misfit() const {
  if (fits)
    return {};
  std::string text = fmt::format("DOES NOT FIT: needs {} GiB more than the {} of each device",
                                 number(missing_GiB), number(deviceCapacity_GiB));
  if (!remedies.empty())
    text += fmt::format("; would fit with {}", fmt::join(remedies, ", or "));
  return text;
}

EstimateReport collectEstimate(const model::StepEstimate &e, const host::Model &target) {
  EstimateReport r;
  const hw::Chip &chip = target.chip();
  r.target = chip.id;
  r.targetName = chip.title();
  if (chip.system)
    r.system = chip.system->id;
  r.model = target.id();
  r.modelName = e.model;
  r.phase = e.isModule ? "module" : e.workload.phase == work::Phase::decode ? "decode" : "prefill";
  r.scenario = scenarioOf(e);

  if (!e.isModule)
    r.parallelism = e.workload.parallelism;
  r.devices = e.program.devices;
  r.chips = chip.packagesOf(r.devices);
  r.latency_ms = e.timeline.total_us / 1e3;
  r.tokens = e.program.tokens;
  r.tokens_per_s = r.latency_ms > 0 ? r.tokens / r.latency_ms * 1e3 : 0;
  r.tokens_per_s_per_chip = r.tokens_per_s / static_cast<double>(r.chips);

  // A package counts with as many of its devices as the deployment uses.
  const auto used = static_cast<double>(chip.usedOfPackage(r.devices));
  r.weights_GiB = e.memory.need.weights * used / kGiB;
  r.kvCache_GiB = e.memory.need.kvCache * used / kGiB;
  r.activations_GiB = e.memory.need.activations * used / kGiB;
  r.buffers_GiB = e.memory.need.buffers * used / kGiB;
  r.memory = memoryLines(e.memory.need, e.memory.capacity, used);
  r.capacity_GiB = e.memory.capacity * used / kGiB;
  r.fits = e.memory.fits();
  r.deviceCapacity_GiB = e.memory.capacity / kGiB;
  r.missing_GiB = r.fits ? 0 : (e.memory.total() - e.memory.capacity) / kGiB;
  r.remedies = e.memory.remedies;

  r.bound = e.timeline.bound;
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
    r.part_ms[i] = e.timeline.part_us[i] / 1e3;
  collectKernels(e, r);
  r.standing = standingOf(e, chip);
  r.power = powerFigures(chip, powerOf(chip, e.program, e.estimates, r.latency_ms, r.devices),
                         r.tokens_per_s_per_chip);
  r.notes = e.notes;
  if (std::string note = r.power.note(chip); !note.empty())
    r.notes.push_back(std::move(note));
  addRanges(e, target, r);
  if (!r.fits)
    r.notes.insert(r.notes.begin(), r.misfit());
  return r;
}

} // namespace mansard::report
