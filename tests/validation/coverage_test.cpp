// Whether the intervals hold what they promise, on sites that they were not made from and as
// shipped, those of servers too; and whether the machines keep to the floors.

#include <mansard/base/names.h>
#include <mansard/explore/calibrate.h>
#include <mansard/model/floors.h>
#include <mansard/report/residuals.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

namespace mansard::report {
namespace {

constexpr double kPromised = 0.8, kTolerance = 0.05;
constexpr size_t kEnoughRows = 60; // of a family's operation, to be judged alone
constexpr size_t kFolds = 5;       // in which the constants are fitted anew
constexpr std::string_view kFamilies[] = {"nvidia-ampere", "nvidia-hopper", "nvidia-blackwell",
                                          "ascend-910b"};
// A measurement may lie this far below what its chip's peaks allow: clocks above the sustained one,
// timers, the work's description.
constexpr double kNoise = 0.1;

/// Where few sites were measured, and they differ, a share over those left out is chance: by its
/// standard error, but no more than this.
constexpr double kMostChance = 0.1;
constexpr size_t kManySites = 20, kSitesToJudge = 8; // fewer: judged with other families' only

/// Rows inside, of all rows.
struct Tally {
  double inside = 0, rows = 0, variance = 0;
  size_t sites = 0;
  void add(double share, size_t count, double error = 0, size_t ofSites = kManySites) {
    const auto itsRows = static_cast<double>(count);
    inside += share * itsRows;
    rows += itsRows;
    variance += error * error * itsRows * itsRows;
    sites += ofSites;
  }
  double tolerance() const {
    const double chance = sites < kManySites ? std::sqrt(variance) / rows : 0;
    return kTolerance + std::min(chance, kMostChance);
  }
  double share() const { return inside / rows; }
};

class MeasuredKernels : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    for (std::string_view op : kOpNames)
      if (std::string path = fmt::format("{}/{}.csv", MANSARD_TABLES, op);
          std::filesystem::exists(path))
        files_.push_back(std::move(path));
    auto validation = validate(host(), files_);
    ASSERT_TRUE(validation.ok()) << validation.error().text();
    validation_ = std::move(*validation);
  }

  static hw::Catalog &catalog() {
    static hw::Catalog catalog;
    return catalog;
  }
  static host::Host &host() {
    static host::Host host(catalog());
    return host;
  }

  static inline std::vector<std::string> files_;
  static inline Validation validation_;
};

// Of each row, its site was held back twice: from the constants that predict it, and from the
// residuals that its interval is made of.
TEST_F(MeasuredKernels, IntervalsMadeFromOtherSitesHoldFourOfFive) {
  std::map<std::string, Tally> tallies;
  for (std::string_view family : kFamilies) {
    explore::CalibrationRequest request;
    request.family = family;
    request.files = files_;
    request.folds = kFolds;
    request.keep = true;
    const auto calibration = explore::calibrate(host(), catalog(), request);
    ASSERT_TRUE(calibration.ok()) << calibration.error().text();
    std::map<uint32_t, std::vector<Residual>> byOp;
    for (const Residual &residual : calibration->residuals)
      byOp[residual.op].push_back(residual);
    for (const auto &[op, residuals] : byOp) {
      if (residuals.size() < kEnoughRows)
        continue;
      const Coverage held = heldOutCoverage(residuals);
      std::vector<std::string> names{std::string(family), std::string(kOpNames[op])};
      if (held.sites >= kSitesToJudge)
        names.push_back(fmt::format("{} {}", family, kOpNames[op]));
      for (const std::string &name : names)
        tallies[name].add(held.share, held.rows, held.error, held.sites);
      for (const auto &[bound, share] : held.shares)
        tallies[fmt::format("bound by {}", kBoundNames[bound])].add(share, held.counts.at(bound));
    }
  }
  size_t judged = 0;
  for (const auto &[name, tally] : tallies)
    if (tally.rows >= kEnoughRows) {
      EXPECT_NEAR(tally.share(), kPromised, tally.tolerance())
          << fmt::format("{}, {} rows of {} sites", name, tally.rows, tally.sites);
      ++judged;
    }
  EXPECT_GT(judged, std::size(kFamilies));
}

