#include "json.h"

#include <mansard/report/text_table.h>
#include <mansard/report/validation.h>

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace mansard::report {
namespace {

/// Mean over groups weighted by their rows.
double weighted(const std::vector<const ErrorGroup *> &groups, double ErrorGroup::*figure) {
  double sum = 0, rows = 0;
  for (const ErrorGroup *group : groups) {
    if (group->rows == 0)
      continue;
    sum += group->*figure * static_cast<double>(group->rows);
    rows += static_cast<double>(group->rows);
  }
  return rows > 0 ? sum / rows : std::numeric_limits<double>::quiet_NaN();
}

std::string digits(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : "-";
}

std::vector<std::string> figures(const ErrorGroup &g) {
  return {std::to_string(g.rows),     std::to_string(g.skipped), digits(g.mape, 1),
          digits(g.median_ape, 1),    digits(g.p90_ape, 1),      digits(g.bias, 3),
          digits(100 * g.covered, 0), digits(g.roofline_mape, 1)};
}

} // namespace

std::string validationTable(const Validation &validation) {
  using Align = TextTable::Align;
  TextTable table({{"op", {}},
                   {"metric", {}},
                   {"target", {}},
                   {"dtype", {}},
                   {"rows", Align::right},
                   {"skipped", Align::right},
                   {"MAPE %", Align::right},
                   {"median %", Align::right},
                   {"p90 %", Align::right},
                   {"bias", Align::right},
                   {"in interval %", Align::right},
                   {"roofline MAPE %", Align::right}});
  for (size_t first = 0; first < validation.groups.size();) {
    // A file's groups follow one another.
    size_t last = first;
    std::vector<const ErrorGroup *> file;
    for (; last < validation.groups.size() &&
           validation.groups[last].file == validation.groups[first].file;
         ++last) {
      const ErrorGroup &g = validation.groups[last];
      std::vector<std::string> row{g.op, g.metric, g.target, g.dtype};
      for (std::string &figure : figures(g))
        row.push_back(std::move(figure));
      table.addRow(std::move(row));
      file.push_back(&g);
    }
    if (file.size() > 1) {
      size_t rows = 0, skipped = 0;
      for (const ErrorGroup *g : file) {
        rows += g->rows;
        skipped += g->skipped;
      }
      table.addRow({file.front()->op, "all", "", "", std::to_string(rows), std::to_string(skipped),
                    digits(weighted(file, &ErrorGroup::mape), 1), "", "",
                    digits(weighted(file, &ErrorGroup::bias), 3),
                    digits(100 * weighted(file, &ErrorGroup::covered), 0),
                    digits(weighted(file, &ErrorGroup::roofline_mape), 1)});
    }
    table.addRow({});
    first = last;
  }
  return table.text(0);
}

std::string validationJson(const Validation &validation) {
  Json json = Json::array();
  for (const ErrorGroup &g : validation.groups)
    json.push_back(Json{{"file", g.file},
                        {"op", g.op},
                        {"metric", g.metric},
                        {"target", g.target},
                        {"dtype", g.dtype},
                        {"rows", g.rows},
                        {"skipped", g.skipped},
                        {"mape", g.mape},
                        {"median_ape", g.median_ape},
                        {"p90_ape", g.p90_ape},
                        {"bias", g.bias},
                        {"roofline_mape", g.roofline_mape},
                        {"in_interval", 100 * g.covered}});
  return dump(json);
}

} // namespace mansard::report
