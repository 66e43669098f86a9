#include "blocks.h"
#include "json.h"

#include <mansard/report/diff_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <cmath>

namespace mansard::report {
namespace {

using Align = TextTable::Align;

/// Differences below this share of the longer step read as none.
constexpr double kSame = 1e-9;

std::string signedDuration(double us) { return (us < 0 ? "-" : "+") + duration(std::abs(us)); }

bool differs(const DiffLine &line) {
  return !line.a || !line.b ||
         std::abs(line.difference_us) > kSame * std::max(line.a->total_us, line.b->total_us);
}

std::string describe(const DiffSide &side) {
  return side.count == 1 ? side.what : fmt::format("{} x {}", side.count, side.what);
}

std::string linesTable(const DiffReport &r) {
  TextTable table({{"A", {}},
                   {"time", Align::right},
                   {"B", {}},
                   {"time", Align::right},
                   {"B less A", Align::right},
                   {"because of", {}}});
  for (const DiffLine &line : r.lines) {
    const bool other = differs(line);
    table.addRow({line.a ? describe(*line.a) : "-", line.a ? duration(line.a->total_us) : "",
                  line.b ? describe(*line.b) : "-", line.b ? duration(line.b->total_us) : "",
                  other ? signedDuration(line.difference_us) : "=",
                  other ? std::string(kBoundNames[line.because]) : ""});
  }
  return table.text();
}

std::string totalsTable(const DiffReport &r) {
  TextTable table({{"", {}}, {"A", Align::right}, {"B", Align::right}, {"B less A", Align::right}});
  const auto quantity = [](double bytes) { return number(bytes * 1e-6) + " MB"; };
  const auto signedNumber = [](double value, const std::string &text) {
    return (value < 0 ? "-" : "+") + text;
  };
  table.addRow({"step", duration(r.a.latency_us), duration(r.b.latency_us),
                signedDuration(r.b.latency_us - r.a.latency_us)});
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
    if (std::max(r.a.part_us[i] / r.a.latency_us, r.b.part_us[i] / r.b.latency_us) >= kShown)
      table.addRow({fmt::format("  {}", kBoundNames[i]), duration(r.a.part_us[i]),
                    duration(r.b.part_us[i]), signedDuration(r.b.part_us[i] - r.a.part_us[i])});
  const int64_t kernels = r.b.kernels - r.a.kernels;
  table.addRow({"kernels", std::to_string(r.a.kernels), std::to_string(r.b.kernels),
                fmt::format("{:+}", kernels)});
  const double bytes = r.b.dramBytes - r.a.dramBytes;
  table.addRow({"dram traffic", quantity(r.a.dramBytes), quantity(r.b.dramBytes),
                signedNumber(bytes, quantity(std::abs(bytes)))});
  return table.text();
}

/// "B takes 0.74 times as long as A: 12.1 us less, of which 9.8 us dram and 2.1 us fixed."
std::string verdict(const DiffReport &r) {
  const double difference = r.b.latency_us - r.a.latency_us;
  const double longer = std::max(r.a.latency_us, r.b.latency_us);
  if (std::abs(difference) <= kSame * longer)
    return "A and B take the same time\n";
  std::vector<std::pair<double, uint32_t>> parts;
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i) {
    const double part = r.b.part_us[i] - r.a.part_us[i];
    if (std::abs(part) >= 0.01 * longer)
      parts.emplace_back(part, i);
  }
  std::sort(parts.begin(), parts.end(),
            [](const auto &x, const auto &y) { return std::abs(x.first) > std::abs(y.first); });
  std::string text = fmt::format("B takes {} times as long as A, {} {}",
                                 number(r.b.latency_us / r.a.latency_us, 3),
                                 duration(std::abs(difference)), difference < 0 ? "less" : "more");
  for (size_t i = 0; i < parts.size(); ++i)
    text += fmt::format("{}{} {}", i == 0 ? ": " : ", ", kBoundNames[parts[i].second],
                        signedDuration(parts[i].first));
  return text + '\n';
}

Json totalJson(const DiffTotal &total) {
  return Json{{"model", total.name},
              {"latency_us", total.latency_us},
              {"bound", kBoundNames[total.bound]},
              {"breakdown_us", breakdown(total.part_us)},
              {"kernels", total.kernels},
              {"dram_bytes", total.dramBytes},
              {"operations", total.operations}};
}

Json sideJson(const std::optional<DiffSide> &side) {
  if (!side)
    return nullptr;
  return Json{{"name", side->name},
              {"op", side->op},
              {"work", side->what},
              {"count", side->count},
              {"latency_us", side->latency_us},
              {"total_us", side->total_us},
              {"bound", kBoundNames[side->bound]},
              {"breakdown_us", breakdown(side->part_us)}};
}

} // namespace

std::string diffTable(const DiffReport &r) {
  std::string out = fmt::format("A {} and B {} on {} ({}), model {}\n\n", r.a.name, r.b.name,
                                r.target, r.targetName, r.model) +
                    linesTable(r) + '\n' + totalsTable(r) + '\n' + verdict(r);
  out += noteLines(r.notes);
  return out;
}

std::string diffJson(const DiffReport &r) {
  Json json;
  json["target"] = r.target;
  json["model"] = r.model;
  json["a"] = totalJson(r.a);
  json["b"] = totalJson(r.b);
  json["difference_us"] = r.b.latency_us - r.a.latency_us;
  double parts[MANSARD_BOUND_COUNT];
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i)
    parts[i] = r.b.part_us[i] - r.a.part_us[i];
  json["breakdown_difference_us"] = breakdown(parts);
  Json kernels = Json::array();
  for (const DiffLine &line : r.lines)
    kernels.push_back(Json{{"a", sideJson(line.a)},
                           {"b", sideJson(line.b)},
                           {"difference_us", line.difference_us},
                           {"because", kBoundNames[line.because]}});
  json["kernels"] = std::move(kernels);
  json["notes"] = r.notes;
  return dump(json);
}

} // namespace mansard::report
