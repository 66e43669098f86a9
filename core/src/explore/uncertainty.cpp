#include "../base/in_parallel.h"
#include "../base/quantile.h"
#include "../base/text_hash.h"

#include <mansard/explore/uncertainty.h>

#include <mansard/report/text_table.h>

#include <boost/math/distributions/normal.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <thread>

namespace mansard::explore {
namespace {

/// Values of the inputs, a row a point: a Latin hypercube. Every input meets each of as many slices
/// of its distribution as there are points exactly once, in an order of its own; unlike those of
/// low-discrepancy sequences, its columns stay uncorrelated however many inputs there are.
std::vector<double> latinHypercube(const std::vector<UncertainInput> &inputs, size_t points,
                                   uint64_t seed) {
  std::vector<double> values(points * inputs.size());
  std::vector<size_t> order(points);
  for (size_t k = 0; k < inputs.size(); ++k) {
    // Seeded as the standard says: the same everywhere.
    std::mt19937_64 random(hashOf(inputs[k].name) ^ seed);
    std::iota(order.begin(), order.end(), size_t{0});
    for (size_t i = points; i > 1; --i)
      std::swap(order[i - 1], order[random() % i]);
    for (size_t i = 0; i < points; ++i)
      values[i * inputs.size() + k] =
          inputs[k].at((static_cast<double>(order[i]) + 0.5) / static_cast<double>(points));
  }
  return values;
}

double varianceOf(const std::vector<double> &values) {
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  double sum = 0;
  for (double value : values)
    sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size());
}

/// The share of the variance that a cubic in the input's rank explains, less what it would by
/// chance. Legendre's polynomials are orthogonal over ranks, so that each adds its correlation
/// squared.
double explainedShare(const std::vector<double> &input, const std::vector<double> &result,
                      double variance) {
  constexpr size_t kTerms = 3;
  const size_t n = result.size();
  const auto count = static_cast<double>(n);
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return input[a] < input[b]; });
  std::array<double, kTerms> sums{};
  for (size_t i = 0; i < n; ++i) {
    const double x = 2 * (static_cast<double>(i) + 0.5) / count - 1, y = result[order[i]];
    sums[0] += y * std::sqrt(3.0) * x;
    sums[1] += y * std::sqrt(5.0) * (3 * x * x - 1) / 2;
    sums[2] += y * std::sqrt(7.0) * (5 * x * x * x - 3 * x) / 2;
  }
  double ratio = 0;
  for (const double sum : sums)
    ratio += sum * sum / (count * count) / variance;
  const double chance = static_cast<double>(kTerms) / (count - 1);
  return std::clamp((ratio - chance) / (1 - chance), 0.0, 1.0);
}

/// By input and result: how far the result moves while the input alone goes from the 10th to the
/// 90th percentile; infinite where that makes no sense.
std::vector<double> swingsOf(const std::vector<UncertainInput> &inputs,
                             const std::vector<double> &values, size_t results,
                             const Experiment &experiment) {
  std::vector<double> swings(inputs.size() * results), ends[2] = {swings, swings}, point = values;
  for (size_t k = 0; k < inputs.size(); ++k) {
    bool sound = true;
    for (size_t end = 0; end < 2; ++end) {
      point[k] = inputs[k].at(end == 0 ? 0.1 : 0.9);
      sound = experiment(point, {ends[end].data() + k * results, results}) && sound;
    }
    point[k] = values[k];
    for (size_t i = k * results; i < (k + 1) * results; ++i)
      swings[i] =
          sound ? std::fabs(ends[1][i] - ends[0][i]) : std::numeric_limits<double>::infinity();
  }
  return swings;
}

struct Samples {
  std::vector<std::vector<double>> inputs, results; // by input, by result: a value a point
};

} // namespace

double UncertainInput::at(double share) const {
  if (shape == Shape::lognormal) {
    const boost::math::normal normal;
    const double middle = std::log(low * high) / 2,
                 sigma = std::log(high / low) / 2 / boost::math::quantile(normal, 0.9);
    return std::exp(middle + sigma * boost::math::quantile(normal, share));
  }
  const double least = std::min(low, value), most = std::max(high, value), width = most - least;
  if (!(width > 0))
    return value;
  const double peak = (value - least) / width;
  return share < peak ? least + width * std::sqrt(share * peak)
                      : most - width * std::sqrt((1 - share) * (1 - peak));
}

