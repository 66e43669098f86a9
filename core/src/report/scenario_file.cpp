#include "scenario_parts.h"

#include <mansard/base/names.h>
#include <mansard/work/choices.h>

namespace mansard::report {
namespace {

using Kind = ScenarioKey::Kind;

constexpr double kMostTokens = 1e8, kMostDevices = 1e5;

const std::vector<ScenarioKey> &commonKeys() {
  static const std::vector<ScenarioKey> keys{
      {"kind", Kind::text},
      {"id", Kind::text},
      {"name", Kind::text},
      {"workload.*.title", Kind::text},
      {"workload.*.model", Kind::text},
      {"workload.*.quant", Kind::text},
      {"workload.*.kv_cache", Kind::text},
      {"workload.*.isl", Kind::whole, 1, kMostTokens},
      {"workload.*.osl", Kind::whole, 1, kMostTokens},
      {"workload.*.ttft_ms", Kind::plain, 1e-3, 1e9},
      {"workload.*.tpot_ms", Kind::plain, 1e-3, 1e9},
      {"workload.*.chips", Kind::whole, 1, 4096},
      {"workload.*.new_tokens", Kind::whole, 1, 64},
      {"workload.*.accept", Kind::plain, 0, 1},
      {"workload.*.prefill_apart", Kind::flag},
      {"workload.*.tp", Kind::whole, 1, kMostDevices},
      {"workload.*.pp", Kind::whole, 1, kMostDevices},
      {"workload.*.dp", Kind::whole, 1, kMostDevices},
      {"workload.*.ep", Kind::whole, 1, kMostDevices},
      {"workload.*.concurrency", Kind::whole, 1, 1e8},
  };
  return keys;
}

template <size_t N> std::vector<std::string> texts(const std::array<std::string_view, N> &names) {
  return {names.begin(), names.end()};
}

Result<> parsePrecision(const ScenarioKeys &keys, const std::string &at, work::Workload &plan) {
  auto quant = keys.oneOf(at + "quant", texts(work::kQuantisationNames), 0);
  if (!quant)
    return quant.error();
  plan.quantisation = static_cast<work::Quantisation>(*quant);
  plan.kvCache = work::schemeOf(plan.quantisation).plain;
  if (!keys.has(at + "kv_cache"))
    return Ok{};
  auto cache = keys.oneOf(at + "kv_cache", texts(work::kKvCacheNames), 0);
  if (!cache)
    return cache.error();
  plan.kvCache = *parseDType(work::kKvCacheNames[*cache]);
  return Ok{};
}

Result<ScenarioWorkload> parseWorkload(const ScenarioKeys &keys, const std::string &id) {
  ScenarioWorkload out;
  out.id = id;
  const std::string at = "workload." + id + ".";
  auto model = keys.needed(at + "model");
  if (!model)
    return model.error();
  out.model = *model;
  out.title = keys.text(at + "title");
  if (auto done = parsePrecision(keys, at, out.plan); !done)
    return done.error();
  work::Parallelism &p = out.plan.parallelism;
  for (const auto &[key, value] : {std::pair{"isl", &out.isl},
                                   {"osl", &out.osl},
                                   {"chips", &out.chips},
                                   {"new_tokens", &out.plan.new_tokens},
                                   {"tp", &p.tp},
                                   {"pp", &p.pp},
                                   {"dp", &p.dp},
                                   {"ep", &p.ep},
                                   {"concurrency", &out.concurrency}})
    *value = static_cast<int64_t>(keys.plain(at + key, static_cast<double>(*value)));
  out.plan.accept = keys.plain(at + "accept", 0);
  out.ttft_ms = keys.plain(at + "ttft_ms", out.ttft_ms);
  out.tpot_ms = keys.plain(at + "tpot_ms", out.tpot_ms);
  out.prefillApart = keys.plain(at + "prefill_apart", 0) > 0;
  for (const char *degree : {"tp", "pp", "dp", "ep"})
    out.given |= keys.has(at + degree);
  if (out.given != (out.concurrency > 0))
    return keys.wrong(at + (out.given ? "concurrency" : "tp"),
                      "is missing: a plan that is given has degrees and a concurrency");
  if (out.given)
    for (const char *key : {"ttft_ms", "tpot_ms", "chips", "prefill_apart"})
      if (keys.has(at + key))
        return keys.wrong(at + key, "is for plans that are looked for; this one is given");
  return out;
}

} // namespace

std::vector<std::string> workloadIds(const ScenarioFile &file) {
  std::vector<std::string> ids;
  for (const ScenarioWorkload &workload : file.workloads)
    ids.push_back(workload.id);
  return ids;
}

Result<ScenarioContender> parseContender(const ScenarioKeys &keys, const std::string &section,
                                         const std::string &id) {
  const std::string at = section + "." + id + ".";
  ScenarioContender out{id,
                        keys.text(at + "target"),
                        keys.text(at + "system"),
                        keys.text(at + "software"),
                        keys.text(at + "economics"),
                        {}};
  if (keys.has(at + "quant")) {
    auto quant = keys.oneOf(at + "quant", texts(work::kQuantisationNames), 0);
    if (!quant)
      return quant.error();
    out.quantisation = static_cast<work::Quantisation>(*quant);
  }
  if (!out.target.empty() && !out.system.empty())
    return keys.wrong(at + "system", "and a target are given; it may be one of them");
  if (out.target.empty() && out.system.empty())
    out.target = id;
  return out;
}

Result<ScenarioFile> readScenario(const hw::Catalog &catalog, const std::string &nameOrPath) {
  auto document = catalog.scenarioDocument(nameOrPath);
  if (!document)
    return document.error();
  const auto kind = document->entries.find("kind");
  const bool claims = kind != document->entries.end() && kind->second.text == "claims";
  if (!claims && (kind == document->entries.end() || kind->second.text != "supply"))
    return Error{ErrorCode::invalidInput, "'kind' must be \"supply\" or \"claims\"",
                 kind == document->entries.end() ? document->file : kind->second.place};
  std::vector<ScenarioKey> known = commonKeys();
  const std::vector<ScenarioKey> &more = claims ? claimsKeys() : supplyKeys();
  known.insert(known.end(), more.begin(), more.end());
  auto keys = ScenarioKeys::open(*document, known, claims ? "claims" : "supply");
  if (!keys)
    return keys.error();
  ScenarioFile file;
  for (const auto &[key, text] : {std::pair{"id", &file.id}, {"name", &file.name}}) {
    auto value = keys->needed(key);
    if (!value)
      return value.error();
    *text = *value;
  }
  file.file = document->file;
  for (const std::string &id : keys->names("workload")) {
    auto workload = parseWorkload(*keys, id);
    if (!workload)
      return workload.error();
    file.workloads.push_back(std::move(*workload));
  }
  if (file.workloads.empty())
    return Error{ErrorCode::invalidInput, "no [workload.NAME] says what is served", file.file};
  if (claims) {
    auto parsed = parseClaims(*keys, file);
    if (!parsed)
      return parsed.error();
    file.claims = std::move(*parsed);
  } else {
    auto parsed = parseSupply(*keys, file);
    if (!parsed)
      return parsed.error();
    file.supply = std::move(*parsed);
  }
  return file;
}

} // namespace mansard::report
