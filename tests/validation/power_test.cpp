// Whether the power that chips were measured to take is what the energy model says.
#include "power_rows.h"

#include <gtest/gtest.h>

#include <set>

namespace mansard::validation {
namespace {

const std::vector<PowerRow> &rows() {
  static const std::vector<PowerRow> all = readPowerRows(MANSARD_TABLES "/power.csv");
  return all;
}

/// By chip, what the mean absolute error of the rows in the fit has reached.
TEST(Power, LiesWithinTheErrorReported) {
  const std::map<std::string, double> reached{
      {"a100-sxm-40gb", 0.17}, {"b200-sxm", 0.12}, {"bi-v150", 0.26}, {"h100-sxm", 0.08}};
  hw::Catalog catalog;
  std::map<std::string, std::pair<double, double>> sums; // error, rows
  for (const PowerRow &row : rows()) {
    const auto chip = catalog.target(row.target);
    ASSERT_TRUE(chip.ok()) << chip.error().text();
    const economics::EnergyModel model(*chip);
    const double predicted_W = power_W(model, row);
    EXPECT_LE(predicted_W, model.cap_W() * (1 + 1e-12));
    if (!row.fitted)
      continue;
    const double error = std::fabs(predicted_W / row.power_W - 1);
    EXPECT_LT(error, 0.35) << row.target << " " << row.what;
    sums[row.target].first += error;
    ++sums[row.target].second;
  }
  for (const auto &[target, sum] : sums) {
    ASSERT_TRUE(reached.contains(target)) << target;
    EXPECT_LT(sum.first / sum.second, reached.at(target)) << target;
  }
}

TEST(Power, CountsAsMeasuredWhereRowsOfTheFamilyAre) {
  hw::Catalog catalog;
  std::set<std::string> families, chips;
  for (const PowerRow &row : rows())
    if (row.fitted) {
      const std::string family = catalog.target(row.target)->family;
      (family == "generic" ? chips : families).insert(family == "generic" ? row.target : family);
    }
  for (const std::string &id : catalog.targetIds()) {
    const auto chip = catalog.target(id);
    ASSERT_TRUE(chip.ok()) << chip.error().text();
    EXPECT_EQ(hw::powerMeasured(*chip), families.contains(chip->family) || chips.contains(id))
        << id;
  }
}

} // namespace
} // namespace mansard::validation
