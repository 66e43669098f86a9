// Whether the intervals hold what they promise, on sites that they were not made from and as
// shipped; and whether the machines keep to the floors.

#include <mansard/base/names.h>
#include <mansard/model/floors.h>
#include <mansard/report/residuals.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace mansard::report {
namespace {

constexpr double kPromised = 0.8, kTolerance = 0.05;
constexpr size_t kEnoughRows = 60; // of a family's operation, to be judged alone
// Where few sites were measured, and they differ, a share over those left out is known so badly.
constexpr double kMostChance = 0.1;
// A measurement may lie this far below what its chip's peaks allow: clocks above the sustained one,
// timers, the work's description.
constexpr double kNoise = 0.1;

/// Rows inside, of all rows.
struct Tally {
  double inside = 0, rows = 0;
  void add(double share, size_t count) {
    inside += share * static_cast<double>(count);
    rows += static_cast<double>(count);
  }
  double share() const { return inside / rows; }
  /// One standard error of a share of this many rows that promises kPromised.
  double chance() const { return std::sqrt(kPromised * (1 - kPromised) / rows); }
};

class MeasuredKernels : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    std::vector<std::string> files;
    for (std::string_view op : kOpNames)
      if (std::string path = fmt::format("{}/{}.csv", MANSARD_TABLES, op);
          std::filesystem::exists(path))
        files.push_back(std::move(path));
    auto validation = validate(host(), files);
    ASSERT_TRUE(validation.ok()) << validation.error().text();
    validation_ = std::move(*validation);
    for (const auto &[family, residuals] : residualsByFamily(validation_))
      for (const Residual &residual : residuals)
        groups_[{family, residual.op}].push_back(residual);
  }

  static host::Host &host() {
    static hw::Catalog catalog;
    static host::Host host(catalog);
    return host;
  }

  static inline Validation validation_;
  /// By family and operation.
  static inline std::map<std::pair<std::string, uint32_t>, std::vector<Residual>> groups_;
};

TEST_F(MeasuredKernels, IntervalsMadeFromOtherSitesHoldFourOfFive) {
  std::map<std::string, Tally> families, regimes;
  size_t judged = 0;
  for (const auto &[key, residuals] : groups_) {
    const auto &[family, op] = key;
    if (residuals.size() < kEnoughRows)
      continue;
    const Coverage held = heldOutCoverage(residuals);
    EXPECT_NEAR(held.share, kPromised, kTolerance + std::min(held.error, kMostChance))
        << fmt::format("{} {}, {} rows of {} sites", family, kOpNames[op], held.rows, held.sites);
    families[family].add(held.share, held.rows);
    for (const auto &[bound, share] : held.shares)
      regimes[std::string(kBoundNames[bound])].add(share, held.counts.at(bound));
    ++judged;
  }
  EXPECT_GT(judged, 0u);
  for (const auto &[family, tally] : families)
    EXPECT_NEAR(tally.share(), kPromised, kTolerance) << family;
  for (const auto &[bound, tally] : regimes)
    EXPECT_NEAR(tally.share(), kPromised, kTolerance + tally.chance())
        << "kernels bound by " << bound << ", " << tally.rows << " rows";
}

TEST_F(MeasuredKernels, ShippedIntervalsAreThoseOfTheShippedModels) {
  std::map<std::pair<std::string, uint32_t>, Tally> shipped;
  for (size_t f = 0; f < validation_.files.size(); ++f)
    for (size_t i = 0; i < validation_.files[f].all.size(); ++i) {
      const Measurement &m = validation_.files[f].all[i];
      const Compared &c = validation_.compared[f][i];
      if (!c.skipped.empty())
        continue;
      EXPECT_TRUE(c.interval.known) << m.target << " has no residuals for " << kOpNames[m.op];
      const bool inside = m.measured_us >= c.interval.low_us && m.measured_us <= c.interval.high_us;
      shipped[{validation_.families.at(m.target), m.op}].add(inside, 1);
    }
  for (const auto &[key, tally] : shipped)
    if (tally.rows >= kEnoughRows) {
      EXPECT_NEAR(tally.share(), kPromised, 2 * kTolerance)
          << "residual." << kOpNames[key.second] << " of " << key.first
          << " does not fit the model any more: mansard calibrate finds it anew";
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

} // namespace
} // namespace mansard::report
