// A machine of equal cores with memories of their own, a shared cache, DRAM and links, and how it
// runs every kind of kernel: what families have in common that differ in their tiles and constants.
//
// A family fills in a TiledMachine once for each chip; estimateOn() then prices kernels with
// tiled_matmul.h, flash_attention.h, moe_work.h, vector_work.h, custom_work.h and collective.h.
// Pure, thread-safe, allocates nothing.
#pragma once

#include <mansard/base/collective.h>
#include <mansard/base/custom_work.h>
#include <mansard/base/expert_exchange.h>
#include <mansard/base/flash_attention.h>
#include <mansard/base/moe_work.h>
#include <mansard/base/stated_tile.h>
#include <mansard/base/tiled_matmul.h>
#include <mansard/base/vector_work.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace mansard {

/// The tiles that a core's memories can hold for operands of one width.
struct TileSet {
  static constexpr uint32_t kMost = 24;
  Tile tiles[kMost];
  uint32_t count = 0;
  bool fits = true; // false: none does; `tiles` holds the least one, priced as if streamed

  void add(const Tile &tile) {
    if (count < kMost)
      tiles[count++] = tile;
  }
  std::span<const Tile> all() const { return {tiles, count}; }
};

struct TiledMachine {
  mansard_chip chip{}; // its texts and values are not used
  CoreArray array;
  TileSet tiles[MANSARD_DTYPE_COUNT]; // by the wider operand's dtype
  double prefillRows[4] = {};         // queries a core may take; the first `prefillRowCount`
  uint32_t prefillRowCount = 0;
  MatmulTuning matmul;
  AttentionTuning prefill, decode;
  VectorTuning vector;
  LinkSoftware collective, expertParallel;
  double start_us[MANSARD_OP_COUNT] = {};  // start and drain of a kernel
  uint32_t flags[MANSARD_OP_COUNT] = {};   // MANSARD_ESTIMATE_*
  std::string_view note[MANSARD_OP_COUNT]; // static
};

