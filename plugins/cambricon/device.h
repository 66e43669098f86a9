// A Cambricon MLU: clusters of IPU cores around a shared SRAM; each core with NRAM for activations,
// WRAM for weights, a matrix unit (LT) and a vector unit (CT).
#pragma once

#include <mansard/base/tiled_machine.h>
#include <mansard/sdk/sdk.hpp>

namespace mansard::cambricon {

struct Cluster {
  double cores = 0;                                      // IPU cores
  double nramBytes = 0, wramBytes = 0;                   // of one core
  double sramBytes = 0;                                  // shared
  double nramBytesPerSecond = 0, sramBytesPerSecond = 0; // of one core; of the cluster
};

/// Tiles of a whole cluster; see tiles.cpp. Their traffic is in units of one core's NRAM.
TileSet tilesFor(const Cluster &cluster, double clusters, double elementBytes);

class Device {
public:
  static Result<Device> create(const sdk::Chip &chip);
  void estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept {
    estimateOn(machine_, kernel, out);
  }

private:
  TiledMachine machine_;
};

} // namespace mansard::cambricon
