#include "json.h"

#include <mansard/report/text_table.h>
#include <mansard/report/validation.h>

#include <fmt/format.h>

#include <algorithm>
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

std::string validationRows(const Validation &validation) {
  // The union of all columns, in order of first appearance, so that several files make one table.
  std::vector<std::string> header;
  for (const Measurements &file : validation.files)
    for (const std::string &name : file.table.header)
      if (std::find(header.begin(), header.end(), name) == header.end())
        header.push_back(name);
  const std::vector<std::string> given = header;
  for (const char *name : {"file", "line", "metric", "measured_us", "predicted_us", "ratio",
                           "low_us", "high_us", "roofline_us", "predicted_bound"})
    header.emplace_back(name);
  for (std::string_view bound : kBoundNames)
    header.push_back(fmt::format("predicted_{}_us", bound));
  for (const char *name :
       {"tile_m", "tile_n", "tile_k", "split_k", "tiles", "waves", "cores", "skipped"})
    header.emplace_back(name);
  std::string out = csvLine(header);

  const auto exact = [](double value) { return fmt::format("{}", value); };
  for (size_t f = 0; f < validation.files.size(); ++f) {
    const Measurements &file = validation.files[f];
    for (size_t i = 0; i < file.all.size(); ++i) {
      const Measurement &m = file.all[i];
      const Compared &c = validation.compared[f][i];
      const mansard_estimate &e = c.estimate;
      std::vector<std::string> row;
      for (const std::string &name : given) {
        const auto column = file.table.column(name);
        row.push_back(column ? file.table.rows[m.row][*column] : "");
      }
      row.insert(row.end(), {file.table.file, std::to_string(file.table.lines[m.row]), m.metric,
                             m.measured_us > 0 ? exact(m.measured_us) : ""});
      if (c.skipped.empty()) {
        row.insert(row.end(), {exact(e.latency_us), exact(e.latency_us / m.measured_us),
                               exact(c.interval.low_us), exact(c.interval.high_us),
                               c.roofline_us > 0 ? exact(c.roofline_us) : "",
                               std::string(kBoundNames[e.bound])});
        for (double part : e.part_us)
          row.push_back(exact(part));
        row.insert(row.end(), {std::to_string(e.tiling.tile_m), std::to_string(e.tiling.tile_n),
                               std::to_string(e.tiling.tile_k), std::to_string(e.tiling.split_k),
                               std::to_string(e.tiling.tiles), exact(e.tiling.waves),
                               std::to_string(e.tiling.cores), ""});
      } else {
        row.resize(header.size() - 1);
        row.push_back(c.skipped);
      }
      out += csvLine(row);
    }
  }
  return out;
}

} // namespace mansard::report
