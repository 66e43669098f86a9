#include <mansard/base/units.h>
#include <mansard/work/compiled_kernel.h>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace mansard::work {

double KernelCounts::floatTotal() const {
  return std::accumulate(floatOperations.begin(), floatOperations.end(), 0.0);
}

double KernelCounts::matrixTotal() const {
  return std::accumulate(matrixOperations.begin(), matrixOperations.end(), 0.0);
}

Kernel customKernel(const KernelCounts &counts) {
  // One type a kernel: that of the matrix unit's work, else double precision where most is.
  DType type = DType::fp32;
  if (counts.matrixTotal() > 0) {
    const auto most =
        std::max_element(counts.matrixOperations.begin(), counts.matrixOperations.end());
    type = static_cast<DType>(most - counts.matrixOperations.begin());
  } else if (2 * counts.floatOperations[MANSARD_DTYPE_FP64] > counts.floatTotal()) {
    type = DType::fp64;
  }
  Kernel kernel = makeKernel(MANSARD_OP_CUSTOM, type, type, type);
  mansard_custom &u = kernel.u.custom;
  const double issued = 1 / std::max(counts.warpShare, 1e-9);
  u.matrix_operations = counts.matrixTotal();
  u.vector_operations = counts.floatTotal() * issued;
  u.special_operations = counts.specialOperations * issued;
  u.integer_operations = counts.integerOperations * issued;
  u.read_bytes = counts.dramRead;
  u.write_bytes = counts.dramWritten;
  u.l2_bytes = std::max(0.0, counts.l2Bytes - counts.dramRead - counts.dramWritten);
  u.sram_bytes = counts.sharedTraffic + counts.cacheTraffic;
  u.groups = counts.groups;
  u.groups_per_core = counts.groupsPerCore;
  return kernel;
}

KernelMachine machineOf(const hw::Chip &chip) {
  KernelMachine machine;
  machine.cores = chip.number("compute.cores");
  machine.sramBytesPerCore = chip.number("sram.per_core_KiB") * kKiB;
  machine.l2Bytes = chip.number("l2.size_MiB") * kMiB;
  machine.threadsPerCore = chip.number("compute.threads_per_core");
  // Without a size of its own, the first-level cache is what shared memory leaves of the SRAM.
  machine.cacheInSram = !chip.has("sram.cache_KiB");
  machine.cacheBytesPerCore =
      chip.number("sram.cache_KiB", chip.number("sram.per_core_KiB")) * kKiB;
  return machine;
}

Result<> checkTriple(const std::string &triple, const hw::Chip &chip) {
  struct Family {
    std::string_view prefix, model;
  };
  constexpr Family families[] = {{"nvptx", "nvidia"}, {"amdgcn", "hygon"}};
  constexpr std::string_view others[] = {"ascend", "cambricon"};
  for (const Family &family : families) {
    if (!triple.starts_with(family.prefix) || chip.model == family.model)
      continue;
    const bool foreign =
        std::any_of(std::begin(families), std::end(families),
                    [&](const Family &other) { return chip.model == other.model; }) ||
        std::find(std::begin(others), std::end(others), chip.model) != std::end(others);
    if (foreign)
      return Error{ErrorCode::unsupported,
                   fmt::format("the module is compiled for {}, which {} does not run: choose a "
                               "target of model {}, or compile the kernel for a host",
                               triple, chip.id, family.model),
                   "--target"};
  }
  return Ok{};
}

} // namespace mansard::work
