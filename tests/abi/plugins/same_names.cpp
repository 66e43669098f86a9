// Built twice, with default visibility and classes of the same names: neither may see the other's.
#include <mansard/sdk/sdk.hpp>

struct SameNames {
  static mansard::Result<SameNames> create(const mansard::sdk::Chip &) { return SameNames{}; }
  void estimate(const mansard_kernel &, mansard_estimate &out) const noexcept {
    out.latency_us = out.part_us[MANSARD_BOUND_FIXED] = PLUGIN_LATENCY_US;
    out.bound = MANSARD_BOUND_FIXED;
  }
};

MANSARD_PLUGIN(SameNames, {.id = PLUGIN_ID, .version = "1", .description = "one of two"});
