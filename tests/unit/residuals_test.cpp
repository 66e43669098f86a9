// Bands of residuals whose quantiles are known, and their coverage of sites left out.

#include <mansard/report/residuals.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace mansard::report {
namespace {

/// `rows` residuals on each of `sites`, spread evenly (in log) within [1/width, width].
std::vector<Residual> evenly(uint32_t bound, size_t sites, size_t rows, double width,
                             uint32_t dtype = MANSARD_DTYPE_BF16) {
  std::vector<Residual> residuals;
  for (size_t site = 0; site < sites; ++site)
    for (size_t row = 0; row < rows; ++row) {
      const double at = (static_cast<double>(row * sites + site) + 0.5) /
                        static_cast<double>(rows * sites); // 0 to 1
      residuals.push_back({MANSARD_OP_MATMUL, dtype, bound, fmt::format("site {}", site),
                           std::pow(width, 2 * at - 1)});
    }
  return residuals;
}

std::vector<Residual> joined(std::vector<Residual> a, const std::vector<Residual> &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(ResidualBands, PercentilesAreThoseOfTheNextMeasurement) {
  // 1, 2 ... 9: with nine before it, the tenth falls below the first with a chance of 1 in 10.
  std::vector<Residual> residuals;
  for (int i = 9; i >= 1; --i)
    residuals.push_back({MANSARD_OP_MOE, MANSARD_DTYPE_BF16, MANSARD_BOUND_DRAM,
                         fmt::format("{}", i), static_cast<double>(i)});
  const auto bands = residualBands(residuals);
  ASSERT_EQ(bands.size(), 1u) << "too few rows for a regime";
  EXPECT_EQ(bands[0].key(), "residual.moe");
  // From 1 to 9, and wider by a fifth, as all that differs lies between nine sites.
  EXPECT_NEAR(bands[0].p10, std::pow(9, -0.1), 1e-12);
  EXPECT_NEAR(bands[0].p90, std::pow(9, 1.1), 1e-12);
  EXPECT_EQ(bands[0].rows, 9u);
  EXPECT_EQ(bands[0].sites, 9u);
}

TEST(ResidualBands, RegimesHaveTheirOwnWhereRowsAndSitesAreEnough) {
  const auto loose = evenly(MANSARD_BOUND_FIXED, kFewestSites, kFewestRows, 4);
  const auto fewRows = evenly(MANSARD_BOUND_L2, kFewestSites, 1, 2);
  const auto fewSites = evenly(MANSARD_BOUND_DRAM, kFewestSites - 1, kFewestRows, 2);
  const auto bands = residualBands(joined(joined(loose, fewRows), fewSites));
  ASSERT_EQ(bands.size(), 2u);
  EXPECT_EQ(bands[0].key(), "residual.gemm");
  EXPECT_EQ(bands[1].key(), "residual.gemm.fixed");
  EXPECT_GT(bands[1].p90, bands[0].p90);
  EXPECT_LT(bands[1].p10, bands[0].p10);
}

TEST(ResidualBands, DataTypesComeFirstWhereThereAreSeveral) {
  const auto tight = evenly(MANSARD_BOUND_DRAM, 30, 10, 1.1, MANSARD_DTYPE_BF16);
  const auto loose = evenly(MANSARD_BOUND_DRAM, 30, 10, 2, MANSARD_DTYPE_FP8);
  const auto bands = residualBands(joined(tight, loose));
  ASSERT_EQ(bands.size(), 5u);
  EXPECT_EQ(bands[0].key(), "residual.gemm");
  EXPECT_EQ(bands[1].key(), "residual.gemm.bf16");
  EXPECT_EQ(bands[2].key(), "residual.gemm.bf16.dram");
  EXPECT_EQ(bands[3].key(), "residual.gemm.fp8");
  EXPECT_LT(bands[1].p90, 1.15);
  EXPECT_GT(bands[3].p90, 1.6);
}

TEST(ResidualBands, RegimesOfFewSitesLeanOnTheirOperation) {
  const auto own = [](size_t sites) {
    const auto wide = evenly(MANSARD_BOUND_FIXED, 40, 50, 2);
    return residualBands(joined(wide, evenly(MANSARD_BOUND_DRAM, sites, 20, 1.05))).back().p90;
  };
  EXPECT_GT(own(3), own(10));
  EXPECT_GT(own(10), own(30));
}

TEST(HeldOutCoverage, IsEightyPercentInEachRegime) {
  const auto residuals =
      joined(evenly(MANSARD_BOUND_FIXED, 40, 10, 2), evenly(MANSARD_BOUND_MATRIX, 40, 10, 1.3));
  const Coverage held = heldOutCoverage(residuals);
  EXPECT_EQ(held.rows, 800u);
  EXPECT_EQ(held.sites, 40u);
  EXPECT_NEAR(held.share, 0.8, 0.03);
  EXPECT_NEAR(held.shares.at(MANSARD_BOUND_FIXED), 0.8, 0.05);
  // Narrower than the operation, on which it leans.
  EXPECT_NEAR(held.shares.at(MANSARD_BOUND_MATRIX), 0.85, 0.05);
}

TEST(HeldOutCoverage, ShowsSitesThatHaveNothingInCommon) {
  // All rows of a site alike, each site elsewhere: the others say little about the one left out.
  std::vector<Residual> residuals;
  for (int site = 0; site < 4; ++site)
    for (int row = 0; row < 50; ++row)
      residuals.push_back({MANSARD_OP_MATMUL, MANSARD_DTYPE_BF16, MANSARD_BOUND_DRAM,
                           fmt::format("{}", site), std::pow(2.0, site) + 0.001 * row});
  EXPECT_LT(heldOutCoverage(residuals).share, 0.6);
}

TEST(SiteOf, IsWhatTheLayersOfOneModelShare) {
  work::Kernel a = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  a.u.matmul = {1, 4096, 1024, 0, 0, 0, 0, 0, 0};
  work::Kernel b = a;
  b.u.matmul.m = 512;
  b.dtype = MANSARD_DTYPE_FP8;
  EXPECT_EQ(siteOf(a), siteOf(b));
  b.u.matmul.k = 2048;
  EXPECT_NE(siteOf(a), siteOf(b));
}

/// Companies of `sites`, each residual its company's error and its own, in log.
std::vector<Residual> companies(double common, double own, size_t count, size_t sites = 8) {
  std::vector<Residual> residuals;
  for (size_t c = 0; c < count; ++c)
    for (size_t site = 0; site < sites; ++site)
      residuals.push_back({MANSARD_OP_MATMUL, MANSARD_DTYPE_BF16, MANSARD_BOUND_DRAM,
                           fmt::format("site {}", site),
                           std::exp((c % 2 ? common : -common) + ((c / 2 + site) % 2 ? own : -own)),
                           fmt::format("company {}", c)});
  return residuals;
}

TEST(ResidualBands, CommonShareIsWhatCompaniesErrTogether) {
  constexpr size_t kCount = 4 * kFewestCompanies;
  EXPECT_NEAR(*commonShare(companies(0.1, 0, kCount)), 1, 1e-9);
  EXPECT_EQ(*commonShare(companies(0, 0.1, kCount)), 0);
  // Half of a company's sites err one way, half the other: pairs of different sites are a little
  // negatively correlated, by 1 over the sites less one.
  EXPECT_NEAR(*commonShare(companies(0.1, 0.1, kCount)), 0.5 - 0.5 / 7, 1e-9);
}

TEST(ResidualBands, CommonShareNeedsSeveralSitesInSeveralCompanies) {
  EXPECT_FALSE(commonShare(companies(0.1, 0.1, kFewestCompanies - 1)));
  EXPECT_TRUE(commonShare(companies(0.1, 0.1, kFewestCompanies)));
  EXPECT_FALSE(commonShare(companies(0.1, 0.1, kFewestCompanies, 1)));
}

} // namespace
} // namespace mansard::report
