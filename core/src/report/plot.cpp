#include <mansard/report/serving_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::report {

std::string plot(const std::vector<std::pair<double, double>> &points,
                 const std::vector<std::string> &labels, const std::string &xName,
                 const std::string &yName, size_t width, size_t height) {
  double xMost = 0, yMost = 0;
  for (const auto &[x, y] : points) {
    xMost = std::max(xMost, x);
    yMost = std::max(yMost, y);
  }
  if (!(xMost > 0) || !(yMost > 0) || width < 2 || height < 2)
    return {};
  std::vector<std::string> field(height, std::string(width, ' '));
  const auto place = [](double value, double most, size_t cells) {
    return static_cast<size_t>(
        std::lround(std::clamp(value / most, 0.0, 1.0) * static_cast<double>(cells - 1)));
  };
  // Where several fall on one place, the last is seen.
  for (size_t i = 0; i < points.size(); ++i)
    field[height - 1 - place(points[i].second, yMost, height)]
         [place(points[i].first, xMost, width)] =
             i < labels.size() && !labels[i].empty() ? labels[i][0] : '*';
  const std::string top = number(yMost, 3), right = number(xMost, 3);
  const size_t margin = std::max<size_t>(top.size(), 1);
  std::string text = fmt::format("  {}\n", yName);
  for (size_t row = 0; row < height; ++row) {
    const std::string label = row == 0 ? top : row == height - 1 ? "0" : "";
    std::string line = fmt::format("  {:>{}} |{}", label, margin, field[row]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  text += fmt::format("  {:>{}} +{}\n", "", margin, std::string(width, '-'));
  text += fmt::format("  {:>{}}  0{:>{}}\n", "", margin, right, width - 1);
  text += fmt::format("  {:>{}}  {:>{}}\n", "", margin, xName, width);
  return text;
}

} // namespace mansard::report
