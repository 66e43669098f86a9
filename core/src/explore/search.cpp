#include "search.h"

#include <mansard/base/names.h>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

namespace mansard::explore {
namespace {

/// In log space: first step, where halving ends (a step of 0.3 % moves no error by a tenth of
/// that), and the most by which one step may grow.
constexpr double kFirstStep = 0.16, kLastStep = 0.003, kLargestStep = 0.7;
/// Less of a gain is none. And a constant whose change, all told, gains no more than kWorth (0.005
/// % of error) goes back to where it was: the rows do not tell it.
constexpr double kGain = 1e-6, kWorth = 5e-5;
/// Absolute errors leave kinks where coordinate descent gets stuck between two constants that make
/// up for one another; it first runs with small errors rounded off.
constexpr double kSoftness[] = {0.1, 0};
constexpr int kMostPasses = 60, kMostRounds = 3;

/// Far tries, for what a small step does not find: another branch of a minimum over schedules.
constexpr double kFar[] = {0.2, 0.35, 0.5, 0.7, 0.85, 1.18, 1.4, 2, 2.9, 5};
/// Where a constant stands at next to nothing, factors lead nowhere; these are tried as values.
constexpr double kNothing = 0.02, kDecades[] = {0.02, 0.1, 0.5, 2};

class Descent {
public:
  Descent(Bench &bench, const Batches &batches, std::vector<Parameter> &parameters, Reach reach,
          const std::function<void(std::string_view)> &progress)
      : bench_(bench), batches_(batches), all_(parameters), reach_(reach), progress_(progress) {}

  /// Fits those of `members` (indices), whose judged ops together are `ops`. Within the group each
  /// is judged by all that it moves, so that all pursue one aim.
  void run(const std::vector<size_t> &members, OpSet ops) {
    members_ = members;
    ops_ = ops;
    std::vector<double> before;
    for (size_t m = 0; m < members_.size(); ++m)
      before.push_back(at(m).value);
    if (reach_ == Reach::near) {
      if (measure(0))
        descend();
    } else {
      for (const double softness : kSoftness) {
        if (!measure(softness))
          return;
        scan();
        descend();
        // Where no small step helps, a far one may.
        for (int round = 0; round < kMostRounds && scan(); ++round)
          descend();
      }
    }
    for (size_t m = 0; m < members_.size(); ++m)
      tryValue(m, before[m], -kWorth);
  }

private:
  Parameter &at(size_t member) { return all_[members_[member]]; }
  double sum(const double (&errors)[MANSARD_OP_COUNT], OpSet ops) const {
    double total = 0;
    for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
      if (ops >> op & 1)
        total += errors[op];
    return total;
  }

  /// The errors where the search stands; false where there are none.
  bool measure(double softness) {
    softness_ = softness;
    return bench_.errors(batches_, ops_, softness_, errors_);
  }

  OpSet judgedOf(size_t member) { return at(member).moves & ops_; }

  /// Takes over the values now set in the bench if they are better over `judged` by `gain`.
  bool better(OpSet judged, double gain = kGain) {
    double tried[MANSARD_OP_COUNT] = {};
    if (!bench_.errors(batches_, judged, softness_, tried) ||
        !(sum(tried, judged) < sum(errors_, judged) - gain))
      return false;
    for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
      if (judged >> op & 1)
        errors_[op] = tried[op];
    return true;
  }

  bool tryValue(size_t member, double value, double gain = kGain) {
    Parameter &p = at(member);
    value = std::clamp(value, p.low, p.high);
    if (value == p.value)
      return false;
    bench_.set(p.name, value);
    if (better(judgedOf(member), gain)) {
      p.value = value;
      return true;
    }
    bench_.set(p.name, p.value);
    return false;
  }

  /// The best of far values for each parameter in turn; whether any was better.
  bool scan() {
    bool any = false;
    for (size_t m = 0; m < members_.size(); ++m) {
      const double from = at(m).value;
      for (const double factor : kFar)
        any = tryValue(m, from * factor) || any;
      if (from < kNothing)
        for (const double value : kDecades)
          any = tryValue(m, value) || any;
    }
    return any;
  }

