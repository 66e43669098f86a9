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

/// A stated tile as a workgroup runs it. What the registers cannot hold spills to scratch memory;
/// operands that the LDS cannot hold twice are loaded in turns with the work.
TileSet statedTiles(const ComputeUnit &unit, double cores, const mansard_kernel &kernel);
TileFit fitTile(const ComputeUnit &unit, const mansard_kernel &kernel);

/// Bytes that a fully occupied unit has in flight: each lane of each wave waits for one 16-byte
/// load.
double bytesInFlight(const ComputeUnit &unit);

class Device {
public:
  static Result<Device> create(const sdk::Chip &chip);
  void estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept {
    if (!statesTile(kernel))
      return estimateOn(machine_, kernel, out);
    estimateStatedOn(machine_, kernel, out, [this](const mansard_kernel &stated) {
      return statedTiles(unit_, machine_.array.count, stated);
    });
  }
  TileFit fitTile(const mansard_kernel &kernel) const { return hygon::fitTile(unit_, kernel); }

private:
  TiledMachine machine_;
  ComputeUnit unit_;
};

} // namespace mansard::hygon
