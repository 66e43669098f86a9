#include "training_validation.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace mansard::report {

Result<> compareTraining(const hw::Catalog &catalog, const host::Model &target,
                         const Measurements &file, const std::vector<size_t> &indices,
                         std::vector<Compared> &out) {
  std::map<std::string, Result<model::Lowering>> models;
  for (size_t index : indices) {
    const TrainedRow &row = *file.all[index].trained;
    auto found = models.find(row.model);
    if (found == models.end())
      found = models.emplace(row.model, model::Lowering::open(row.model, catalog)).first;
    if (!found->second) {
      out[index].skipped = found->second.error().text();
      continue;
    }
    const auto estimate = system::estimateTraining(row.plan, *found->second, target);
    if (!estimate) {
      if (estimate.error().code == ErrorCode::pluginFailed)
        return estimate.error();
      out[index].skipped = estimate.error().text();
      continue;
    }
    mansard_estimate &e = out[index].estimate;
    e.status = MANSARD_OK;
    e.latency_us = estimate->step_us;
    std::copy(std::begin(estimate->part_us), std::end(estimate->part_us), e.part_us);
    e.part_us[MANSARD_BOUND_FIXED] += estimate->bubble_us; // nothing is done
    e.bound = estimate->bound;
    out[index].interval.low_us = out[index].interval.high_us = e.latency_us;
    out[index].roofline_us =
        (estimate->model_operations + estimate->again_operations) / estimate->peak_operations * 1e6;
  }
  return Ok{};
}

} // namespace mansard::report
