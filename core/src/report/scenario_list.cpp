#include "json.h"

#include <mansard/report/scenario_report.h>
#include <mansard/report/text_table.h>

namespace mansard::report {

std::vector<ScenarioSummary> collectScenarios(const hw::Catalog &catalog) {
  std::vector<ScenarioSummary> all;
  for (const std::string &id : catalog.scenarioIds()) {
    const auto file = readScenario(catalog, id);
    if (file)
      all.push_back({id, file->claims ? "claims" : "supply", file->name, ""});
    else
      all.push_back({id, "", "", file.error().text()});
  }
  return all;
}

std::string scenariosTable(const std::vector<ScenarioSummary> &scenarios) {
  TextTable table({{"scenario", {}}, {"kind", {}}, {"", {}}});
  for (const ScenarioSummary &each : scenarios)
    table.addRow(
        {each.id, each.kind, each.problem.empty() ? each.name : "cannot be read: " + each.problem});
  return table.text();
}

std::string scenariosJson(const std::vector<ScenarioSummary> &scenarios) {
  Json list = Json::array();
  for (const ScenarioSummary &each : scenarios)
    list.push_back(Json{{"id", each.id},
                        {"kind", each.kind},
                        {"name", each.name},
                        {"problem", each.problem.empty() ? Json() : Json(each.problem)}});
  return dump(list);
}

} // namespace mansard::report
