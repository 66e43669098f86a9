#include "scenario_serving.h"

#include <mansard/report/scenario_report.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

namespace mansard::report {
namespace {

using explore::Holds;
using explore::Spread;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view kPerSystem = "tokens_per_s_per_system";

/// A figure of a run with a sample for each point; nothing where it has none.
using Figure = std::optional<Spread>;

Figure figureOf(const ScenarioRun &run, std::string_view key) {
  const auto found = std::find(kCompareFigureKeys.begin(), kCompareFigureKeys.end(), key);
  return run.row.figures[static_cast<size_t>(found - kCompareFigureKeys.begin())];
}

/// `combine(a, b)` of two figures of one run, point by point; what its spread comes from is not
/// told.
template <typename Combine>
Figure derived(const Figure &a, const Figure &b, const Combine &combine) {
  if (!a || !b)
    return {};
  Spread out;
  out.value = combine(a->value, b->value);
  for (size_t i = 0; i < std::min(a->samples.size(), b->samples.size()); ++i)
    out.samples.push_back(combine(a->samples[i], b->samples[i]));
  explore::setRange(out);
  return out;
}

class Claims {
public:
  Claims(std::vector<double> systemChips, size_t samples)
      : systemChips_(std::move(systemChips)), samples_(samples) {}

  void add(const ScenarioRun &run) { runs_[{run.workload, run.contender}] = &run; }

  ClaimResult judge(const Claim &claim) const {
    ClaimResult out;
    out.testable = !claim.tests.empty();
    std::vector<std::vector<Holds>> tests;
    std::map<std::string, double> blame;
    for (const ClaimTest &test : claim.tests) {
      std::vector<Holds> points;
      out.tests.push_back(judge(test, points, blame));
      tests.push_back(std::move(points));
    }
    if (!out.testable)
      return out;
    out.probability = explore::probabilityOf(explore::combine(claim.ofTests, tests));
    if (std::isfinite(out.probability))
      out.verdict = explore::verdictOf(out.probability);
    else
      out.testable = false;
    out.hangsOn = largest(blame);
    return out;
  }

private:
  const ScenarioRun &run(size_t workload, size_t contender) const {
    return *runs_.at({workload, contender});
  }

  Figure figure(const ClaimTest &test, size_t workload, size_t contender) const {
    const ScenarioRun &of = run(workload, contender);
    const std::string_view key = claimFigures()[test.figure].key;
    if (!of.failure.empty() || !of.row.failure.empty())
      return {};
    if (key == kPerSystem) {
      const double chips = systemChips_[contender];
      const Figure each = figureOf(of, "tokens_per_s_per_chip");
      return derived(each, each, [&](double rate, double) { return rate * chips; });
    }
    if (key == "tokens_per_s_per_wall_w")
      return derived(figureOf(of, "tokens_per_s_per_chip"), figureOf(of, "power_w"),
                     [&](double rate, double power_W) { return rate / (power_W + of.others_W); });
    if (key == "price_usd")
      return derived(figureOf(of, "tokens_per_s_per_chip"), figureOf(of, "tokens_per_s_per_kusd"),
                     [](double rate, double perKusd) { return 1e3 * rate / perKusd; });
    return figureOf(of, key);
  }

  /// A value a point: a figure without ranges is the same at all, one that is not known at none.
  std::vector<double> samplesOf(const Figure &figure, size_t workload, size_t contender) const {
    if (!figure)
      return std::vector<double>(samples_, kMissing);
    if (figure->samples.size() == samples_)
      return figure->samples;
    const bool certain = run(workload, contender).row.inputs.empty();
    return std::vector<double>(samples_, certain ? figure->value : kMissing);
  }

  /// What an unknown explains of a side's spread; of one that both sides share nothing is left.
  void addBlame(const Figure &figure, const ScenarioRun &of, const ScenarioRun *other,
                std::map<std::string, double> &blame) const {
    if (!figure)
      return;
    const double width = figure->high / std::max(figure->low, 1e-12 * figure->high) - 1;
    for (const explore::InputShare &share : figure->shares) {
      const std::string &name = of.row.inputs[share.input].name;
      const auto same = [&](const explore::UncertainInput &input) { return input.name == name; };
      if (!other || std::none_of(other->row.inputs.begin(), other->row.inputs.end(), same))
        blame[name] += share.share * width;
    }
  }

  /// The first few, with their part of all.
  static std::vector<std::string> largest(const std::map<std::string, double> &blame) {
    std::vector<std::pair<double, std::string>> order;
    double all = 0;
    for (const auto &[name, weight] : blame) {
      order.emplace_back(weight, name);
      all += weight;
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto &a, const auto &b) { return a.first > b.first; });
    constexpr size_t kTold = 3;
    std::vector<std::string> names;
    for (size_t i = 0; i < std::min(order.size(), kTold); ++i)
      if (constexpr double kLittle = 0.05; order[i].first > kLittle * all)
        names.push_back(order[i].second);
    return names;
  }

