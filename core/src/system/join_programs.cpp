#include <mansard/system/step_programs.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace mansard::system {
namespace {

/// Adds the rows of `b` to those of `a`, if both treat rows one by one and in the same way.
bool addRows(work::Kernel &a, const work::Kernel &b) {
  if (a.op != b.op || a.dtype != b.dtype || a.weight_dtype != b.weight_dtype ||
      a.out_dtype != b.out_dtype || a.scaling != b.scaling)
    return false;
  // Everything else must be equal: tried on a copy that has the other's rows.
  const auto join = [&](int64_t &own, const int64_t &other) {
    const int64_t rows = own;
    own = other;
    const bool same = work::equal(a, b);
    own = same ? rows + other : rows;
    return same;
  };
  switch (a.op) {
  case MANSARD_OP_MATMUL:
    return join(a.u.matmul.m, b.u.matmul.m);
  case MANSARD_OP_GROUPED_MATMUL: { // the groups that have rows in either
    mansard_grouped_matmul &g = a.u.grouped_matmul;
    const mansard_grouped_matmul &h = b.u.grouped_matmul;
    if (g.n != h.n || g.k != h.k)
      return false;
    const int64_t groups = std::max(g.groups, h.groups), rows = g.groups * g.m + h.groups * h.m;
    g.m = (rows + groups - 1) / groups;
    g.groups = groups;
    return true;
  }
  case MANSARD_OP_VECTOR:
    return join(a.u.vector.rows, b.u.vector.rows);
  case MANSARD_OP_MOE:
    return join(a.u.moe.tokens, b.u.moe.tokens);
  case MANSARD_OP_COLLECTIVE:
    return join(a.u.collective.size_bytes, b.u.collective.size_bytes);
  case MANSARD_OP_EXPERT_PARALLEL: {
    // The exchange that prompts need carries both.
    work::Kernel other = b;
    other.u.expert_parallel.mode = a.u.expert_parallel.mode;
    const int64_t rows = a.u.expert_parallel.tokens;
    a.u.expert_parallel.tokens = other.u.expert_parallel.tokens;
    const bool same = work::equal(a, other);
    a.u.expert_parallel.tokens = same ? rows + other.u.expert_parallel.tokens : rows;
    return same;
  }
  default:
    return false;
  }
}

/// The longest common subsequence of two programs' steps, where common steps are those that run on
/// the rows of both at once.
class Alignment {
public:
  Alignment(const work::Program &a, const work::Program &b)
      : width_(b.steps.size() + 1), longest_((a.steps.size() + 1) * width_) {
    std::vector<std::vector<char>> joinable(a.kernels.size(),
                                            std::vector<char>(b.kernels.size(), kUnknown));
    common_.resize(a.steps.size() * b.steps.size());
    for (size_t i = a.steps.size(); i-- > 0;)
      for (size_t j = b.steps.size(); j-- > 0;) {
        const work::Step &s = a.steps[i], &t = b.steps[j];
        bool same = s.count == t.count && s.lane == t.lane && s.name == t.name;
        if (same) {
          char &known = joinable[s.kernel][t.kernel];
          if (known == kUnknown) {
            work::Kernel trial = a.kernels[s.kernel];
            known = addRows(trial, b.kernels[t.kernel]) ? 1 : 0;
          }
          same = known == 1;
        }
        common_[i * b.steps.size() + j] = same;
        at(i, j) = same ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
      }
  }

  /// Calls `both(i, j)`, `first(i)` and `second(j)` in the order of the joined steps.
  template <typename Both, typename First, typename Second>
  void walk(size_t rows, size_t columns, const Both &both, const First &first,
            const Second &second) {
    size_t i = 0, j = 0;
    while (i < rows || j < columns) {
      if (i < rows && j < columns && common_[i * columns + j] && at(i, j) == at(i + 1, j + 1) + 1)
        both(i++, j++);
      else if (i < rows && (j == columns || at(i + 1, j) >= at(i, j + 1)))
        first(i++);
      else
        second(j++);
    }
  }

private:
  static constexpr char kUnknown = 2;
  uint32_t &at(size_t i, size_t j) { return longest_[i * width_ + j]; }

  size_t width_;
  std::vector<uint32_t> longest_;
  std::vector<char> common_;
};

} // namespace

work::Program joinPrograms(const work::Program &prefill, const work::Program &decode) {
  work::Program joined;
  Alignment alignment(prefill, decode);
  // Steps of the decode's that are the prefill's as well, and their overlap groups there. What the
  // decode alone has goes where its nearest neighbour of the same group goes.
  std::vector<std::pair<size_t, uint32_t>> common;
  alignment.walk(
      prefill.steps.size(), decode.steps.size(),
      [&](size_t i, size_t j) { common.emplace_back(j, prefill.steps[i].overlap); }, [](size_t) {},
      [](size_t) {});
  const auto groupOf = [&](size_t own) {
    uint32_t group = 0;
    size_t nearest = decode.steps.size();
    for (const auto &[step, overlap] : common) {
      const size_t distance = step > own ? step - own : own - step;
      if (decode.steps[step].overlap == decode.steps[own].overlap && distance < nearest) {
        nearest = distance;
        group = overlap;
      }
    }
    return group;
  };
  const auto emit = [&](work::Step step, const work::Kernel &kernel) {
    step.kernel = work::internKernel(joined, kernel);
    joined.steps.push_back(std::move(step));
  };
  alignment.walk(
      prefill.steps.size(), decode.steps.size(),
      [&](size_t i, size_t j) {
        work::Kernel kernel = prefill.kernels[prefill.steps[i].kernel];
        addRows(kernel, decode.kernels[decode.steps[j].kernel]);
        emit(prefill.steps[i], kernel);
      },
      [&](size_t i) { emit(prefill.steps[i], prefill.kernels[prefill.steps[i].kernel]); },
      [&](size_t j) {
        work::Step step = decode.steps[j];
        if (step.overlap != 0)
          step.overlap = groupOf(j);
        emit(std::move(step), decode.kernels[decode.steps[j].kernel]);
      });
  joined.memory = prefill.memory; // what is kept is the same, apart from the cache
  joined.memory.kvCache += decode.memory.kvCache;
  joined.memory.cacheParts.clear();
  joined.memory.activations += decode.memory.activations;
  joined.tokens = prefill.tokens + decode.tokens;
  joined.devices = prefill.devices;
  joined.notes = prefill.notes;
  for (const std::string &note : decode.notes)
    if (std::find(joined.notes.begin(), joined.notes.end(), note) == joined.notes.end())
      joined.notes.push_back(note);
  return joined;
}

} // namespace mansard::system
