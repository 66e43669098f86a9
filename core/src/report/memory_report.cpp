#include "json.h"

#include <mansard/base/units.h>
#include <mansard/report/memory_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

namespace mansard::report {
namespace {

/// What follows from a technology's figures at its own pin rate.
struct Figures {
  double peak_GBps, read, mixed, access;
};
Figures figuresOf(const hw::MemoryTechnology &t) {
  const double pinRate = t.pin_rate_Gbps.value;
  return {t.peakBytesPerSecond(pinRate) / kGiga, t.readEfficiency(), t.mixedEfficiency(pinRate),
          t.accessBytes()};
}

Json lineOf(const hw::MemoryTechnology &t) {
  const Figures f = figuresOf(t);
  return Json{{"id", t.id},
              {"name", t.name},
              {"year", t.year},
              {"pin_rate_gbps", t.pin_rate_Gbps.value},
              {"width_bits", t.width_bits.value},
              {"capacity_gib", t.capacity_GiB.value},
              {"peak_gbytes_per_s", f.peak_GBps},
              {"read_efficiency", f.read},
              {"mixed_efficiency", f.mixed},
              {"access_bytes", f.access}};
}

} // namespace

std::string memoriesTable(const std::vector<hw::MemoryTechnology> &all) {
  using Align = TextTable::Align;
  TextTable table({{"id", {}},
                   {"name", {}},
                   {"year", {}},
                   {"Gb/s a pin", Align::right},
                   {"pins", Align::right},
                   {"GiB", Align::right},
                   {"peak GB/s", Align::right},
                   {"reads reach", Align::right},
                   {"1:1 reaches", Align::right}});
  for (const hw::MemoryTechnology &t : all) {
    const Figures f = figuresOf(t);
    table.addRow({t.id, t.name, t.year ? std::to_string(t.year) : "", number(t.pin_rate_Gbps.value),
                  number(t.width_bits.value), number(t.capacity_GiB.value), number(f.peak_GBps),
                  percent(f.read), percent(f.mixed)});
  }
  return table.text(0) + "Of one stack or package.\n";
}

std::string memoriesJson(const std::vector<hw::MemoryTechnology> &all) {
  Json json = Json::array();
  for (const hw::MemoryTechnology &t : all)
    json.push_back(lineOf(t));
  return dump(json);
}

std::string memoryTable(const hw::MemoryTechnology &t) {
  using Align = TextTable::Align;
  std::string out = fmt::format("{}: {}{}, figures of one stack or package\n\n", t.id, t.name,
                                t.year ? fmt::format(", {}", t.year) : "");
  TextTable table({{"", {}},
                   {"value", Align::right},
                   {"unit", {}},
                   {"range", {}},
                   {"confidence", {}},
                   {"meaning", {}},
                   {"source", {}}});
  for (const hw::MemoryField &field : hw::memoryFields()) {
    const hw::Quantity &q = t.*field.member;
    if (q.source.empty()) // optional, and not given
      continue;
    table.addRow({field.key, number(q.value, 6), field.unit,
                  q.low || q.high ? fmt::format("[{} - {}]", number(q.low.value_or(q.value)),
                                                number(q.high.value_or(q.value)))
                                  : "",
                  std::string(hw::kConfidenceNames[static_cast<size_t>(q.confidence)]),
                  field.meaning, q.source});
  }
  out += table.text();
  const Figures f = figuresOf(t);
  TextTable derived({{"", {}}, {"", Align::right}, {"", {}}, {"", {}}});
  derived.addRow({"peak", number(f.peak_GBps), "GB/s", "pin rate x width"});
  derived.addRow({"reads alone", number(f.peak_GBps * f.read), "GB/s",
                  percent(f.read) + " of the peak: after refresh"});
  derived.addRow({"one write to a read", number(f.peak_GBps * f.mixed), "GB/s",
                  percent(f.mixed) + " of the peak: after refresh and turnarounds"});
  derived.addRow({"access", number(f.access), "B", "width / channels x burst length"});
  return out + "\nDerived\n" + derived.text();
}

std::string memoryJson(const hw::MemoryTechnology &t) {
  Json json = lineOf(t);
  Json numbers = Json::object();
  for (const hw::MemoryField &field : hw::memoryFields()) {
    const hw::Quantity &q = t.*field.member;
    if (q.source.empty())
      continue;
    numbers[field.key] =
        Json{{"value", q.value},
             {"unit", field.unit},
             {"low", q.low ? Json(*q.low) : Json()},
             {"high", q.high ? Json(*q.high) : Json()},
             {"confidence", hw::kConfidenceNames[static_cast<size_t>(q.confidence)]},
             {"source", q.source}};
  }
  json["numbers"] = std::move(numbers);
  return dump(json);
}

} // namespace mansard::report
