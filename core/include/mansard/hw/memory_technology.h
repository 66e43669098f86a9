// A DRAM technology: interface, timing, and the bandwidth that follows from them.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/document.h>
#include <mansard/hw/quantity.h>

#include <string>
#include <vector>

namespace mansard::hw {

/// Figures are of one device: a stack of HBM, a GDDR or LPDDR package.
struct MemoryTechnology {
  std::string id, name;
  int year = 0;
  Quantity pin_rate_Gbps;
  Quantity width_bits;   // data pins of one device
  Quantity channels;     // independently scheduled (pseudo-)channels of one device
  Quantity burst_length; // transfers a column access makes; access bytes = width/channels/8 x
                         // burst_length
  Quantity refresh_interval_ns; // tREFI
  Quantity refresh_time_ns; // tRFC of the mode in use: per bank where the technology has it, else
                            // all banks
  Quantity
      refresh_exposed; // share of a refresh that the scheduler cannot hide behind other banks, 0..1
  Quantity read_to_write_ns, write_to_read_ns; // bus turnaround beyond the burst itself
  Quantity bursts_per_batch; // accesses a controller collects before it turns the bus round
  Quantity latency_ns;  // idle, at the device's pins plus controller (the chip may say its own)
  Quantity capacity_GiB; // typical
  Quantity energy_pJ_per_bit;
  Quantity price_usd_per_GB; // to who builds packages

  /// Bytes per second of one device at its pins.
  double peakBytesPerSecond(double pinRate_Gbps) const {
    return pinRate_Gbps * 1e9 * width_bits.value / 8;
  }
  /// Stacks of memory are wide and sit on an interposer; packages are narrow and sit on a board.
  bool stacked() const { return width_bits.value >= 256; }
  double accessBytes() const { return width_bits.value / channels.value / 8 * burst_length.value; }
  /// Share of the peak that pure reads sustain: refresh only.
  double readEfficiency() const;
  /// Share of the peak at one write per read: refresh, and two turnarounds every 2 x
  /// bursts_per_batch accesses.
  double mixedEfficiency(double pinRate_Gbps) const;
};

Result<MemoryTechnology> parseMemoryTechnology(const Document &document);

/// Name, unit and meaning of each number, in the order of the struct; what `show`, `check` and the
/// parser walk.
struct MemoryField {
  const char *key, *unit, *meaning;
  Quantity MemoryTechnology::*member;
  bool required;
};
const std::vector<MemoryField> &memoryFields();

} // namespace mansard::hw
