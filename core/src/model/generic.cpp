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
constexpr double kDepthBytes = 128;          // of K that a step takes for each row
constexpr double kFragment = 16;             // least rows of a matrix unit, and its least depth
constexpr double kMostDepth = 8;             // steps in flight where memory allows more than two
constexpr double kBytesInFlight = 32 * 1024; // of a core: a few hundred 64- or 128-byte loads

struct Shape {
  double m, n;
};
constexpr Shape kShapes[] = {
    {256, 256}, {128, 256}, {256, 128}, {128, 128}, {64, 256},
    {64, 128},  {64, 64},   {16, 256},  {16, 128},  {16, 64},
};

/// Operands fill the core's SRAM; accumulators at most half of its registers, or a memory of their
/// own where the description names no registers (0).
TileSet tilesFor(double cores, double sramBytes, double registerBytes, double elementBytes) {
  TileSet set;
  const auto offer = [&](const Shape &s, double depth) {
    Tile tile{};
    tile.m = s.m;
    tile.n = s.n;
    tile.k = std::max(kFragment, std::floor(kDepthBytes / elementBytes));
    tile.sramA = 2 * tile.m * tile.k; // written once, read once
    tile.sramW = 2 * tile.n * tile.k;
    tile.depth = depth;
    set.add(tileFor(tile, cores));
  };
  for (const Shape &s : kShapes) {
    const double depth = std::max(kFragment, std::floor(kDepthBytes / elementBytes));
    const double stages = std::floor(sramBytes / ((s.m + s.n) * depth * elementBytes));
    if (stages >= kStages && (registerBytes <= 0 || s.m * s.n * 4 <= registerBytes / 2))
      offer(s, std::min(stages, kMostDepth));
  }
  if (set.count == 0) {
    offer({kFragment, 64}, kStages);
    set.fits = false;
  }
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
    const double registerBytes = chip.value("registers.per_core_KiB", 0) * kKiB;
    for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
      machine.tiles[type] =
          tilesFor(cores, chip->sram_bytes_per_core, registerBytes, bytesOf(type));
    applyConstants(machine, [&](std::string_view name) {
      double value = 0;
      for (const GenericConstant &constant : kGenericConstants)
        if (constant.name == name)
          value = constant.value;
      return chip.calibration(name, value);
    });
    machine.matmul.tile_us = (chip->dram_latency_s + chip->l2_latency_s) * 1e6;
    for (AttentionTuning *attention : {&machine.prefill, &machine.decode}) {
      attention->unit_us = machine.matmul.tile_us;
      attention->bytesInFlightPerCore = kBytesInFlight;
      attention->rowPadding = kFragment;
    }
    machine.vector.bytesInFlightPerCore = kBytesInFlight;
    for (const double rows : {64.0, 128.0})
      machine.prefillRows[machine.prefillRowCount++] = rows;
    for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op) {
      machine.flags[op] = MANSARD_ESTIMATE_FALLBACK | MANSARD_ESTIMATE_UNCALIBRATED;
      machine.note[op] = kNote;
    }
    return model;
  }

  void estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept {
    estimateOn(machine_, kernel, out);
  }

private:
  TiledMachine machine_;
};

} // namespace

const mansard_plugin *genericPlugin() {
  return sdk::detail::plugin<GenericModel>(
      {.id = "generic",
       .version = "0.1.0",
       .description = "Roofline with waves, for chips without a plugin of their own"});
}

} // namespace mansard::model
