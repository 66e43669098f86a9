#include "sweep_rows.h"

#include <mansard/base/names.h>
#include <mansard/base/units.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace mansard::report {
namespace {

using Align = TextTable::Align;
constexpr std::string_view kUnknown = "-";

std::string optional(const std::optional<double> &value, int digits = 3) {
  if (!value)
    return std::string(kUnknown);
  return *value >= 1000 ? grouped(*value) : number(*value, digits);
}

std::string headline(const SweepReport &report) {
  const explore::Sweep &sweep = report.result.sweep;
  const work::Workload &w = sweep.workload;
  std::string text = sweep.name.empty() ? "" : sweep.name + "\n";
  text += report.result.model + ":";
  const auto whole = [](int64_t value) { return grouped(static_cast<double>(value)); };
  if (sweep.prefill) {
    const int64_t prompts = sweep.promptsOfStep();
    text += fmt::format(" prefill of {} {} of {} tokens", whole(prompts),
                        prompts == 1 ? "prompt" : "prompts", whole(w.context));
  }
  if (sweep.decode)
    text += fmt::format("{} decode of {} {} at {} positions", sweep.prefill ? "," : "",
                        whole(w.batch), w.batch == 1 ? "sequence" : "sequences", whole(w.context));
  return text + fmt::format(", {} (KV cache {}), {}\n",
                            work::kQuantisationNames[static_cast<size_t>(w.quantisation)],
                            nameOf(w.kvCache), work::degreesOf(w.parallelism));
}

std::string memoryTable(const Rows &rows) {
  TextTable table({{"memory", {}},
                   {"technology", {}},
                   {"stacks x Gb/s", Align::right},
                   {"peak GB/s", Align::right},
                   {"reads GB/s", Align::right},
                   {"GiB", Align::right},
                   {"ridge, op/byte", {}},
                   {"interface mm2", Align::right},
                   {"memory USD", Align::right},
                   {"to make USD", Align::right},
                   {"price USD", Align::right}});
  for (size_t i = 0; i < rows.across(); ++i) {
    const SweptChip &c = rows.chip(i);
    if (!c.failure.empty()) {
      table.addRow({rows.name(i), "fails: " + c.failure});
      continue;
    }
    std::string ridges;
    for (const explore::Ridge &ridge : c.ridges)
      ridges += fmt::format("{}{} {:.0f}", ridges.empty() ? "" : ", ", kDTypes[ridge.dtype].name,
                            ridge.operationsPerByte);
    const SweptCost &cost = rows.cost(i);
    table.addRow(
        {rows.name(i), c.chip.memoryTechnology,
         fmt::format("{:g} x {}", c.chip.number("memory.stacks"), number(c.chip.pinRate_Gbps(), 3)),
         grouped(c.peakBytesPerSecond / kGiga), grouped(c.readBytesPerSecond / kGiga),
         number(c.capacityBytes / kGiB, 3), ridges, optional(cost.interface_mm2),
         optional(cost.memory_usd), optional(cost.make_usd), optional(cost.price_usd)});
  }
  return table.text();
}

std::string phaseTable(const Rows &rows, size_t phase, std::string_view name) {
  const bool decode = name == "decode";
  TextTable table({{std::string(name), {}},
                   {decode ? "ms a token" : "ms", Align::right},
                   {"tokens/s/chip", Align::right},
                   {"speed-up", Align::right},
                   {"bound", {}},
                   {"in DRAM-bound kernels", Align::right},
                   {"W", Align::right},
                   {"tokens/s/W", Align::right},
                   {"USD/Mtok", Align::right},
                   {"", {}}});
  for (size_t i = 0; i < rows.across(); ++i) {
    const SweptChip &c = rows.chip(i);
    if (!c.failure.empty())
      continue;
    const SweptPhase &p = c.phases[phase];
    const SweptFigures &figures = rows.figures(i)[phase];
    const double perSequence =
        decode ? p.tokens / static_cast<double>(rows.result().sweep.workload.batch) : 1;
    table.addRow({rows.name(i), number(p.total_us / 1e3 / perSequence), grouped(rateOf(c, p)),
                  p.speedup > 0 ? fmt::format("{:.2f}", p.speedup) : "",
                  std::string(kBoundNames[p.bound]), percent(p.dramBound), optional(p.power_W),
                  optional(figures.tokensPerJoule), optional(figures.usdPerMtok),
                  p.fits ? ""
                         : fmt::format("DOES NOT FIT: needs {} GiB a device",
                                       number(p.needBytes / kGiB, 3))});
  }
  return table.text();
}

/// A kernel of a phase at every point; null where it is not run there.
struct KernelRow {
  std::string name, what;
  std::vector<const SweptKernel *> at;

