// A Hygon DCU: GCN-like compute units of four SIMDs, wavefronts of 64, matrix instructions on
// fragments in registers, operands staged in the LDS.
#pragma once

#include <mansard/base/tiled_machine.h>
#include <mansard/sdk/sdk.hpp>

namespace mansard::hygon {

/// What one compute unit offers to workgroups.
struct ComputeUnit {
  double simds = 0, waveSlots = 0; // wave slots: of one SIMD
  double registerBytes = 0;        // vector registers of one SIMD
  double ldsBytes = 0;
};

/// Resident workgroups and their depth follow from registers and LDS; see tiles.cpp.
TileSet tilesFor(const ComputeUnit &unit, double cores, double elementBytes);

/// Bytes that a fully occupied unit has in flight: each lane of each wave waits for one 16-byte
/// load.
double bytesInFlight(const ComputeUnit &unit);

class Device {
public:
  static Result<Device> create(const sdk::Chip &chip);
  void estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept {
    estimateOn(machine_, kernel, out);
  }

private:
  TiledMachine machine_;
};

} // namespace mansard::hygon
