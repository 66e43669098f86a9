#include <mansard/explore/uncertainty.h>

#include <mansard/report/text_table.h>

#include <boost/math/distributions/normal.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <random>
#include <thread>

namespace mansard::explore {
namespace {

/// Shares of the unit cube, a row a point: a Latin hypercube. Every input meets each of as many
/// slices of its distribution as there are points exactly once, in an order of its own; unlike
/// those of low-discrepancy sequences, its columns stay uncorrelated however many inputs there are.
std::vector<double> latinHypercube(size_t points, size_t dimensions) {
  std::vector<double> shares(points * dimensions);
  std::mt19937_64 random; // seeded as the standard says: the same everywhere
  std::vector<size_t> order(points);
  for (size_t k = 0; k < dimensions; ++k) {
    std::iota(order.begin(), order.end(), size_t{0});
    for (size_t i = points; i > 1; --i)
      std::swap(order[i - 1], order[random() % i]);
    for (size_t i = 0; i < points; ++i)
      shares[i * dimensions + k] =
          (static_cast<double>(order[i]) + 0.5) / static_cast<double>(points);
  }
  return shares;
}

double quantile(std::vector<double> &sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double varianceOf(const std::vector<double> &values) {
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  double sum = 0;
  for (double value : values)
    sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size());
}

/// Variance of the means over slices of equally many neighbours in `input`, over `variance`; less
/// what it would be by chance.
double correlationRatio(const std::vector<double> &input, const std::vector<double> &result,
                        double variance) {
  constexpr size_t kSlices = 16;
  const size_t n = result.size();
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return input[a] < input[b]; });
  std::vector<double> means;
  for (size_t slice = 0; slice < kSlices; ++slice) {
    const size_t from = slice * n / kSlices, to = (slice + 1) * n / kSlices;
    double sum = 0;
    for (size_t i = from; i < to; ++i)
      sum += result[order[i]];
    means.push_back(sum / static_cast<double>(to - from));
  }
  const double ratio = varianceOf(means) / variance;
  const double chance = static_cast<double>(kSlices - 1) / static_cast<double>(n - 1);
  return std::clamp((ratio - chance) / (1 - chance), 0.0, 1.0);
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
  if (inputs.empty())
    return spreads;

  const size_t n = options.samples, d = inputs.size();
  std::vector<double> points = latinHypercube(n, d);
  for (size_t i = 0; i < n; ++i)
    for (size_t k = 0; k < d; ++k)
      points[i * d + k] = inputs[k].at(points[i * d + k]);
  std::vector<double> found(n * results);
  std::vector<char> sound(n);
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i; (i = next.fetch_add(1)) < n;)
      sound[i] = experiment({points.data() + i * d, d}, {found.data() + i * results, results});
  };
  const unsigned threads =
      options.threads ? options.threads : std::max(1U, std::thread::hardware_concurrency());
  {
    std::vector<std::jthread> others;
    for (unsigned t = 1; t < threads; ++t)
      others.emplace_back(work);
    work();
  }

  Samples samples;
  samples.inputs.resize(d);
  samples.results.resize(results);
  for (size_t i = 0; i < n; ++i) {
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
  constexpr double kNoise = 0.03; // what slices of chance alone reach at times
  for (size_t r = 0; r < results; ++r) {
    const std::vector<double> &result = samples.results[r];
    const double variance = varianceOf(result);
    std::vector<double> sorted = result;
    std::sort(sorted.begin(), sorted.end());
    spreads[r].low = std::min(quantile(sorted, 0.1), nominal[r]);
    spreads[r].high = std::max(quantile(sorted, 0.9), nominal[r]);
    if (!(variance > 0))
      continue;
    for (size_t k = 0; k < d; ++k)
      if (const double share = correlationRatio(samples.inputs[k], result, variance);
          share > kNoise)
        spreads[r].shares.push_back({k, share});
    std::stable_sort(spreads[r].shares.begin(), spreads[r].shares.end(),
                     [](const InputShare &a, const InputShare &b) { return a.share > b.share; });
  }
  return spreads;
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
