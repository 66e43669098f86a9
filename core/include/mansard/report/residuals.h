// What the residuals of measured kernels say about the next one: the interval of an operation, and
// of each of its regimes.
//
// An interval is multiplicative: a pair of factors, measured over predicted, by family, operation
// and regime, the regime being the data type and what bounds the estimate. Residuals of one site
// (below) go together, so whether a method is honest shows on sites that it was not given: neither
// for the factors nor for the constants behind the estimates. The factors are what host::interval()
// reads as residual.<op>[.<dtype>][.<bound>].p10 and .p90.
#pragma once

#include <mansard/report/validation.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::report {

/// What the layers of one model have in common, and rows and lengths do not: a matmul's n and k, an
/// attention's heads, a mixture's expert shape, a collective's kind and ranks. Cross-validation
/// leaves out whole sites.
std::string siteOf(const work::Kernel &kernel);

struct Residual {
  uint32_t op = 0, dtype = 0, bound = 0;
  std::string site;
  double ratio = 1;         // measured over predicted
  std::string company = {}; // see companyOf()
};

/// What the kernels of one step have in common, and sites do not: the rows that they work on.
std::string companyOf(const work::Kernel &kernel);

/// Eight of ten rows lie between the two factors.
struct ResidualBand {
  uint32_t op = 0;
  uint32_t dtype = MANSARD_DTYPE_COUNT; // MANSARD_DTYPE_COUNT: all, or the only one
  uint32_t bound = MANSARD_BOUND_COUNT; // MANSARD_BOUND_COUNT: all
  double p10 = 1, p90 = 1;
  size_t rows = 0, sites = 0;

  bool holds(const Residual &residual) const;
  std::string key() const; // "residual.gemm", "residual.gemm.fp8", "residual.gemm.fp8.fixed"
};

/// A regime gets a band of its own where this many rows on this many sites stand behind it.
inline constexpr size_t kFewestRows = 20, kFewestSites = 3;

/// By operation, from the band of all to those of its regimes: of each data type where there are
/// several, then of each bound. A regime's factors lean on those of the wider band above it, the
/// more so the fewer sites it has. The percentiles are those of the next measurement on a new site
/// rather than of the rows themselves: with few rows or sites the band is wider.
std::vector<ResidualBand> residualBands(std::span<const Residual> residuals);

/// The key of commonShare() below residual.<op>.
inline constexpr std::string_view kCommonKey = "common";

/// The share of the residuals' variance that is common to the sites of one company: how much of a
/// step's error does not average out over its kernels. The covariance of pairs of one company and
/// data type and different sites (Fisher's intraclass correlation, companies weighing as their
/// sites), over the variance, both about the means of the regimes; at least 0. All residuals are of
/// one operation. Nothing where there are fewer than kFewestCompanies companies of two sites or
/// more.
std::optional<double> commonShare(std::span<const Residual> residuals);
inline constexpr size_t kFewestCompanies = 10;

struct Coverage {
  size_t rows = 0, sites = 0;
  double share = 0;                  // of the rows that lie inside
  double error = 0;                  // of the share, one standard error, from how sites differ
  std::map<uint32_t, double> shares; // by bound
  std::map<uint32_t, size_t> counts;
};

/// How many rows lie inside bands made from other sites alone: up to ten folds of sites, drawn
/// anew `repeats` times (always the same draws). All residuals are of one operation. With residuals
/// of constants that were fitted without each row's site, nothing of a site has seen its rows.
Coverage heldOutCoverage(std::span<const Residual> residuals, int repeats = 5);

} // namespace mansard::report
