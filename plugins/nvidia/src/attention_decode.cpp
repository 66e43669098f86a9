// Attention of few queries over a long cache: the KV length is split over thread blocks, and a
// second pass combines the splits ("Flash-Decoding"). Query heads that share keys fill the rows of
// one tensor instruction, padded to what it takes.
#include "attention_decode.h"

#include <algorithm>
#include <cmath>

namespace mansard::nvidia {
namespace {

constexpr double kKeyTile = 64;
constexpr double kSplits[] = {1, 2, 4, 8, 16, 32, 64, 128};
// Generic kernels, of the warp's instructions: rows of one, keys of a page, share of what others
// reach of the DRAM (H100 with heads of 512, B200 with heads of 192).
constexpr double kGenericRows = 16, kGenericPage = 16, kGenericDram = 0.75;
// Wider heads take no longer to widen (H100: of heads of 256, fp8 caches stream at full speed).
constexpr double kWidestConverted = 128;
// TensorRT-LLM's kernels for narrow heads widen in fewer clocks than FlashAttention-3, which has to
// transpose the values, and need no queries converted first (H100: heads of 64 against 128).
constexpr double kFusedConvert = 0.55;
// Heads of an odd width over a narrow cache: twice the pace alone, less of the DRAM together (B200,
// heads of 192).
constexpr double kOddNarrowKey = 0.45, kOddNarrowDram = 0.7;
// Without tensor cores, so few keys take one pass of a block's threads, and are not loaded by the
// page; splitting takes a larger kernel and more to combine (A100, 2 to 64 heads).
constexpr double kFewKeys = 8, kFewKeysItem = 0.6, kWholeCombine = 2;
constexpr double kSoftmaxClocks = 3;

} // namespace

double instructionRows(Generation generation) {
  return generation == Generation::hopper || generation == Generation::blackwell ? 64 : 16;
}

double mostSplits(Generation generation) {
  return generation == Generation::blackwell ? 32 : generation == Generation::hopper ? 64 : 128;
}

double pageKeys(Generation generation) { return generation == Generation::blackwell ? 128 : 64; }

void priceDecode(const NvidiaModel &model, const DecodeShape &s, mansard_estimate &out) {
  const Constants &c = model.constants;
  const double cores = model.cores;
  // Query rows that one block multiplies with the keys it loads.
  const double rowTiles = std::ceil(s.rows / s.mostRows);
  const double height = std::min(s.mostRows, std::ceil(s.rows / s.step) * s.step);
  const double pages =
      s.sequences * std::ceil(s.keys / s.page) * s.page * s.keyElements * s.keyBytes;
  const double read = std::max(s.readBytes, pages);
  const double cold = missShare(model, read + s.writeBytes);
  const double bus = model.dramUs(read * cold, s.writeBytes * cold, s.dramShare);
  const NvidiaModel::MatrixRate rate = model.matrixRate(s.compute, s.matrixShare);
  const double coreLanes = model.lanesPerUs / cores, coreSpecial = model.specialPerUs / cores;
  const double l2Total = s.sequences * rowTiles * s.keys * s.keyElements * s.keyBytes /
                         (model.l2BytesPerUs * c.gemmL2);

  double bestUs = HUGE_VAL, bestSplit = 1;
  Busy bestBusy;
  double bestItems = 0, bestCombine = 0, bestTiles = 0;
  for (double split : kSplits) {
    if (split > s.mostSplit || (split > 1 && split * kKeyTile >= 2 * s.keys)) // nothing to split
      break;
    const double keys = std::ceil(s.keys / split / kKeyTile) * kKeyTile;
    const double blocks = s.sequences * rowTiles * split;
    if (s.whole && split > 1 && blocks > cores)
      break;
    const double rounds = std::ceil(blocks / cores);
    Busy busy;
    busy[MANSARD_BOUND_MATRIX] =
        keys * height * 2 * s.productDims * std::max(rounds / rate.core, blocks / rate.chip);
    busy[MANSARD_BOUND_VECTOR] =
        rounds * (keys * height * (1 / coreSpecial + kSoftmaxClocks / coreLanes) +
                  s.keys / split * s.convertClocks * s.keyElements / coreLanes + s.itemUs);
    busy[MANSARD_BOUND_L2] = l2Total;
    const double stream =
        rounds * (keys * (s.keyElements * s.keyBytes * s.latencyUs / model.sramBytes + s.keyUs));
    busy[MANSARD_BOUND_DRAM] = std::sqrt(bus * bus + stream * stream);
    const double combine = split > 1 ? s.combineUs + 2 * split * s.sequences * s.rows * s.valueDim *
                                                         4 / (model.l2BytesPerUs * c.gemmL2)
                                     : 0;
    const double items = blocks / cores * s.blockUs;
    const double us = overlapped(busy) + items + combine;
    if (us < bestUs) {
      bestUs = us;
      bestSplit = split;
      bestBusy = busy;
      bestItems = items;
      bestCombine = combine;
      bestTiles = blocks;
    }
  }
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, s.startUs + bestItems + bestCombine);
  parts.addOverlapped(bestBusy);
  parts.store(out);
  out.dram_read_bytes = read * cold;
  out.dram_write_bytes = s.writeBytes * cold;
  out.tiling.tile_m = static_cast<int32_t>(height);
  out.tiling.tile_n = static_cast<int32_t>(kKeyTile);
  out.tiling.split_k = static_cast<int32_t>(bestSplit);
  out.tiling.tiles = static_cast<int64_t>(bestTiles);
  out.tiling.waves = bestTiles / cores;
  out.tiling.cores = static_cast<int32_t>(std::min(bestTiles, cores));
}

