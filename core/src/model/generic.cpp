// The built-in model: a roofline with waves, from the numbers that every chip's description has.
#include <mansard/model/generic.h>

#include "generic_constants.h"

#include <mansard/base/tiled_constants.h>
#include <mansard/base/units.h>
#include <mansard/sdk/sdk.hpp>

#include <algorithm>
#include <cmath>

namespace mansard::model {
namespace {

constexpr std::string_view kNote =
    "generic model: a roofline with waves; its constants are of other vendors' chips";
constexpr double kStages = 2; // a tile's operands twice: one being loaded, one being multiplied
constexpr double kDepthBytes = 128;       // of K that a step takes for each row
constexpr double kFragment = 16;          // least rows of a matrix unit, and its least depth
constexpr double kMostDepth = 8;          // steps that threads keep in flight, if memory allows
constexpr double kBytesInFlight_KiB = 32; // of a core: a few hundred 64- or 128-byte loads

struct Shape {
  double m, n;
};
constexpr Shape kShapes[] = {
    {256, 256}, {128, 256}, {256, 128}, {128, 128}, {64, 256},
    {64, 128},  {64, 64},   {16, 256},  {16, 128},  {16, 64},
};

/// What a core stages a tile in. Operands fill its SRAM; accumulators at most half of its
/// registers, or a memory of their own where the description names no registers (0).
struct CoreMemories {
  double sramBytes = 0, registerBytes = 0;
  double bytesInFlight = 0; // that DMA engines keep on their way; 0: threads load
};

double depthFor(double elementBytes) {
  return std::max(kFragment, std::floor(kDepthBytes / elementBytes));
}

Tile tileOf(double m, double n, double k, double depth) {
  Tile tile{};
  tile.m = m;
  tile.n = n;
  tile.k = k;
  tile.sramA = 2 * m * k; // written once, read once
  tile.sramW = 2 * n * k;
  tile.depth = depth;
  return tile;
}

double stagesOf(const CoreMemories &memories, const Tile &tile, double elementBytes) {
  return std::floor(memories.sramBytes / ((tile.m + tile.n) * tile.k * elementBytes));
}

double mostDepth(const CoreMemories &memories, const Tile &tile, double elementBytes) {
  return std::max(kMostDepth,
                  std::floor(memories.bytesInFlight / ((tile.m + tile.n) * tile.k * elementBytes)));
}

TileFit fitOf(const CoreMemories &memories, const Tile &tile, double elementBytes) {
  TileFit fit;
  fit.add({"SRAM", kStages * (tile.m + tile.n) * tile.k * elementBytes, memories.sramBytes,
           "two steps of both operands"});
  if (memories.registerBytes > 0)
    fit.add(
        {"half the registers", tile.m * tile.n * 4, memories.registerBytes / 2, "accumulators"});
  return fit;
}

TileSet tilesFor(double cores, const CoreMemories &memories, double elementBytes) {
  TileSet set;
  for (const Shape &s : kShapes) {
    Tile tile = tileOf(s.m, s.n, depthFor(elementBytes), kStages);
    if (!fitOf(memories, tile, elementBytes).fits())
      continue;
    tile.depth =
        std::min(stagesOf(memories, tile, elementBytes), mostDepth(memories, tile, elementBytes));
    set.add(tileFor(tile, cores));
  }
  if (set.count == 0) {
    set.add(tileFor(tileOf(kFragment, 64, depthFor(elementBytes), kStages), cores));
    set.fits = false;
  }
  return set;
}

/// A stated tile in whole fragments of the matrix unit.
Tile paddedTile(const mansard_matmul &g, double elementBytes) {
  return tileOf(paddedTo(g.tile_m, kFragment), paddedTo(g.tile_n, kFragment),
                g.tile_k > 0 ? paddedTo(g.tile_k, kFragment) : depthFor(elementBytes), kStages);
}

/// Accumulators beyond the registers spill to the cache; operands that the SRAM cannot hold twice
/// are loaded in turns with the work.
TileSet statedTiles(double cores, const CoreMemories &memories, const mansard_kernel &kernel) {
  const mansard_matmul &g = kernel.u.matmul;
  const double bytes = stagedBytes(kernel);
  Tile tile = paddedTile(g, bytes);
  TileSet set;
  set.fits = fitOf(memories, tile, bytes).fits();
  if (memories.registerBytes > 0)
    tile.spilled = std::max(0.0, tile.m * tile.n * 4 - memories.registerBytes / 2);
  const double stages = memories.sramBytes / ((tile.m + tile.n) * tile.k * bytes);
  tile.depth = std::clamp(std::floor(stages), kStages, mostDepth(memories, tile, bytes));
  setRoom(tile, stages / kStages);
  set.add(tileFor(asStated(tile, g), cores));
  return set;
}

class GenericModel {
public:
  static Result<GenericModel> create(const sdk::Chip &chip) {
    GenericModel model;
    TiledMachine &machine = model.machine_;
    machine.chip = chip.numbers();
    if (!(chip->cores >= 1) || !(chip->dram_read_bytes_per_s > 0))
      return Error{
          ErrorCode::invalidInput,
          "the generic model needs compute.cores of at least 1 and a memory with bandwidth",
          std::string(chip.id())};
    const double cores = std::floor(chip->cores);
    machine.array = {cores, 1 / chip->cores, chip->sram_bytes_per_s_per_core};
    model.memories_ = {chip->sram_bytes_per_core, chip.value("registers.per_core_KiB", 0) * kKiB,
                       chip.value("sram.bytes_in_flight_KiB", 0) * kKiB};
    for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
      machine.tiles[type] = tilesFor(cores, model.memories_, bytesOf(type));
    applyConstants(machine, [&](std::string_view name) {
      double value = 0;
      for (const GenericConstant &constant : kGenericConstants)
        if (constant.name == name)
          value = constant.value;
      return chip.calibration(name, value);
    });
    capPower(machine, [&](std::string_view key, double none) { return chip.value(key, none); });
    machine.matmul.tile_us = (chip->dram_latency_s + chip->l2_latency_s) * 1e6;
    const double inFlight = std::max(model.memories_.bytesInFlight, kBytesInFlight_KiB * kKiB);
    for (AttentionTuning *attention : {&machine.prefill, &machine.decode}) {
      attention->unit_us = machine.matmul.tile_us;
      attention->bytesInFlightPerCore = inFlight;
      attention->rowPadding = kFragment;
    }
    machine.vector.bytesInFlightPerCore = inFlight;
    for (const double rows : {64.0, 128.0})
      machine.prefillRows[machine.prefillRowCount++] = rows;
    for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op) {
      machine.flags[op] = MANSARD_ESTIMATE_FALLBACK | MANSARD_ESTIMATE_UNCALIBRATED;
      machine.note[op] = kNote;
    }
    return model;
  }

  void estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept {
    if (!statesTile(kernel))
      return estimateOn(machine_, kernel, out);
    estimateStatedOn(machine_, kernel, out, [this](const mansard_kernel &stated) {
      return statedTiles(machine_.array.count, memories_, stated);
    });
  }

  TileFit fitTile(const mansard_kernel &kernel) const {
    const mansard_matmul &g = kernel.u.matmul;
    const double bytes = stagedBytes(kernel);
    const Tile tile = paddedTile(g, bytes);
    TileFit fit = fitOf(memories_, tile, bytes);
    if (tile.m != g.tile_m || tile.n != g.tile_n || (g.tile_k > 0 && tile.k != g.tile_k))
      fit.setPadded(tile.m, tile.n, tile.k);
    return fit;
  }

private:
  TiledMachine machine_;
  CoreMemories memories_;
};

} // namespace

const mansard_plugin *genericPlugin() {
  return sdk::detail::plugin<GenericModel>(
      {.id = "generic",
       .version = "0.1.0",
       .description = "Roofline with waves, for chips without a plugin of their own"});
}

} // namespace mansard::model
