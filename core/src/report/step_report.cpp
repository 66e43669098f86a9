#include "../base/quantile.h"
#include "json.h"

#include <mansard/report/csv.h>
#include <mansard/report/step_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

namespace mansard::report {
namespace {

/// What a table says beside the work: whose row it is, what was measured, and where it is from.
bool isWork(const Measurements &file, const std::string &column) {
  static const std::set<std::string, std::less<>> kBeside{"target", "op", "spread", "source"};
  const bool kernels = file.all.empty() || (!file.all.front().served && !file.all.front().trained);
  if (kernels && !file.all.empty()) {
    const auto &columns = work::columnsOf(file.all.front().op);
    return std::any_of(columns.begin(), columns.end(),
                       [&](const work::ColumnInfo &known) { return known.name == column; });
  }
  return !kBeside.contains(column) && !column.ends_with("_us") && !column.ends_with("_ms") &&
         !column.ends_with("_measured");
}

std::string workOf(const Measurements &file, size_t row) {
  std::string text;
  for (size_t i = 0; i < file.table.header.size(); ++i)
    if (const std::string &cell = file.table.rows[row][i];
        !cell.empty() && isWork(file, file.table.header[i]))
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", file.table.header[i], cell);
  return text;
}

/// Means of logarithms: a ratio and its inverse count alike.
struct Side {
  double measured = 0, predicted = 0;
  size_t rows = 0;
  uint32_t bound = 0;

