// Fits hw::kEnergyConstants to power.csv and tells how far each row, and each chip left out of the
// fit, lies from what they predict. Usage: mansard_fit_power
//
// Minimised is the mean over chips of the mean |log(predicted / measured)| of a chip's rows, each
// at most kLimit. What ran below its cap is compared with what it would take if there were none.
// Energies that families have fitted on the speed of matmuls are left out, so that all chips of a
// process speak for it. The active share is not fitted: busy chips hardly tell it from what moves
// bits (the loss is 0.10 from a share of 0.1 to one of 0.26, with the others fitted to each), and
// of servers that their host holds up, which are not in the fit, 0.2 misses least (17 %).
#include "power_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <set>

namespace {
using namespace mansard;
using namespace mansard::validation;

constexpr double kLimit = 0.7, kCapped = 0.93;
constexpr double hw::EnergyConstants::*kFitted[] = {&hw::EnergyConstants::matrixAccesses,
                                                    &hw::EnergyConstants::vectorAccesses,
                                                    &hw::EnergyConstants::path_pJ_per_bit};

class Bench {
public:
  explicit Bench(std::vector<PowerRow> rows) : rows_(std::move(rows)) {
    for (const PowerRow &row : rows_) {
      if (bare_.contains(row.target))
        continue;
      auto chip = catalog_.target(row.target);
      if (!chip)
        throw std::runtime_error(chip.error().text());
      shipped_.emplace(row.target, economics::EnergyModel(*chip));
      std::erase_if(chip->numbers, [](const auto &number) {
        return number.first.starts_with("energy.") || number.first == "power.active_W";
      });
      std::erase_if(chip->calibration,
                    [](const auto &c) { return c.first.starts_with("gemm.energy_"); });
      bare_.emplace(row.target, std::move(*chip));
    }
  }
  const std::vector<PowerRow> &rows() const { return rows_; }
  const economics::EnergyModel &shipped(const PowerRow &row) const {
    return shipped_.at(row.target);
  }

  economics::EnergyModel model(const std::string &target,
                               const hw::EnergyConstants &constants) const {
    hw::Chip chip = bare_.at(target);
    const auto node = catalog_.nodeOfProcess(chip.process);
    if (!node)
      throw std::runtime_error(node.error().text());
    deriveEnergy(chip, *node, constants);
    return economics::EnergyModel(chip);
  }

  double loss(const hw::EnergyConstants &constants, const std::string &without) const {
    std::map<std::string, std::pair<double, int>> sums;
    std::map<std::string, economics::EnergyModel> models;
    for (const PowerRow &row : rows_) {
      if (!row.fitted || row.target == without)
        continue;
      auto &model = models.try_emplace(row.target).first->second;
      if (!model.known())
        model = this->model(row.target, constants);
      const double wanted_W = model.static_W() + model.activity(row.second).dynamic();
      const double predicted_W =
          row.power_W > kCapped * model.cap_W() ? power_W(model, row) : wanted_W;
      auto &[sum, count] = sums[row.target];
      sum += std::min(kLimit, std::fabs(std::log(predicted_W / row.power_W)));
      ++count;
    }
    double total = 0;
    for (const auto &[target, sum] : sums)
      total += sum.first / sum.second;
    return total / static_cast<double>(sums.size());
  }

  /// By coordinate descent.
  hw::EnergyConstants fit(const std::string &without = {}) const {
    hw::EnergyConstants best = hw::kEnergyConstants;
    double least = loss(best, without);
    for (const double step : {1.5, 1.2, 1.05, 1.02})
      for (bool moved = true; moved;) {
        moved = false;
        for (const auto member : kFitted)
          for (const double factor : {step, 1 / step}) {
            hw::EnergyConstants next = best;
            next.*member *= factor;
            if (const double found = loss(next, without); found < least - 1e-9) {
              least = found;
              best = next;
              moved = true;
            }
          }
      }
    return best;
  }

private:
  hw::Catalog catalog_;
  std::vector<PowerRow> rows_;
  std::map<std::string, hw::Chip> bare_;
  std::map<std::string, economics::EnergyModel> shipped_;
};

std::string text(const hw::EnergyConstants &c) {
  return fmt::format("activeShare {:.3f}, matrixAccesses {:.3f}, vectorAccesses {:.2f}, "
                     "path_pJ_per_bit {:.2f}",
                     c.activeShare, c.matrixAccesses, c.vectorAccesses, c.path_pJ_per_bit);
}

int run() {
  const Bench bench(readPowerRows(MANSARD_TABLES "/power.csv"));
  const hw::EnergyConstants constants = bench.fit();
  fmt::print("{}\nmean |log| {:.3f}; of the constants in use {:.3f}\n\n", text(constants),
             bench.loss(constants, {}), bench.loss(hw::kEnergyConstants, {}));
  fmt::print("{:>8} {:>8} {:>8}\n", "measured", "fit", "shipped");
  for (const PowerRow &row : bench.rows()) {
    const auto off = [&](const economics::EnergyModel &model) {
      return 100 * (power_W(model, row) / row.power_W - 1);
    };
    fmt::print("{:>6.0f} W {:>+6.0f} % {:>+6.0f} %  {} {}, {} ({}){}\n", row.power_W,
               off(bench.model(row.target, constants)), off(bench.shipped(row)), row.target, row.op,
               row.what, row.source, row.fitted ? "" : " *");
  }
  fmt::print("* not in the fit\n\nleft out\n");
  std::set<std::string> targets;
  for (const PowerRow &row : bench.rows())
    targets.insert(row.target);
  for (const std::string &target : targets) {
    const auto model = bench.model(target, bench.fit(target));
    double off = 0, bias = 0, count = 0;
    for (const PowerRow &row : bench.rows())
      if (row.target == target) {
        const double error = power_W(model, row) / row.power_W - 1;
        off += std::fabs(error);
        bias += error;
        ++count;
      }
    fmt::print("  {:<14} {:>3.0f} rows: {:>4.1f} % mean absolute error, {:>+5.1f} % on average\n",
               target, count, 100 * off / count, 100 * bias / count);
  }
  return 0;
}

} // namespace

int main() {
  try {
    return run();
  } catch (const std::exception &e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
