// How NVIDIA GPUs from Ampere to Blackwell work inside: a chip's figures and its family's fitted
// constants, in the units that the cost formulas compute in (microseconds, bytes, operations), and
// one estimate function for each kind of kernel. Immutable once made; safe from any thread.
#pragma once

#include "constants.h"

#include <mansard/base/dtype.h>
#include <mansard/base/overlap.h>
#include <mansard/base/power_cap.h>
#include <mansard/base/result.h>
#include <mansard/base/stated_tile.h>
#include <mansard/base/units.h>
#include <mansard/sdk/abi.h>
#include <mansard/sdk/sdk.hpp>

namespace mansard::nvidia {

/// What a generation's tensor cores ask of the software; see matmul_schedule.h.
enum class Generation { ampere, ada, hopper, blackwell };

class NvidiaModel {
public:
  /// Errors name the number or constant that is missing, or the families there are.
  static Result<NvidiaModel> create(const sdk::Chip &chip);

  /// Never throws, never allocates.
  void estimate(const mansard_kernel &kernel, mansard_estimate &out) const noexcept;

  mansard_chip chip{}; // numbers only
  Generation generation = Generation::hopper;
  uint32_t measured = 0; // operations, a bit each, that measurements of the family stand behind
  Constants constants{};

  double cores = 0;                                // streaming multiprocessors
  double clocksPerUs = 0;                          // sustained
  double matrixOpsPerUs[MANSARD_DTYPE_COUNT] = {}; // whole chip, at peak; 0: no such type
  double lanesPerUs = 0;                           // FP32 instructions of the whole chip
  double specialPerUs = 0;                         // exponentials of the whole chip
  double sramBytesPerUs = 0, sramBytes = 0;        // of one core
  double registerBytes = 0;                        // of one core
  double l2Bytes = 0, l2BytesPerUs = 0;
  PowerCap power;

  TileFit fitTile(const mansard_kernel &kernel) const;

  /// Of one core, for a tile's FP32 sums: half of its registers (operands, addresses and the
  /// epilogue need the others), or all of a tensor memory as large (PTX ISA: 512 columns of 128
  /// lanes of 32 bits).
  double accumulatorBytes() const {
    return generation == Generation::blackwell ? registerBytes : registerBytes / 2;
  }

  /// Microseconds that DRAM is busy with a stream of these bytes when it reaches `share` of its
  /// sustained bandwidth.
  double dramUs(double readBytes, double writtenBytes, double share) const;
  /// The type that the tensor cores multiply for operands of `dtype`: itself, or the next wider
  /// that they have; MANSARD_DTYPE_COUNT if none.
  uint32_t computeType(uint32_t dtype) const;
  /// Rates of the tensor cores for `dtype` in operations a microsecond, for kernels that run at
  /// `relative` of a matmul's rate: of one core, limited by what its kernel issues, and of the
  /// whole chip, limited by the board's power. Cores that stand idle leave their power to the
  /// others.
  struct MatrixRate {
    double core, chip;
  };
  MatrixRate matrixRate(uint32_t dtype, double relative) const;

private:
  void dispatch(const mansard_kernel &kernel, mansard_estimate &out) const noexcept;
};

/// Share of a tensor's bytes that DRAM sees: 0 up to `from` bytes of footprint (a repeated run
/// finds them in L2), 1 beyond `to` (it evicts itself before it comes round).
inline double missShare(double footprint, double from, double to) {
  return footprint <= from ? 0 : footprint >= to ? 1 : (footprint - from) / (to - from);
}

/// The same of what a repeated run touches all of: warm up to 0.4 of the L2, cold beyond all of it.
inline double missShare(const NvidiaModel &model, double footprint) {
  return missShare(footprint, 0.4 * model.l2Bytes, model.l2Bytes);
}

TileFit fitTile(const NvidiaModel &, const mansard_kernel &);
void estimateMatmul(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);
void estimateGroupedMatmul(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);
void estimateAttentionPrefill(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);
void estimateAttentionDecode(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);
void estimateMlaPrefill(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);
void estimateMlaDecode(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);
void estimateVector(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);
void estimateMoe(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);
void estimateCollective(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);
void estimateExpertParallel(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);
void estimateCustom(const NvidiaModel &, const mansard_kernel &, mansard_estimate &);

} // namespace mansard::nvidia
