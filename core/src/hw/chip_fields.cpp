#include <mansard/base/dtype.h>
#include <mansard/hw/chip.h>

#include "chip_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mansard::hw {

const std::vector<ChipField> &chipFields() {
  static const std::vector<ChipField> fields{
      {"devices_per_chip", "", "devices that the runtime shows for one package", false, 1, 64},
      {"compute.cores", "", "cores of one device", true, 1, 1e5},
      {"compute.clock_GHz", "GHz", "clock sustained under matrix load, at which the peak is quoted",
       true, 0.05, 10},
      {"compute.boost_GHz", "GHz", "highest clock", false, 0.05, 10},
      {"compute.threads_per_core", "", "threads that a core holds at once, where it runs threads",
       false, 1, 1e5},
      {"matrix.ops_per_clock.<dtype>", "op/clock",
       "matrix operations of a core, a multiply-add counting two", true, 1, 1e7},
      {"vector.units_per_core", "", "vector units of a core", false, 1, 64},
      {"vector.clock_GHz", "GHz", "clock of the vector units, where it is another", false, 0.05,
       10},
      {"vector.ops_per_clock.<dtype>", "op/clock",
       "vector operations of a core, a multiply-add counting two", true, 1, 1e6},
      {"vector.special_per_clock", "op/clock", "exponentials and their like of a core", true, 0.1,
       1e5},
      {"sram.per_core_KiB", "KiB", "memory of a core that matmul operands are staged in", true, 1,
       1e6},
      {"sram.bytes_per_clock", "B/clock", "bandwidth of that memory, of one core", false, 1, 1e6},
      {"sram.bytes_in_flight_KiB", "KiB",
       "bytes that a core keeps on their way from memory, where DMA engines load in bulk", false,
       0.1, 1e6},
      {"sram.cache_KiB", "KiB", "first-level data cache of a core, where it is a memory of its own",
       false, 1, 1e6},
      {"registers.per_core_KiB", "KiB", "registers of a core", false, 1, 1e6},
      {"l2.size_MiB", "MiB", "last-level cache of the device", false, 0, 1e5},
      {"l2.read_GBps", "GB/s", "read bandwidth of the last-level cache", false, 1, 1e6},
      {"l2.write_GBps", "GB/s", "write bandwidth of the last-level cache", false, 1, 1e6},
      {"l2.latency_ns", "ns", "latency of a hit in the last-level cache", false, 1, 1e5},
      {"memory.stacks", "", "stacks or packages of memory of one device", true, 1, 128},
      {"memory.pin_rate_Gbps", "Gb/s", "data rate of a pin, where it is not the technology's",
       false, 0.1, 100},
      {"memory.capacity_per_stack_GiB", "GiB", "capacity of one, where it is not the technology's",
       false, 0.1, 4096},
      {"memory.reserved_GiB", "GiB", "capacity that users do not get", false, 0, 4096},
      {"memory.latency_ns", "ns", "idle latency from a core, where it is known", false, 1, 1e5},
      {"links.<level>.bandwidth_GBps", "GB/s", "of a device, one direction", false, 0, 1e5},
      {"links.<level>.latency_us", "us", "one hop, software included", false, 0, 1e4},
      {"links.<level>.domain", "", "devices that reach one another", false, 1, 1e6},
      {"links.<level>.in_network_reduction", "", "1 where switches add", false, 0, 1},
      {"power.tdp_W", "W", "thermal design power of the package", false, 1, 1e5},
      {"power.idle_W", "W", "power of the idle package", false, 0, 1e5},
      {"power.active_W", "W", "beyond the idle power while kernels run, whatever they do", false, 0,
       1e5},
      {"energy.clock_GHz", "GHz", "clock at which operations take the energies given", false, 0.05,
       10},
      {"energy.matrix_pJ.<dtype>", "pJ",
       "of an operation of the matrix unit, the way of its operands included", false, 1e-4, 1e3},
      {"energy.scale", "", "of the energies of operations and paths on the chip", false, 0.01, 100},
      {"energy.vector_pJ", "pJ", "of an operation of the vector unit on 32 bits", false, 1e-3, 1e4},
      {"energy.path_pJ_per_bit", "pJ/bit",
       "of a bit between memory interface and core, the memory's own energy left out", false, 0,
       1e3},
      {"energy.scratchpad_pJ_per_byte", "pJ/B", "of an access to memory inside of a core", false,
       1e-3, 1e3},
      {"energy.cache_pJ_per_byte", "pJ/B", "of an access to the last-level cache", false, 1e-3,
       1e4},
      {"energy.link_pJ_per_bit", "pJ/bit", "of a bit sent to another device", false, 0, 1e3},
      {"physical.die_area_mm2", "mm2", "area of one compute die", false, 1, 1e5},
      {"physical.dies_per_chip", "", "compute dies of a package", false, 1, 64},
      {"physical.cores_per_die", "", "cores on a die without defects, those not sold included",
       false, 1, 1e5},
      {"physical.io_die_area_mm2", "mm2", "area of one die without cores", false, 1, 1e5},
      {"physical.io_dies_per_chip", "", "dies without cores of a package, memory left out", false,
       0, 64},
      {"price.usd", "USD", "of a package as buyers pay it, its share of a server left out", false,
       1, 1e7},
      {"price.rental_usd_per_hour", "USD/h", "of a package in a cloud, by the hour", false, 0.01,
       1e4},
      {"stated.peak_tflops.<dtype>", "TFLOPS",
       "dense matrix peak of a device that its maker states", false, 1e-3, 1e6},
      {"stated.memory_GBps", "GB/s", "bandwidth of a device's memory that its maker states", false,
       1, 1e6},
      {"stated.memory_GB", "GB",
       "capacity of a device's memory that its maker states, GB or GiB as makers mix them", false,
       1, 1e6},
  };
  return fields;
}

