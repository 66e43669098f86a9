// What a kernel's description says about its matmuls: operand widths, what is multiplied, the
// vector work beside it, and which bytes DRAM sees.
#pragma once

#include "matmul_schedule.h"

#include <mansard/base/counts.h>

namespace mansard::nvidia {

/// Sets what follows from the dtypes and the scaling alone. False (and `out` refused) where the
/// chip cannot multiply them.
bool describeOperands(const NvidiaModel &model, const mansard_kernel &kernel, MatmulWork &work,
                      mansard_estimate &out);

/// Whether a kernel of its own turns 16-bit activations into narrow ones before.
bool quantizesBefore(const mansard_kernel &kernel);

/// Sets the bytes that DRAM sees, less what a repeated run finds in L2. `quantizedLess`: bytes of
/// activations that only a quantising kernel reads.
void setTraffic(const NvidiaModel &model, const Counts &counts, double quantizedLess,
                MatmulWork &work);

/// Fills in the schedule that a matmul states, if any.
void setStated(const mansard_kernel &kernel, MatmulWork &work);

/// Adds an epilogue's vector work for each output of the accumulator.
void setEpilogue(uint32_t epilogue, MatmulWork &work);

/// Microseconds of a kernel that quantises `rows` x `k` activations before the matmul, at the
/// memory's pace: a scale for the whole tensor takes a pass of its own to find.
Busy quantizeBusy(const NvidiaModel &model, const mansard_kernel &kernel, double rows, double k);

/// Start of a kernel, with what reading scales adds.
double matmulStartUs(const NvidiaModel &model, const mansard_kernel &kernel);

/// Flags and notes that operands and schedule call for.
void finishFlags(const mansard_kernel &kernel, const MatmulWork &work, bool fits,
                 mansard_estimate &out);

/// Writes the estimate of a kernel that is one matmul.
void finishMatmul(const NvidiaModel &model, const mansard_kernel &kernel, const Counts &counts,
                  const MatmulWork &work, const MatmulSchedule &schedule, mansard_estimate &out);

} // namespace mansard::nvidia
