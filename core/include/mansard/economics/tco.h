// What an hour of a chip in its server costs its owner, and a token.
#pragma once

#include <mansard/base/result.h>
#include <mansard/economics/assumptions.h>
#include <mansard/hw/chip.h>

namespace mansard::economics {

struct HourlyCost {
  double chip_usd = 0;        // price of a package
  double server_usd = 0;      // of its share of hosts, network and rack
  double power_W = 0;         // of a package and its share of the server, at the wall of the rack
  double capital_usd = 0;     // an hour, over the years of use, capital cost included
  double electricity_usd = 0; // an hour, cooling included
  double operation_usd = 0;   // an hour: staff, space, repair
  double total_usd = 0;       // an hour
  bool fromSystem = false;    // price and power are the system's
};

/// `load_W`: average power of the package while it works; 0: assumptions' share of its TDP. In a
/// system, hosts' power and price are the system's where it states them. Errors: neither the chip
/// nor its system has a price.
Result<HourlyCost> hourlyCost(const hw::Chip &chip, const Assumptions &assumptions, double load_W);

/// USD for a million tokens of a chip that makes so many a second, at the assumptions'
/// utilisation.
double costPerMillionTokens(const HourlyCost &cost, double tokensPerSecondAndChip,
                            const Assumptions &assumptions);

} // namespace mansard::economics
