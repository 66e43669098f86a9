#include "matmul_work.h"

#include <algorithm>

namespace mansard::nvidia {
namespace {

/// FP4's scales are quantised in the order that the tensor cores want them in.
bool bringsScales(const mansard_kernel &kernel) {
  return bytesOf(kernel.dtype) >= 1 &&
         (kernel.scaling == MANSARD_SCALING_BLOCK || kernel.scaling == MANSARD_SCALING_GROUP ||
          kernel.scaling == MANSARD_SCALING_TOKEN);
}

/// Narrow weights stored beside wider activations are widened on the way to the tensor cores, but
/// those of Blackwell multiply eight-bit by four-bit floats.
bool widensWeights(const NvidiaModel &model, const mansard_kernel &kernel) {
  const double activation = bytesOf(kernel.dtype), weight = bytesOf(kernel.weight_dtype);
  const bool mixed = model.matrixOpsPerUs[MANSARD_DTYPE_MXFP4] > 0 && activation < 1.1 &&
                     kernel.dtype != MANSARD_DTYPE_INT8;
  return weight < 0.9 * activation && !mixed;
}

// Kernels that widen weights chain the parts of K one after another: a few at most.
constexpr double kWidenedSplit = 4;

// A kernel that quantises: blocks of 256 threads, each with eight elements at a time.
constexpr double kTripElements = 2048, kTripBlocks = 8;

/// A scale for the whole tensor takes a kernel of its own to find.
double quantizePasses(const mansard_kernel &kernel) {
  return kernel.scaling == MANSARD_SCALING_TENSOR ? 2 : 1;
}

} // namespace

bool quantizesBefore(const mansard_kernel &kernel) {
  return kernel.op == MANSARD_OP_MATMUL && (kernel.u.matmul.epilogue & MANSARD_PROLOGUE_QUANTIZE) &&
         bytesOf(kernel.dtype) < 2;
}

bool describeOperands(const NvidiaModel &model, const mansard_kernel &kernel, MatmulWork &work,
                      mansard_estimate &out) {
  work.compute = model.computeType(kernel.dtype);
  if (work.compute == MANSARD_DTYPE_COUNT) {
    sdk::refuse(out, MANSARD_ERROR_UNSUPPORTED, "the tensor cores have no type for these operands");
    return false;
  }
  work.activationBytes = bytesOf(kernel.dtype);
  work.weightBytes = bytesOf(kernel.weight_dtype);
  work.outBytes = bytesOf(kernel.out_dtype);
  work.dramShare = model.constants.gemmDram;
  const bool native = work.compute == kernel.dtype;
  if (model.generation < Generation::hopper) // measured: A100; on H100 and B200 nothing gains
    work.mostStreamed = work.weightBytes < 2 ? 4 : 1;
  if (widensWeights(model, kernel) || !native) {
    work.dequantizeClocks = model.constants.gemmDequantize;
    work.matrixShare *= model.constants.gemmWidened;
    work.mostSplit = std::min(work.mostSplit, kWidenedSplit);
  }
  // Scales of 128 x 128 blocks are applied to FP32 partial sums on the CUDA cores, until
  // Blackwell's tensor cores take scales themselves. That kernel wants tokens on the instruction's
  // 64 rows.
  const bool blocks = kernel.scaling == MANSARD_SCALING_BLOCK && bytesOf(kernel.dtype) == 1;
  if (bytesOf(kernel.dtype) < 2) { // what the libraries' kernels for narrow types lack
    work.mostSplit = 1;
    work.multicast =
        model.generation == Generation::blackwell && kernel.scaling == MANSARD_SCALING_BLOCK;
  }
  if (kernel.scaling == MANSARD_SCALING_BLOCK)
    work.scaleUs = model.constants.gemmScaleStepUs / 128;
  if (blocks && native && model.generation != Generation::blackwell) {
    work.promoteClocks = model.constants.gemmPromote;
    if (model.generation == Generation::hopper) {
      work.leastHeight = 64;
      work.mostHeight = 128;
      work.heightStep = 64;
    }
  }
  return true;
}

void setTraffic(const NvidiaModel &model, const Counts &counts, double quantizedLess,
                MatmulWork &work) {
  // Of quantised activations, the matmul reads what the kernel before it wrote.
  const double activations = counts.readBytes - counts.weightBytes - quantizedLess;
  // A measured loop rotates weights but reuses its activations. Results are written back.
  const double warm = model.constants.gemmWarm * model.l2Bytes;
  work.weightDram = counts.weightBytes * missShare(counts.weightBytes, warm, 1.2 * warm);
  work.activationDram = activations * missShare(model, activations);
  work.outDram = counts.writeBytes;
}

void setEpilogue(uint32_t epilogue, MatmulWork &work) {
  double clocks = 0, special = 0;
  if (epilogue & MANSARD_EPILOGUE_BIAS)
    clocks += 1;
  if (epilogue & MANSARD_EPILOGUE_ADD)
    clocks += 1;
  if (epilogue & MANSARD_EPILOGUE_GELU) {
    clocks += kVectorMix[MANSARD_VECTOR_GELU].operations;
    special += kVectorMix[MANSARD_VECTOR_GELU].special;
  }
  if (epilogue & MANSARD_EPILOGUE_SILU_MUL) { // one result for two accumulators
    clocks += kVectorMix[MANSARD_VECTOR_SILU_MUL].operations / 2;
    special += kVectorMix[MANSARD_VECTOR_SILU_MUL].special / 2;
  }
  if (epilogue & MANSARD_EPILOGUE_QUANTIZE)
    clocks += kVectorMix[MANSARD_VECTOR_QUANTIZE_DYNAMIC].operations;
  work.outputClocks += clocks;
  work.outputSpecial += special;
}

Busy quantizeBusy(const NvidiaModel &model, const mansard_kernel &kernel, double rows, double k) {
  const double read = quantizePasses(kernel) * rows * k * 2,
               written = rows * k * bytesOf(kernel.dtype);
  Busy busy;
  busy[MANSARD_BOUND_DRAM] = model.dramUs(read, written, model.constants.gemmDram);
  busy[MANSARD_BOUND_L2] = (read + written) / (model.l2BytesPerUs * model.constants.gemmL2);
  // A block takes a trip's worth of a row, or of rows whose scales do not span them.
  const bool apart = kernel.scaling == MANSARD_SCALING_BLOCK && bytesOf(kernel.dtype) == 1;
  const double trips = (apart ? k / kTripElements : std::max(1.0, k / kTripElements)) * rows /
                       (kTripBlocks * model.cores);
  busy[MANSARD_BOUND_VECTOR] =
      std::max(rows * k * kVectorMix[MANSARD_VECTOR_QUANTIZE_DYNAMIC].operations / model.lanesPerUs,
               trips * model.constants.vectorPassUs);
  return busy;
}

double matmulStartUs(const NvidiaModel &model, const mansard_kernel &kernel) {
  const Constants &c = model.constants;
  return c.gemmStartUs +
         (bringsScales(kernel) || widensWeights(model, kernel) ? c.gemmScaledStartUs : 0);
}

void finishFlags(const mansard_kernel &kernel, const MatmulWork &work, bool fits,
                 mansard_estimate &out) {
  if (!fits)
    out.flags |= MANSARD_ESTIMATE_DOES_NOT_TILE;
  if (work.compute != kernel.dtype) {
    out.flags |= MANSARD_ESTIMATE_FALLBACK;
    sdk::setNote(out, "the tensor cores lack this type; operands are widened");
  }
}

void finishMatmul(const NvidiaModel &model, const mansard_kernel &kernel, const Counts &counts,
                  const MatmulWork &work, const MatmulSchedule &schedule, mansard_estimate &out) {
  Parts parts;
  parts.addSerial(MANSARD_BOUND_FIXED, matmulStartUs(model, kernel));
  double wide = 0; // elements that are quantised before
  if (quantizesBefore(kernel)) {
    const mansard_matmul &g = kernel.u.matmul;
    const double rows = static_cast<double>(g.m), k = static_cast<double>(g.k);
    wide = rows * k;
    parts.addSerial(MANSARD_BOUND_FIXED, quantizePasses(kernel) * model.constants.gemmQuantizeUs);
    parts.addOverlapped(quantizeBusy(model, kernel, rows, k));
  }
  schedule.addTo(parts);
  parts.store(out);
  out.operations = counts.matrixOperations;
  out.dram_read_bytes = schedule.dramRead + quantizePasses(kernel) * wide * 2;
  out.dram_write_bytes = work.outDram + wide * bytesOf(kernel.dtype);
  schedule.describe(out.tiling, model.cores);
  finishFlags(kernel, work, schedule.fits, out);
}

} // namespace mansard::nvidia
