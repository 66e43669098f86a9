#include <mansard/base/units.h>
#include <mansard/report/memory_lines.h>
#include <mansard/report/text_table.h>

#include <algorithm>

namespace mansard::report {

std::vector<MemoryLine> memoryLines(const work::MemoryNeed &need, double capacity, double devices) {
  std::vector<MemoryLine> lines;
  const auto add = [&](const char *part, const std::string &component, std::string_view type,
                       double bytes) {
    if (bytes > 0)
      lines.push_back({part, component, std::string(type), bytes * devices / kGiB,
                       capacity > 0 ? bytes / capacity : 0});
  };
  const auto addParts = [&](const char *name, std::vector<work::MemoryPart> parts, double whole) {
    std::stable_sort(parts.begin(), parts.end(),
                     [](const auto &a, const auto &b) { return a.bytes > b.bytes; });
    for (const work::MemoryPart &part : parts)
      add(name, part.component, nameOf(part.type), part.bytes);
    if (parts.empty())
      add(name, "", "", whole);
  };
  addParts("weights", need.weightParts, need.weights);
  addParts("kv_cache", need.cacheParts, need.kvCache);
  add("activations", "", "", need.activations);
  add("buffers", "", "", need.buffers);
  return lines;
}

std::string memoryTable(const std::vector<MemoryLine> &lines, double capacity_GiB) {
  TextTable table({{"memory", {}},
                   {"of", {}},
                   {"type", {}},
                   {"GiB a chip", TextTable::Align::right},
                   {"share", TextTable::Align::right},
                   {"", {}}});
  double used_GiB = 0;
  const auto add = [&](const std::string &part, const std::string &component,
                       const std::string &type, double size_GiB, double share) {
    if (share >= kShown)
      table.addRow({part, component, type, number(size_GiB), percent(share), bar(share)});
  };
  for (const MemoryLine &line : lines) {
    used_GiB += line.size_GiB;
    add(line.part == "kv_cache"  ? "KV cache"
        : line.part == "buffers" ? "exchange buffers"
                                 : line.part,
        line.component, line.type, line.size_GiB, line.share);
  }
  if (capacity_GiB > 0)
    add("free", "", "", capacity_GiB - used_GiB, 1 - used_GiB / capacity_GiB);
  return table.text();
}

} // namespace mansard::report
