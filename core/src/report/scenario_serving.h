// The workloads of a scenario on its contenders: plan, load and figures with ranges.
#pragma once

#include <mansard/base/result.h>
#include <mansard/hw/catalog.h>
#include <mansard/report/compare_report.h>
#include <mansard/report/scenario_file.h>
#include <mansard/report/scenario_report.h>

#include <functional>
#include <vector>

namespace mansard::report {

struct ScenarioJob {
  size_t workload = 0, contender = 0; // of the vectors given
};

/// Each job's run, in their order, whatever the number of threads. What a contender cannot serve
/// is a run with the reason. Errors: a model, target, software or economics that does not exist; a
/// plugin that failed.
Result<std::vector<ScenarioRun>> serveAll(const std::vector<ScenarioJob> &jobs,
                                          const std::vector<ScenarioWorkload> &workloads,
                                          const std::vector<ScenarioContender> &contenders,
                                          size_t samples, const ScenarioOptions &options);

} // namespace mansard::report
