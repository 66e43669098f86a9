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

/// The ways in which a cluster's cores can share a stated tile. Sums that NRAM cannot hold go out
/// to memory and back in each step; slices that a memory cannot hold twice are loaded in turns with
/// the work.
TileSet statedTiles(const Cluster &cluster, double clusters, const mansard_kernel &kernel);
/// Of the way that leaves most room.
TileFit fitTile(const Cluster &cluster, const mansard_kernel &kernel);

class Device {
public:
  static Result<Device> create(const sdk::Chip &chip);
  void estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept {
    if (!statesTile(kernel))
      return estimateOn(machine_, kernel, out);
    estimateStatedOn(machine_, kernel, out, [this](const mansard_kernel &stated) {
      return statedTiles(cluster_, machine_.array.count, stated);
    });
  }
  TileFit fitTile(const mansard_kernel &kernel) const {
    return cambricon::fitTile(cluster_, kernel);
  }

private:
  TiledMachine machine_;
  Cluster cluster_;
};

} // namespace mansard::cambricon