const ChipField *findField(const std::vector<ChipField> &fields, std::string_view key) {
  for (const ChipField &field : fields) {
    const size_t open = field.key.find('<');
    if (open == std::string_view::npos) {
      if (field.key == key)
        return &field;
      continue;
    }
    const size_t close = field.key.find('>');
    const std::string_view before = field.key.substr(0, open), after = field.key.substr(close + 1);
    if (key.size() <= before.size() + after.size() || !key.starts_with(before) ||
        !key.ends_with(after))
      continue;
    const std::string_view middle =
        key.substr(before.size(), key.size() - before.size() - after.size());
    const bool isLevel = field.key.substr(open, close - open + 1) == "<level>";
    if (isLevel ? indexOf(kLinkNames, middle).has_value() : parseDType(middle).has_value())
      return &field;
  }
  return nullptr;
}

const ChipField *findChipField(std::string_view key) { return findField(chipFields(), key); }

bool isTopologyKey(std::string_view key) {
  return std::any_of(kLinkNames.begin(), kLinkNames.end(), [&](std::string_view level) {
    return key == fmt::format("links.{}.topology", level);
  });
}

Result<Quantity> parseTopology(const std::string &text, const std::string &place) {
  const auto index = indexOf(kTopologyNames, text);
  if (!index)
    return Error{
        ErrorCode::invalidInput,
        fmt::format("'{}' is not a topology; it may be {}", text, fmt::join(kTopologyNames, ", ")),
        place};
  Quantity quantity;
  quantity.value = *index;
  quantity.source = "the topology's name";
  quantity.confidence = Confidence::derived;
  return quantity;
}

Result<> checkRange(const ChipField &field, const std::string &key, double value,
                    const std::string &place) {
  if (value >= field.least && value <= field.most)
    return Ok{};
  return Error{ErrorCode::invalidInput,
               fmt::format("'{}' is {:g}{}{}; it may be {:g} to {:g}", key, value,
                           field.unit.empty() ? "" : " ", field.unit, field.least, field.most),
               place};
}

std::vector<std::string> keyNames(const std::vector<ChipField> &fields) {
  std::vector<std::string> names;
  for (const ChipField &field : fields) {
    const size_t open = field.key.find('<');
    if (open == std::string_view::npos) {
      names.emplace_back(field.key);
      continue;
    }
    const size_t close = field.key.find('>');
    const std::string_view before = field.key.substr(0, open), after = field.key.substr(close + 1);
    const bool isLevel = field.key.substr(open, close - open + 1) == "<level>";
    if (isLevel)
      for (std::string_view level : kLinkNames)
        names.push_back(fmt::format("{}{}{}", before, level, after));
    else
      for (const DTypeInfo &type : kDTypes)
        names.push_back(fmt::format("{}{}{}", before, type.name, after));
  }
  for (std::string_view level : kLinkNames)
    names.push_back(fmt::format("links.{}.topology", level));
  return names;
}

std::vector<std::string> chipKeyNames() {
  std::vector<std::string> names = keyNames(chipFields());
  names.insert(names.end(), {"memory.technology", "nearest_isa"});
  return names;
}

std::string unitOf(std::string_view key) {
  if (const ChipField *field = findChipField(key))
    return std::string(field->unit);
  // Longest first: a suffix must not hide a longer one.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> suffixes{
      {{"_bytes_per_clock", "B/clock"},
       {"_ops_per_clock", "op/clock"},
       {"_per_clock", "op/clock"},
       {"_pJ_per_bit", "pJ/bit"},
       {"_cycles", "clock"},
       {"_GBps", "GB/s"},
       {"_Gbps", "Gb/s"},
       {"_GHz", "GHz"},
       {"_KiB", "KiB"},
       {"_MiB", "MiB"},
       {"_mm2", "mm2"},
       {"_GiB", "GiB"},
       {"_us", "us"},
       {"_ns", "ns"}}};
  for (const auto &[suffix, unit] : suffixes)
    if (key.ends_with(suffix))
      return std::string(unit);
  return "";
}

} // namespace mansard::hw
