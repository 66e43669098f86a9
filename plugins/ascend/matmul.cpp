#include "matmul.h"
#include "ops.h"

#include <mansard/base/counts.h>

#include <algorithm>
#include <cmath>

namespace mansard::ascend {

bool widens(const mansard_kernel &kernel) {
  return bytesOf(kernel.weight_dtype) < bytesOf(kernel.dtype);
}

bool dequantises(const mansard_kernel &kernel) {
  return kernel.dtype == MANSARD_DTYPE_INT8 || kernel.dtype == MANSARD_DTYPE_INT4 ||
         (bytesOf(kernel.dtype) == 1 && kernel.scaling != MANSARD_SCALING_NONE);
}

double dequantOps(const mansard_kernel &kernel, double k) {
  if (!dequantises(kernel))
    return 0;
  constexpr double kAtEnd = 4;       // to fp32, channel scale, token scale, to the output
  constexpr double kEachPartial = 3; // two scales, sum
  return kAtEnd + (kernel.scaling == MANSARD_SCALING_BLOCK ? kEachPartial * std::ceil(k / 128) : 0);
}

bool setTypes(const Device &device, const mansard_kernel &kernel, Gemm &gemm) {
  gemm.dtype = kernel.dtype;
  gemm.aBytes = bytesOf(kernel.dtype);
  gemm.bBytes = widens(kernel) ? gemm.aBytes : bytesOf(kernel.weight_dtype);
  gemm.outBytes = bytesOf(kernel.out_dtype);
  // Weights lie in plain rows unless they are quantised: those are packed when the model is loaded.
  gemm.packed = bytesOf(kernel.weight_dtype) < 2;
  return device.cubeOps[kernel.dtype] > 0;
}

void setStated(const mansard_kernel &kernel, Gemm &gemm) {
  if (!statesTile(kernel))
    return;
  gemm.blockM = kernel.u.matmul.tile_m;
  gemm.blockN = kernel.u.matmul.tile_n;
  gemm.stepK = kernel.u.matmul.tile_k;
  gemm.split = kernel.u.matmul.split_k;
}

TileFit fitTile(const Device &d, const mansard_kernel &kernel) {
  Gemm g;
  setTypes(d, kernel, g);
  setStated(kernel, g);
  return fitBlock(d, g);
}

double widen_us(const Device &d, const mansard_kernel &kernel, double elements) {
  if (!widens(kernel))
    return 0;
  // Read narrow, convert and scale in fp32, store wide for the cube.
  const double moved = elements * bytesOf(kernel.weight_dtype) / d.chipL2Read +
                       elements * bytesOf(kernel.dtype) / d.chipL2Write;
  const double converted = 3 * elements / d.vectorOps;
  return d.direct ? converted : std::max(converted, moved / d.c.exchangeEfficiency);
}

double dynamicQuantize_us(const Device &d, double rows, double cols, Parts &parts) {
  mansard_kernel kernel{};
  kernel.op = MANSARD_OP_VECTOR;
  kernel.dtype = MANSARD_DTYPE_BF16;
  kernel.out_dtype = MANSARD_DTYPE_INT8;
  kernel.u.vector = {static_cast<int64_t>(rows), static_cast<int64_t>(cols), 0,
                     MANSARD_VECTOR_QUANTIZE_DYNAMIC, 0};
  const double before = parts.total();
  addVector(d, kernel, parts);
  return parts.total() - before;
}

namespace {

/// Compulsory bytes that a repeated run does not find in the L2.
void setDram(const Device &d, const Counts &counts, double outBytes, Gemm &g) {
  const double activations = counts.readBytes - counts.weightBytes;
  g.coldA = d.coldShare(activations, d.c.cacheFits, d.c.cacheExceeds);
  g.coldB = g.packed ? 1 : d.coldShare(counts.weightBytes, d.c.warmLow, d.c.warmHigh);
  const double coldC = d.coldShare(outBytes, d.c.cacheFits, d.c.cacheExceeds);
  g.dramRead = g.coldA * activations + g.coldB * counts.weightBytes;
  g.dramWrite = coldC * outBytes;
  g.leastDram = counts.readBytes + outBytes - d.l2Bytes;
}

} // namespace

void estimateMatmul(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_matmul &u = kernel.u.matmul;
  Gemm g;
  if (!setTypes(d, kernel, g))
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, kNoDType);
  const bool quantisesFirst = (u.epilogue & MANSARD_PROLOGUE_QUANTIZE) && bytesOf(kernel.dtype) < 2;
  mansard_kernel alone = kernel;
  alone.u.matmul.epilogue &= ~MANSARD_PROLOGUE_QUANTIZE;
  const Counts counts = countWork(alone);
  g.m = static_cast<double>(u.m);
  g.n = static_cast<double>(u.n);
  g.k = static_cast<double>(u.k);
  setDram(d, counts, counts.writeBytes, g);
  g.vector = counts.vectorOperations / std::max(1.0, g.m * g.n) + dequantOps(kernel, g.k);
  g.exchange = g.vector > 0;
  g.extraVector_us = widen_us(d, kernel, g.n * g.k);
  setStated(kernel, g);
  const bool mixed = g.exchange || g.extraVector_us > 0 || g.split > 1;
  const GemmPlan plan = planGemm(d, g);
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, mixed && !d.direct ? d.c.mixedStart_us : d.c.cubeStart_us);
  if (quantisesFirst) // in a vector kernel of its own
    dynamicQuantize_us(d, g.m, g.k, parts);
  addPlan(d, g, plan, parts, out);
  parts.store(out);
  out.operations = counts.matrixOperations;
  out.dram_read_bytes = g.dramRead;
  out.dram_write_bytes = g.dramWrite;
}

void estimateGroupedMatmul(const Device &d, const mansard_kernel &kernel, mansard_estimate &out) {
  const mansard_grouped_matmul &u = kernel.u.grouped_matmul;
  Gemm g;
  if (!setTypes(d, kernel, g))
    return sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, kNoDType);
  const Counts counts = countWork(kernel);
  g.groups = static_cast<double>(u.groups);
  g.m = static_cast<double>(u.m);
  g.n = static_cast<double>(u.n);
  g.k = static_cast<double>(u.k);
  setDram(d, counts, counts.writeBytes, g);
  g.vector = dequantOps(kernel, g.k);
  g.exchange = g.vector > 0;
  g.extraVector_us = widen_us(d, kernel, g.groups * g.n * g.k);
  const GemmPlan plan = planGemm(d, g);
  Parts parts;
  const bool mixed = (g.exchange || g.extraVector_us > 0) && !d.direct;
  parts.addSerial(MANSARD_BOUND_FIXED,
                  d.c.groupedStart_us + (mixed ? d.c.mixedStart_us - d.c.cubeStart_us : 0));
  addPlan(d, g, plan, parts, out);
  parts.store(out);
  out.operations = counts.matrixOperations;
  out.dram_read_bytes = g.dramRead;
  out.dram_write_bytes = g.dramWrite;
}

} // namespace mansard::ascend
