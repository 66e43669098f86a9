#include "cycles.h"
#include "json.h"

#include <mansard/report/compiled_kernel_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::report {
namespace {

using Align = TextTable::Align;
using work::AccessCount;
using work::KernelCounts;

constexpr size_t kShownAccesses = 20;
constexpr size_t kShownExpression = 48; // letters of a trip count in the table; JSON has all

std::string triple(const std::array<int64_t, 3> &extent) {
  return fmt::format("{}x{}x{}", extent[0], extent[1], extent[2]);
}

std::string describe(const KernelCounts &c) {
  std::string text = fmt::format("@{} ({})", c.function, c.triple.empty() ? "host" : c.triple);
  if (c.onGpu)
    text += fmt::format(", {} groups of {}", triple(c.launch.grid), triple(c.launch.block));
  return text;
}

std::string countsText(const KernelCounts &c) {
  TextTable table(
      {{"counted", {}}, {"launch", Align::right}, {"a thread", Align::right}, {"", {}}});
  const auto row = [&](std::string what, double count, std::string about = "") {
    if (count > 0)
      table.addRow({std::move(what), grouped(count), number(count / c.threads), std::move(about)});
  };
  row("threads", c.threads,
      c.groupsPerCore > 0 ? fmt::format("{} groups a core at once", number(c.groupsPerCore)) : "");
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type) {
    row(fmt::format("matrix {}", kDTypes[type].name), c.matrixOperations[type]);
    row(fmt::format("float {}", kDTypes[type].name), c.floatOperations[type]);
  }
  row("special", c.specialOperations);
  row("integer", c.integerOperations);
  row("branches", c.branches);
  row("barriers", c.barriers);
  row("atomics", c.atomics);
  if (c.warpShare < 1)
    table.addRow(
        {"lanes active", percent(c.warpShare), "", "of those that arithmetic is issued to"});
  return table.text();
}

std::string memoryText(const KernelCounts &c) {
  TextTable table({{"memory", {}}, {"bytes", Align::right}, {"", {}}});
  const auto row = [&](std::string what, double bytes, std::string about = "") {
    if (bytes > 0)
      table.addRow({std::move(what), grouped(bytes), std::move(about)});
  };
  row("global", c.bytes[0], "as threads move them");
  row("  distinct read", c.distinctRead);
  row("  distinct written", c.distinctWritten);
  if (c.onGpu)
    row("  transactions", c.transactionBytes, "sectors of 32 bytes that warps ask for");
  row("  through the L2", c.l2Bytes);
  row("  DRAM", c.dramRead + c.dramWritten);
  row("shared", c.bytes[1],
      c.sharedTraffic > c.bytes[1]
          ? fmt::format("bank conflicts make it {}", grouped(c.sharedTraffic))
          : "");
  row("constant", c.bytes[2]);
  row("local", c.bytes[3], "arrays that registers do not hold");
  row("shared, of a group", c.staticShared + c.dynamicShared, "allocated");
  return table.text();
}

std::string accessText(const KernelCounts &c) {
  TextTable table({{"access", {}},
                   {"block", {}},
                   {"space", {}},
                   {"bytes", Align::right},
                   {"times", Align::right},
                   {"distinct", Align::right},
                   {"pattern", {}},
                   {"sectors", Align::right}});
  // Those that move most, in the code's order.
  std::vector<double> moved;
  for (const AccessCount &a : c.accesses)
    moved.push_back(a.executions * a.sectorsEach * a.conflicts);
  std::sort(moved.rbegin(), moved.rend());
  const double least = moved.size() > kShownAccesses ? moved[kShownAccesses - 1] : 0;
  size_t shown = 0;
  for (const AccessCount &a : c.accesses) {
    if (a.executions * a.sectorsEach * a.conflicts < least || shown >= kShownAccesses)
      continue;
    ++shown;
    std::string pattern(c.onGpu || a.pattern == work::Pattern::random
                            ? work::kPatternNames[static_cast<size_t>(a.pattern)]
                            : "");
    if (a.pattern == work::Pattern::strided)
      pattern += fmt::format(" by {}", number(a.stride));
    if (a.conflicts > 1)
      pattern += fmt::format(", {}-way conflict", number(a.conflicts));
    table.addRow({fmt::format("{} {}",
                              a.atomic              ? "atomic"
                              : a.reads && a.writes ? "update"
                              : a.writes            ? "store"
                                                    : "load",
                              a.pointer),
                  "%" + a.block, std::string(work::kSpaceNames[static_cast<size_t>(a.space)]),
                  number(a.bytesEach), grouped(a.executions),
                  a.distinctBytes > 0 ? grouped(a.distinctBytes) : "", pattern,
                  c.onGpu ? number(a.sectorsEach) : ""});
  }
  std::string out = table.text();
  if (shown < c.accesses.size())
    out += fmt::format("  and {} more, which --json lists\n", c.accesses.size() - shown);
  return out;
}

