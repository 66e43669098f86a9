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
constexpr double kTileRows[] = {64, 128}; // queries, times heads that share keys
// Of the time of a tile beside the products, what does not grow with the tile: full height, width
// 128.
constexpr double kTileFixed = 0.6;
// Generic kernels, of the warp's instructions: small tiles of one head, which read the cache again
// and again (kGenericNarrow times as long where they widen it), at a share of what others reach.
constexpr double kGenericRows = 16, kGenericShare = 0.5, kGenericNarrow = 1.6;
// The one for odd widths waits for each key in turn: tiles too few to fill the chip take so long a
// key, whether 256 keys or 1536 (B200, heads of 192).
constexpr double kOddKeyUs = 0.05;
constexpr double kKeyTile = 64;      // keys that a block takes at a time
constexpr double kSoftmaxClocks = 3; // of a lane for each pair: scale and subtract, maximum, sum
// A tile's sums fill the memory that holds accumulators at this width of the values; wider ones
// come in parts, each of which computes the scores anew.
constexpr double kValuePart = 256;

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
Layout layOut(const NvidiaModel &model, const PrefillShape &s, const NvidiaModel::MatrixRate &rate,
              double heads, double rows) {
  const Constants &c = model.constants;
  const double groups = s.batch * s.keyHeads * s.rowsPerKey / heads;
  const double step = s.generic ? kGenericRows : instructionRows(model.generation);
  const double tilesOfGroup = std::ceil(s.q * heads / rows);
  Layout l;
  l.height = std::min(rows, std::ceil(s.q * heads / step) * step);
  l.tiles = groups * tilesOfGroup;
  const Visible seen = visibleToTiles(s, rows / heads, tilesOfGroup);
  const double pairs = groups * seen.sum * l.height, longest = seen.last * l.height;
  // The busiest core: its share of all, and the end of the longest tile, which others wait for.
  const double busiest = std::max(longest, pairs / model.cores + c.prefillImbalance * longest);

  const auto roundUp = [](double dim) { return std::ceil(dim / 32) * 32; };
  const double parts = s.generic ? 1 : std::ceil(s.valueDim / kValuePart);
  const double tileSize = s.keyDim / 128 * l.height / 128;
  l.softmax = parts * busiest *
              (model.cores / model.specialPerUs + kSoftmaxClocks * model.cores / model.lanesPerUs);
  l.busy[MANSARD_BOUND_MATRIX] = 2 * (parts * roundUp(s.keyDim) + roundUp(s.valueDim)) *
                                 std::max(busiest / rate.core, pairs / rate.chip);
  l.busy[MANSARD_BOUND_VECTOR] =
      l.softmax +
      c.prefillTileUs * (parts * kTileFixed + (1 - kTileFixed) * tileSize) * l.tiles / model.cores;
  l.busy[MANSARD_BOUND_L2] =
      std::max(seen.last * s.keyUs,
               groups * seen.sum * (s.keyDim + s.valueDim) * s.keyBytes /
                   (model.l2BytesPerUs * c.gemmL2 * (s.generic ? c.prefillGeneric : 1)) * s.again);
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
  const double prepared = s.preparedReadBytes + s.preparedWriteBytes;
  const double cold = missShare(model, read + s.writeBytes);
  Busy prepare;
  prepare[MANSARD_BOUND_DRAM] =
      model.dramUs(s.preparedReadBytes * cold, s.preparedWriteBytes * cold, c.gemmDram);
  prepare[MANSARD_BOUND_L2] = prepared / (model.l2BytesPerUs * c.gemmL2);
  prepare[MANSARD_BOUND_VECTOR] = c.prefillTokenUs * s.preparedTokens / model.cores +
                                  c.prefillConvert * s.convertedElements / model.lanesPerUs;

  const double dramUs = model.dramUs(read * cold, s.writeBytes * cold, c.gemmDram);
  const NvidiaModel::MatrixRate rate = model.matrixRate(s.compute, s.matrixShare);
  Layout best{};
  double bestUs = HUGE_VAL;
  const auto consider = [&](double heads, double rows) {
    Layout l = layOut(model, s, rate, heads, rows);
    l.busy[MANSARD_BOUND_DRAM] = dramUs;
    const double us = overlapped(l.busy) + c.prefillExposed * l.softmax;
    if (us < bestUs) {
      best = l;
      bestUs = us;
    }
  };
  if (s.generic) {
    consider(1, kGenericRows);
  } else if (model.generation == Generation::hopper) {
    // Two groups of warps, each with an instruction's rows; heads that share keys share a tile.
    consider(s.rowsPerKey, kTileRows[1]);
  } else {
    for (double rows : kTileRows) {
      consider(1, rows);
      if (model.generation < Generation::hopper && s.rowsPerKey > 1)
        consider(s.rowsPerKey, rows);
    }
  }
  parts.addSerial(MANSARD_BOUND_FIXED, s.startUs);
  parts.addOverlapped(prepare);
  parts.addOverlapped(best.busy);
  parts.addSerial(MANSARD_BOUND_VECTOR, c.prefillExposed * best.softmax);
  parts.store(out);
  out.dram_read_bytes = (read + s.preparedReadBytes) * cold;
  out.dram_write_bytes = (s.writeBytes + s.preparedWriteBytes) * cold;
  out.tiling.tile_m = static_cast<int32_t>(best.height);
  out.tiling.tile_n = static_cast<int32_t>(kKeyTile);
  out.tiling.split_k = 1;
  out.tiling.tiles = static_cast<int64_t>(best.tiles);
  out.tiling.waves = best.tiles / model.cores;
  out.tiling.cores = static_cast<int32_t>(std::min(best.tiles, model.cores));
}

