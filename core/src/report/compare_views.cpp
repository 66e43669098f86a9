#include "blocks.h"
#include "json.h"

#include <mansard/base/units.h>
#include <mansard/report/compare_report.h>
#include <mansard/report/csv.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <algorithm>

namespace mansard::report {
namespace {

using Align = TextTable::Align;

constexpr std::array<std::string_view, kCompareFigures> kTitles{
    "time to first token, ms",    "time per output token, ms", "tokens/s/chip",
    "memory left, GiB/device",    "power under load, W/chip",  "tokens/s/W",
    "tokens/s per 1,000 USD",     "tokens/s/kW per 1,000 USD", "USD per million tokens",
    "share of time lost to links"};

/// "tp 8", or the prefill and decode workers'.
std::string plansOf(const system::ServingScenario &s) {
  const std::string plan = work::degreesOf(s.plan.parallelism);
  if (!s.disaggregated)
    return plan;
  return fmt::format("prefill workers: {}; decode workers: {}",
                     work::degreesOf(s.disaggregated->prefill), plan);
}

std::string headline(const CompareReport &report) {
  const system::ServingScenario &s = report.scenario;
  return fmt::format("{}: prompts of {} tokens, answers of {}, {} requests in flight, {} (KV cache "
                     "{}), {}\n",
                     report.model, grouped(static_cast<double>(s.isl)),
                     grouped(static_cast<double>(s.osl)),
                     grouped(static_cast<double>(s.concurrency)),
                     work::kQuantisationNames[static_cast<size_t>(s.plan.quantisation)],
                     nameOf(s.plan.kvCache), plansOf(s));
}

/// Figures down, chips across, so many at a time that lines stay readable.
std::string figureTables(const CompareReport &report) {
  constexpr size_t kAcross = 4;
  std::string out;
  for (size_t from = 0; from < report.chips.size(); from += kAcross) {
    const size_t to = std::min(from + kAcross, report.chips.size());
    std::vector<TextTable::Column> columns{{"", {}}};
    for (size_t i = from; i < to; ++i)
      columns.push_back({report.chips[i].target, Align::right});
    TextTable table(std::move(columns));
    const auto addRow = [&](std::string_view title, const auto &cell) {
      std::vector<std::string> cells{std::string(title)};
      for (size_t i = from; i < to; ++i)
        cells.push_back(report.chips[i].failure.empty() ? cell(report.chips[i]) : "-");
      table.addRow(std::move(cells));
    };
    for (size_t figure = 0; figure < kCompareFigures; ++figure)
      addRow(kTitles[figure], [&](const ComparedChip &row) {
        return row.figures[figure] ? explore::withInterval(*row.figures[figure], 3)
                                   : std::string("not known");
      });
    addRow("bound", [](const ComparedChip &row) { return row.bound; });
    addRow("chips",
           [](const ComparedChip &row) { return grouped(static_cast<double>(row.chips)); });
    out += table.text() + '\n';
  }
  return out;
}

/// The best first; bars from nothing to the largest.
std::string chart(const CompareReport &report, CompareFigure figure, bool highIsGood) {
  std::vector<const ComparedChip *> rows;
  double most = 0;
  for (const ComparedChip &row : report.chips)
    if (row[figure]) {
      rows.push_back(&row);
      most = std::max(most, row[figure]->value);
    }
  if (rows.empty())
    return {};
  std::stable_sort(rows.begin(), rows.end(), [&](const auto *a, const auto *b) {
    const double left = (*a)[figure]->value, right = (*b)[figure]->value;
    return highIsGood ? left > right : left < right;
  });
  TextTable table(
      {{std::string(kTitles[static_cast<size_t>(figure)]), {}}, {"", Align::right}, {"", {}}});
  for (const ComparedChip *row : rows) {
    const double value = (*row)[figure]->value;
    table.addRow({row->target, value >= 1000 ? grouped(value) : number(value, 3),
                  most > 0 ? bar(value / most, 40) : ""});
  }
  return table.text() + '\n';
}

std::string sources(const CompareReport &report) {
  TextTable table({{"spread comes from", {}}, {"", {}}, {"", {}}});
  for (const ComparedChip &row : report.chips)
    for (const CompareFigure figure : {CompareFigure::tokens_per_chip, CompareFigure::usd_per_mtok})
      if (row[figure] && !row[figure]->shares.empty())
        table.addRow({row.target, std::string(kTitles[static_cast<size_t>(figure)]),
                      spreadSources(row.inputs, row[figure]->shares)});
  return table.empty() ? "" : table.text() + '\n';
}

std::string remarks(const CompareReport &report) {
  std::string text;
  for (const ComparedChip &row : report.chips) {
    text += fmt::format("  {} ({}): ", row.target, row.targetName);
    if (!row.failure.empty()) {
      text += "cannot run this: " + row.failure + '\n';
      continue;
    }
    text += fmt::format("model {}, software {}, economics {}; {}\n", row.pricedBy, row.software,
                        row.economics, row.validation);
    for (const std::string &note : row.notes)
      text += "    note: " + note + '\n';
  }
  return text +
         "  note: power is a package's, averaged over the load; ranges hold eight of ten cases\n";
}

Json toJson(const CompareReport &report, const ComparedChip &row) {
  Json json{{"target", row.target}, {"model", report.model}};
  for (size_t figure = 0; figure < kCompareFigures; ++figure) {
    const std::string key(kCompareFigureKeys[figure]);
    const auto &spread = row.figures[figure];
    json[key] = spread ? Json(spread->value) : Json();
    addInterval(json, key, spread ? &*spread : nullptr);
  }
  const bool runs = row.failure.empty();
  json["bound"] = runs ? Json(row.bound) : Json();
  json["failure"] = runs ? Json() : Json(row.failure);
  json["chips"] = row.chips;
  json["devices"] = row.devices;
  json["memory_capacity_gib"] = runs ? Json(row.memoryCapacity / kGiB) : Json();
  json["software"] = row.software;
  json["economics"] = row.economics;
  json["priced_by"] = row.pricedBy;
  json["validation"] = row.validation;
  Json shares = Json::object();
  for (size_t figure = 0; figure < kCompareFigures; ++figure) {
    if (!row.figures[figure])
      continue;
    shares[std::string(kCompareFigureKeys[figure])] =
        sharesJson(row.inputs, row.figures[figure]->shares);
  }
  json["uncertainty"] = std::move(shares);
  json["notes"] = row.notes;
  return json;
}

} // namespace

std::string compareTable(const CompareReport &report) {
  return headline(report) + '\n' + figureTables(report) +
         chart(report, CompareFigure::tokens_per_chip, true) +
         chart(report, CompareFigure::usd_per_mtok, false) + sources(report) + remarks(report);
}

std::string compareJson(const CompareReport &report) {
  Json all = Json::array();
  for (const ComparedChip &row : report.chips)
    all.push_back(toJson(report, row));
  return dump(all);
}

std::string compareCsv(const CompareReport &report) {
  std::vector<std::string> header{"target", "model"};
  for (const std::string_view key : kCompareFigureKeys)
    for (const char *end : {"", "_low", "_high"})
      header.push_back(std::string(key) + end);
  header.insert(header.end(), {"bound", "failure"});
  std::string text = csvLine(header);
  for (const ComparedChip &row : report.chips) {
    std::vector<std::string> cells{row.target, report.model};
    for (const auto &spread : row.figures)
      for (const double explore::Spread::*member :
           {&explore::Spread::value, &explore::Spread::low, &explore::Spread::high})
        cells.push_back(spread ? fmt::format("{}", (*spread).*member) : "");
    cells.insert(cells.end(), {row.bound, row.failure});
    text += csvLine(cells);
  }
  return text;
}

} // namespace mansard::report