namespace detail {

inline void setNote(mansard_estimate &out, std::string_view note) {
  out.note = {note.data(), note.size()};
}

inline void refuse(mansard_estimate &out, int32_t status, std::string_view note) {
  out.status = status;
  setNote(out, note);
}

inline void finish(const Parts &parts, const Counts &counts, double dramRead, double dramWritten,
                   mansard_estimate &out) {
  parts.store(out);
  out.operations = counts.matrixOperations;
  out.dram_read_bytes = dramRead;
  out.dram_write_bytes = dramWritten;
}

/// Operands of both widths share a core's memories: the wider one decides what fits.
inline const TileSet &tilesOf(const TiledMachine &machine, const mansard_kernel &kernel) {
  return machine.tiles[bytesOf(kernel.weight_dtype) > bytesOf(kernel.dtype) ? kernel.weight_dtype
                                                                            : kernel.dtype];
}

inline void estimateMatmul(const TiledMachine &machine, const mansard_kernel &kernel,
                           const TileSet &tiles, std::span<const double> splits,
                           mansard_estimate &out) {
  const Counts counts = countWork(kernel);
  MatmulShape shape;
  if (kernel.op == MANSARD_OP_MATMUL) {
    const mansard_matmul &g = kernel.u.matmul;
    shape = {1, static_cast<double>(g.m), static_cast<double>(g.n), static_cast<double>(g.k)};
  } else {
    const mansard_grouped_matmul &g = kernel.u.grouped_matmul;
    shape = {static_cast<double>(g.groups), static_cast<double>(g.m), static_cast<double>(g.n),
             static_cast<double>(g.k)};
  }
  const MatmulPlan plan = planMatmul(machine.chip, kernel, shape, counts, machine.array,
                                     tiles.all(), machine.matmul, splits);
  Parts parts;
  addPlan(parts, plan);
  parts.addSerial(MANSARD_BOUND_FIXED, machine.start_us[kernel.op]);
  finish(parts, counts, plan.dramReadBytes, plan.dramWriteBytes, out);
  storeTiling(plan, machine.array.count, out);
  if (!tiles.fits)
    out.flags |= MANSARD_ESTIMATE_DOES_NOT_TILE;
}

inline void estimateMoe(const TiledMachine &machine, const mansard_kernel &kernel,
                        mansard_estimate &out) {
  const Counts counts = countWork(kernel);
  const MoeStages stages = moeStages(kernel, counts);
  const TileSet &tiles = tilesOf(machine, kernel);
  const MatmulPlan first = planMatmul(machine.chip, kernel, stages.first, stages.firstCounts,
                                      machine.array, tiles.all(), machine.matmul);
  const MatmulPlan second = planMatmul(machine.chip, kernel, stages.second, stages.secondCounts,
                                       machine.array, tiles.all(), machine.matmul);
  const double cores = std::max(1.0, machine.chip.cores);
  Parts parts;
  double read = first.dramReadBytes + second.dramReadBytes;
  double written = first.dramWriteBytes + second.dramWriteBytes;
  const auto move = [&](double in, double away, double operations) {
    Busy busy;
    const double share =
        addStream(busy, machine.chip, machine.vector, in, away, 0 /* nothing resident */, cores);
    busy[MANSARD_BOUND_VECTOR] = vectorMicroseconds(machine.chip, MANSARD_DTYPE_FP32, operations, 0,
                                                    machine.vector.efficiency);
    parts.addOverlapped(busy);
    read += in * share;
    written += away * share;
  };
  move(stages.permuteRead, stages.permuteWritten, 0);
  addPlan(parts, first);
  addPlan(parts, second);
  move(stages.unpermuteRead, stages.unpermuteWritten, stages.sumOperations);
  parts.addSerial(MANSARD_BOUND_FIXED, machine.start_us[kernel.op]);
  finish(parts, counts, read, written, out);
  storeTiling(first.total_us >= second.total_us ? first : second, machine.array.count, out);
  if (!tiles.fits)
    out.flags |= MANSARD_ESTIMATE_DOES_NOT_TILE;
}

inline void estimateAttention(const TiledMachine &machine, const mansard_kernel &kernel,
                              mansard_estimate &out) {
  const Counts counts = countWork(kernel);
  const AttentionShape shape = attentionShape(kernel);
  const bool prefill =
      kernel.op == MANSARD_OP_ATTENTION_PREFILL || kernel.op == MANSARD_OP_MLA_PREFILL;
  const AttentionTuning &tuning = prefill ? machine.prefill : machine.decode;
  const AttentionPlan plan =
      prefill ? planPrefill(machine.chip, kernel, shape, counts,
                            {machine.prefillRows, machine.prefillRowCount}, tuning)
              : planDecode(machine.chip, kernel, shape, counts, tuning);
  Parts parts;
  addPlan(parts, plan);
  parts.addSerial(MANSARD_BOUND_FIXED, machine.start_us[kernel.op]);
  finish(parts, counts, plan.dramReadBytes, plan.dramWriteBytes, out);
  storeTiling(plan, machine.chip.cores, tuning.keyBlock, out);
}

inline void estimateVector(const TiledMachine &machine, const mansard_kernel &kernel,
                           mansard_estimate &out) {
  const VectorWork work = vectorWork(machine.chip, kernel, machine.vector);
  Parts parts;
  parts.addOverlapped(work.busy);
  parts.addSerial(MANSARD_BOUND_FIXED, machine.start_us[kernel.op]);
  const Counts counts = countWork(kernel);
  finish(parts, counts, work.dramReadBytes, work.dramWriteBytes, out);
  out.operations = counts.vectorOperations + counts.specialOperations;
  out.tiling.cores = static_cast<int32_t>(std::ceil(work.cores));
  out.tiling.waves = work.rounds;
}

/// Exchanged rows are read from and written to memory while the links carry them.
inline void estimateExchange(const TiledMachine &machine, const mansard_kernel &kernel,
                             mansard_estimate &out) {
  const Counts counts = countWork(kernel);
  const bool collective = kernel.op == MANSARD_OP_COLLECTIVE;
  CollectiveTime time;
  if (collective) {
    time = collectiveTime(machine.chip, kernel.u.collective, machine.collective);
  } else {
    const mansard_expert_parallel &e = kernel.u.expert_parallel;
    const double hidden = static_cast<double>(e.hidden);
    const double row =
        hidden * bytesOf(kernel.dtype) + scaleBytes(kernel.dtype, kernel.scaling, hidden, 1, false);
    time = expertParallelTime(machine.chip, e, row, machine.expertParallel);
  }
  if (!time.linked)
    return refuse(out, MANSARD_ERROR_UNSUPPORTED,
                  "the chip's description has no links to other devices");
  Busy busy;
  busy[MANSARD_BOUND_LINK] = time.total(); // rows are read and written between its steps, too
  const double read = counts.readBytes + time.link_bytes,
               written = counts.writeBytes + time.link_bytes;
  const double share = addStream(busy, machine.chip, machine.vector, read, written, 0,
                                 std::max(1.0, machine.chip.cores));
  busy[MANSARD_BOUND_VECTOR] = vectorMicroseconds(
      machine.chip, MANSARD_DTYPE_FP32, counts.vectorOperations, 0, machine.vector.efficiency);
  Parts parts;
  parts.addOverlapped(busy);
  parts.move(MANSARD_BOUND_LINK, MANSARD_BOUND_FIXED, time.fixed_us / std::max(time.total(), 1e-9));
  finish(parts, counts, read * share, written * share, out);
  out.link_bytes = time.link_bytes;
  if (time.extended) {
    out.flags |= MANSARD_ESTIMATE_FALLBACK;
    setNote(out,
            "more ranks than the chip's links join: priced as if its widest level joined them");
  }
}

inline void estimateCustom(const TiledMachine &machine, const mansard_kernel &kernel,
                           mansard_estimate &out) {
  const mansard_custom &u = kernel.u.custom;
  const mansard_chip &chip = machine.chip;
  double link = 0;
  for (const mansard_link &level : chip.links)
    link = std::max(link, level.bytes_per_s);
  if (u.link_bytes > 0 && !(link > 0))
    return refuse(out, MANSARD_ERROR_UNSUPPORTED,
                  "the chip's description has no links to other devices");
  constexpr double micro = 1e-6;
  const VectorTuning &tuning = machine.vector;
  const double cores = std::max(1.0, chip.cores),
               busyCores = u.groups >= 1 ? std::min(u.groups, cores) : cores;
  const double perCore = micro * tuning.efficiency / cores;
  const double vector = customVectorRate(chip, kernel.dtype);
  CustomRates rates;
  rates.cores = cores;
  rates.clocksPerUs = chip.clock_hz * micro;
  rates.matrixOfChip =
      chip.matrix_ops_per_s[kernel.dtype] * machine.matmul.matrixEfficiency * micro;
  rates.matrixOfCore = rates.matrixOfChip / cores;
  rates.matrixOfChip = std::min(rates.matrixOfChip, machine.matmul.power.most(kernel.dtype));
  rates.vectorOfCore = vector * perCore;
  rates.integerOfCore = integerRate(chip, vector) * perCore;
  rates.specialOfCore = chip.special_ops_per_s * perCore;
  rates.sramOfCore = chip.sram_bytes_per_s_per_core * micro;
  rates.l2Read = chip.l2_read_bytes_per_s * tuning.l2Efficiency * micro;
  if (tuning.cacheHoldsWrites)
    rates.l2Write = chip.l2_write_bytes_per_s > 0
                        ? chip.l2_write_bytes_per_s * tuning.l2Efficiency * micro
                        : rates.l2Read;
  rates.dram = dramBandwidth(chip, u.read_bytes, u.write_bytes) * tuning.dramEfficiency;
  if (tuning.bytesInFlightPerCore > 0) {
    rates.dram = dramRate(rates.dram, busyCores * tuning.bytesInFlightPerCore, chip.dram_latency_s);
    if (chip.l2_latency_s > 0)
      rates.l2OfCore = tuning.bytesInFlightPerCore / chip.l2_latency_s * micro;
  }
  rates.dram *= micro;
  rates.link = link * machine.collective.efficiency * micro;
  storeCustom(customWork(u, rates), u, machine.start_us[kernel.op], out);
}

/// The tiles that the search would take for a stated one, if it knows any: then the estimate is the
/// search's, restricted to them.
inline TileSet matching(const TileSet &set, const mansard_matmul &stated) {
  TileSet found;
  if (set.fits)
    for (const Tile &tile : set.all())
      if (tile.m == stated.tile_m && tile.n == stated.tile_n &&
          (stated.tile_k == 0 || tile.k == stated.tile_k))
        found.add(tile);
  return found;
}

/// True where the kernel multiplies on the matrix unit.
inline bool needsMatrix(const mansard_kernel &kernel) {
  return kernel.op <= MANSARD_OP_MLA_DECODE || kernel.op == MANSARD_OP_MOE ||
         (kernel.op == MANSARD_OP_CUSTOM && kernel.u.custom.matrix_operations > 0);
}

} // namespace detail

