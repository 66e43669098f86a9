#include "scenario_parts.h"

#include <algorithm>

namespace mansard::report {
namespace {

using Kind = ScenarioKey::Kind;

std::vector<std::string> figureKeys() {
  std::vector<std::string> keys;
  for (const ClaimFigure &figure : claimFigures())
    keys.emplace_back(figure.key);
  return keys;
}

/// Left as it is where the key is not there.
Result<> parseQuantifier(const ScenarioKeys &keys, const std::string &key,
                         explore::Quantifier &quantifier) {
  static const std::vector<std::string> names{explore::kQuantifierNames.begin(),
                                              explore::kQuantifierNames.end()};
  auto chosen = keys.oneOf(key, names, static_cast<size_t>(quantifier));
  if (!chosen)
    return chosen.error();
  quantifier = static_cast<explore::Quantifier>(*chosen);
  return Ok{};
}

Result<ClaimTest> parseTest(const ScenarioKeys &keys, const std::string &claim,
                            const std::string &id, const std::vector<std::string> &contenders,
                            const std::vector<std::string> &workloads) {
  const std::string at = "claim." + claim + ".test." + id + ".";
  ClaimTest test;
  test.id = id;
  test.words = keys.text(at + "words");
  if (auto figure = keys.needed(at + "figure"); !figure)
    return figure.error();
  auto figure = keys.oneOf(at + "figure", figureKeys(), 0);
  if (!figure)
    return figure.error();
  test.figure = *figure;
  for (const auto &[key, list, names, optional] :
       {std::tuple{"left", &test.left, &contenders, false},
        {"right", &test.right, &contenders, true},
        {"workloads", &test.workloads, &workloads, false}}) {
    auto some = keys.someOf(at + key, *names, optional);
    if (!some)
      return some.error();
    *list = std::move(*some);
  }
  for (const auto &[key, quantifier] : {std::pair{"of_left", &test.ofLeft},
                                        {"of_right", &test.ofRight},
                                        {"of_workloads", &test.ofWorkloads}})
    if (auto chosen = parseQuantifier(keys, at + key, *quantifier); !chosen)
      return chosen.error();
  if (!keys.has(at + "least") && !keys.has(at + "most"))
    return keys.wrong(at + "least", "is missing, and so is 'most': one of them says what holds");
  test.least = keys.plain(at + "least", test.least);
  test.most = keys.plain(at + "most", test.most);
  if (test.least > test.most)
    return keys.wrong(at + "least", "is above 'most'");
  return test;
}

Result<Claim> parseClaim(const ScenarioKeys &keys, const std::string &id,
                         const std::vector<std::string> &contenders,
                         const std::vector<std::string> &workloads) {
  const std::string at = "claim." + id + ".";
  Claim claim;
  claim.id = id;
  for (const auto &[key, text] :
       {std::pair{"statement", &claim.statement}, {"source", &claim.source}}) {
    auto value = keys.needed(at + key);
    if (!value)
      return value.error();
    *text = *value;
  }
  claim.reading = keys.text(at + "reading");
  claim.notTestable = keys.text(at + "not_testable");
  for (const std::string &test : keys.names("claim." + id + ".test")) {
    auto parsed = parseTest(keys, id, test, contenders, workloads);
    if (!parsed)
      return parsed.error();
    claim.tests.push_back(std::move(*parsed));
  }
  if (auto chosen = parseQuantifier(keys, at + "of_tests", claim.ofTests); !chosen)
    return chosen.error();
  if (claim.tests.empty() == claim.notTestable.empty())
    return keys.wrong(at + "not_testable",
                      "and tests: a claim has either [claim.NAME.test.NAME], or the reason why it "
                      "cannot be tested");
  return claim;
}

} // namespace

const std::vector<ScenarioKey> &claimsKeys() {
  static const std::vector<ScenarioKey> keys{
      {"samples", Kind::whole, 16, 65536},
      {"order", Kind::list},
      {"contender.*.target", Kind::text},
      {"contender.*.system", Kind::text},
      {"contender.*.software", Kind::text},
      {"contender.*.economics", Kind::text},
      {"contender.*.quant", Kind::text},
      {"claim.*.statement", Kind::text},
      {"claim.*.source", Kind::text},
      {"claim.*.reading", Kind::text},
      {"claim.*.not_testable", Kind::text},
      {"claim.*.of_tests", Kind::text},
      {"claim.*.test.*.words", Kind::text},
      {"claim.*.test.*.figure", Kind::text},
      {"claim.*.test.*.left", Kind::list},
      {"claim.*.test.*.right", Kind::list},
      {"claim.*.test.*.workloads", Kind::list},
      {"claim.*.test.*.of_left", Kind::text},
      {"claim.*.test.*.of_right", Kind::text},
      {"claim.*.test.*.of_workloads", Kind::text},
      {"claim.*.test.*.least", Kind::plain, 0, 1e12},
      {"claim.*.test.*.most", Kind::plain, 0, 1e12},
  };
  return keys;
}

Result<ClaimsScenario> parseClaims(const ScenarioKeys &keys, const ScenarioFile &file) {
  ClaimsScenario out;
  out.samples = static_cast<int64_t>(keys.plain("samples", static_cast<double>(out.samples)));
  const std::vector<std::string> contenders = keys.names("contender");
  for (const std::string &id : contenders) {
    auto contender = parseContender(keys, "contender", id);
    if (!contender)
      return contender.error();
    if (contender->economics.empty())
      return keys.wrong("contender." + id + ".economics", "is missing");
    out.contenders.push_back(std::move(*contender));
  }
  std::vector<std::string> ids = keys.names("claim");
  if (ids.empty())
    return Error{ErrorCode::invalidInput, "no [claim.NAME] claims anything", file.file};
  if (keys.has("order")) {
    auto first = keys.someOf("order", ids);
    if (!first)
      return first.error();
    std::vector<std::string> ordered;
    for (const size_t index : *first)
      ordered.push_back(ids[index]);
    for (const std::string &id : ids)
      if (std::find(ordered.begin(), ordered.end(), id) == ordered.end())
        ordered.push_back(id);
    ids = std::move(ordered);
  }
  for (const std::string &id : ids) {
    auto claim = parseClaim(keys, id, contenders, workloadIds(file));
    if (!claim)
      return claim.error();
    out.claims.push_back(std::move(*claim));
  }
  return out;
}

} // namespace mansard::report
