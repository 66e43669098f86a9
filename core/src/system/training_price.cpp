#include "training_updates.h"

#include <mansard/base/counts.h>

#include <fmt/format.h>

namespace mansard::system {
namespace {

/// Trained values toggle more of the matrix unit than those that kernels are measured on, and where
/// power limits the clock, it falls: a constant of the family.
void slowMatrices(mansard_estimate &estimate, const hw::Chip &chip) {
  const auto constant = chip.calibration.find("training.matrix_share");
  if (constant == chip.calibration.end() || !(constant->second.value > 0))
    return;
  double &matrix_us = estimate.part_us[MANSARD_BOUND_MATRIX];
  estimate.latency_us += matrix_us * (1 / constant->second.value - 1);
  matrix_us /= constant->second.value;
}

/// The vector kernels that families are measured on are those of inference libraries, a block of
/// threads for each row. Training frameworks stream large tensors (PyTorch's vectorised loops, the
/// fused norms of Apex and Transformer Engine): their operations and bytes are all there is to it.
work::Kernel asStream(const work::Kernel &kernel) {
  const uint32_t kind = kernel.u.vector.kind;
  if (kernel.op != MANSARD_OP_VECTOR || kind == MANSARD_VECTOR_TOPK ||
      kind == MANSARD_VECTOR_GATHER || kind == MANSARD_VECTOR_SCATTER)
    return kernel;
  const Counts counts = countWork(kernel);
  work::Kernel stream = work::makeKernel(MANSARD_OP_CUSTOM, static_cast<DType>(kernel.dtype),
                                         static_cast<DType>(kernel.weight_dtype),
                                         static_cast<DType>(kernel.out_dtype));
  stream.u.custom.vector_operations = counts.vectorOperations;
  stream.u.custom.special_operations = counts.specialOperations;
  stream.u.custom.read_bytes = counts.readBytes;
  stream.u.custom.write_bytes = counts.writeBytes;
  return stream;
}

} // namespace

Result<std::vector<mansard_estimate>> price(const std::vector<work::Kernel> &kernels,
                                            const host::Model &target) {
  std::vector<work::Kernel> priced;
  for (const work::Kernel &kernel : kernels)
    priced.push_back(asStream(kernel));
  mansard_estimate blank{};
  blank.struct_size = sizeof blank;
  std::vector<mansard_estimate> estimates(kernels.size(), blank);
  if (auto done = target.estimate(priced, estimates); !done)
    return done.error();
  for (size_t i = 0; i < kernels.size(); ++i) {
    if (estimates[i].status != MANSARD_OK) {
      const std::string_view note(estimates[i].note.data, estimates[i].note.size);
      return Error{ErrorCode::unsupported,
                   fmt::format("{} cannot run {}{}{}", target.chip().id, work::describe(kernels[i]),
                               note.empty() ? "" : ": ", note),
                   ""};
    }
    slowMatrices(estimates[i], target.chip());
  }
  return estimates;
}

std::vector<std::string> priceNotes(const std::vector<work::Kernel> &kernels,
                                    const std::vector<mansard_estimate> &estimates,
                                    const host::Model &target) {
  size_t fallbacks = 0, uncalibrated = 0;
  std::vector<std::string> notes;
  for (size_t i = 0; i < kernels.size(); ++i) {
    const bool streamed = asStream(kernels[i]).op != kernels[i].op; // known by its bytes
    fallbacks += (estimates[i].flags & MANSARD_ESTIMATE_FALLBACK) != 0 && !streamed;
    uncalibrated += (estimates[i].flags & MANSARD_ESTIMATE_UNCALIBRATED) != 0 && !streamed;
  }
  if (fallbacks)
    notes.push_back(fmt::format("fallback: {} of {} kernels are priced by something simpler than "
                                "model {}'s own",
                                fallbacks, kernels.size(), target.id()));
  if (uncalibrated)
    notes.push_back(fmt::format("uncalibrated: no measurement of family {} stands behind {} of {} "
                                "kernels",
                                target.chip().family, uncalibrated, kernels.size()));
  return notes;
}

} // namespace mansard::system
