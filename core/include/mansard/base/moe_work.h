// The stages of a mixture of experts on one device: permute, first matmul with its activation,
// second matmul, un-permute with the weighted sum.
//
// The two matmuls are grouped ones over the experts that have tokens (see moe_load.h); between them
// the activations pass through memory. Bytes and operations only: a model prices the stages.
#pragma once

#include <mansard/base/counts.h>
#include <mansard/base/moe_load.h>
#include <mansard/base/tiled_matmul.h>

namespace mansard {

struct MoeStages {
  MatmulShape first, second; // gate and up; down
  Counts firstCounts, secondCounts;
  double permuteRead = 0, permuteWritten = 0;     // bytes
  double unpermuteRead = 0, unpermuteWritten = 0; // bytes
  double sumOperations = 0;                       // on the vector unit, of the weighted sum
};

/// `counts`: countWork(kernel).
inline MoeStages moeStages(const mansard_kernel &kernel, const Counts &counts) {
  const mansard_moe &moe = kernel.u.moe;
  const MoeLoad load = moeLoad(moe);
  const double hidden = static_cast<double>(moe.hidden);
  const double inter =
      static_cast<double>(moe.inter) / static_cast<double>(std::max<int64_t>(moe.tp, 1));
  const double ways = moe.gated ? 2 : 1, rows = load.assignments;
  const double groups = std::max(1.0, load.touchedExperts);
  const double in = bytesOf(kernel.dtype), out = bytesOf(kernel.out_dtype);
  const bool ragged = moe.distribution != MANSARD_DISTRIBUTION_BALANCED;
  MoeStages s;
  s.first = {groups, rows / groups, ways * inter, hidden, ragged};
  s.second = {groups, rows / groups, hidden, inter, ragged};
  s.firstCounts.matrixOperations = 2 * rows * hidden * ways * inter;
  s.firstCounts.vectorOperations = counts.vectorOperations;
  s.firstCounts.specialOperations = counts.specialOperations;
  s.firstCounts.weightBytes = counts.weightBytes * ways / (ways + 1);
  s.firstCounts.readBytes = s.firstCounts.weightBytes + rows * hidden * in;
  s.firstCounts.writeBytes = rows * inter * in;
  s.secondCounts.matrixOperations = 2 * rows * hidden * inter;
  s.secondCounts.weightBytes = counts.weightBytes / (ways + 1);
  s.secondCounts.readBytes = s.secondCounts.weightBytes + rows * inter * in;
  s.secondCounts.writeBytes = rows * hidden * out;
  s.permuteRead = load.distinctTokens * hidden * in;
  s.permuteWritten = rows * hidden * in;
  s.unpermuteRead = rows * hidden * out;
  s.unpermuteWritten = load.distinctTokens * hidden * out;
  s.sumOperations = 2 * rows * hidden;
  return s;
}

} // namespace mansard
