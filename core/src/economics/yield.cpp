#include <mansard/economics/yield.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mansard::economics {
namespace {

constexpr double kMm2PerCm2 = 100;

/// Weight of a die's own density of defects, in units of the mean, unnormalised.
double weightOf(double relative, const Defects &defects) {
  switch (defects.model) {
  case YieldModel::poisson:
    break;
  case YieldModel::murphy: // triangle from 0 over 1 to 2
    return std::max(0.0, relative <= 1 ? relative : 2 - relative);
  case YieldModel::bose_einstein:
    return std::exp(-relative);
  case YieldModel::negative_binomial:
    return std::pow(relative, defects.clusterAlpha - 1) *
           std::exp(-defects.clusterAlpha * relative);
  }
  return 0;
}

/// Of a die with `perMm2` defects, evenly spread: the rest has none, and enough cores have none.
double sellable(const HarvestedDie &die, double perMm2) {
  const double core = die.area_mm2 * die.coreShare / die.cores;
  const double sound = std::exp(-perMm2 * core), broken = 1 - sound;
  const double rest = std::exp(-perMm2 * die.area_mm2 * (1 - die.coreShare));
  if (broken <= 0)
    return rest;
  double sum = 0;
  for (int k = 0; k <= die.cores - die.needed; ++k)
    sum +=
        std::exp(std::lgamma(die.cores + 1) - std::lgamma(k + 1) - std::lgamma(die.cores - k + 1) +
                 k * std::log(broken) + (die.cores - k) * std::log(sound));
  return rest * std::min(1.0, sum);
}

} // namespace

double yieldOf(double area_mm2, const Defects &defects) {
  const double mean = area_mm2 / kMm2PerCm2 * defects.perCm2;
  if (!(mean > 0))
    return 1;
  switch (defects.model) {
  case YieldModel::poisson:
    return std::exp(-mean);
  case YieldModel::murphy:
    return std::pow(-std::expm1(-mean) / mean, 2);
  case YieldModel::bose_einstein:
    return 1 / (1 + mean);
  case YieldModel::negative_binomial:
    return std::pow(1 + mean / defects.clusterAlpha, -defects.clusterAlpha);
  }
  return 0;
}

double harvestedYield(const HarvestedDie &die, const Defects &defects) {
  if (die.needed >= die.cores || !(die.coreShare > 0))
    return yieldOf(die.area_mm2, defects);
  const double mean = defects.perCm2 / kMm2PerCm2;
  if (defects.model == YieldModel::poisson)
    return sellable(die, mean);
  // Midpoints in the root of the density: where few defects cluster, much lies close to 0.
  constexpr int kSteps = 400;
  constexpr double kMost = 12; // times the mean: beyond it no distribution has anything to speak of
  double sum = 0, weights = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double root = (i + 0.5) / kSteps * std::sqrt(kMost), relative = root * root;
    const double weight = weightOf(relative, defects) * 2 * root;
    weights += weight;
    sum += weight * sellable(die, mean * relative);
  }
  return sum / weights;
}

double diesPerWafer(double area_mm2, double diameter_mm) {
  const double gross = std::numbers::pi * diameter_mm * diameter_mm / 4 / area_mm2 -
                       std::numbers::pi * diameter_mm / std::sqrt(2 * area_mm2);
  return std::max(0.0, gross);
}

} // namespace mansard::economics