uint32_t cacheType(const NvidiaModel &model, const mansard_kernel &kernel, uint32_t compute) {
  const uint32_t cached = kernel.weight_dtype;
  const uint32_t narrow = model.computeType(MANSARD_DTYPE_FP8);
  const bool asItIs = (cached == MANSARD_DTYPE_FP8 || cached == MANSARD_DTYPE_MXFP8) &&
                      bytesOf(narrow) < bytesOf(kernel.dtype);
  return asItIs ? narrow : compute;
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
  const double width = bytesOf(kernel.dtype);
  s.cacheBytes = bytesOf(kernel.weight_dtype);
  s.generic = isGeneric(model.generation, a.head_dim);
  const bool narrow = s.cacheBytes < width, fused = s.keyDim <= kFusedWidth;
  // Generic kernels widen an FP8 cache; others multiply it as it is, with queries narrowed.
  if (!s.generic)
    s.compute = cacheType(model, kernel, s.compute);
  s.keyBytes = bytesOf(s.compute) < width ? s.cacheBytes : width;
  s.readBytes = counts.readBytes;
  const double queries = s.batch * static_cast<double>(a.heads) * s.q * s.keyDim;
  const double own = s.batch * s.keyHeads * std::min(s.q, s.kv) * (s.keyDim + s.valueDim);
  s.queryBytes = queries * width;
  s.writeBytes = counts.writeBytes;
  // Measured with it: its own keys and values into the cache, and positions into the queries.
  const double embedded = fused ? queries : 0;
  s.preparedTokens = s.batch * s.q;
  s.preparedReadBytes = (own + embedded) * width;
  s.preparedWriteBytes = own * s.cacheBytes + embedded * width;
  s.convertedElements = narrow && !fused ? queries + own : 0;
  const Constants &c = model.constants;
  s.startUs = c.prefillStartUs + (narrow ? c.decodeNarrowUs : 0) +
              (isOdd(a.head_dim) && !narrow ? c.decodeOddUs : 0);
  s.matrixShare = c.prefillMatrix * (s.generic            ? kGenericShare
                                     : s.keyBytes < width ? kNarrowShare
                                                          : 1);
  if (s.generic && model.generation == Generation::blackwell)
    s.keyUs = kOddKeyUs;
  else if (s.generic && narrow)
    s.again = kGenericNarrow;
  Parts parts;
  pricePrefill(model, s, parts, out);
  // From Hopper on, libraries take the decoding kernel where that is faster.
  if (a.q_len <= kDecodeQueries && model.generation >= Generation::hopper && !s.generic) {
    mansard_estimate decode = out;
    priceDecode(model, decodeShape(model, kernel, counts), decode);
    if (decode.latency_us < out.latency_us)
      out = decode;
  }
  out.operations = counts.matrixOperations;
}

} // namespace mansard::nvidia
