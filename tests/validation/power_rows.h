// The rows of power.csv and what the energy model makes of them: average power at the rates that
// were measured with it, so that no error in times is in it.
#pragma once

#include <mansard/base/dtype.h>
#include <mansard/economics/energy.h>
#include <mansard/hw/catalog.h>
#include <mansard/hw/chip_energy.h>
#include <mansard/report/csv.h>

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace mansard::validation {

struct PowerRow {
  std::string target, op, what, source;
  bool fitted = false; // else held against the model only
  economics::Activity second;
  double power_W = 0;
};

inline std::vector<PowerRow> readPowerRows(const std::string &file) {
  const auto table = report::readCsv(file);
  if (!table)
    throw std::runtime_error(table.error().text());
  const auto at = [&](size_t row, const char *column) -> const std::string & {
    const auto index = table->column(column);
    if (!index)
      throw std::runtime_error(file + " has no column " + column);
    return table->rows[row][*index];
  };
  std::vector<PowerRow> rows;
  for (size_t i = 0; i < table->rows.size(); ++i) {
    const auto value = [&](const char *column) { return std::stod(at(i, column)); };
    const auto dtype = parseDType(at(i, "dtype"));
    if (!dtype)
      throw std::runtime_error(file + ": no type " + at(i, "dtype"));
    PowerRow row{at(i, "target"),       at(i, "op"), at(i, "what"),   at(i, "source"),
                 at(i, "use") == "fit", {},          value("power_w")};
    row.second.dtype = static_cast<uint32_t>(*dtype);
    row.second.matrixOperations = value("tflops") * 1e12;
    row.second.vectorOperations = value("vector_tflops") * 1e12;
    row.second.dramBytes = value("dram_gbytes_per_s") * 1e9;
    row.second.linkBytes = value("link_gbytes_per_s") * 1e9;
    rows.push_back(std::move(row));
  }
  return rows;
}

/// Of a package that did what the row says in a second.
inline double power_W(const economics::EnergyModel &model, const PowerRow &row) {
  constexpr double second_us = 1e6;
  return model.package_W(model.activity(row.second), second_us, 1);
}

} // namespace mansard::validation
