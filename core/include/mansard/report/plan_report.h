// The answer of a plan search, collected once, and its views.
#pragma once

#include <mansard/host/host.h>
#include <mansard/report/memory_lines.h>
#include <mansard/system/plan.h>

#include <map>
#include <string>
#include <vector>

namespace mansard::report {

struct PlanLine {
  std::string plan;  // in words: "2 x tp 4 for prompts, 1 x dp 8, ep 8"
  std::string flags; // of `mansard serve`
  system::Plan found;
  double memoryUsed_GiB = 0, memory_GiB = 0; // of a device that decodes; with what software leaves
};

struct PlanReport {
  std::string model, target, targetName, system, software, scenario;
  int64_t devices = 0, perChip = 1;
  double ttft_ms = 0, tpot_ms = 0; // infinite: no limit
  bool met = false;                // whether `lines` keep the limits
  std::vector<PlanLine> lines;     // best first
  int64_t plans = 0, points = 0;
  std::map<std::string, int64_t> leftOut;
};

PlanReport collectPlans(const system::PlanQuestion &question, const system::PlanAnswer &answer,
                        const std::string &model, const host::Model &target);

std::string planTable(const PlanReport &report);
std::string planJson(const PlanReport &report);
/// A row for each plan.
std::string planCsv(const PlanReport &report);

} // namespace mansard::report
