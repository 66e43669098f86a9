// A plugin that breaks the contract at run time, in the way that the chip's number
// "misbehaving.way" chooses. C++ without the SDK, which would not let it.
#include "misbehaving.h"

#include <mansard/sdk/abi.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace {

struct Instance {
  Way way;
};

Way lastWay = Way::none; // of the last chip: an extension's table belongs to no instance

Way wayOf(const mansard_chip &chip) {
  for (uint64_t i = 0; i < chip.value_count; ++i)
    if (std::string_view(chip.values[i].key.data, chip.values[i].key.size) == "misbehaving.way")
      return static_cast<Way>(static_cast<int>(chip.values[i].value));
  return Way::none;
}

int32_t create(const mansard_chip *chip, mansard_instance **out, mansard_error *error) {
  const Way way = lastWay = wayOf(*chip);
  if (way == Way::createThrows)
    throw std::runtime_error("thrown in create");
  if (way == Way::createThrowsNumber)
    throw 42;
  if (way == Way::createFailsSilently)
    return MANSARD_ERROR_INTERNAL;
  if (way == Way::createClaimsALongerMessage) {
    error->size = error->capacity + 1000;
    return MANSARD_ERROR_INVALID_CHIP;
  }
  if (way != Way::createMakesNothing)
    *out = reinterpret_cast<mansard_instance *>(new Instance{way});
  return MANSARD_OK;
}

void destroy(mansard_instance *instance) {
  const auto *own = reinterpret_cast<Instance *>(instance);
  const Way way = own->way;
  delete own;
  if (way == Way::destroyThrows)
    throw std::runtime_error("thrown in destroy");
}

void misbehave(Way way, mansard_estimate &out) {
  switch (way) {
  case Way::estimateThrows:
    throw std::runtime_error("thrown in estimate");
  case Way::estimateThrowsNumber:
    throw 42;
  case Way::notANumber:
    out.latency_us = std::nan("");
    break;
  case Way::infinite:
    out.latency_us = out.part_us[MANSARD_BOUND_DRAM] = std::numeric_limits<double>::infinity();
    break;
  case Way::negative:
    out.latency_us = out.part_us[MANSARD_BOUND_DRAM] = -1;
    break;
  case Way::negativePart:
    out.part_us[MANSARD_BOUND_DRAM] = 3;
    out.part_us[MANSARD_BOUND_LINK] = -1;
    break;
  case Way::wrongSum:
    out.part_us[MANSARD_BOUND_FIXED] = 0.01;
    break;
  case Way::unknownBound:
    out.bound = MANSARD_BOUND_COUNT;
    break;
  case Way::notTheBound:
    out.bound = MANSARD_BOUND_MATRIX;
    break;
  case Way::unknownStatus:
    out.status = 1000;
    break;
  case Way::negativeBytes:
    out.dram_read_bytes = -1;
    break;
  case Way::notANumberOfOperations:
    out.operations = std::nan("");
    break;
  case Way::overwritesSize:
    out.struct_size = 8;
    break;
  default:
    break;
  }
}

int32_t estimate(const mansard_instance *instance, const mansard_kernel *, uint64_t count, uint64_t,
                 mansard_estimate *estimates, uint64_t) {
  const Way way = reinterpret_cast<const Instance *>(instance)->way;
  if (way == Way::refusesTheCall)
    return MANSARD_ERROR_INTERNAL;
  for (uint64_t i = 0; i < count; ++i) {
    if (way == Way::forgetsOne && i + 1 == count)
      break;
    estimates[i].status = MANSARD_OK;
    estimates[i].latency_us = estimates[i].part_us[MANSARD_BOUND_DRAM] = 2;
    estimates[i].bound = MANSARD_BOUND_DRAM;
    if (i + 1 == count)
      misbehave(way, estimates[i]);
  }
  return MANSARD_OK;
}

int32_t explain(const mansard_instance *instance, const mansard_kernel *, mansard_error *line) {
  switch (reinterpret_cast<const Instance *>(instance)->way) {
  case Way::fitThrows:
    throw std::runtime_error("thrown in explain");
  case Way::fitUnknownStatus:
    return 1000;
  case Way::fitClaimsALongerLine:
    line->size = line->capacity + 1000;
    return MANSARD_OK;
  default:
    return MANSARD_OK;
  }
}

const void *extension(mansard_string) {
  static constexpr mansard_tile_fit whole = {sizeof(mansard_tile_fit), 0, explain};
  static constexpr mansard_tile_fit small = {8, 0, explain};
  return lastWay == Way::fitTableTooSmall ? &small : &whole;
}

template <size_t N> constexpr mansard_string text(const char (&literal)[N]) {
  return {literal, N - 1};
}

constexpr mansard_key_spec kKeys[] = {
    {sizeof(mansard_key_spec), 0, text("misbehaving.way"), text(""), text("what it does wrong")},
    {sizeof(mansard_key_spec), 1, text("misbehaving.needed_KiB"), text("KiB"), text("a size")},
    {sizeof(mansard_key_spec), 0, text("calibration.unused"), text("us"), text("a constant")}};

constexpr mansard_plugin kPlugin = {
    .struct_size = sizeof(mansard_plugin),
    .abi_major = MANSARD_ABI_MAJOR,
    .abi_minor = MANSARD_ABI_MINOR,
    .reserved = 0,
    .id = text("misbehaving"),
    .version = text("1"),
    .description = text("breaks the contract when told to"),
    .keys = kKeys,
    .key_count = std::size(kKeys),
    .key_stride = sizeof *kKeys,
    .targets = nullptr,
    .target_count = 0,
    .create = create,
    .destroy = destroy,
    .estimate = estimate,
    .get_extension = extension,
};

} // namespace

const mansard_plugin *mansard_plugin_entry(uint32_t, uint32_t) { return &kPlugin; }
