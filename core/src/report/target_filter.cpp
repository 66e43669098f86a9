#include <mansard/report/target_report.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>

namespace mansard::report {
namespace {

std::string lower(std::string text) {
  for (char &c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return text;
}

using Property = std::string TargetLine::*;

Result<> keep(std::vector<TargetLine> &kept, const std::vector<TargetLine> &all,
              const std::vector<std::string> &wanted, Property property, std::string_view what) {
  if (wanted.empty())
    return Ok{};
  std::set<std::string> there;
  for (const TargetLine &target : all)
    there.insert(target.*property);
  for (const std::string &value : wanted)
    if (std::none_of(there.begin(), there.end(),
                     [&](const std::string &name) { return lower(name) == lower(value); })) {
      const std::vector<std::string> names(there.begin(), there.end());
      return Error{ErrorCode::notFound,
                   fmt::format("no target of {} '{}'{}; there are {}", what, value,
                               hw::suggestion(value, names), fmt::join(names, ", ")),
                   fmt::format("--{}", what)};
    }
  std::erase_if(kept, [&](const TargetLine &target) {
    return std::none_of(wanted.begin(), wanted.end(), [&](const std::string &value) {
      return lower(target.*property) == lower(value);
    });
  });
  return Ok{};
}

struct Years {
  int first = 0, last = std::numeric_limits<int>::max();
};

bool parseYear(std::string_view text, int &year) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), year);
  return problem == std::errc() && end == text.data() + text.size() && year > 0;
}

Result<Years> parseYears(const std::string &text) {
  Years years;
  const size_t dash = text.find('-');
  const std::string first = text.substr(0, dash),
                    last = dash == std::string::npos ? first : text.substr(dash + 1);
  const bool sound = (first.empty() || parseYear(first, years.first)) &&
                     (last.empty() || parseYear(last, years.last)) &&
                     !(first.empty() && last.empty()) && years.first <= years.last;
  if (!sound)
    return Error{ErrorCode::invalidInput,
                 fmt::format("'{}' is no year; it may be 2024, 2022-2024, 2024- or -2020", text),
                 "--year"};
  return years;
}

} // namespace

Result<std::vector<TargetLine>> filterTargets(std::vector<TargetLine> targets,
                                              const TargetFilter &filter) {
  std::vector<TargetLine> kept = targets;
  for (const auto &[wanted, property, what] :
       {std::tuple{&filter.vendors, Property(&TargetLine::vendor), "vendor"},
        {&filter.families, &TargetLine::family, "family"},
        {&filter.memories, &TargetLine::memory, "memory"}})
    if (Result<> done = keep(kept, targets, *wanted, property, what); !done)
      return done.error();
  std::vector<Years> spans;
  for (const std::string &text : filter.years) {
    Result<Years> years = parseYears(text);
    if (!years)
      return years.error();
    spans.push_back(*years);
  }
  if (!spans.empty())
    std::erase_if(kept, [&](const TargetLine &target) {
      return std::none_of(spans.begin(), spans.end(), [&](const Years &span) {
        return target.year >= span.first && target.year <= span.last;
      });
    });
  return kept;
}

} // namespace mansard::report
