#include "cycles.h"

#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::report {
namespace {

using Align = TextTable::Align;
using work::BlockCycles;
using work::KernelCycles;

constexpr size_t kBlocksShown = 8;

Json portsJson(const work::PortClocks &clocks) {
  Json json;
  for (size_t port = 0; port < work::kPortCount; ++port)
    json[std::string(work::kPortNames[port])] = clocks[port];
  return json;
}

Json waitsJson(const work::WaitClocks &waits) {
  return {{"memory", waits.memory}, {"near", waits.near}, {"results", waits.results}};
}

std::string factsText(const KernelCycles &c) {
  TextTable facts({{"", {}}, {"", {}}});
  facts.addRow({"compiled for", c.isa + ", the public instruction set nearest to the chip's"});
  std::string registers = fmt::format("{} vector, {} scalar", c.vectorRegisters, c.scalarRegisters);
  if (c.ldsBytes > 0)
    registers += fmt::format("; LDS {} a group", size(c.ldsBytes));
  if (c.scratchBytes > 0)
    registers += fmt::format("; scratch {} a work item", size(c.scratchBytes));
  facts.addRow({"registers", registers});
  facts.addRow(
      {"resident", fmt::format("{} {} of {} {} a core, {} waves a SIMD", number(c.groupsPerCore),
                               c.groupsPerCore == 1 ? "group" : "groups", number(c.wavesPerGroup),
                               c.wavesPerGroup == 1 ? "wave" : "waves", number(c.wavesPerSimd))});
  facts.addRow({"limited by", c.groupsPerCore < c.mostGroupsPerCore
                                  ? fmt::format("the launch: a core has room for {} ({})",
                                                number(c.mostGroupsPerCore), c.occupancyLimit)
                                  : c.occupancyLimit});
  facts.addRow(
      {"a wave alone",
       fmt::format("{} clocks, of which it waits {}: memory {}, LDS and scalar {}, "
                   "results {}",
                   grouped(c.waveClocks), grouped(c.waits.total()), grouped(c.waits.memory),
                   grouped(c.waits.near), grouped(c.waits.results))});
  facts.addRow(
      {"a group", fmt::format("{} clocks of its core, {}-bound; other waves hide {} of the "
                              "waits",
                              grouped(c.groupClocks), c.bound, percent(c.hiddenWaits))});
  return facts.text();
}

std::string portsText(const KernelCycles &c) {
  double most = c.latencyClocks;
  for (const double clocks : c.portClocks)
    most = std::max(most, clocks);
  TextTable table(
      {{"port", {}}, {"clocks of a wave", Align::right}, {"of a group", Align::right}, {"", {}}});
  const auto add = [&](std::string_view name, double wave, double group) {
    if (group > 0)
      table.addRow({std::string(name), grouped(wave), grouped(group), bar(group / most)});
  };
  for (size_t port = 0; port < work::kPortCount; ++port)
    add(work::kPortNames[port], c.busy[port], c.portClocks[port]);
  add("latency", c.waveClocks, c.latencyClocks);
  return table.text();
}

std::string blocksText(const KernelCycles &c) {
  std::vector<const BlockCycles *> blocks;
  for (const BlockCycles &block : c.blocks)
    if (block.executions > 0 && block.instructions > 0)
      blocks.push_back(&block);
  const auto total = [](const BlockCycles *block) { return block->executions * block->clocks; };
  std::stable_sort(blocks.begin(), blocks.end(),
                   [&](const BlockCycles *a, const BlockCycles *b) { return total(a) > total(b); });
  TextTable table({{"block", {}},
                   {"runs", Align::right},
                   {"instructions", Align::right},
                   {"clocks each", Align::right},
                   {"of it waits", Align::right},
                   {"share", Align::right}});
  for (size_t i = 0; i < std::min(blocks.size(), kBlocksShown); ++i) {
    const BlockCycles &block = *blocks[i];
    table.addRow({block.name.empty() ? "(joins lanes)" : block.name, number(block.executions),
                  std::to_string(block.instructions), number(block.clocks),
                  number(block.waits.total()),
                  percent(c.waveClocks > 0 ? total(blocks[i]) / c.waveClocks : 0)});
  }
  std::string text = table.text();
  if (blocks.size() > kBlocksShown)
    text += fmt::format("  and {} more\n", blocks.size() - kBlocksShown);
  return text;
}

} // namespace

std::string cyclesTable(const KernelCycles &cycles) {
  return factsText(cycles) + '\n' + portsText(cycles) + '\n' + blocksText(cycles);
}

Json cyclesJson(const KernelCycles &c) {
  Json json;
  json["isa"] = c.isa;
  json["vector_registers"] = c.vectorRegisters;
  json["scalar_registers"] = c.scalarRegisters;
  json["lds_bytes"] = c.ldsBytes;
  json["scratch_bytes"] = c.scratchBytes;
  json["waves_per_group"] = c.wavesPerGroup;
  json["groups_per_core"] = c.groupsPerCore;
  json["most_groups_per_core"] = c.mostGroupsPerCore;
  json["waves_per_simd"] = c.wavesPerSimd;
  json["occupancy_limit"] = c.occupancyLimit;
  json["memory_latency_clocks"] = c.memoryLatency;
  json["wave_clocks"] = c.waveClocks;
  json["wave_waits"] = waitsJson(c.waits);
  json["wave_port_clocks"] = portsJson(c.busy);
  json["group_clocks"] = c.groupClocks;
  json["group_port_clocks"] = portsJson(c.portClocks);
  json["group_latency_clocks"] = c.latencyClocks;
  json["bound"] = c.bound;
  json["hidden_waits"] = c.hiddenWaits;
  json["blocks"] = Json::array();
  for (const BlockCycles &block : c.blocks)
    json["blocks"].push_back({{"name", block.name},
                              {"executions", block.executions},
                              {"instructions", block.instructions},
                              {"clocks", block.clocks},
                              {"waits", waitsJson(block.waits)},
                              {"port_clocks", portsJson(block.busy)}});
  return json;
}

} // namespace mansard::report
