// Measured servers as their tables give them: which model, on which plan and software, under which
// load, and what their users waited for.
#pragma once

#include <mansard/base/result.h>
#include <mansard/report/csv.h>
#include <mansard/system/serving.h>
#include <mansard/work/transformer.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace mansard::report {

/// A row's values by column; empty cells are left out.
using RowValues = std::map<std::string, std::string, std::less<>>;

/// A row of a table of op serving or serving_disaggregated.
struct ServedRow {
  std::string target, model, software; // model: as on Hugging Face; software: a profile's id
  std::string precision;               // of the weights, as the row calls it
  /// All but the plan's quantisation and cache and the software's numbers.
  system::ServingScenario scenario;
  std::string unusable; // why it cannot be estimated; empty: it can
};

/// Whether tables of this op hold whole servers.
bool isServing(std::string_view op);

/// Columns that such tables must have beside target and op.
const std::vector<std::string_view> &servingColumns(std::string_view op);

/// Reads a row and undoes the habits of those who recorded it (serving_habits.h).
ServedRow readServedRow(std::string_view op, const RowValues &values);

/// What the row's model has to be known for: experts that are not there, quantisation by the
/// checkpoint's own types and the cache's type as the software chooses it on the target's vendor
/// and generation. Error: a precision that no scheme stands for.
Result<> completePlan(ServedRow &row, const RowValues &values, const work::Transformer &model,
                      const hw::Chip &chip);

} // namespace mansard::report