  /// Of one pair; whether it holds, by point, goes to `points`.
  ClaimPair judge(const ClaimTest &test, size_t workload, size_t left, std::optional<size_t> right,
                  std::vector<Holds> &points, std::map<std::string, double> &blame) const {
    ClaimPair pair;
    pair.workload = workload;
    pair.left = left;
    pair.leftFigure = figure(test, workload, left);
    const ScenarioRun *other = right ? &run(workload, *right) : nullptr;
    addBlame(pair.leftFigure, run(workload, left), other, blame);
    std::vector<double> values = samplesOf(pair.leftFigure, workload, left);
    pair.ratio.value = pair.leftFigure ? pair.leftFigure->value : kMissing;
    if (right) {
      pair.right = *right;
      pair.rightFigure = figure(test, workload, *right);
      addBlame(pair.rightFigure, *other, &run(workload, left), blame);
      const bool highIsGood = claimFigures()[test.figure].highIsGood;
      const double sides[] = {pair.ratio.value,
                              pair.rightFigure ? pair.rightFigure->value : kMissing};
      pair.ratio.value = explore::ratiosOf({&sides[0], 1}, {&sides[1], 1}, highIsGood)[0];
      values = explore::ratiosOf(values, samplesOf(pair.rightFigure, workload, *right), highIsGood);
    }
    points = explore::within(values, test.least, test.most);
    pair.ratio.samples = std::move(values);
    explore::setRange(pair.ratio);
    pair.probability = explore::probabilityOf(points);
    return pair;
  }

  ClaimTestResult judge(const ClaimTest &test, std::vector<Holds> &points,
                        std::map<std::string, double> &blame) const {
    ClaimTestResult out;
    std::vector<std::vector<Holds>> lefts;
    for (const size_t left : test.left) {
      std::vector<std::vector<Holds>> rights;
      std::vector<std::optional<size_t>> against(test.right.begin(), test.right.end());
      if (against.empty())
        against.emplace_back();
      for (const auto &right : against) {
        std::vector<std::vector<Holds>> workloads;
        for (const size_t workload : test.workloads)
          out.pairs.push_back(judge(test, workload, left, right, workloads.emplace_back(), blame));
        rights.push_back(explore::combine(test.ofWorkloads, workloads));
      }
      lefts.push_back(explore::combine(test.ofRight, rights));
    }
    points = explore::combine(test.ofLeft, lefts);
    out.probability = explore::probabilityOf(points);
    return out;
  }

  const std::vector<double> systemChips_; // by contender; 0: no system
  const size_t samples_;
  std::map<std::pair<size_t, size_t>, const ScenarioRun *> runs_; // by workload and contender
};

/// Of both sides.
std::vector<size_t> contendersOf(const ClaimTest &test) {
  std::vector<size_t> both = test.left;
  both.insert(both.end(), test.right.begin(), test.right.end());
  return both;
}

/// Every workload on every contender that a test sets side by side.
std::vector<ScenarioJob> jobsOf(const ClaimsScenario &scenario) {
  std::set<std::pair<size_t, size_t>> asked;
  for (const Claim &claim : scenario.claims)
    for (const ClaimTest &test : claim.tests)
      for (const size_t contender : contendersOf(test))
        for (const size_t workload : test.workloads)
          asked.emplace(workload, contender);
  std::vector<ScenarioJob> jobs;
  for (const auto &[workload, contender] : asked)
    jobs.push_back({workload, contender});
  return jobs;
}

/// Chips that the scale-up network of each contender's system joins; an error where a test needs
/// them and there is no system.
Result<std::vector<double>> systemChips(const ClaimsScenario &scenario,
                                        const hw::Catalog &catalog) {
  std::vector<double> chips(scenario.contenders.size());
  for (const Claim &claim : scenario.claims)
    for (const ClaimTest &test : claim.tests) {
      if (claimFigures()[test.figure].key != kPerSystem)
        continue;
      for (const size_t index : contendersOf(test)) {
        const ScenarioContender &contender = scenario.contenders[index];
        if (contender.system.empty())
          return Error{
              ErrorCode::invalidInput,
              fmt::format("{} is no system, which the figure {} is of", contender.id, kPerSystem),
              fmt::format("claim.{}.test.{}", claim.id, test.id)};
        auto system = catalog.system(contender.system);
        if (!system)
          return system.error();
        const auto chip = catalog.chipOf(*system);
        if (!chip)
          return chip.error();
        chips[index] = chip->number("links.scale_up.domain", 1) / chip->devicesPerChip();
      }
    }
  return chips;
}

} // namespace

const std::vector<ClaimFigure> &claimFigures() {
  static const std::vector<ClaimFigure> figures{
      {"tokens_per_s_per_chip", "tokens/s/chip", true},
      {kPerSystem, "tokens/s of what its scale-up network joins", true},
      {"tokens_per_s_per_w", "tokens/s/W", true},
      {"tokens_per_s_per_wall_w", "tokens/s/W with hosts, switches and fans", true},
      {"tokens_per_s_per_kusd", "tokens/s per 1,000 USD", true},
      {"tokens_per_s_per_kw_per_kusd", "tokens/s/kW per 1,000 USD", true},
      {"usd_per_mtok", "USD per million tokens", false},
      {"price_usd", "USD a chip", false},
      {"power_w", "W a chip", false},
      {"ttft_ms", "ms to the first token", false},
      {"tpot_ms", "ms a further token", false},
      {"communication_share", "share of time lost to links", false},
  };
  return figures;
}

Result<ClaimsReport> collectClaims(const ScenarioFile &file, const ScenarioOptions &options) {
  ClaimsReport report;
  report.scenario = file;
  const ClaimsScenario &scenario = *file.claims;
  report.samples = options.samples > 0 ? options.samples : scenario.samples;
  const auto samples = static_cast<size_t>(report.samples);
  auto chips = systemChips(scenario, hw::Catalog(options.dataDirectory));
  if (!chips)
    return chips.error();
  auto runs = serveAll(jobsOf(scenario), file.workloads, scenario.contenders, samples, options);
  if (!runs)
    return runs.error();
  report.runs = std::move(*runs);
  Claims claims(std::move(*chips), samples);
  for (const ScenarioRun &run : report.runs)
    claims.add(run);
  for (const Claim &claim : scenario.claims)
    report.claims.push_back(claims.judge(claim));
  return report;
}

} // namespace mansard::report
