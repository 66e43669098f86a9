// Attention of many queries at once, as FlashAttention-2 and -3 run it: a thread block takes a tile
// of queries and walks over the keys that they see. The tensor cores' two products, the softmax on
// the special-function units and the loads overlap, the softmax not wholly; a causal mask makes the
// last tiles the longest, so they are started first and the rest fill in behind them.
// Tri Dao, arXiv 2307.08691; Shah et al., arXiv 2407.08608.
#include "attention_prefill.h"

#include "attention_decode.h"

#include <algorithm>
#include <cmath>

namespace mansard::nvidia {
namespace {

constexpr int64_t kDecodeQueries = 1;
constexpr double kTileRows = 128; // queries, times heads that share keys
// Generic kernels, of the warp's instructions: small tiles, which read the cache again and again
// (kGenericNarrow times as long where they widen it), at a share of what others reach.
constexpr double kGenericRows = 16, kGenericShare = 0.5, kGenericNarrow = 1.25;
constexpr double kKeyTile = 64;      // keys that a block takes at a time
constexpr double kNarrowPasses = 2;  // over what is prepared, where the cache is narrower
constexpr double kSoftmaxClocks = 3; // of a lane for each pair: scale and subtract, maximum, sum

/// Keys that the i-th of the query tiles meets, summed over all tiles; `last`: of the longest one.
struct Visible {
  double sum, last;
};
Visible visibleToTiles(const PrefillShape &s, double positions, double tiles) {
  const double rounding = kKeyTile / 2;
  const double full = s.kv + rounding;
  if (!s.causal) {
    const double seen = std::min(full, s.window > 0 ? s.window + positions + rounding : full);
    return {tiles * seen, seen};
  }
  const double limit = s.window > 0 ? std::min(full, s.window + positions + rounding) : full;
  const double before = std::max(0.0, s.kv - s.q) + rounding;
  // Tile i of 1..tiles sees min(before + i * positions, limit).
  const double ramp = std::clamp(std::floor((limit - before) / positions), 0.0, tiles);
  const double sum = ramp * before + positions * ramp * (ramp + 1) / 2 + (tiles - ramp) * limit;
  return {sum, std::min(limit, before + tiles * positions)};
}

/// One way to lay the queries out over tiles.
struct Layout {
  double height, tiles, softmax;
  Busy busy;
};

/// `heads` that share keys lie in one tile.
Layout layOut(const NvidiaModel &model, const PrefillShape &s, double heads, double dramUs) {
  const Constants &c = model.constants;
  const double groups = s.batch * s.keyHeads * s.rowsPerKey / heads;
  const double most = s.generic ? kGenericRows : kTileRows;
  const double step = s.generic ? kGenericRows : instructionRows(model.generation);
  const double tilesOfGroup = std::ceil(s.q * heads / most);
  Layout l;
  l.height = std::min(most, std::ceil(s.q * heads / step) * step);
  l.tiles = groups * tilesOfGroup;
  const Visible seen = visibleToTiles(s, most / heads, tilesOfGroup);
  const double pairs = groups * seen.sum * l.height, longest = seen.last * l.height;
  // The busiest core: its share of all, and the end of the longest tile, which others wait for.
  const double busiest = std::max(longest, pairs / model.cores + c.prefillImbalance * longest);

  const auto roundUp = [](double dim) { return std::ceil(dim / 32) * 32; };
  const NvidiaModel::MatrixRate rate = model.matrixRate(s.compute, s.matrixShare);
  l.softmax = busiest *
              (model.cores / model.specialPerUs + kSoftmaxClocks * model.cores / model.lanesPerUs);
  l.busy[MANSARD_BOUND_MATRIX] = 2 * (roundUp(s.keyDim) + roundUp(s.valueDim)) *
                                 std::max(busiest / rate.core, pairs / rate.chip);
  l.busy[MANSARD_BOUND_VECTOR] = l.softmax + c.prefillTileUs *
                                                 (0.5 + s.keyDim * l.height / (256 * kTileRows)) *
                                                 l.tiles / model.cores;
  l.busy[MANSARD_BOUND_L2] = groups * seen.sum * (s.keyDim + s.valueDim) * s.keyBytes /
                             (model.l2BytesPerUs * c.gemmL2 * (s.generic ? c.prefillGeneric : 1)) *
                             s.again;
  l.busy[MANSARD_BOUND_DRAM] = dramUs;
  return l;
}

} // namespace

void pricePrefill(const NvidiaModel &model, const PrefillShape &s, Parts &parts,
                  mansard_estimate &out) {
  const Constants &c = model.constants;
  // Caches are paged and loaded a page at a time, whatever part of it is filled.
  const double page = pageKeys(model.generation);
  const double own = std::min(s.q, s.kv); // these come as they are, older ones from the cache
  const double pages = s.batch * s.keyHeads * (s.keyDim + s.valueDim) *
                       (own * s.keyBytes + std::ceil((s.kv - own) / page) * page * s.cacheBytes);
  const double read = std::max(s.readBytes, s.queryBytes + pages);
  const double passes = s.cacheBytes < s.keyBytes ? kNarrowPasses : 1;
  const double prepared = c.prefillPrepare * passes * (s.readBytes + s.queryBytes);
  const double cold = missShare(model, read + s.writeBytes);
  Busy prepare; // rotary embedding, and keys and values into the cache
  prepare[MANSARD_BOUND_DRAM] = model.dramUs(prepared * cold / 2, prepared * cold / 2, c.gemmDram);
  prepare[MANSARD_BOUND_L2] = prepared / (model.l2BytesPerUs * c.gemmL2);
  prepare[MANSARD_BOUND_VECTOR] = c.prefillTokenUs * s.batch * s.q / model.cores;

  const double dramUs = model.dramUs(read * cold, s.writeBytes * cold, c.gemmDram);
  // Heads that share keys may share a tile; the outputs' FP32 sums fill at most half the registers.
  Layout best =
      layOut(model, s, model.generation == Generation::blackwell ? 1 : s.rowsPerKey, dramUs);
  if (s.rowsPerKey > 1 && model.generation < Generation::hopper) {
    const Layout apart = layOut(model, s, 1, dramUs);
    if (overlapped(apart.busy) + c.prefillExposed * apart.softmax <
        overlapped(best.busy) + c.prefillExposed * best.softmax)
      best = apart;
  }
  parts.addSerial(MANSARD_BOUND_FIXED, s.startUs);
  parts.addOverlapped(prepare);
  parts.addOverlapped(best.busy);
  parts.addSerial(MANSARD_BOUND_VECTOR, c.prefillExposed * best.softmax);
  parts.store(out);
  out.dram_read_bytes = (read + prepared / 2) * cold;
  out.dram_write_bytes = (s.writeBytes + prepared / 2) * cold;
  out.tiling.tile_m = static_cast<int32_t>(best.height);
  out.tiling.tile_n = static_cast<int32_t>(kKeyTile);
  out.tiling.split_k = 1;
  out.tiling.tiles = static_cast<int64_t>(best.tiles);
  out.tiling.waves = best.tiles / model.cores;
  out.tiling.cores = static_cast<int32_t>(std::min(best.tiles, model.cores));
}

void estimateAttentionPrefill(const NvidiaModel &model, const mansard_kernel &kernel,
                              mansard_estimate &out) {
  const mansard_attention &a = kernel.u.attention;
  PrefillShape s;
  s.compute = model.computeType(kernel.dtype);
  if (s.compute == MANSARD_DTYPE_COUNT)
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED,
                       "the tensor cores have no type for these operands");
  const Counts counts = countWork(kernel);
  s.batch = static_cast<double>(a.batch);
  s.q = static_cast<double>(a.q_len);
  s.kv = static_cast<double>(a.kv_len);
  s.keyHeads = static_cast<double>(a.kv_heads);
  s.rowsPerKey =
      static_cast<double>(a.heads) / static_cast<double>(std::max<int64_t>(a.kv_heads, 1));
  s.keyDim = s.valueDim = static_cast<double>(a.head_dim);
  s.window = static_cast<double>(a.window);
  s.causal = a.causal != 0;
  s.keyBytes = bytesOf(kernel.dtype);
  s.cacheBytes = bytesOf(kernel.weight_dtype);
  s.readBytes = counts.readBytes;
  s.queryBytes = s.batch * static_cast<double>(a.heads) * s.q * s.keyDim * bytesOf(kernel.dtype);
  s.writeBytes = counts.writeBytes;
  const Constants &c = model.constants;
  const bool narrow = bytesOf(kernel.weight_dtype) < bytesOf(kernel.dtype);
  s.generic = isGeneric(model.generation, a.head_dim);
  s.startUs = c.prefillStartUs + (narrow ? c.decodeNarrowUs : 0) +
              (isOdd(a.head_dim) && !narrow ? c.decodeOddUs : 0);
  s.matrixShare = c.prefillMatrix * (s.generic ? kGenericShare : 1);
  s.again = s.generic && narrow ? kGenericNarrow : 1;
  Parts parts;
  pricePrefill(model, s, parts, out);
  if (a.q_len <= kDecodeQueries) { // libraries take the decoding kernel where that is faster
    mansard_estimate decode = out;
    priceDecode(model, decodeShape(model, kernel, counts), decode);
    if (decode.latency_us < out.latency_us)
      out = decode;
  }
  out.operations = counts.matrixOperations;
}

} // namespace mansard::nvidia