  bool boundChanges() const {
    const SweptKernel *first = nullptr;
    for (const SweptKernel *kernel : at) {
      if (!kernel)
        continue;
      if (first && first->bound != kernel->bound)
        return true;
      first = first ? first : kernel;
    }
    return false;
  }
};

std::vector<KernelRow> kernelRows(const Rows &rows, size_t phase) {
  std::vector<KernelRow> list;
  std::map<std::pair<std::string, std::string>, size_t> position;
  for (size_t i = 0; i < rows.across(); ++i) {
    if (!rows.chip(i).failure.empty())
      continue;
    for (const SweptKernel &kernel : rows.chip(i).phases[phase].kernels) {
      const auto [at, isNew] = position.try_emplace({kernel.name, kernel.what}, list.size());
      if (isNew)
        list.push_back(
            {kernel.name, kernel.what, std::vector<const SweptKernel *>(rows.across(), nullptr)});
      list[at->second].at[i] = &kernel;
    }
  }
  return list;
}

/// "l2 at HBM4; else dram": the bound at most points comes last.
std::string boundsOf(const KernelRow &row, const Rows &rows) {
  std::array<std::string, MANSARD_BOUND_COUNT> points;
  std::array<size_t, MANSARD_BOUND_COUNT> count{};
  for (size_t i = 0; i < rows.across(); ++i)
    if (row.at[i]) {
      std::string &list = points[row.at[i]->bound];
      list += (list.empty() ? "" : ", ") + rows.result().points[i].name;
      ++count[row.at[i]->bound];
    }
  const auto most =
      static_cast<size_t>(std::max_element(count.begin(), count.end()) - count.begin());
  std::string text;
  for (size_t bound = 0; bound < MANSARD_BOUND_COUNT; ++bound)
    if (bound != most && count[bound] > 0)
      text += fmt::format("{} at {}; ", kBoundNames[bound], points[bound]);
  return text + fmt::format("else {}", kBoundNames[most]);
}

std::string boundChanges(const Rows &rows, size_t phase, std::string_view name) {
  TextTable table({{fmt::format("{}: bound changes", name), {}}, {"", {}}, {"", {}}});
  for (const KernelRow &row : kernelRows(rows, phase))
    if (row.boundChanges())
      table.addRow({row.name, row.what, boundsOf(row, rows)});
  return table.empty() ? "" : '\n' + table.text();
}

/// Kernels down, points across, so many at a time that lines stay readable.
std::string kernelTables(const Rows &rows, size_t phase, std::string_view name) {
  constexpr size_t kAcross = 5;
  const std::vector<KernelRow> kernels = kernelRows(rows, phase);
  std::string out;
  for (size_t from = 0; from < rows.across(); from += kAcross) {
    const size_t to = std::min(from + kAcross, rows.across());
    std::vector<TextTable::Column> columns{{fmt::format("{}: us of a step", name), {}}, {"", {}}};
    for (size_t i = from; i < to; ++i) {
      columns.push_back({rows.result().points[i].name, Align::right});
      columns.push_back({"", {}});
    }
    TextTable table(std::move(columns));
    for (const KernelRow &row : kernels) {
      std::vector<std::string> cells{row.name, row.what};
      for (size_t i = from; i < to; ++i) {
        const SweptKernel *kernel = row.at[i];
        cells.push_back(kernel ? number(kernel->total_us) : std::string(kUnknown));
        cells.push_back(kernel ? std::string(kBoundNames[kernel->bound]) : "");
      }
      table.addRow(std::move(cells));
    }
    out += '\n' + table.text();
  }
  return out;
}

/// Notes of the points, each once with the points it is of.
std::string notes(const Rows &rows) {
  std::vector<std::pair<std::string, std::string>> said; // note, points
  for (size_t i = 0; i < rows.across(); ++i)
    for (const std::string &note : rows.chip(i).notes) {
      const auto found = std::find_if(said.begin(), said.end(),
                                      [&](const auto &one) { return one.first == note; });
      if (found == said.end())
        said.emplace_back(note, rows.result().points[i].name);
      else
        found->second += ", " + rows.result().points[i].name;
    }
  std::string text;
  for (const auto &[note, points] : said)
    text += fmt::format("  note: {} ({})\n", note, points);
  for (const std::string &note : rows.report.costNotes[rows.target])
    text += fmt::format("  note: {}\n", note);
  return text.empty() ? "" : '\n' + text;
}

std::vector<std::string> phaseNames(const SweepResult &result) {
  std::vector<std::string> names;
  if (result.sweep.prefill)
    names.emplace_back("prefill");
  if (result.sweep.decode)
    names.emplace_back("decode");
  return names;
}

} // namespace

std::string sweepTable(const SweepReport &report, bool kernels) {
  std::string text = headline(report);
  for (size_t target = 0; target < report.result.shipped.size(); ++target) {
    const Rows rows{report, target};
    const hw::Chip &chip = report.result.shipped[target];
    text += fmt::format("\n{} ({})\n\n{}", chip.selectedId(), chip.title(), memoryTable(rows));
    const std::vector<std::string> phases = phaseNames(report.result);
    for (size_t i = 0; i < phases.size(); ++i)
      text += '\n' + phaseTable(rows, i, phases[i]);
    for (size_t i = 0; i < phases.size(); ++i)
      text += kernels ? kernelTables(rows, i, phases[i]) : boundChanges(rows, i, phases[i]);
    text += notes(rows);
  }
  return text + fmt::format("\n  note: GB/s and GiB are of a device, USD, mm2 and W of a package; "
                            "the price is the shipped chip's and what the point costs more to "
                            "make; economics {}\n",
                            report.economics);
}

} // namespace mansard::report
