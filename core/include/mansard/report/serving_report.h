// A serving estimate, or a sweep of them over concurrency, as a table, JSON or CSV.
#pragma once

#include <mansard/base/result.h>
#include <mansard/explore/uncertain_serving.h>
#include <mansard/host/host.h>
#include <mansard/report/power_figures.h>
#include <mansard/system/serving.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mansard::report {

/// Those that have ranges; power has none where it is not known.
enum class ServingFigure { ttft, tpot, tokens_per_chip, requests, tokens, tokens_per_user, power };
inline constexpr std::array<std::string_view, 7> kServingFigureKeys{
    "ttft_ms",        "tpot_ms",      "tokens_per_s_per_chip",
    "requests_per_s", "tokens_per_s", "tokens_per_s_per_user",
    "power_w"};

struct ServingReport {
  std::string target, targetName, model, modelName; // `model` prices, `modelName` is served
  system::ServingScenario scenario;
  system::ServingEstimate estimate;
  PowerFigures power; // of a package
  /// By ServingFigure; no figures where the ranges could not be found, which a note tells.
  explore::Spreads spreads;

  /// Null where there is none.
  const explore::Spread *spread(ServingFigure figure) const {
    return spreads.of(static_cast<size_t>(figure));
  }
};

/// Under the load of `scenario`, whose deployment is that of `serving`. Errors: as of
/// system::estimateServing.
Result<ServingReport> collectServing(explore::UncertainServing &serving,
                                     const system::ServingScenario &scenario,
                                     const std::string &modelName, const host::Model &target);

std::string servingTable(const ServingReport &report);
std::string servingJson(const ServingReport &report);

/// One after another, of the same deployment at rising concurrency.
std::string servingSweepTable(const std::vector<ServingReport> &reports);
std::string servingSweepJson(const std::vector<ServingReport> &reports);
std::string servingSweepCsv(const std::vector<ServingReport> &reports);

/// Points (x, y) in plain text, `width` x `height` characters and axes around; each point is its
/// label's first character.
std::string plot(const std::vector<std::pair<double, double>> &points,
                 const std::vector<std::string> &labels, const std::string &xName,
                 const std::string &yName, size_t width = 64, size_t height = 16);

} // namespace mansard::report