  void add(const Measurement &m, const Compared &c) {
    if (rows++ == 0)
      bound = c.estimate.bound;
    measured += std::log(m.measured_us);
    predicted += std::log(c.estimate.latency_us);
  }
  double measured_us() const { return std::exp(measured / static_cast<double>(rows)); }
  double predicted_us() const { return std::exp(predicted / static_cast<double>(rows)); }
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return quantile(values, 0.5);
}

StepGroup groupOf(const std::vector<const SteppedRow *> &rows) {
  StepGroup group;
  group.op = rows.front()->op;
  group.metric = rows.front()->metric;
  group.rows = rows.size();
  std::vector<double> measured, predicted;
  const auto n = static_cast<double>(rows.size());
  for (const SteppedRow *row : rows) {
    measured.push_back(row->measured());
    predicted.push_back(row->predicted());
    group.mape += 100 * std::fabs(row->predicted() / row->measured() - 1) / n;
    group.bias += std::log(row->predicted() / row->measured()) / n;
    for (size_t side : {0, 1})
      group.single[side] +=
          100 * std::fabs(row->predicted_us[side] / row->measured_us[side] - 1) / n;
  }
  group.measured = median(std::move(measured));
  group.predicted = median(std::move(predicted));
  return group;
}

void addGroups(StepReport &report) {
  std::map<std::pair<std::string, std::string>, std::vector<const SteppedRow *>> byOp;
  for (const SteppedRow &row : report.rows)
    byOp[{row.op, row.metric}].push_back(&row);
  for (const auto &[op, rows] : byOp) {
    report.groups.push_back(groupOf(rows));
    std::map<std::pair<std::string, uint32_t>, std::vector<const SteppedRow *>> byBound;
    for (const SteppedRow *row : rows)
      byBound[{row->dtype, row->bound}].push_back(row);
    for (const auto &[key, some] : byBound) {
      StepGroup &group = report.groups.emplace_back(groupOf(some));
      group.dtype = key.first;
      group.bound = key.second;
    }
  }
}

} // namespace

Result<StepReport> collectSteps(const Validation &validation, const std::string &from,
                                const std::string &to) {
  StepReport report;
  report.targets = {from, to};
  std::map<std::tuple<std::string, std::string, std::string, std::string>, std::array<Side, 2>>
      sides;
  std::set<std::string> there;
  for (size_t f = 0; f < validation.files.size(); ++f) {
    const Measurements &file = validation.files[f];
    for (size_t i = 0; i < file.all.size(); ++i) {
      const Measurement &m = file.all[i];
      const Compared &c = validation.compared[f][i];
      if (!c.skipped.empty())
        continue;
      there.insert(m.target);
      for (size_t side : {0, 1})
        if (m.target == report.targets[side])
          sides[{file.op, m.metric, m.dtype, workOf(file, m.row)}][side].add(m, c);
    }
  }
  const std::vector<std::string> targets(there.begin(), there.end());
  for (const std::string &target : report.targets)
    if (!there.contains(target))
      return Error{
          ErrorCode::invalidInput,
          fmt::format("no estimated row is of '{}'{}; there are rows of {}", target,
                      hw::suggestion(target, targets),
                      targets.empty() ? "nothing" : fmt::format("{}", fmt::join(targets, ", "))),
          "--step"};
  for (const auto &[key, pair] : sides) {
    if (pair[0].rows == 0 || pair[1].rows == 0)
      continue;
    SteppedRow &row = report.rows.emplace_back();
    std::tie(row.op, row.metric, row.dtype, row.work) = key;
    row.bound = pair[0].bound;
    for (size_t side : {0, 1}) {
      row.measured_us[side] = pair[side].measured_us();
      row.predicted_us[side] = pair[side].predicted_us();
    }
  }
  if (report.rows.empty())
    return Error{ErrorCode::invalidInput,
                 fmt::format("{} and {} have been measured at no work in common", from, to),
                 "--step"};
  addGroups(report);
  return report;
}

std::string stepTable(const StepReport &report) {
  using Align = TextTable::Align;
  TextTable table({{"op", {}},
                   {"metric", {}},
                   {"dtype", {}},
                   {fmt::format("bound on {}", report.targets[0]), {}},
                   {"rows", Align::right},
                   {"measured", Align::right},
                   {"predicted", Align::right},
                   {"MAPE %", Align::right},
                   {"bias", Align::right},
                   {fmt::format("MAPE % {}", report.targets[0]), Align::right},
                   {report.targets[1], Align::right}});
  for (const StepGroup &g : report.groups) {
    if (!g.dtype && !table.empty())
      table.addRow({});
    table.addRow({g.op, g.metric, g.dtype.value_or("all"),
                  g.bound ? std::string(kBoundNames[*g.bound]) : "all", std::to_string(g.rows),
                  fmt::format("{:.3f}", g.measured), fmt::format("{:.3f}", g.predicted),
                  fmt::format("{:.1f}", g.mape), fmt::format("{:.3f}", g.bias),
                  fmt::format("{:.1f}", g.single[0]), fmt::format("{:.1f}", g.single[1])});
  }
  return fmt::format("{} over {}: speed-up of the same work, medians; MAPE and bias are of the "
                     "speed-up, the last two columns of the times themselves\n\n{}",
                     report.targets[1], report.targets[0], table.text());
}

std::string stepJson(const StepReport &report) {
  Json json = Json::array();
  for (const StepGroup &g : report.groups)
    json.push_back(Json{{"from", report.targets[0]},
                        {"to", report.targets[1]},
                        {"op", g.op},
                        {"metric", g.metric},
                        {"dtype", g.dtype ? Json(*g.dtype) : Json()},
                        {"bound", g.bound ? Json(kBoundNames[*g.bound]) : Json()},
                        {"rows", g.rows},
                        {"median_measured_speedup", g.measured},
                        {"median_predicted_speedup", g.predicted},
                        {"mape", g.mape},
                        {"bias", g.bias},
                        {"from_mape", g.single[0]},
                        {"to_mape", g.single[1]}});
  return dump(json);
}

std::string stepRows(const StepReport &report) {
  std::string text = csvLine({"op", "metric", "dtype", "work", "from", "to", "bound",
                              "from_measured_us", "from_predicted_us", "to_measured_us",
                              "to_predicted_us", "measured_speedup", "predicted_speedup"});
  const auto exact = [](double value) { return fmt::format("{}", value); };
  for (const SteppedRow &r : report.rows)
    text += csvLine({r.op, r.metric, r.dtype, r.work, report.targets[0], report.targets[1],
                     std::string(kBoundNames[r.bound]), exact(r.measured_us[0]),
                     exact(r.predicted_us[0]), exact(r.measured_us[1]), exact(r.predicted_us[1]),
                     exact(r.measured()), exact(r.predicted())});
  return text;
}

} // namespace mansard::report
