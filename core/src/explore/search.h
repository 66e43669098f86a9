// Fitting constants to rows: coordinate descent, without derivatives and without randomness.
#pragma once

#include "bench.h"

#include <functional>
#include <string_view>
#include <vector>

namespace mansard::explore {

/// A constant that the search may move.
struct Parameter {
  std::string name;
  double value = 0;
  double low = 0, high = 0; // bounds, both inside; low > 0 unless the value may rest at 0
  OpSet moves = 0;          // ops with a row that it moves
  OpSet judged = 0;         // ops whose errors decide over it; part of `moves`
};

/// How far a fit looks from where it starts. Near: it goes downhill only, in a quarter of the
/// time, which finds what leaving out a few sites moves in a fit of all.
enum class Reach { near, far };

/// Moves `parameters` to where the errors of `batches` are least, and leaves `bench` set to them.
/// Parameters that share ops are fitted together, those of earlier ops first. `progress` hears of
/// the error so far.
void fit(Bench &bench, const Batches &batches, std::vector<Parameter> &parameters, Reach reach,
         const std::function<void(std::string_view)> &progress);

/// Five significant digits: what the file holds, and more than the rows can tell apart.
double rounded(double value);

} // namespace mansard::explore
