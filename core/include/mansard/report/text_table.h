// Aligned text: tables of cells, bars, and numbers as people read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mansard::report {

/// Cells in columns, each as wide as its widest cell. Widths count UTF-8 characters.
class TextTable {
public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Missing cells are empty.
  void addRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  /// Title line (left out if no column has a title), then the rows, each line indented, without
  /// trailing blanks.
  std::string text(size_t indent = 2) const;

private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Parts of a whole below this share are left out of tables: they would read 0.0 %.
inline constexpr double kShown = 0.0005;

/// A bar of `share` (0 to 1) of `width` characters; at least one character for what is not nothing.
std::string bar(double share, size_t width = 30);

/// Four significant digits and the unit that suits: "172.3 us", "1.392 ms", "2.5 s".
std::string duration(double us);
/// Powers of 1000: rate(3.35e12, "B/s") is "3.35 TB/s".
std::string rate(double perSecond, std::string_view unit);
/// Powers of 1024: "81.2 GiB".
std::string size(double bytes);
/// "12.3 %".
std::string percent(double share);
/// `digits` significant digits, never in exponent notation between 1e-4 and 1e15.
std::string number(double value, int digits = 4);
/// Whole, with thousands separated by commas.
std::string grouped(double value);

} // namespace mansard::report