/// Bytes of an element that a core's memories must have room for: the wider operand's.
inline double stagedBytes(const mansard_kernel &kernel) {
  return std::max(bytesOf(kernel.dtype), bytesOf(kernel.weight_dtype));
}

/// Prices one kernel. `out` is zeroed but for its size, with status MANSARD_OK. Of a stated tile it
/// knows nothing: see estimateStatedOn().
inline void estimateOn(const TiledMachine &machine, const mansard_kernel &kernel,
                       mansard_estimate &out) {
  if (detail::needsMatrix(kernel) && !(machine.chip.matrix_ops_per_s[kernel.dtype] > 0))
    return detail::refuse(out, MANSARD_ERROR_UNSUPPORTED,
                          "the chip's matrix unit has no such data type: legalise the kernel to "
                          "one that it has");
  out.flags = machine.flags[kernel.op];
  detail::setNote(out, machine.note[kernel.op]);
  switch (kernel.op) {
  case MANSARD_OP_MATMUL:
  case MANSARD_OP_GROUPED_MATMUL:
    return detail::estimateMatmul(machine, kernel, detail::tilesOf(machine, kernel), kSplits, out);
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE:
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE:
    return detail::estimateAttention(machine, kernel, out);
  case MANSARD_OP_VECTOR:
    return detail::estimateVector(machine, kernel, out);
  case MANSARD_OP_MOE:
    return detail::estimateMoe(machine, kernel, out);
  case MANSARD_OP_COLLECTIVE:
  case MANSARD_OP_EXPERT_PARALLEL:
    return detail::estimateExchange(machine, kernel, out);
  case MANSARD_OP_CUSTOM:
    return detail::estimateCustom(machine, kernel, out);
  default:
    return detail::refuse(out, MANSARD_ERROR_INVALID_ARGUMENT, "no such operation");
  }
}

