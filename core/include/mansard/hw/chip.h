// An accelerator as its data sheet gives it. All figures are of one device (one die of a two-die
// package that the runtime shows as two), but for power and price, which are of the package.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/document.h>
#include <mansard/hw/memory_technology.h>
#include <mansard/hw/quantity.h>
#include <mansard/sdk/abi.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mansard::hw {

struct System;

/// Every number by dotted key, typed access through `number`. The keys all chips share are listed
/// in chipFields(); a section named after the chip's model ("[ascend]") holds what only that plugin
/// reads.
struct Chip {
  std::string id, name, vendor, family, model, memoryTechnology, status;
  /// Public instruction set that LLVM compiles kernels for in the chip's stead; empty: none.
  std::string nearestIsa;
  std::string process;   // that the compute dies are made in, in words; empty: not known
  std::string ioProcess; // that the dies without cores are made in; empty: not known
  int year = 0;
  std::string file;
  std::map<std::string, Quantity, std::less<>> numbers;
  MemoryTechnology memory;                                  // as named by memory.technology
  std::map<std::string, Quantity, std::less<>> calibration; // constants of the family, by name
  std::vector<std::string> notes;                           // what overrides implied
  std::shared_ptr<const System> system; // that it is built into, whose links it has; may be null

  bool has(std::string_view key) const { return numbers.find(key) != numbers.end(); }
  /// The number, or `otherwise` where the description lacks it.
  double number(std::string_view key, double otherwise = 0) const;

  /// Its name, and what it is built into.
  std::string title() const;
  double pinRate_Gbps() const; // the chip's own, or the technology's
  double dramPeakBytesPerSecond() const;
  double dramCapacityBytes() const;
  double peakOpsPerSecond(uint32_t dtype) const;
  /// As --system or --target names it: what it is built into, or itself.
  const std::string &selectedId() const;
  /// Packages that so many devices are in.
  int64_t packagesOf(int64_t devices) const;
  /// Devices of one package that a deployment on so many uses.
  int64_t usedOfPackage(int64_t devices) const;
  int devicesPerChip() const { return static_cast<int>(number("devices_per_chip", 1)); }
};

struct ChipField {
  std::string_view key, unit, meaning;
  bool required;
  double least, most; // outside: an error (a slip of units, most likely)
};
/// The shared keys. `<dtype>` in a key stands for each dtype's name.
const std::vector<ChipField> &chipFields();
/// Unit of any key, shared or of a family section (there from the key's suffix: _GHz, _KiB,
/// _bytes_per_clock ...).
std::string unitOf(std::string_view key);

/// Where a file's `inherits`, memory technology and calibration are found.
class Catalog;

struct Override {
  std::string key, value; // of --set KEY=VALUE
};
/// Splits each KEY=VALUE.
Result<std::vector<Override>> parseOverrides(const std::vector<std::string> &texts);

/// A chip from a document whose `inherits` chain is resolved through `catalog`. In a system its
/// links are the system's; overrides come last.
Result<Chip> buildChip(const Document &document, const Catalog &catalog,
                       const std::vector<Override> &overrides,
                       std::shared_ptr<const System> system = nullptr);

/// The flat C view of a chip that plugins get. Owns the strings and values it points to; movable.
class ChipView {
public:
  explicit ChipView(const Chip &chip);
  const mansard_chip &chip() const { return view_; }

private:
  struct Storage;
  std::shared_ptr<const Storage> storage_;
  mansard_chip view_{};
};

} // namespace mansard::hw
