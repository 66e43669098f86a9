// Seeded random kernels and chips for the property tests.
#pragma once

#include <mansard/hw/catalog.h>
#include <mansard/work/kernel.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace mansard::test {

/// Kernels of every kind with sizes drawn log-uniformly over what models use; only data types that
/// `native` names are multiplied.
class RandomWork {
public:
  explicit RandomWork(uint64_t seed, std::vector<DType> native);

  /// A valid kernel of `op`.
  work::Kernel kernel(uint32_t op);
  /// Whole, log-uniform in [low, high].
  int64_t size(int64_t low, int64_t high);
  double real(double low, double high);
  uint32_t below(uint32_t bound);

private:
  DType dtype();
  std::mt19937_64 engine_;
  std::vector<DType> native_;
};

/// The data types that a target's matrix unit multiplies.
std::vector<DType> nativeTypes(const hw::Chip &chip);

/// The sizes of `kernel` that more of means more work, each as an accessor.
std::vector<int64_t *> growingSizes(work::Kernel &kernel);

/// Overrides that scale the target's cores, clock, pin rate, stacks and cache by random factors.
std::vector<hw::Override> randomOverrides(RandomWork &random, const hw::Chip &chip);

} // namespace mansard::test
