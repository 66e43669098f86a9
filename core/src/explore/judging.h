// Which constants are to be fitted, within what bounds, and which rows each of them moves.
#pragma once

#include "bench.h"
#include "search.h"

#include <mansard/explore/calibration_file.h>

#include <string>
#include <vector>

namespace mansard::explore {

/// The constants of `file` to fit: see CalibrationRequest::only. Ops are left open. A prefix that
/// no constant has, and nothing to choose from, are errors.
Result<std::vector<Parameter>> parametersOf(const CalibrationFile &file,
                                            const std::vector<std::string> &only);

struct Judging {
  OpSet moved = 0;                       // ops that any of the constants moves
  std::vector<std::vector<size_t>> rows; // that each parameter moves
};

/// Moves each constant once up and once down, sees which rows follow, and fills in the ops of
/// `parameters`. A constant whose change the plugin refuses both ways moves nothing.
Result<Judging> judge(Bench &bench, const Batches &batches, std::vector<Parameter> &parameters);

} // namespace mansard::explore
