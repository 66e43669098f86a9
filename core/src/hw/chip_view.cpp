#include <mansard/base/dtype.h>
#include <mansard/base/names.h>
#include <mansard/base/units.h>
#include <mansard/hw/chip.h>
#include <mansard/hw/chip_energy.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::hw {

struct ChipView::Storage {
  std::string id, name, vendor, family, model;
  std::vector<std::string> keys;
  std::vector<mansard_value> values;
};

namespace {
constexpr std::string_view kMatrixEnergy = "energy.matrix_pJ.", kVectorEnergy = "energy.vector_pJ";

mansard_string borrow(const std::string &text) { return {text.data(), text.size()}; }
} // namespace

ChipView::ChipView(const Chip &chip) {
  auto storage = std::make_shared<Storage>();
  storage->id = chip.id;
  storage->name = chip.name;
  storage->vendor = chip.vendor;
  storage->family = chip.family;
  storage->model = chip.model;

  std::vector<std::pair<std::string, double>> flat;
  for (const auto &[key, quantity] : chip.numbers)
    flat.emplace_back(key, quantity.value);
  for (const auto &[key, quantity] : chip.calibration)
    flat.emplace_back("calibration." + key, quantity.value);
  // As they are at this clock, whoever gave them.
  std::erase_if(flat, [](const auto &entry) {
    return entry.first.starts_with(kMatrixEnergy) || entry.first == kVectorEnergy;
  });
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
    if (const double pJ = matrixEnergy_pJ(chip, type); pJ > 0)
      flat.emplace_back(fmt::format("{}{}", kMatrixEnergy, kDTypes[type].name), pJ);
  if (const double pJ = vectorEnergy_pJ(chip); pJ > 0)
    flat.emplace_back(kVectorEnergy, pJ);
  if (const double watts = staticPower_W(chip); watts > 0)
    flat.emplace_back("power.static_W", watts);
  std::sort(flat.begin(), flat.end());
  storage->keys.reserve(flat.size());
  for (auto &[key, value] : flat) {
    storage->keys.push_back(std::move(key));
    storage->values.push_back({borrow(storage->keys.back()), value});
  }

  const double cores = chip.number("compute.cores"),
               clock_Hz = chip.number("compute.clock_GHz") * kGiga;
  const double vectorClock_Hz =
      chip.number("vector.clock_GHz", chip.number("compute.clock_GHz")) * kGiga;
  view_.struct_size = sizeof(mansard_chip);
  view_.devices_per_chip = static_cast<uint32_t>(chip.devicesPerChip());
  view_.id = borrow(storage->id);
  view_.name = borrow(storage->name);
  view_.vendor = borrow(storage->vendor);
  view_.family = borrow(storage->family);
  view_.model = borrow(storage->model);
  view_.cores = cores;
  view_.clock_hz = clock_Hz;
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type) {
    view_.matrix_ops_per_s[type] = chip.peakOpsPerSecond(type);
    view_.vector_ops_per_s[type] =
        chip.number(fmt::format("vector.ops_per_clock.{}", kDTypes[type].name)) * cores *
        vectorClock_Hz;
  }
  view_.special_ops_per_s = chip.number("vector.special_per_clock") * cores * vectorClock_Hz;
  view_.sram_bytes_per_core = chip.number("sram.per_core_KiB") * kKiB;
  view_.sram_bytes_per_s_per_core = chip.number("sram.bytes_per_clock") * clock_Hz;
  view_.l2_bytes = chip.number("l2.size_MiB") * kMiB;
  view_.l2_read_bytes_per_s = chip.number("l2.read_GBps") * kGiga;
  view_.l2_write_bytes_per_s = chip.number("l2.write_GBps", chip.number("l2.read_GBps")) * kGiga;
  view_.l2_latency_s = chip.number("l2.latency_ns") * kNano;
  view_.dram_bytes = chip.dramCapacityBytes();
  view_.dram_peak_bytes_per_s = chip.dramPeakBytesPerSecond();
  view_.dram_read_bytes_per_s = view_.dram_peak_bytes_per_s * chip.memory.readEfficiency();
  view_.dram_mixed_bytes_per_s =
      view_.dram_peak_bytes_per_s * chip.memory.mixedEfficiency(chip.pinRate_Gbps());
  view_.dram_latency_s = chip.number("memory.latency_ns", chip.memory.latency_ns.value) * kNano;
  view_.dram_access_bytes = chip.memory.accessBytes();
  view_.tdp_watts = chip.number("power.tdp_W");
  const auto link = [&](uint32_t level) {
    const auto number = [&](std::string_view field) {
      return chip.number(fmt::format("links.{}.{}", kLinkNames[level], field));
    };
    return mansard_link{number("bandwidth_GBps") * kGiga, number("latency_us") * kMicro,
                        number("domain"), static_cast<uint32_t>(number("topology")),
                        static_cast<uint32_t>(number("in_network_reduction"))};
  };
  for (uint32_t level = 0; level < MANSARD_LINK_COUNT; ++level)
    view_.links[level] = link(level);
  view_.node = link(MANSARD_LINK_COUNT);
  view_.values = storage->values.data();
  view_.value_count = storage->values.size();
  storage_ = std::move(storage);
}

} // namespace mansard::hw
