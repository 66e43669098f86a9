// Files of configs/scenarios: what a country can make of accelerators (kind "supply"), and claims
// about accelerators that can be tested (kind "claims").
#pragma once

#include <mansard/base/result.h>
#include <mansard/economics/supply.h>
#include <mansard/explore/uncertain_numbers.h>
#include <mansard/explore/verdict.h>
#include <mansard/hw/catalog.h>
#include <mansard/work/workload.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::report {

/// What is served, and how it is looked for on each chip: the plan of at most so many chips that
/// yields most a chip while users wait no longer than the limits; or a plan that is given.
struct ScenarioWorkload {
  std::string id, title, model;
  int64_t isl = 1024, osl = 1024;
  work::Workload plan; // quantisation, cache type, speculation; degrees where `given`
  double ttft_ms = std::numeric_limits<double>::infinity();
  double tpot_ms = std::numeric_limits<double>::infinity();
  int64_t chips = 8;         // at most
  bool prefillApart = false; // whether workers for prompts alone are tried too
  bool given = false;
  int64_t concurrency = 0; // where given
};

/// A chip, perhaps in a system, with software and prices.
struct ScenarioContender {
  std::string id, target, system, software, economics; // software may be empty: the vendor's usual
  std::optional<work::Quantisation> quantisation;      // in place of the workload's, with its cache
};

/// What a claim may be about: figures of `compare`, and what follows from them.
struct ClaimFigure {
  std::string_view key, title;
  bool highIsGood;
};
const std::vector<ClaimFigure> &claimFigures();

/// One inequality: the figure of the left over that of the right lies in [least, most]; without a
/// right side the figure itself does.
struct ClaimTest {
  std::string id, words; // what the bounds stand for
  size_t figure = 0;     // of claimFigures()
  std::vector<size_t> left, right, workloads;
  explore::Quantifier ofLeft = explore::Quantifier::all, ofRight = explore::Quantifier::all,
                      ofWorkloads = explore::Quantifier::all;
  double least = 0, most = std::numeric_limits<double>::infinity();
};

/// Holds if as many of its tests do as it asks.
struct Claim {
  std::string id, statement, source;
  std::string reading;     // how its words are taken, and what the tests leave out
  std::string notTestable; // why it cannot be tested; then it has no tests
  std::vector<ClaimTest> tests;
  explore::Quantifier ofTests = explore::Quantifier::all;
};

struct ClaimsScenario {
  int64_t samples = 256; // of the uncertain numbers of each contender
  std::vector<ScenarioContender> contenders;
  std::vector<Claim> claims; // in the order of `order`, then by name
};

/// A published number of chips to set the outcome against.
struct SupplyCheck {
  std::string id, what; // who says so, of what
  int year = 0;
  std::vector<size_t> chips; // of SupplyScenario::chips
  bool dies = false;         // the number is of dies, not of chips
  hw::Quantity published;
};

struct SupplyScenario {
  std::string economics;
  size_t served = 0;        // of ScenarioFile::workloads
  explore::Numbers numbers; // every number by its key: "line.n7.2025.yield"
  std::vector<int> years;   // consecutive
  int from = 0;             // the first year that counts
  struct Line {
    std::string id, node; // the node may be empty: then years tell yields
  };
  struct Chip {
    ScenarioContender contender;
    size_t line = 0;
    int pool = -1;
  };
  std::vector<Line> lines;
  std::vector<std::string> pools;
  std::vector<Chip> chips;
  std::vector<SupplyCheck> checks;

  /// The arithmetic's input for `values`, which has at least the keys of `numbers`, and of each
  /// chip its die's area, dies and stacks.
  economics::Supply supply(const explore::Numbers &values) const;
};

struct ScenarioFile {
  std::string id, name, file;
  std::vector<ScenarioWorkload> workloads;
  std::optional<ClaimsScenario> claims; // the one or the other
  std::optional<SupplyScenario> supply;
};

/// By name (configs/scenarios/<id>.toml) or path. Unknown keys (with the nearest), missing ones,
/// names that the file does not have, numbers without source and out of range are errors that name
/// the place.
Result<ScenarioFile> readScenario(const hw::Catalog &catalog, const std::string &nameOrPath);

} // namespace mansard::report
