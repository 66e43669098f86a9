#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace mansard::report {
namespace {

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80; // not a continuation byte
  }));
}

std::string scaled(double value, double step, const std::array<std::string_view, 6> &units,
                   std::string_view suffix) {
  size_t unit = 0;
  while (unit + 1 < units.size() && std::fabs(value) >= step) {
    value /= step;
    ++unit;
  }
  return fmt::format("{} {}{}", number(value), units[unit], suffix);
}

} // namespace

std::string TextTable::text(size_t indent) const {
  std::vector<size_t> widths;
  bool titled = false;
  for (size_t c = 0; c < columns_.size(); ++c) {
    titled = titled || !columns_[c].title.empty();
    size_t width = characters(columns_[c].title);
    for (const auto &row : rows_)
      if (c < row.size())
        width = std::max(width, characters(row[c]));
    widths.push_back(width);
  }
  std::string out;
  const auto line = [&](const auto &cellOf) {
    std::string one(indent, ' ');
    for (size_t c = 0; c < columns_.size(); ++c) {
      const std::string cell = cellOf(c);
      const std::string pad(widths[c] - characters(cell), ' ');
      one += (c ? "  " : "") + (columns_[c].align == Align::right ? pad + cell : cell + pad);
    }
    one.erase(one.find_last_not_of(' ') + 1);
    out += one + '\n';
  };
  if (titled)
    line([&](size_t c) { return columns_[c].title; });
  for (const auto &row : rows_)
    line([&](size_t c) { return c < row.size() ? row[c] : std::string(); });
  return out;
}

std::string bar(double share, size_t width) {
  if (!(share > 0))
    return {};
  const double filled = std::round(std::min(share, 1.0) * static_cast<double>(width));
  return std::string(std::max<size_t>(1, static_cast<size_t>(filled)), '#');
}

std::string duration(double us) {
  if (std::fabs(us) < 1e3)
    return number(us) + " us";
  return std::fabs(us) < 1e6 ? number(us / 1e3) + " ms" : number(us / 1e6) + " s";
}

std::string rate(double perSecond, std::string_view unit) {
  return scaled(perSecond, 1e3, {"", "k", "M", "G", "T", "P"}, unit);
}

std::string size(double bytes) {
  return scaled(bytes, 1024, {"", "Ki", "Mi", "Gi", "Ti", "Pi"}, "B");
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string number(double value, int digits) {
  if (!std::isfinite(value))
    return "-";
  const double magnitude = std::fabs(value);
  if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e15))
    return fmt::format("{:.{}g}", value, digits);
  const int before = magnitude < 1 ? 1 : static_cast<int>(std::floor(std::log10(magnitude))) + 1;
  std::string text = fmt::format("{:.{}f}", value, std::max(0, digits - before));
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.')
      text.pop_back();
  }
  return text;
}

std::string grouped(double value) {
  if (!std::isfinite(value) || std::fabs(value) >= 1e18)
    return number(value);
  std::string digits = fmt::format("{:.0f}", std::fabs(value));
  for (size_t at = digits.size(); at > 3;)
    digits.insert(at -= 3, ",");
  return (value < 0 && digits != "0" ? "-" : "") + digits;
}

} // namespace mansard::report