/// Prices a matmul with a stated tile: by the search's own tile where that has one of these sizes,
/// else by `makeTiles(kernel)`, which returns a TileSet of the ways to run it (with `fits` false
/// where the memories cannot hold it).
template <typename MakeTiles>
void estimateStatedOn(const TiledMachine &machine, const mansard_kernel &kernel,
                      mansard_estimate &out, MakeTiles makeTiles) {
  if (!(machine.chip.matrix_ops_per_s[kernel.dtype] > 0))
    return estimateOn(machine, kernel, out); // refuses
  const mansard_matmul &g = kernel.u.matmul;
  TileSet tiles = detail::matching(detail::tilesOf(machine, kernel), g);
  if (tiles.count == 0)
    tiles = makeTiles(kernel);
  out.flags = machine.flags[kernel.op];
  detail::setNote(out, machine.note[kernel.op]);
  const double split = g.split_k;
  const std::span<const double> stated(&split, 1), any(kSplits);
  detail::estimateMatmul(machine, kernel, tiles, g.split_k > 0 ? stated : any, out);
  out.tiling.tile_m = g.tile_m;
  out.tiling.tile_n = g.tile_n;
  if (g.tile_k > 0)
    out.tiling.tile_k = g.tile_k;
}

/// Whose numbers `value(key, fallback)` gives; see powerCap().
template <typename Value> void capPower(TiledMachine &machine, Value value) {
  machine.matmul.power = machine.prefill.power = machine.decode.power =
      powerCap(machine.chip, value);
}

} // namespace mansard
