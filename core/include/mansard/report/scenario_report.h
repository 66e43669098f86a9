// What a scenario comes to, collected once, and its views.
#pragma once

#include <mansard/base/result.h>
#include <mansard/economics/supply.h>
#include <mansard/explore/uncertainty.h>
#include <mansard/explore/verdict.h>
#include <mansard/hw/catalog.h>
#include <mansard/report/compare_report.h>
#include <mansard/report/scenario_file.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mansard::report {

struct ScenarioOptions {
  std::string dataDirectory = hw::dataDirectory();
  int64_t samples = 0; // in place of the scenario's own; 0: its own
  int threads = 2;     // of no account to the result
  std::function<void(int64_t done, int64_t all)> progress; // from the thread that asks
};

/// A workload on a contender; watts are known even where it cannot serve.
struct ScenarioRun {
  size_t workload = 0, contender = 0; // of the scenario's
  std::string plan, flags;            // in words, and of `mansard serve`
  int64_t concurrency = 0;            // requests in flight of one deployment
  std::string failure;                // why there are no figures; empty: there are
  ComparedChip row;                   // figures with ranges and samples
  double load_W = 0;   // of a package; where it is not estimated, its economics' share of the TDP
  double others_W = 0; // a chip's share of hosts, switches and fans
};

/// Both sides of an inequality on a workload.
struct ClaimPair {
  size_t workload = 0, left = 0, right = 0; // right: of no account where the test has none
  std::optional<explore::Spread> leftFigure, rightFigure; // nothing: cannot serve it
  explore::Spread ratio;  // left over right; without a right side, the left figure
  double probability = 0; // that the inequality holds; not a number where neither side can serve
};

struct ClaimTestResult {
  std::vector<ClaimPair> pairs;
  double probability = 0; // that as many hold as the claim asks
};

struct ClaimResult {
  std::vector<ClaimTestResult> tests; // as the claim's
  double probability = 0;             // that all of them hold
  bool testable = false;
  explore::Verdict verdict = explore::Verdict::undecided;
  std::vector<std::string> hangsOn; // the unknowns that explain most of the sides' spreads
};

struct ClaimsReport {
  ScenarioFile scenario;
  int64_t samples = 0;
  std::vector<ScenarioRun> runs;
  std::vector<ClaimResult> claims; // as the scenario's
};

/// What a chip's number of a year came to, with ranges.
struct SuppliedYear {
  explore::Spread chips, fleet;
  economics::ChipYear nominal;
};

struct SupplyReport {
  struct Total {
    explore::Spread chips, fleet, tokens_per_s, power_MW;
  };
  ScenarioFile scenario;
  int64_t samples = 0;
  int firstYear = 0;
  std::vector<ScenarioRun> runs;                // of each chip, on the workload that is served
  std::vector<std::vector<SuppliedYear>> years; // by year, by chip
  std::vector<Total> totals;                    // by year
  std::vector<explore::Spread> checks;          // our number, as the scenario's checks
  std::vector<explore::UncertainInput> inputs;  // that shares of spreads name
  explore::Numbers numbers;                     // all that went in, what chips bring included
  std::vector<std::vector<double>> stock;       // stacks left, by year, by pool
  std::vector<std::string> notes;
};

/// Errors: what the file names does not exist (target, system, model, software, economics), or a
/// plugin failed.
Result<ClaimsReport> collectClaims(const ScenarioFile &file, const ScenarioOptions &options = {});
Result<SupplyReport> collectSupply(const ScenarioFile &file, const ScenarioOptions &options = {});

std::string claimsTable(const ClaimsReport &report);
std::string claimsJson(const ClaimsReport &report);
/// A row for each pair of contenders on a workload.
std::string claimsCsv(const ClaimsReport &report);

std::string supplyTable(const SupplyReport &report);
std::string supplyJson(const SupplyReport &report);
/// A row for each chip and year, and for each year's total.
std::string supplyCsv(const SupplyReport &report);

struct ScenarioSummary {
  std::string id, kind, name, problem; // problem: why it cannot be read
};
std::vector<ScenarioSummary> collectScenarios(const hw::Catalog &catalog);
std::string scenariosTable(const std::vector<ScenarioSummary> &scenarios);
std::string scenariosJson(const std::vector<ScenarioSummary> &scenarios);

} // namespace mansard::report