TEST_F(MeasuredKernels, ShippedIntervalsAreThoseOfTheShippedModels) {
  std::map<std::pair<std::string, uint32_t>, Tally> shipped;
  std::map<std::pair<std::string, uint32_t>, std::set<std::string>> sites;
  for (size_t f = 0; f < validation_.files.size(); ++f)
    for (size_t i = 0; i < validation_.files[f].all.size(); ++i) {
      const Measurement &m = validation_.files[f].all[i];
      const Compared &c = validation_.compared[f][i];
      if (!c.skipped.empty())
        continue;
      EXPECT_TRUE(c.interval.known) << m.target << " has no residuals for " << kOpNames[m.op];
      const bool inside = m.measured_us >= c.interval.low_us && m.measured_us <= c.interval.high_us;
      const std::pair key(validation_.families.at(m.target), m.op);
      shipped[key].add(inside, 1);
      sites[key].insert(siteOf(m.kernel));
    }
  for (const auto &[key, tally] : shipped)
    if (tally.rows >= kEnoughRows) {
      // More than promised, as these rows were fitted; and more still where few sites make the
      // next one uncertain.
      const double above = sites.at(key).size() < kManySites ? 3.5 : 2.5;
      EXPECT_GE(tally.share(), kPromised - kTolerance)
          << "residual." << kOpNames[key.second] << " of " << key.first
          << " does not fit the model any more: tests/validation/bands finds it anew";
      EXPECT_LE(tally.share(), kPromised + above * kTolerance)
          << "residual." << kOpNames[key.second] << " of " << key.first
          << " is too wide by now: tests/validation/bands finds it anew";
    }
}

TEST_F(MeasuredKernels, NoneIsFasterThanItsFloorsAllow) {
  std::map<std::string, host::Model> models;
  for (size_t f = 0; f < validation_.files.size(); ++f)
    for (size_t i = 0; i < validation_.files[f].all.size(); ++i) {
      const Measurement &m = validation_.files[f].all[i];
      if (!validation_.compared[f][i].skipped.empty())
        continue;
      auto model = models.find(m.target);
      if (model == models.end()) {
        auto opened = host().open(m.target);
        ASSERT_TRUE(opened.ok()) << opened.error().text();
        model = models.emplace(m.target, std::move(*opened)).first;
      }
      mansard_estimate measured{};
      measured.struct_size = sizeof measured;
      measured.latency_us = m.measured_us * (1 + kNoise);
      measured.part_us[MANSARD_BOUND_FIXED] = measured.latency_us;
      for (const std::string &floor : model::brokenFloors(model->second.view(), m.kernel, measured))
        ADD_FAILURE() << fmt::format("{}:{} on {}: {}", validation_.files[f].table.file,
                                     validation_.files[f].table.lines[m.row], m.target, floor);
    }
}

// Every so-manieth server, with few points each: what counts is the share over all of them.
TEST(MeasuredServers, FourOfFiveLieInTheirIntervals) {
  constexpr size_t kEvery = 10, kSamples = 64;
  // Rows that README.md says no estimate follows are among them.
  constexpr double kServerTolerance = 0.12;
  std::ifstream table(fmt::format("{}/serving.csv", MANSARD_TABLES));
  const std::string path = ::testing::TempDir() + "servers_of_coverage_test.csv";
  std::ofstream some(path);
  std::string line;
  for (size_t i = 0; std::getline(table, line); ++i)
    if (i % kEvery == 0) // the header first
      some << line << '\n';
  some.close();
  hw::Catalog catalog;
  host::Host host(catalog);
  const auto validation = validate(host, {path}, kSamples);
  std::filesystem::remove(path);
  ASSERT_TRUE(validation.ok()) << validation.error().text();
  std::map<std::string, Tally> tallies;
  const Measurements &file = validation->files.front();
  for (size_t i = 0; i < file.all.size(); ++i)
    if (const Compared &c = validation->compared.front()[i]; c.skipped.empty()) {
      const Measurement &m = file.all[i];
      EXPECT_TRUE(c.interval.known);
      tallies[m.metric].add(
          m.measured_us >= c.interval.low_us && m.measured_us <= c.interval.high_us, 1);
    }
  if (tallies.empty())
    GTEST_SKIP() << "without the front end there are no servers";
  for (const auto &[metric, tally] : tallies)
    EXPECT_NEAR(tally.share(), kPromised, kServerTolerance)
        << metric << ", " << tally.rows
        << " servers; tests/validation/scatter finds [residual] anew";
}

} // namespace
} // namespace mansard::report
