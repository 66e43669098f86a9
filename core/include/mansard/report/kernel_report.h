// The estimate of one kernel with everything that explains it, and its views.
#pragma once

#include <mansard/base/result.h>
#include <mansard/explore/uncertainty.h>
#include <mansard/host/host.h>
#include <mansard/host/interval.h>
#include <mansard/report/power_figures.h>
#include <mansard/report/standing.h>
#include <mansard/work/kernel.h>

#include <string>
#include <vector>

namespace mansard::report {

/// Why a kernel got no estimate, as an error; Ok where it did. Whatever the plugin claims, an
/// estimate that is no number or is negative counts as the plugin's failure.
Result<> checkEstimate(const host::Model &model, const work::Kernel &kernel,
                       const mansard_estimate &estimate);

/// What the flags and the note of an estimate tell its reader; of a stated tile see
/// model::statedTileNotes().
std::vector<std::string> notesOf(const work::Kernel &kernel, const mansard_estimate &estimate);

struct KernelReport {
  std::string target, targetName, model, what; // what: a short description of the kernel
  std::string system; // that the target is built into; empty: none was named
  work::Kernel kernel{};
  mansard_estimate estimate{};
  /// Over how far kernels lie from their estimates and, where the chip has any, its numbers with a
  /// range.
  host::Interval interval;
  std::vector<explore::UncertainInput> inputs;
  std::vector<explore::InputShare> shares; // of the interval, by input
  Standing standing;
  PowerFigures power; // of a package, all of whose devices run the kernel
  double tflops = 0, dram_GBps = 0, cycles = 0;
  double peak_tflops = 0, peak_dram_GBps = 0; // 0: the chip gives no such figure
  std::vector<std::string> notes;
};

/// Estimates `kernel`. Errors: the kernel makes no sense or the chip cannot run it; the plugin
/// failed.
Result<KernelReport> collectKernel(const host::Model &model, const work::Kernel &kernel);

std::string kernelTable(const KernelReport &report);
std::string kernelJson(const KernelReport &report);
std::string kernelCsv(const KernelReport &report);

} // namespace mansard::report
