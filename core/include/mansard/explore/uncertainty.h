// What ranges of inputs do to results: intervals, and which input is to blame for how much.
#pragma once

#include <mansard/base/result.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace mansard::explore {

/// An input that is not known exactly.
struct UncertainInput {
  enum class Shape {
    triangular, // from low over value, the likeliest, to high: what sources disagree over
    lognormal,  // low and high are the 10th and 90th percentile: residuals of a fit
  } shape = Shape::triangular;
  std::string name; // as people are told of it: "memory.stacks of mlu690"
  double value = 0, low = 0, high = 0;

  /// The input at `share` of its distribution, 0 to 1.
  double at(double share) const;
};

struct InputShare {
  size_t input = 0;
  double share = 0; // of the result's variance that this input alone explains (its first-order
                    // Sobol index), 0 to 1
};

/// Of one result.
struct Spread {
  double value = 0;               // at the inputs' values
  double low = 0, high = 0;       // 10th and 90th percentile
  std::vector<InputShare> shares; // the largest first; those that noise could explain left out
  /// At each point, in the design's order; not a number where the experiment failed there.
  std::vector<double> samples;
};

/// Fills `results` for the values of `inputs`; false where these make no sense together. Called
/// from several threads at once.
using Experiment = std::function<bool(std::span<const double> inputs, std::span<double> results)>;

struct SamplingOptions {
  size_t samples = 512;
  unsigned threads = 0; // 0: as many as there are cores
  uint64_t seed = 0;    // another design
};

/// Runs `experiment` at the inputs' values and at points of a seeded Latin hypercube over their
/// distributions (McKay et al., Technometrics 21, 1979). The same on any number of threads. What an
/// input is at a point hangs on seed, samples and its name alone: inputs of one name are one
/// unknown, in one experiment as in several, so that samples of two contenders may be set against
/// each other point by point. First-order shares by the variance that a cubic in each input
/// explains (Sudret, Reliability Engineering & System Safety 93, 2008: Sobol indices by polynomial
/// chaos), less what chance does; inputs that move nothing by themselves are not blamed. Errors:
/// the experiment fails at the values themselves, or at more than half of the points.
Result<std::vector<Spread>> spreadsOf(const std::vector<UncertainInput> &inputs, size_t results,
                                      const Experiment &experiment,
                                      const SamplingOptions &options = {});

/// Points at which an experiment failed, and why. Thread-safe.
class Failures {
public:
  /// Returns false, as the experiment then does.
  bool add(const std::string &reason);
  /// "cannot run this in 12 % of the cases that uncertain numbers leave open ...", or nothing.
  std::vector<std::string> note(size_t samples, bool hasRanges) const;

private:
  mutable std::mutex mutex_;
  size_t count_ = 0;
  std::string reason_; // first in the alphabet: the same in any order
};

/// "1,940 [1,600 - 2,240]", or the value alone where the interval is none.
std::string withInterval(const Spread &spread, int digits = 4);

} // namespace mansard::explore
