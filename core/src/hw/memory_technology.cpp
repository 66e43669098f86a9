#include <mansard/hw/memory_technology.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::hw {

const std::vector<MemoryField> &memoryFields() {
  using M = MemoryTechnology;
  static const std::vector<MemoryField> fields{
      {"pin_rate_Gbps", "Gb/s", "data rate of a pin", &M::pin_rate_Gbps, true},
      {"width_bits", "bit", "data pins of one device", &M::width_bits, true},
      {"channels", "", "independently scheduled channels of one device", &M::channels, true},
      {"burst_length", "", "transfers of one column access", &M::burst_length, true},
      {"refresh_interval_ns", "ns", "tREFI", &M::refresh_interval_ns, true},
      {"refresh_time_ns", "ns", "tRFC of the refresh mode in use", &M::refresh_time_ns, true},
      {"refresh_exposed", "", "share of a refresh that other banks do not hide",
       &M::refresh_exposed, true},
      {"read_to_write_ns", "ns", "bus turnaround, read to write", &M::read_to_write_ns, true},
      {"write_to_read_ns", "ns", "bus turnaround, write to read", &M::write_to_read_ns, true},
      {"bursts_per_batch", "", "accesses between two turnarounds", &M::bursts_per_batch, true},
      {"latency_ns", "ns", "idle read latency", &M::latency_ns, false},
      {"capacity_GiB", "GiB", "typical capacity of one device", &M::capacity_GiB, true},
      {"energy_pJ_per_bit", "pJ/bit", "energy of a transferred bit", &M::energy_pJ_per_bit, false},
      {"price_usd_per_GB", "USD/GB", "to who builds packages", &M::price_usd_per_GB, false},
  };
  return fields;
}

double MemoryTechnology::readEfficiency() const {
  return 1 - refresh_exposed.value * refresh_time_ns.value / refresh_interval_ns.value;
}

double MemoryTechnology::mixedEfficiency(double pinRate_Gbps) const {
  const double busy_ns = 2 * bursts_per_batch.value * burst_length.value / pinRate_Gbps;
  return readEfficiency() * busy_ns / (busy_ns + read_to_write_ns.value + write_to_read_ns.value);
}

Result<MemoryTechnology> parseMemoryTechnology(const Document &document) {
  MemoryTechnology technology;
  std::vector<std::string> known{"id", "name", "year", "status", "note"};
  for (const MemoryField &field : memoryFields())
    known.emplace_back(field.key);
  for (const auto &[key, entry] : document.entries) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      return Error{
          ErrorCode::invalidInput,
          fmt::format("a memory technology has no key '{}'{}", key, suggestion(key, known)),
          entry.place};
    if (key == "id")
      technology.id = entry.text;
    else if (key == "name")
      technology.name = entry.text;
    else if (key == "year")
      technology.year = static_cast<int>(entry.number.value);
  }
  if (technology.id.empty())
    return Error{ErrorCode::invalidInput, "a memory technology needs an id", document.file};
  for (const MemoryField &field : memoryFields()) {
    const auto found = document.entries.find(std::string_view(field.key));
    if (found == document.entries.end()) {
      if (field.required)
        return Error{ErrorCode::invalidInput,
                     fmt::format("'{}' ({}) is missing", field.key, field.meaning), document.file};
      continue;
    }
    const Entry &entry = found->second;
    if (entry.kind != Entry::Kind::number || !entry.sourced)
      return Error{
          ErrorCode::invalidInput,
          fmt::format("'{}' must be {{ value = ..., source = ..., confidence = ... }}", field.key),
          entry.place};
    const bool mayBeZero = field.member == &MemoryTechnology::refresh_exposed ||
                           field.member == &MemoryTechnology::read_to_write_ns ||
                           field.member == &MemoryTechnology::write_to_read_ns;
    if (entry.number.value < 0 || (entry.number.value == 0 && !mayBeZero))
      return Error{ErrorCode::invalidInput, fmt::format("'{}' must be positive", field.key),
                   entry.place};
    technology.*field.member = entry.number;
  }
  const double exposed = technology.refresh_exposed.value;
  if (exposed > 1 || technology.readEfficiency() <= 0)
    return Error{ErrorCode::invalidInput,
                 "refresh takes all of the time: check refresh_exposed, refresh_time_ns and "
                 "refresh_interval_ns",
                 document.file};
  return technology;
}

} // namespace mansard::hw