  void descend() {
    std::vector<double> steps(members_.size(), kFirstStep);
    std::vector<int> directions(members_.size(), 1);
    for (int pass = 0; pass < kMostPasses; ++pass) {
      std::vector<double> before;
      for (size_t m = 0; m < members_.size(); ++m)
        before.push_back(at(m).value);
      bool moved = false, coarse = false;
      for (size_t m = 0; m < members_.size(); ++m) {
        if (line(m, steps[m], directions[m]))
          moved = true;
        coarse = coarse || steps[m] > kLastStep;
      }
      report(pass);
      if (moved)
        together(before);
      else if (!coarse)
        return;
    }
  }

  /// Steps along one parameter while that helps, growing; halves the step where it does not.
  bool line(size_t member, double &step, int &direction) {
    const double at0 = at(member).value;
    for (int side = 0; side < 2; ++side, direction = -direction)
      if (tryValue(member, at0 * std::exp(direction * step))) {
        double reach = step;
        while (reach < kLargestStep &&
               tryValue(member, at(member).value * std::exp(direction * 2 * reach)))
          reach *= 2;
        step = std::max(step, reach / 2);
        return true;
      }
    step = std::max(step / 2, kLastStep / 2);
    return false;
  }

  /// All parameters once more as far as a pass took them, then twice as far, and so on (Hooke and
  /// Jeeves' pattern move): follows valleys that run across the axes.
  void together(const std::vector<double> &before) {
    std::vector<double> stride, here;
    for (size_t m = 0; m < members_.size(); ++m)
      stride.push_back(before[m] > 0 ? at(m).value / before[m] : 1);
    for (;;) {
      here.clear();
      for (size_t m = 0; m < members_.size(); ++m) {
        Parameter &p = at(m);
        here.push_back(p.value);
        p.value = std::clamp(p.value * stride[m], p.low, p.high);
        bench_.set(p.name, p.value);
        stride[m] *= stride[m];
      }
      if (!better(ops_))
        break;
    }
    for (size_t m = 0; m < members_.size(); ++m) {
      at(m).value = here[m];
      bench_.set(at(m).name, here[m]);
    }
  }

  void report(int pass) {
    if (!progress_)
      return;
    std::string line;
    for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
      if (ops_ >> op & 1)
        line +=
            fmt::format("{}{} {:.1f} %", line.empty() ? "" : ", ", kOpNames[op], 100 * errors_[op]);
    progress_(fmt::format("pass {}: {}", pass + 1, line));
  }

  Bench &bench_;
  const Batches &batches_;
  std::vector<Parameter> &all_;
  const Reach reach_;
  const std::function<void(std::string_view)> &progress_;
  std::vector<size_t> members_;
  OpSet ops_ = 0;
  double softness_ = 0;
  double errors_[MANSARD_OP_COUNT] = {};
};

struct Group {
  OpSet ops = 0;
  std::vector<size_t> members;
};

/// Parameters that share judged ops, directly or through others; those of earlier ops first, as
/// what an op takes over from another comes from an earlier one (a mixture's matmuls are matmuls).
std::vector<Group> groupsOf(const std::vector<Parameter> &parameters) {
  std::vector<Group> groups;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].judged)
      continue;
    Group joined{parameters[i].judged, {i}};
    std::erase_if(groups, [&](const Group &group) {
      if (!(group.ops & joined.ops))
        return false;
      joined.ops |= group.ops;
      joined.members.insert(joined.members.end(), group.members.begin(), group.members.end());
      return true;
    });
    std::sort(joined.members.begin(), joined.members.end());
    groups.push_back(std::move(joined));
  }
  std::sort(groups.begin(), groups.end(), [](const Group &a, const Group &b) {
    return std::countr_zero(a.ops) < std::countr_zero(b.ops);
  });
  return groups;
}

} // namespace

double rounded(double value) { return std::strtod(fmt::format("{:.5g}", value).c_str(), nullptr); }

void fit(Bench &bench, const Batches &batches, std::vector<Parameter> &parameters, Reach reach,
         const std::function<void(std::string_view)> &progress) {
  for (const Parameter &p : parameters)
    bench.set(p.name, p.value);
  Descent descent(bench, batches, parameters, reach, progress);
  for (const Group &group : groupsOf(parameters))
    descent.run(group.members, group.ops);
  for (Parameter &p : parameters) {
    p.value = rounded(p.value);
    bench.set(p.name, p.value);
  }
}

} // namespace mansard::explore
