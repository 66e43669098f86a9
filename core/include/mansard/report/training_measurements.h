// Measured training runs as their tables give them: which model, on which plan, how long a step.
#pragma once

#include <mansard/base/result.h>
#include <mansard/report/serving_measurements.h>
#include <mansard/system/training.h>

#include <string>
#include <string_view>
#include <vector>

namespace mansard::report {

/// A row of a table of op training.
struct TrainedRow {
  std::string model, dtype;
  system::TrainingPlan plan;
  std::string unusable; // why it cannot be estimated; empty: it can
};

bool isTraining(std::string_view op);

/// Columns that such tables must have beside target and op; others (cp, ep, sp, interleave, zero,
/// optimizer, attention, dropout, overlap) stand for 1, 0, adam, flash, 0 and 1 where they are
/// empty or absent.
const std::vector<std::string_view> &trainingColumns();

TrainedRow readTrainedRow(const RowValues &values);

} // namespace mansard::report
