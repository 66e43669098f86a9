// Multi-head latent attention: expanded to heads of their own in prefill, absorbed in decode, where
// all heads share one latent and so fill the tensor cores' rows.
#include "attention_decode.h"
#include "attention_prefill.h"

#include <algorithm>

namespace mansard::nvidia {
namespace {

constexpr double kFullRows = 64; // of a tile of the kernels before Hopper's, whatever fills it

} // namespace

void estimateMlaPrefill(const NvidiaModel &model, const mansard_kernel &kernel,
                        mansard_estimate &out) {
  const mansard_mla &a = kernel.u.mla;
  PrefillShape s;
  s.compute = model.computeType(kernel.dtype);
  if (s.compute == MANSARD_DTYPE_COUNT)
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED,
                       "the tensor cores have no type for these operands");
  const Counts counts = countWork(kernel);
  const double width = bytesOf(kernel.dtype), cached = bytesOf(kernel.weight_dtype);
  const double rope = static_cast<double>(a.rope_dim), latent = static_cast<double>(a.latent_dim);
  s.batch = static_cast<double>(a.batch);
  s.q = static_cast<double>(a.q_len);
  s.kv = static_cast<double>(a.kv_len);
  s.keyHeads = static_cast<double>(a.heads);
  s.keyDim = static_cast<double>(a.nope_dim) + rope;
  s.valueDim = static_cast<double>(a.value_dim);
  s.matrixShare = model.constants.mlaPrefillMatrix;
  s.startUs = model.constants.mlaPrefillStartUs;
  // Measured with it: the latent into the cache, and positions into queries and keys, whose rotary
  // part each head gets a copy of; over an FP8 cache that pass brings all of them to FP8.
  s.compute = cacheType(model, kernel, s.compute);
  s.keyBytes = std::min(width, bytesOf(s.compute)); // expanded from the cache before
  double readElements = s.keyHeads * rope, writtenElements = 2 * readElements;
  if (s.keyBytes < width) {
    s.matrixShare *= kNarrowShare;
    s.startUs += 2 * model.constants.gemmStartUs; // queries; keys and values
    readElements = writtenElements = s.keyHeads * (2 * s.keyDim + s.valueDim);
  }
  const double tokens = s.batch * s.q;
  s.preparedReadBytes = tokens * (latent + rope + readElements) * width;
  s.preparedWriteBytes = tokens * ((latent + rope) * cached + writtenElements * s.keyBytes);
  s.cacheBytes = s.keyBytes;
  s.readBytes = counts.readBytes;
  s.queryBytes = s.batch * s.keyHeads * s.q * s.keyDim * s.keyBytes;
  s.writeBytes = counts.writeBytes;
  Parts parts;
  pricePrefill(model, s, parts, out);
  out.operations = counts.matrixOperations;
}

void estimateMlaDecode(const NvidiaModel &model, const mansard_kernel &kernel,
                       mansard_estimate &out) {
  const mansard_mla &a = kernel.u.mla;
  const Constants &c = model.constants;
  DecodeShape s;
  s.compute = model.computeType(kernel.dtype);
  if (s.compute == MANSARD_DTYPE_COUNT)
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED,
                       "the tensor cores have no type for these operands");
  const Counts counts = countWork(kernel);
  s.sequences = static_cast<double>(a.batch);
  s.keys = static_cast<double>(a.kv_len);
  s.rows = static_cast<double>(a.heads * a.q_len);
  s.keyElements = static_cast<double>(a.latent_dim + a.rope_dim);
  s.productDims = static_cast<double>(2 * a.latent_dim + a.rope_dim);
  s.valueDim = static_cast<double>(a.latent_dim);
  s.keyBytes = bytesOf(kernel.weight_dtype);
  s.convertClocks = s.keyBytes < bytesOf(kernel.dtype) ? c.mlaConvert : 0;
  s.readBytes = counts.readBytes;
  s.writeBytes = counts.writeBytes;
  s.step = instructionRows(model.generation);
  s.mostRows = 2 * s.step;
  s.page = pageKeys(model.generation);
  // Before Hopper the kernel is the one for prefill: full tiles of rows in whole waves, no splits.
  if (model.generation < Generation::hopper) {
    s.step = s.mostRows = kFullRows;
    s.mostSplit = 1;
    s.whole = true;
  }
  s.startUs = c.mlaStartUs;
  s.blockUs = c.mlaItemUs;
  s.combineUs = c.mlaCombineUs;
  s.latencyUs = c.mlaLatencyUs;
  s.dramShare = c.mlaDram;
  s.matrixShare = c.mlaMatrix;
  priceDecode(model, s, out);
  out.operations = counts.matrixOperations;
}

} // namespace mansard::nvidia