std::string loopText(const KernelCounts &c) {
  TextTable table(
      {{"loop", {}}, {"turns", Align::right}, {"entries", Align::right}, {"count", {}}});
  for (const work::LoopCount &loop : c.loops) {
    std::string expression = loop.expression;
    if (expression.size() > kShownExpression)
      expression = expression.substr(0, kShownExpression) + " ...";
    table.addRow({std::string(2 * static_cast<size_t>(loop.depth - 1), ' ') + "%" + loop.block,
                  number(loop.turns), number(loop.entries),
                  expression == "?" ? "no closed form" : expression});
  }
  return table.text();
}

Json countsJson(const KernelCounts &c) {
  Json json;
  json["function"] = c.function;
  json["triple"] = c.triple;
  json["grid"] = c.launch.grid;
  json["block"] = c.launch.block;
  json["threads"] = c.threads;
  json["groups"] = c.groups;
  json["groups_per_core"] = c.groupsPerCore;
  json["warp"] = c.warp;
  Json floats = Json::object(), matrix = Json::object();
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type) {
    if (c.floatOperations[type] > 0)
      floats[std::string(kDTypes[type].name)] = c.floatOperations[type];
    if (c.matrixOperations[type] > 0)
      matrix[std::string(kDTypes[type].name)] = c.matrixOperations[type];
  }
  json["float_operations"] = floats;
  json["matrix_operations"] = matrix;
  json["special_operations"] = c.specialOperations;
  json["integer_operations"] = c.integerOperations;
  json["branches"] = c.branches;
  json["barriers"] = c.barriers;
  json["atomics"] = c.atomics;
  json["lanes_active"] = c.warpShare;
  Json bytes;
  for (size_t space = 0; space < c.bytes.size(); ++space)
    bytes[std::string(work::kSpaceNames[space])] = c.bytes[space];
  json["bytes"] = bytes;
  json["distinct_read_bytes"] = c.distinctRead;
  json["distinct_written_bytes"] = c.distinctWritten;
  json["transaction_bytes"] = c.transactionBytes;
  json["l2_bytes"] = c.l2Bytes;
  json["dram_read_bytes"] = c.dramRead;
  json["dram_write_bytes"] = c.dramWritten;
  json["shared_traffic_bytes"] = c.sharedTraffic;
  json["static_shared_bytes"] = c.staticShared;
  json["dynamic_shared_bytes"] = c.dynamicShared;
  for (const AccessCount &a : c.accesses)
    json["accesses"].push_back({{"pointer", a.pointer},
                                {"block", a.block},
                                {"space", work::kSpaceNames[static_cast<size_t>(a.space)]},
                                {"reads", a.reads},
                                {"writes", a.writes},
                                {"atomic", a.atomic},
                                {"bytes_each", a.bytesEach},
                                {"executions", a.executions},
                                {"distinct_bytes", a.distinctBytes},
                                {"pattern", work::kPatternNames[static_cast<size_t>(a.pattern)]},
                                {"stride", a.stride},
                                {"sectors_each", a.sectorsEach},
                                {"bank_conflicts", a.conflicts}});
  for (const work::LoopCount &loop : c.loops)
    json["loops"].push_back({{"block", loop.block},
                             {"turns", loop.turns},
                             {"entries", loop.entries},
                             {"expression", loop.expression}});
  for (const work::BlockFrequency &block : c.blocks)
    json["blocks"].push_back({{"name", block.name},
                              {"runs_per_thread", block.perThread},
                              {"runs_per_warp", block.perWarp}});
  return json;
}

} // namespace

Result<CompiledKernelReport> collectCompiledKernel(const host::Model &model,
                                                   work::CompiledKernel compiled) {
  auto estimate = collectKernel(model, compiled.kernel);
  if (!estimate)
    return estimate.error();
  estimate->what = describe(compiled.counts);
  std::vector<std::string> notes = compiled.counts.notes;
  const double twice = compiled.counts.floatOperations[MANSARD_DTYPE_FP64];
  if (twice > 0 && !(model.view().vector_ops_per_s[MANSARD_DTYPE_FP64] > 0))
    notes.push_back("the chip's description gives no rate for double precision: priced as single");
  if (compiled.cycles)
    notes.insert(notes.end(), compiled.cycles->notes.begin(), compiled.cycles->notes.end());
  estimate->notes.insert(estimate->notes.begin(), notes.begin(), notes.end());
  return CompiledKernelReport{std::move(*estimate), std::move(compiled)};
}

std::string compiledKernelTable(const CompiledKernelReport &report) {
  const KernelCounts &counts = report.compiled.counts;
  std::string out = kernelTable(report.estimate);
  out += '\n' + countsText(counts) + '\n' + memoryText(counts);
  if (!counts.loops.empty())
    out += '\n' + loopText(counts);
  if (!counts.accesses.empty())
    out += '\n' + accessText(counts);
  if (report.compiled.cycles)
    out += '\n' + cyclesTable(*report.compiled.cycles);
  return out;
}

std::string compiledKernelJson(const CompiledKernelReport &report) {
  Json json = Json::parse(kernelJson(report.estimate));
  json["counts"] = countsJson(report.compiled.counts);
  if (report.compiled.cycles)
    json["cycles_model"] = cyclesJson(*report.compiled.cycles);
  return dump(json);
}

} // namespace mansard::report
