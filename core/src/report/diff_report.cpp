#include <mansard/base/names.h>
#include <mansard/report/diff_report.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mansard::report {
namespace {

constexpr size_t kMostPairs = 4'000'000;

using Pair = std::pair<std::optional<size_t>, std::optional<size_t>>;

class Matcher {
public:
  Matcher(const work::Program &a, const work::Program &b) : a_(a), b_(b) {}

  std::vector<Pair> run(bool *tooLarge) {
    size_t begin = 0, endA = a_.steps.size(), endB = b_.steps.size();
    while (begin < std::min(endA, endB) && score(begin, begin) == kEqual)
      ++begin;
    size_t tail = 0;
    while (endA > begin && endB > begin && score(endA - 1, endB - 1) == kEqual)
      --endA, --endB, ++tail;
    for (size_t i = 0; i < begin; ++i)
      pairs_.emplace_back(i, i);
    *tooLarge = (endA - begin) > kMostPairs / std::max<size_t>(1, endB - begin);
    if (*tooLarge)
      apart(begin, endA, begin, endB);
    else
      align(begin, endA, endB);
    for (size_t i = 0; i < tail; ++i)
      pairs_.emplace_back(endA + i, endB + i);
    return std::move(pairs_);
  }

private:
  static constexpr int kEqual = 3;

  /// How well step `i` of A and `j` of B stand for each other; 0: not at all.
  int score(size_t i, size_t j) const {
    const work::Step &a = a_.steps[i], &b = b_.steps[j];
    const work::Kernel &first = a_.kernels[a.kernel], &second = b_.kernels[b.kernel];
    if (first.op != second.op)
      return 0;
    if (a.count == b.count && work::equal(first, second))
      return kEqual;
    return a.name == b.name ? 2 : 1;
  }

  void apart(size_t beginA, size_t endA, size_t beginB, size_t endB) {
    for (size_t i = beginA; i < endA; ++i)
      pairs_.emplace_back(i, std::nullopt);
    for (size_t j = beginB; j < endB; ++j)
      pairs_.emplace_back(std::nullopt, j);
  }

  /// The alignment of the highest total score (Needleman and Wunsch 1970, gaps free).
  void align(size_t begin, size_t endA, size_t endB) {
    const size_t rows = endA - begin, columns = endB - begin;
    std::vector<int> best((rows + 1) * (columns + 1), 0);
    const auto at = [&](size_t i, size_t j) -> int & { return best[i * (columns + 1) + j]; };
    for (size_t i = rows; i-- > 0;)
      for (size_t j = columns; j-- > 0;) {
        const int both = score(begin + i, begin + j);
        at(i, j) = std::max({at(i + 1, j), at(i, j + 1), both ? at(i + 1, j + 1) + both : 0});
      }
    size_t i = 0, j = 0;
    while (i < rows && j < columns) {
      const int both = score(begin + i, begin + j);
      if (both && at(i, j) == at(i + 1, j + 1) + both)
        pairs_.emplace_back(begin + i++, begin + j++);
      else if (at(i, j) == at(i + 1, j))
        pairs_.emplace_back(begin + i++, std::nullopt);
      else
        pairs_.emplace_back(std::nullopt, begin + j++);
    }
    apart(begin + i, endA, begin + j, endB);
  }

  const work::Program &a_, &b_;
  std::vector<Pair> pairs_;
};

DiffSide sideOf(const model::StepEstimate &e, size_t index) {
  const work::Step &step = e.program.steps[index];
  const work::Kernel &kernel = e.program.kernels[step.kernel];
  const mansard_estimate &estimate = e.estimates[step.kernel];
  DiffSide side;
  side.name = step.name;
  side.op = kOpNames[kernel.op];
  side.what = work::describe(kernel);
  side.count = step.count;
  side.latency_us = estimate.latency_us;
  side.total_us = e.steps[index].latency_us;
  for (uint32_t r = 0; r < MANSARD_BOUND_COUNT; ++r)
    side.part_us[r] = estimate.part_us[r] * static_cast<double>(step.count);
  side.bound = estimate.bound;
  return side;
}

DiffTotal totalOf(const model::StepEstimate &e) {
  DiffTotal total;
  total.name = e.model;
  total.latency_us = e.timeline.total_us;
  std::copy(std::begin(e.timeline.part_us), std::end(e.timeline.part_us), total.part_us);
  for (const work::Step &step : e.program.steps)
    total.kernels += step.count;
  total.dramBytes = e.timeline.dramBytes;
  total.operations = e.timeline.operations;
  total.bound = e.timeline.bound;
  return total;
}

DiffLine lineOf(const model::StepEstimate &a, const model::StepEstimate &b, const Pair &pair) {
  DiffLine line;
  if (pair.first)
    line.a = sideOf(a, *pair.first);
  if (pair.second)
    line.b = sideOf(b, *pair.second);
  line.difference_us = (line.b ? line.b->total_us : 0) - (line.a ? line.a->total_us : 0);
  double most = -1;
  for (uint32_t r = 0; r < MANSARD_BOUND_COUNT; ++r) {
    const double difference =
        std::abs((line.b ? line.b->part_us[r] : 0) - (line.a ? line.a->part_us[r] : 0));
    if (difference > most) {
      most = difference;
      line.because = r;
    }
  }
  return line;
}

} // namespace

DiffReport collectDiff(const model::StepEstimate &a, const model::StepEstimate &b,
                       const host::Model &target) {
  DiffReport report;
  report.target = target.chip().id;
  report.targetName = target.chip().title();
  report.model = target.id();
  report.a = totalOf(a);
  report.b = totalOf(b);
  bool tooLarge = false;
  for (const Pair &pair : Matcher(a.program, b.program).run(&tooLarge))
    report.lines.push_back(lineOf(a, b, pair));
  if (tooLarge)
    report.notes.emplace_back("the programs are too long to match kernel by kernel: only their "
                              "equal beginnings and ends are set beside each other");
  for (const auto *notes : {&a.notes, &b.notes})
    for (const std::string &note : *notes)
      if (std::find(report.notes.begin(), report.notes.end(), note) == report.notes.end())
        report.notes.push_back(note);
  return report;
}

} // namespace mansard::report
