#include <mansard/base/names.h>
#include <mansard/base/stated_tile.h>
#include <mansard/explore/uncertain_kernels.h>
#include <mansard/explore/uncertain_numbers.h>
#include <mansard/explore/uncertain_step.h>
#include <mansard/hw/system.h>
#include <mansard/model/stated_tile.h>
#include <mansard/report/kernel_report.h>

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>

namespace mansard::report {

Result<> checkEstimate(const host::Model &model, const work::Kernel &kernel,
                       const mansard_estimate &estimate) {
  const std::string note(estimate.note.data
                             ? std::string_view(estimate.note.data, estimate.note.size)
                             : std::string_view());
  const auto error = [&](ErrorCode code, std::string_view what) {
    std::string message = fmt::format("{}: {}", work::describe(kernel), what);
    if (!note.empty())
      message += fmt::format(" ({})", note);
    return Error{code, std::move(message),
                 fmt::format("target {}, model {}", model.chip().id, model.id())};
  };
  switch (estimate.status) {
  case MANSARD_OK:
    break;
  case MANSARD_ERROR_INVALID_ARGUMENT:
    return error(ErrorCode::invalidInput, "the model says that this kernel makes no sense");
  case MANSARD_ERROR_UNSUPPORTED:
    return error(ErrorCode::unsupported,
                 "this chip cannot run it: it lacks the operation or the data type");
  case MANSARD_ERROR_INVALID_CHIP:
    return error(ErrorCode::invalidInput, "the chip's description lacks what its model needs");
  default:
    return error(ErrorCode::pluginFailed, "the plugin failed");
  }
  bool sound = std::isfinite(estimate.latency_us) && estimate.latency_us >= 0 &&
               estimate.bound < MANSARD_BOUND_COUNT;
  for (double part : estimate.part_us)
    sound = sound && std::isfinite(part) && part >= 0;
  if (!sound)
    return error(ErrorCode::pluginFailed,
                 "the plugin's estimate is not a duration (negative, or not a number)");
  return Ok{};
}

std::vector<std::string> notesOf(const work::Kernel &kernel, const mansard_estimate &estimate) {
  std::vector<std::string> notes;
  if (estimate.flags & MANSARD_ESTIMATE_FALLBACK)
    notes.emplace_back("fallback: priced by something simpler than this family's own model");
  if (estimate.flags & MANSARD_ESTIMATE_UNCALIBRATED)
    notes.emplace_back(
        "uncalibrated: no measurement of this family and operation stands behind the estimate");
  if (estimate.flags & MANSARD_ESTIMATE_DOES_NOT_TILE && !statesTile(kernel))
    notes.emplace_back("no tiling fits the on-chip memories; priced as if streamed");
  if (estimate.note.data && estimate.note.size > 0)
    notes.emplace_back(estimate.note.data, estimate.note.size);
  return notes;
}

namespace {

/// The interval's inputs; where the chip's numbers have ranges, these as well.
void addRanges(KernelReport &report, const host::Model &model) {
  work::Program program;
  program.steps.push_back({work::internKernel(program, report.kernel), 1, 0, 0, "kernel"});
  std::vector<explore::UncertainInput> ofChip;
  explore::addInputs(ofChip, model.chip(), explore::Results::times);
  if (ofChip.empty()) {
    const double latency_us = report.estimate.latency_us;
    explore::KernelTimes times;
    times.add(model, program, {&report.estimate, 1},
              std::array{model::StepTime{latency_us, latency_us}});
    times.addInputs(report.inputs, report.target);
    report.shares.assign(report.inputs.size(), {0, 1});
    return;
  }
  auto spreads = explore::spreadsOfStep(
      model, program, 1,
      [](const host::Model &, const model::Evaluator &step, std::span<double> latency_us) {
        latency_us[0] = step.timeline().total_us;
      });
  if (!spreads) {
    report.notes.push_back("the interval leaves the chip's own ranges out: " +
                           spreads.error().message);
    return;
  }
  const explore::Spread &latency_us = spreads->figures.front();
  report.inputs = std::move(spreads->inputs);
  report.shares = latency_us.shares;
  report.interval.low_us = latency_us.low;
  report.interval.high_us = latency_us.high;
  report.notes.insert(report.notes.end(), spreads->notes.begin(), spreads->notes.end());
}

} // namespace

Result<KernelReport> collectKernel(const host::Model &model, const work::Kernel &kernel) {
  if (auto sound = work::check(kernel); !sound)
    return sound.error();
  KernelReport report;
  report.kernel = kernel;
  report.estimate.struct_size = sizeof(mansard_estimate);
  if (auto done = model.estimate({&kernel, 1}, {&report.estimate, 1}); !done)
    return done.error();
  if (auto sound = checkEstimate(model, kernel, report.estimate); !sound)
    return sound.error();

  const mansard_chip &chip = model.view();
  const mansard_estimate &estimate = report.estimate;
  report.target = model.chip().id;
  report.targetName = model.chip().title();
  if (model.chip().system)
    report.system = model.chip().system->id;
  report.model = model.id();
  report.what = work::describe(kernel);
  report.interval = host::interval(model, kernel, estimate);
  report.standing = standingOf(model.chip(), kernel.op, estimate.flags);
  if (estimate.latency_us > 0) {
    report.tflops = estimate.operations / estimate.latency_us / 1e6;
    report.dram_GBps =
        (estimate.dram_read_bytes + estimate.dram_write_bytes) / estimate.latency_us / 1e3;
  }
  report.cycles = estimate.latency_us * 1e-6 * chip.clock_hz;
  const bool vectorOnly = kernel.op == MANSARD_OP_VECTOR;
  report.peak_tflops =
      (vectorOnly ? chip.vector_ops_per_s : chip.matrix_ops_per_s)[kernel.dtype] / 1e12;
  report.peak_dram_GBps = chip.dram_peak_bytes_per_s / 1e9;
  if (const economics::EnergyModel energy(model.chip()); energy.known())
    report.power =
        powerFigures(model.chip(),
                     energy.packagePower(energy.kernel(kernel, estimate), estimate.latency_us,
                                         estimate.latency_us, energy.devices()),
                     0);
  report.notes = model.chip().notes;
  for (std::string &note : notesOf(kernel, estimate))
    report.notes.push_back(std::move(note));
  auto tile = model::statedTileNotes(model, kernel, estimate);
  if (!tile)
    return tile.error();
  report.notes.insert(report.notes.end(), tile->begin(), tile->end());
  addRanges(report, model);
  if (!report.interval.known)
    report.notes.push_back(
        fmt::format("the interval is a guess (half to twice): family '{}' has no residuals for {}",
                    model.chip().family, kOpNames[kernel.op]));
  return report;
}

} // namespace mansard::report
