// Energy of kernels and steps, and the average power of a package that runs them: operations, bytes
// by level and time, each times what hw/chip_energy.h says it takes.
//
// Estimates of kernels that power slows are slow already (base/power_cap.h): they take what the
// package may take. Nothing takes more.
#pragma once

#include <mansard/hw/chip.h>
#include <mansard/sdk/abi.h>
#include <mansard/work/program.h>

#include <span>

namespace mansard::economics {

/// Of one device, in J; the static part is the device's share of its package.
struct Energy {
  double compute = 0; // operations, with what feeds them
  double sram = 0;    // on the chip: bits on their way from and to memory, scratchpads, caches
  double dram = 0;    // memory and its interface
  double link = 0;
  double fixed = 0; // static power, for as long as it took

  double dynamic() const { return compute + sram + dram + link; }
  double total() const { return dynamic() + fixed; }
  Energy &operator+=(const Energy &other);
  Energy operator+(const Energy &other) const { return Energy(*this) += other; }
  Energy operator*(double factor) const;
};

/// What was done, of one device, where no kernel tells.
struct Activity {
  double matrixOperations = 0, vectorOperations = 0;
  uint32_t dtype = MANSARD_DTYPE_BF16; // of the matrix operations
  double dramBytes = 0, linkBytes = 0, sramBytes = 0, cacheBytes = 0;
};

/// Energies of one chip; a few dozen numbers, made from the chip's own. Immutable; thread-safe;
/// nothing but the constructor allocates.
class EnergyModel {
public:
  EnergyModel() = default;
  explicit EnergyModel(const hw::Chip &chip);

  /// Whether the description suffices: a thermal design power and energies of operations.
  bool known() const { return known_; }

  /// What one run takes beyond static power; no more than the package may take in its time.
  Energy kernel(const mansard_kernel &kernel, const mansard_estimate &estimate) const;
  /// Of all of a program's steps, in `total_us`, static power included. `estimates` by kernel
  /// index.
  Energy step(const work::Program &program, std::span<const mansard_estimate> estimates,
              double total_us) const;
  /// The same without static power.
  Energy dynamic(const work::Program &program, std::span<const mansard_estimate> estimates) const;
  /// Without static power and uncapped.
  Energy activity(const Activity &activity) const;

  /// Adds static power for `time_us`, and cuts what is dynamic to what the package may take.
  Energy within(Energy dynamic, double time_us) const;

  /// Average power of a package, in W by part: `devices` of its devices, or all where a deployment
  /// has more, take `energy` each in `time_us`, kernels run for `busy_us` of it, and it idles else.
  /// Never more than its cap.
  Energy packagePower(const Energy &energy, double time_us, double busy_us, double devices) const;
  /// The sum, where kernels run all the time.
  double package_W(const Energy &energy, double time_us, double devices) const {
    return packagePower(energy, time_us, time_us, devices).total();
  }

  // Of a package.
  double static_W() const { return static_W_; }
  double cap_W() const { return cap_W_; }
  double devices() const { return devices_; }

private:
  double matrix_pJ_[MANSARD_DTYPE_COUNT] = {};
  double vector_pJ_ = 0;
  double dramByte_pJ_ = 0, pathByte_pJ_ = 0, linkByte_pJ_ = 0, sramByte_pJ_ = 0, cacheByte_pJ_ = 0;
  double static_W_ = 0, idle_W_ = 0, cap_W_ = 0, devices_ = 1;
  bool known_ = false;
};

} // namespace mansard::economics
