// A serving estimate, or a sweep of them over concurrency, as a table, JSON or CSV.
#pragma once

#include <mansard/host/host.h>
#include <mansard/system/serving.h>

#include <string>
#include <utility>
#include <vector>

namespace mansard::report {

struct ServingReport {
  std::string target, targetName, model, modelName; // `model` prices, `modelName` is served
  system::ServingScenario scenario;
  system::ServingEstimate estimate;
};

ServingReport collectServing(const system::ServingScenario &scenario,
                             const system::ServingEstimate &estimate, const std::string &modelName,
                             const host::Model &target);

std::string servingTable(const ServingReport &report);
std::string servingJson(const ServingReport &report);

/// One after another, of the same deployment at rising concurrency.
std::string sweepTable(const std::vector<ServingReport> &reports);
std::string sweepJson(const std::vector<ServingReport> &reports);
std::string sweepCsv(const std::vector<ServingReport> &reports);

/// Points (x, y) in plain text, `width` x `height` characters and axes around; each point is its
/// label's first character.
std::string plot(const std::vector<std::pair<double, double>> &points,
                 const std::vector<std::string> &labels, const std::string &xName,
                 const std::string &yName, size_t width = 64, size_t height = 16);

} // namespace mansard::report
