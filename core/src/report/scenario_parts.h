// Parsers of the two kinds of scenarios.
#pragma once

#include "scenario_keys.h"

#include <mansard/report/scenario_file.h>

#include <string>
#include <vector>

namespace mansard::report {

/// Keys that only the one kind has.
const std::vector<ScenarioKey> &claimsKeys();
const std::vector<ScenarioKey> &supplyKeys();

/// `file` has its workloads already.
Result<ClaimsScenario> parseClaims(const ScenarioKeys &keys, const ScenarioFile &file);
Result<SupplyScenario> parseSupply(const ScenarioKeys &keys, const ScenarioFile &file);

/// "contender.h20" and its like: a chip or a system, software, economics.
Result<ScenarioContender> parseContender(const ScenarioKeys &keys, const std::string &section,
                                         const std::string &id);

std::vector<std::string> workloadIds(const ScenarioFile &file);

} // namespace mansard::report
