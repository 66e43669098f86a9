#include <mansard/economics/tco.h>

#include <mansard/hw/chip_energy.h>
#include <mansard/hw/system.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mansard::economics {
namespace {

constexpr double kHoursPerYear = 8766;

/// What a year of `years` pays back of one dollar at `interest`.
double annuity(double interest, double years) {
  return interest > 0 ? interest / (1 - std::pow(1 + interest, -years)) : 1 / years;
}

/// Of a chip's share of its system, in USD; 0 where none is stated.
double systemPrice(const hw::System &system, const Assumptions &assumptions) {
  const double rate = assumptions.number("use.cny_per_usd");
  const auto usd = [&](const char *dollars, const char *yuan, int64_t chips) {
    const double price = system.has(dollars) ? system.number(dollars) : system.number(yuan) / rate;
    return price / static_cast<double>(chips);
  };
  const double node = usd("price.node_USD", "price.node_CNY", system.chipsPerNode());
  return node > 0 ? node : usd("price.system_USD", "price.system_CNY", system.chips());
}

double systemPower_W(const hw::System &system) {
  const double node = system.number("power.node_W");
  return node > 0 ? node / static_cast<double>(system.chipsPerNode())
                  : system.number("power.system_W") / static_cast<double>(system.chips());
}

} // namespace

Result<HourlyCost> hourlyCost(const hw::Chip &chip, const Assumptions &assumptions, double load_W) {
  HourlyCost cost;
  const double tdp_W = chip.number("power.tdp_W");
  cost.chip_usd = chip.number("price.usd");
  cost.server_usd = assumptions.number("server.usd_per_chip");
  double others_W = assumptions.number("server.w_per_chip");
  if (chip.system) {
    if (const double price = systemPrice(*chip.system, assumptions); price > 0) {
      cost.fromSystem = true;
      cost.chip_usd = std::min(cost.chip_usd > 0 ? cost.chip_usd : price, price);
      cost.server_usd = price - cost.chip_usd;
    }
    if (const double power = systemPower_W(*chip.system); power > tdp_W)
      others_W = power - tdp_W;
  }
  if (!(cost.chip_usd > 0))
    return Error{
        ErrorCode::invalidInput,
        fmt::format("{} has no price: set price.usd, or name a system that has one", chip.id),
        chip.file};
  if (!(tdp_W > 0) && !(load_W > 0))
    return Error{ErrorCode::invalidInput, fmt::format("{} has no power.tdp_W", chip.id), chip.file};
  cost.power_W = (load_W > 0 ? load_W : tdp_W * assumptions.number("power.load_share")) + others_W;

  const double servers_usd =
      (cost.chip_usd + cost.server_usd) * (1 + assumptions.number("network.share_of_server"));
  cost.server_usd = servers_usd - cost.chip_usd;
  const double interest = assumptions.number("use.interest");
  // The building is sized for full load.
  const double facility_usd =
      (std::max(tdp_W, load_W) + others_W) * assumptions.number("facility.usd_per_W");
  cost.capital_usd = (servers_usd * annuity(interest, assumptions.number("use.years")) +
                      facility_usd * annuity(interest, assumptions.number("facility.years"))) /
                     kHoursPerYear;
  const double used = assumptions.number("use.utilisation");
  const double mean_W = used * cost.power_W + (1 - used) * (hw::idlePower_W(chip) + others_W);
  cost.electricity_usd = mean_W / 1e3 * assumptions.number("power.pue") *
                         assumptions.number("power.electricity_usd_per_kWh");
  cost.operation_usd = servers_usd * assumptions.number("use.operation_share") / kHoursPerYear;
  cost.total_usd = cost.capital_usd + cost.electricity_usd + cost.operation_usd;
  return cost;
}

double costPerMillionTokens(const HourlyCost &cost, double tokensPerSecondAndChip,
                            const Assumptions &assumptions) {
  return cost.total_usd / (tokensPerSecondAndChip * assumptions.number("use.utilisation") * 3600) *
         1e6;
}

} // namespace mansard::economics
