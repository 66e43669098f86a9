// How many dies a wafer holds, and how many of them work.
#pragma once

#include <array>
#include <string_view>

namespace mansard::economics {

/// How defects that kill lie on a wafer. With A the area and D the density: poisson exp(-AD);
/// murphy ((1 - exp(-AD)) / AD)^2 (Murphy, Proc. IEEE 52, 1964); bose_einstein 1 / (1 + AD), all
/// critical layers taken as one (Price, Proc. IEEE 58, 1970); negative_binomial (1 + AD/a)^-a
/// (Stapper, IBM J. 27, 1983), which is poisson for large a and bose_einstein for a = 1.
enum class YieldModel { poisson, murphy, bose_einstein, negative_binomial };
inline constexpr std::array<std::string_view, 4> kYieldModelNames{
    "poisson", "murphy", "bose-einstein", "negative-binomial"};

struct Defects {
  YieldModel model = YieldModel::negative_binomial;
  double perCm2 = 0;
  double clusterAlpha = 3; // of the negative binomial
};

/// Share of dies of `area_mm2` without a defect.
double yieldOf(double area_mm2, const Defects &defects);

/// A die of `cores` equal cores, of which `needed` must work, and the rest of it, of which all
/// must.
struct HarvestedDie {
  double area_mm2 = 0;
  double coreShare = 0; // of the area
  int cores = 1, needed = 1;
};
/// Share of dies that can be sold: the density of defects, where they cluster, differs from die to
/// die by the model's own distribution (gamma for the negative binomial, exponential for
/// bose_einstein, triangular for murphy, none for poisson), and on one die they fall evenly.
/// Without spare cores it is yieldOf().
double harvestedYield(const HarvestedDie &die, const Defects &defects);

/// Whole dies on a wafer: pi (d/2)^2 / A - pi d / sqrt(2 A) (de Vries, IEEE Trans. Semicond.
/// Manuf. 18, 2005). Not below 0.
double diesPerWafer(double area_mm2, double diameter_mm = 300);

} // namespace mansard::economics
