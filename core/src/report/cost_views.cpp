#include "blocks.h"
#include "json.h"

#include <mansard/report/cost_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

namespace mansard::report {
std::string costTable(const CostReport &report) {
  using Align = TextTable::Align;
  std::string out = fmt::format("{} ({}) in {}, {} yield; {}\n\n", report.target, report.targetName,
                                report.node, report.yieldModel, report.assumptions);
  TextTable area({{"area of one device, by the model", {}}, {"mm2", Align::right}, {"", {}}});
  for (const economics::AreaBlock &block : report.cost.area.blocks)
    area.addRow({block.name, number(block.mm2), bar(block.mm2 / report.cost.area.total_mm2)});
  area.addRow({"total", number(report.cost.area.total_mm2)});
  out += area.text() + '\n';
  TextTable figures({{"", {}}, {"", Align::right}, {"", {}}, {"", {}}, {"spread comes from", {}}});
  for (const CostReport::Figure &figure : report.figures)
    figures.addRow({figure.key, explore::withInterval(figure.spread), figure.unit, figure.meaning,
                    spreadSources(report.inputs, figure.spread.shares)});
  out += figures.text() + '\n';
  if (report.hourly) {
    const economics::HourlyCost &hour = *report.hourly;
    out += fmt::format("  an hour: capital {} USD ({} for the chip, {} for its share of server and "
                       "network{}), electricity {} ({} W), operation {}\n",
                       number(hour.capital_usd, 3), grouped(hour.chip_usd),
                       grouped(hour.server_usd), hour.fromSystem ? ", by its system's price" : "",
                       number(hour.electricity_usd, 3), number(hour.power_W),
                       number(hour.operation_usd, 3));
  }
  for (const std::string &note : report.notes)
    out += "  note: " + note + '\n';
  return out;
}

std::string costJson(const CostReport &report) {
  Json json{{"target", report.target},
            {"node", report.node},
            {"assumptions", report.assumptions},
            {"yield_model", report.yieldModel}};
  Json area = Json::object();
  for (const economics::AreaBlock &block : report.cost.area.blocks)
    area[block.name] = block.mm2;
  json["area_mm2"] = std::move(area);
  for (const CostReport::Figure &figure : report.figures) {
    json[figure.key] = figure.spread.value;
    json[figure.key + "_low"] = figure.spread.low;
    json[figure.key + "_high"] = figure.spread.high;
  }
  Json shares = Json::object();
  for (const CostReport::Figure &figure : report.figures) {
    Json list = Json::array();
    for (const explore::InputShare &share : figure.spread.shares)
      list.push_back(Json{{"input", report.inputs[share.input].name}, {"share", share.share}});
    shares[figure.key] = std::move(list);
  }
  json["uncertainty"] = std::move(shares);
  json["notes"] = report.notes;
  return dump(json);
}

} // namespace mansard::report