DecodeShape decodeShape(const NvidiaModel &model, const mansard_kernel &kernel,
                        const Counts &counts) {
  const mansard_attention &a = kernel.u.attention;
  const Constants &c = model.constants;
  DecodeShape s;
  s.compute = model.computeType(kernel.dtype);
  const double dim = static_cast<double>(a.head_dim);
  s.sequences = static_cast<double>(a.batch * a.kv_heads);
  s.keys = visibleKeys(a);
  s.rows = static_cast<double>(a.heads) / static_cast<double>(std::max<int64_t>(a.kv_heads, 1)) *
           static_cast<double>(a.q_len);
  s.keyElements = 2 * dim;
  s.productDims = 2 * dim;
  s.valueDim = dim;
  s.keyBytes = bytesOf(kernel.weight_dtype);
  s.readBytes = counts.readBytes;
  s.writeBytes = counts.writeBytes;
  const bool narrow = s.keyBytes < bytesOf(kernel.dtype);
  const bool odd = isOdd(a.head_dim), generic = isGeneric(model.generation, a.head_dim);
  const double width = dim / 128;
  s.startUs = c.decodeStartUs + (narrow && dim > kFusedWidth ? c.decodeNarrowUs : 0) +
              (odd ? c.decodeOddUs : 0) +
              c.decodeBatchUs * static_cast<double>(a.batch) / model.cores;
  // Fills its pipeline; scales and stores its rows.
  s.itemUs = c.decodeItemUs * (generic ? 1 : width);
  if (generic) {
    s.step = kGenericRows;
    s.mostRows = 2 * kGenericRows;
    s.page = kGenericPage;
    s.mostSplit = 1;
    s.keyUs = c.decodeGenericUs * width / kKeyTile;
    s.dramShare = kGenericDram;
    if (narrow) { // gains nothing where much is read
      s.dramShare *= s.keyBytes / bytesOf(kernel.dtype);
      if (odd) {
        s.dramShare *= kOddNarrowDram;
        s.keyUs *= kOddNarrowKey;
      }
    }
  } else {
    s.step = instructionRows(model.generation);
    s.mostRows = 2 * s.step;
    s.page = pageKeys(model.generation);
    s.mostSplit = mostSplits(model.generation);
    s.latencyUs = c.decodeLatencyUs;
    if (narrow)
      s.convertClocks = c.decodeConvert *
                        (dim > kFusedWidth ? std::min(1.0, kWidestConverted / dim) : kFusedConvert);
    // Before Hopper, a query head with keys of its own has a kernel without tensor cores.
    s.whole = model.generation < Generation::hopper && s.rows <= 1;
    if (s.whole && s.keys <= kFewKeys) {
      s.page = kFewKeys;
      s.itemUs *= kFewKeysItem;
    }
  }
  const double stored = model.generation < Generation::hopper && !s.whole
                            ? std::ceil(s.rows / s.step) * s.step
                            : s.rows;
  s.itemUs += c.decodeRowUs / 1024 * std::min(stored, s.mostRows) * dim;
  s.dramShare *= c.decodeDram;
  s.matrixShare = c.prefillMatrix;
  s.combineUs = c.decodeCombineUs * (s.whole ? kWholeCombine : 1);
  return s;
}

void estimateAttentionDecode(const NvidiaModel &model, const mansard_kernel &kernel,
                             mansard_estimate &out) {
  if (model.computeType(kernel.dtype) == MANSARD_DTYPE_COUNT)
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED,
                       "the tensor cores have no type for these operands");
  const Counts counts = countWork(kernel);
  priceDecode(model, decodeShape(model, kernel, counts), out);
  out.operations = counts.matrixOperations;
}

} // namespace mansard::nvidia
