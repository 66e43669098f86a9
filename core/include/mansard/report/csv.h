// Tables of comma-separated values with a header row (RFC 4180): cells may be quoted, and then hold
// commas, doubled quotes and line breaks.
#pragma once

#include <mansard/base/result.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mansard::report {

struct CsvTable {
  std::string file;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows; // each as long as the header
  std::vector<size_t> lines;                  // of the file, where each row begins; from 1

  /// Position of a column, if there is one of that name.
  std::optional<size_t> column(std::string_view name) const;
};

/// Blank lines are left out. A row whose length is not the header's, a quote that never closes, a
/// column that is there twice: errors with their line.
Result<CsvTable> parseCsv(std::string_view text, std::string file);
Result<CsvTable> readCsv(const std::string &path);

/// One line, quoted where needed, with its line break.
std::string csvLine(const std::vector<std::string> &cells);

} // namespace mansard::report