Result<std::vector<Spread>> spreadsOf(const std::vector<UncertainInput> &inputs, size_t results,
                                      const Experiment &experiment,
                                      const SamplingOptions &options) {
  std::vector<double> values(inputs.size()), nominal(results);
  for (size_t i = 0; i < inputs.size(); ++i)
    values[i] = inputs[i].shape == UncertainInput::Shape::lognormal ? 1 : inputs[i].value;
  if (!experiment(values, nominal))
    return Error{ErrorCode::invalidInput, "no result at the values themselves", ""};
  std::vector<Spread> spreads(results);
  for (size_t r = 0; r < results; ++r)
    spreads[r].value = spreads[r].low = spreads[r].high = nominal[r];
  const size_t n = options.samples, d = inputs.size();
  for (size_t r = 0; r < results; ++r)
    spreads[r].samples.assign(n, nominal[r]);
  if (inputs.empty())
    return spreads;

  const std::vector<double> points = latinHypercube(inputs, n, options.seed);
  std::vector<double> found(n * results);
  std::vector<char> sound(n);
  const unsigned threads =
      options.threads ? options.threads : std::max(1U, std::thread::hardware_concurrency());
  inParallel(
      static_cast<int64_t>(n), static_cast<int>(threads),
      [&](int64_t job) {
        const auto i = static_cast<size_t>(job);
        sound[i] = experiment({points.data() + i * d, d}, {found.data() + i * results, results});
      },
      {});

  Samples samples;
  samples.inputs.resize(d);
  samples.results.resize(results);
  for (size_t i = 0; i < n; ++i) {
    for (size_t r = 0; r < results; ++r)
      spreads[r].samples[i] =
          sound[i] ? found[i * results + r] : std::numeric_limits<double>::quiet_NaN();
    if (!sound[i])
      continue;
    for (size_t k = 0; k < d; ++k)
      samples.inputs[k].push_back(points[i * d + k]);
    for (size_t r = 0; r < results; ++r)
      samples.results[r].push_back(found[i * results + r]);
  }
  if (samples.results.empty() || samples.results[0].size() * 2 < n)
    return Error{ErrorCode::invalidInput,
                 "more than half of the combinations of uncertain inputs make no sense together",
                 ""};
  constexpr double kNoise = 0.03; // what chance alone reaches at times
  // An input that by itself would make less than this share of the variance is not blamed for what
  // it seems to explain.
  constexpr double kLeastAlone = 0.003,
                   kNormalWidth = 2.563; // from the 10th to the 90th percentile
  const std::vector<double> swings = swingsOf(inputs, values, results, experiment);
  for (size_t r = 0; r < results; ++r) {
    const std::vector<double> &result = samples.results[r];
    const double variance = varianceOf(result);
    std::vector<double> sorted = result;
    std::sort(sorted.begin(), sorted.end());
    spreads[r].low = std::min(quantile(sorted, 0.1), nominal[r]);
    spreads[r].high = std::max(quantile(sorted, 0.9), nominal[r]);
    if (!(variance > 0))
      continue;
    for (size_t k = 0; k < d; ++k) {
      const double alone = swings[k * results + r] / kNormalWidth;
      if (alone * alone < kLeastAlone * variance)
        continue;
      if (const double share = explainedShare(samples.inputs[k], result, variance); share > kNoise)
        spreads[r].shares.push_back({k, share});
    }
    std::stable_sort(spreads[r].shares.begin(), spreads[r].shares.end(),
                     [](const InputShare &a, const InputShare &b) { return a.share > b.share; });
  }
  return spreads;
}

bool Failures::add(const std::string &reason) {
  const std::lock_guard lock(mutex_);
  if (count_++ == 0 || reason < reason_)
    reason_ = reason;
  return false;
}

std::vector<std::string> Failures::note(size_t samples, bool hasRanges) const {
  const std::lock_guard lock(mutex_);
  if (count_ == 0)
    return {};
  return {fmt::format("cannot run this in {} of the cases that its uncertain numbers leave open{}: "
                      "{}",
                      report::percent(static_cast<double>(count_) / static_cast<double>(samples)),
                      hasRanges ? "; ranges are of the others" : "", reason_)};
}

std::string withInterval(const Spread &spread, int digits) {
  const auto text = [&](double value) {
    return std::fabs(value) >= 1000 ? report::grouped(value) : report::number(value, digits);
  };
  if (!(spread.high > spread.low))
    return text(spread.value);
  return fmt::format("{} [{} - {}]", text(spread.value), text(spread.low), text(spread.high));
}

} // namespace mansard::explore
