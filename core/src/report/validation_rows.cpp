#include <mansard/base/names.h>
#include <mansard/report/validation.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::report {
namespace {

/// What the table of rows adds to a row's own columns.
std::vector<std::string> addedColumns() {
  std::vector<std::string> names{
      "file",          "line",   "metric",  "family",   "measured_us", "predicted_us",   "ratio",
      "error_percent", "low_us", "high_us", "interval", "roofline_us", "predicted_bound"};
  for (std::string_view bound : kBoundNames)
    names.push_back(fmt::format("predicted_{}_us", bound));
  for (const char *name : {"tile_m", "tile_n", "tile_k", "split_k", "tiles", "waves", "cores",
                           "fallback", "uncalibrated", "skipped"})
    names.emplace_back(name);
  return names;
}

std::string exact(double value) { return fmt::format("{}", value); }

/// From the prediction to the flags.
void addEstimate(std::vector<std::string> &row, const Measurement &m, const Compared &c) {
  const mansard_estimate &e = c.estimate;
  row.insert(row.end(),
             {exact(e.latency_us), exact(e.latency_us / m.measured_us),
              exact(100 * (e.latency_us / m.measured_us - 1)), exact(c.interval.low_us),
              exact(c.interval.high_us), c.interval.known ? "residuals" : "guess",
              c.roofline_us > 0 ? exact(c.roofline_us) : "", std::string(kBoundNames[e.bound])});
  for (double part : e.part_us)
    row.push_back(exact(part));
  row.insert(row.end(),
             {std::to_string(e.tiling.tile_m), std::to_string(e.tiling.tile_n),
              std::to_string(e.tiling.tile_k), std::to_string(e.tiling.split_k),
              std::to_string(e.tiling.tiles), exact(e.tiling.waves), std::to_string(e.tiling.cores),
              e.flags & MANSARD_ESTIMATE_FALLBACK ? "1" : "0",
              e.flags & MANSARD_ESTIMATE_UNCALIBRATED ? "1" : "0"});
}

} // namespace

std::string validationRows(const Validation &validation) {
  const std::vector<std::string> added = addedColumns();
  const auto isOurs = [&](const std::string &name) {
    return std::find(added.begin(), added.end(), name) != added.end();
  };
  // The union of all columns, in order of first appearance, so that several files make one table.
  std::vector<std::string> header;
  for (const Measurements &file : validation.files)
    for (const std::string &name : file.table.header)
      if (!isOurs(name) && std::find(header.begin(), header.end(), name) == header.end())
        header.push_back(name);
  // An op whose tables have no such column has a data type all the same.
  if (std::find(header.begin(), header.end(), "dtype") == header.end())
    header.emplace_back("dtype");
  const std::vector<std::string> given = header;
  header.insert(header.end(), added.begin(), added.end());
  std::string out = csvLine(header);

  for (size_t f = 0; f < validation.files.size(); ++f) {
    const CsvTable &table = validation.files[f].table;
    std::vector<std::optional<size_t>> columns;
    for (const std::string &name : given)
      columns.push_back(table.column(name));
    for (size_t i = 0; i < validation.files[f].all.size(); ++i) {
      const Measurement &m = validation.files[f].all[i];
      const Compared &c = validation.compared[f][i];
      std::vector<std::string> row;
      for (size_t column = 0; column < given.size(); ++column)
        row.push_back(given[column] == "dtype" ? m.dtype
                      : columns[column]        ? table.rows[m.row][*columns[column]]
                                               : "");
      const auto family = validation.families.find(m.target);
      row.insert(row.end(), {table.file, std::to_string(table.lines[m.row]), m.metric,
                             family == validation.families.end() ? "" : family->second,
                             m.measured_us > 0 ? exact(m.measured_us) : ""});
      if (c.skipped.empty())
        addEstimate(row, m, c);
      row.resize(header.size() - 1);
      row.push_back(c.skipped);
      out += csvLine(row);
    }
  }
  return out;
}

} // namespace mansard::report
