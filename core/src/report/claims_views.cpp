#include "json.h"

#include <mansard/report/csv.h>
#include <mansard/report/scenario_report.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace mansard::report {
namespace {

using Align = TextTable::Align;

std::string verdictOf(const ClaimResult &result) {
  return result.testable ? std::string(explore::kVerdictNames[static_cast<size_t>(result.verdict)])
                         : "not testable";
}

std::string probability(double p) { return std::isfinite(p) ? fmt::format("{:.2f}", p) : "-"; }

std::string figureText(const std::optional<explore::Spread> &figure) {
  return figure ? explore::withInterval(*figure, 3) : "cannot";
}

std::string ratioText(const explore::Spread &ratio) {
  const auto text = [](double value) {
    return std::isnan(value) ? "-" : std::isinf(value) ? "all" : number(value, 3);
  };
  if (!(ratio.high > ratio.low))
    return text(ratio.value);
  return fmt::format("{} [{} - {}]", text(ratio.value), text(ratio.low), text(ratio.high));
}

std::string boundsOf(const ClaimTest &test) {
  const bool least = test.least > 0, most = std::isfinite(test.most);
  if (least && most)
    return fmt::format("from {:g} to {:g}", test.least, test.most);
  return least ? fmt::format("at least {:g}", test.least) : fmt::format("at most {:g}", test.most);
}

/// "left over right, tokens/s/chip, at least 0.8 (near or above); any of the workloads, ...".
std::string testText(const ClaimTest &test) {
  std::string text = fmt::format("{}{} {}", claimFigures()[test.figure].title,
                                 test.right.empty() ? "" : ", left over right,", boundsOf(test));
  if (!test.words.empty())
    text += fmt::format(" ({})", test.words);
  const auto of = [&](const char *what, size_t count, explore::Quantifier quantifier) {
    if (count > 1)
      text +=
          fmt::format("; {} {}", explore::kQuantifierNames[static_cast<size_t>(quantifier)], what);
  };
  of("of the left", test.left.size(), test.ofLeft);
  of("of the right", test.right.size(), test.ofRight);
  of("of the workloads", test.workloads.size(), test.ofWorkloads);
  return text;
}

/// Pairs down, workloads across.
std::string testTable(const ScenarioFile &file, const ClaimTest &test,
                      const ClaimTestResult &result) {
  const std::vector<ScenarioContender> &contenders = file.claims->contenders;
  const bool sided = !test.right.empty();
  std::vector<TextTable::Column> columns{{sided ? "left" : "", {}}};
  if (sided)
    columns.push_back({"right", {}});
  for (const size_t workload : test.workloads)
    columns.insert(columns.end(),
                   {{file.workloads[workload].id, Align::right}, {"p", Align::right}});
  TextTable table(std::move(columns));
  for (size_t i = 0; i < result.pairs.size(); i += test.workloads.size()) {
    std::vector<std::string> cells{contenders[result.pairs[i].left].id};
    if (sided)
      cells.push_back(contenders[result.pairs[i].right].id);
    for (size_t w = 0; w < test.workloads.size(); ++w) {
      const ClaimPair &pair = result.pairs[i + w];
      cells.push_back(sided ? ratioText(pair.ratio) : figureText(pair.leftFigure));
      cells.push_back(probability(pair.probability));
    }
    table.addRow(std::move(cells));
  }
  return table.text(4);
}

/// Every figure that a test is about, contenders down and workloads across.
std::string figureTables(const ClaimsReport &report) {
  const ScenarioFile &file = report.scenario;
  std::map<size_t, std::map<std::pair<size_t, size_t>, std::string>> cells; // contender, workload
  for (size_t i = 0; i < report.claims.size(); ++i)
    for (size_t t = 0; t < report.claims[i].tests.size(); ++t) {
      const ClaimTest &test = file.claims->claims[i].tests[t];
      for (const ClaimPair &pair : report.claims[i].tests[t].pairs) {
        auto &of = cells[test.figure];
        of[{pair.left, pair.workload}] = figureText(pair.leftFigure);
        if (!test.right.empty())
          of[{pair.right, pair.workload}] = figureText(pair.rightFigure);
      }
    }
  std::string out;
  for (const auto &[figure, of] : cells) {
    std::set<size_t> contenders, workloads;
    for (const auto &[at, text] : of) {
      contenders.insert(at.first);
      workloads.insert(at.second);
    }
    std::vector<TextTable::Column> columns{{std::string(claimFigures()[figure].title), {}}};
    for (const size_t workload : workloads)
      columns.push_back({file.workloads[workload].id, Align::right});
    TextTable table(std::move(columns));
    for (const size_t contender : contenders) {
      std::vector<std::string> row{file.claims->contenders[contender].id};
      for (const size_t workload : workloads) {
        const auto found = of.find({contender, workload});
        row.push_back(found == of.end() ? "" : found->second);
      }
      table.addRow(std::move(row));
    }
    out += table.text() + '\n';
  }
  return out;
}

std::string workloadText(const ScenarioWorkload &w) {
  std::string text =
      fmt::format("{}: {}, {} tokens in, {} out, {}", w.id, w.model,
                  grouped(static_cast<double>(w.isl)), grouped(static_cast<double>(w.osl)),
                  work::kQuantisationNames[static_cast<size_t>(w.plan.quantisation)]);
  if (w.given)
    return text + fmt::format("; {}, {} requests in flight", work::degreesOf(w.plan.parallelism),
                              grouped(static_cast<double>(w.concurrency)));
  text += fmt::format("; the plan of at most {} chips that yields most a chip", w.chips);
  for (const auto &[limit, name] :
       {std::pair{w.ttft_ms, "first token"}, {w.tpot_ms, "each further one"}})
    if (std::isfinite(limit))
      text += fmt::format(", {} within {:g} ms", name, limit);
  return text;
}

std::string runsTable(const ClaimsReport &report) {
  TextTable table({{"workload", {}},
                   {"on", {}},
                   {"plan", {}},
                   {"requests", Align::right},
                   {"TTFT, ms", Align::right},
                   {"TPOT, ms", Align::right},
                   {"links", Align::right},
                   {"tokens/s/chip", Align::right},
                   {"W/chip", Align::right}});
  std::string failures;
  for (const ScenarioRun &run : report.runs) {
    const std::string &workload = report.scenario.workloads[run.workload].id;
    const std::string &contender = report.scenario.claims->contenders[run.contender].id;
    const std::string &failure = run.failure.empty() ? run.row.failure : run.failure;
    if (!failure.empty()) {
      failures += fmt::format("  {} cannot serve {}: {}\n", contender, workload, failure);
      continue;
    }
    const auto value = [&](CompareFigure figure, int digits) {
      return run.row[figure] ? number(run.row[figure]->value, digits) : std::string("-");
    };
    table.addRow({workload, contender, run.plan, grouped(static_cast<double>(run.concurrency)),
                  value(CompareFigure::ttft, 3), value(CompareFigure::tpot, 3),
                  run.row[CompareFigure::communication]
                      ? percent(run.row[CompareFigure::communication]->value)
                      : "-",
                  value(CompareFigure::tokens_per_chip, 4), value(CompareFigure::power, 3)});
  }
  return table.text() + failures;
}

Json spreadJson(const std::optional<explore::Spread> &spread) {
  if (!spread)
    return Json();
  return Json{{"value", spread->value}, {"low", spread->low}, {"high", spread->high}};
}

Json pairJson(const ScenarioFile &file, const ClaimTest &test, const ClaimPair &pair) {
  const auto &contenders = file.claims->contenders;
  Json json{{"workload", file.workloads[pair.workload].id}, {"left", contenders[pair.left].id}};
  json["right"] = test.right.empty() ? Json() : Json(contenders[pair.right].id);
  json["left_figure"] = spreadJson(pair.leftFigure);
  json["right_figure"] = spreadJson(pair.rightFigure);
  json["ratio"] = test.right.empty() ? Json() : spreadJson(pair.ratio);
  json["probability"] = pair.probability;
  return json;
}

} // namespace

std::string claimsTable(const ClaimsReport &report) {
  const ScenarioFile &file = report.scenario;
  std::string out = fmt::format("{}\n{} claims; {} points of what is not known; confirmed from p = "
                                "{:g} up, refuted from {:g} "
                                "down\n\n",
                                file.name, report.claims.size(), report.samples,
                                explore::kConfirmed, explore::kRefuted);
  TextTable summary({{"claim", {}}, {"", {}}, {"p", Align::right}});
  for (size_t i = 0; i < report.claims.size(); ++i)
    summary.addRow({file.claims->claims[i].id, verdictOf(report.claims[i]),
                    report.claims[i].testable ? probability(report.claims[i].probability) : ""});
  out += summary.text() + '\n';
  for (size_t i = 0; i < report.claims.size(); ++i) {
    const Claim &claim = file.claims->claims[i];
    const ClaimResult &result = report.claims[i];
    out += fmt::format("{}: {}\n  \"{}\"\n  source: {}\n", claim.id, verdictOf(result),
                       claim.statement, claim.source);
    if (!claim.reading.empty())
      out += fmt::format("  read as: {}\n", claim.reading);
    if (!claim.notTestable.empty())
      out += fmt::format("  not testable: {}\n", claim.notTestable);
    if (claim.tests.size() > 1)
      out += fmt::format("  {} of these must hold:\n",
                         explore::kQuantifierNames[static_cast<size_t>(claim.ofTests)]);
    for (size_t t = 0; t < result.tests.size(); ++t) {
      out += fmt::format("  {}: {}; p {}\n", claim.tests[t].id, testText(claim.tests[t]),
                         probability(result.tests[t].probability));
      out += testTable(file, claim.tests[t], result.tests[t]);
    }
    if (!result.hangsOn.empty())
      out += fmt::format("  hangs on: {}\n", fmt::join(result.hangsOn, ", "));
    out += '\n';
  }
  out += figureTables(report) + runsTable(report) + '\n';
  for (const ScenarioWorkload &workload : file.workloads)
    out += "  " + workloadText(workload) + '\n';
  return out + "  note: p is the share of points at which it holds; ranges hold eight of ten; what "
               "one side cannot serve the other is ahead in\n";
}

std::string claimsJson(const ClaimsReport &report) {
  const ScenarioFile &file = report.scenario;
  Json claims = Json::array();
  for (size_t i = 0; i < report.claims.size(); ++i) {
    const Claim &claim = file.claims->claims[i];
    const ClaimResult &result = report.claims[i];
    Json tests = Json::array();
    for (size_t t = 0; t < result.tests.size(); ++t) {
      const ClaimTest &test = claim.tests[t];
      Json pairs = Json::array();
      for (const ClaimPair &pair : result.tests[t].pairs)
        pairs.push_back(pairJson(file, test, pair));
      tests.push_back(Json{{"id", test.id},
                           {"figure", claimFigures()[test.figure].key},
                           {"least", test.least},
                           {"most", test.most},
                           {"words", test.words},
                           {"probability", result.tests[t].probability},
                           {"pairs", std::move(pairs)}});
    }
    claims.push_back(Json{{"id", claim.id},
                          {"statement", claim.statement},
                          {"source", claim.source},
                          {"reading", claim.reading},
                          {"not_testable", claim.notTestable},
                          {"verdict", verdictOf(result)},
                          {"probability", result.testable ? Json(result.probability) : Json()},
                          {"hangs_on", result.hangsOn},
                          {"tests", std::move(tests)}});
  }
  Json runs = Json::array();
  for (const ScenarioRun &run : report.runs) {
    const std::string &failure = run.failure.empty() ? run.row.failure : run.failure;
    Json json{{"workload", file.workloads[run.workload].id},
              {"contender", file.claims->contenders[run.contender].id},
              {"plan", run.plan},
              {"flags", run.flags},
              {"concurrency", run.concurrency},
              {"failure", failure.empty() ? Json() : Json(failure)},
              {"validation", run.row.validation}};
    for (size_t figure = 0; figure < kCompareFigures; ++figure)
      json[std::string(kCompareFigureKeys[figure])] =
          failure.empty() ? spreadJson(run.row.figures[figure]) : Json();
    json["notes"] = run.row.notes;
    runs.push_back(std::move(json));
  }
  return dump(Json{{"id", file.id},
                   {"name", file.name},
                   {"kind", "claims"},
                   {"samples", report.samples},
                   {"claims", std::move(claims)},
                   {"runs", std::move(runs)}});
}

std::string claimsCsv(const ClaimsReport &report) {
  const ScenarioFile &file = report.scenario;
  std::string text =
      csvLine({"claim",      "verdict",  "claim_probability", "test",        "figure",
               "least",      "most",     "workload",          "left",        "right",
               "left_value", "left_low", "left_high",         "right_value", "right_low",
               "right_high", "ratio",    "ratio_low",         "ratio_high",  "probability"});
  const auto number = [](double value) {
    return std::isfinite(value) ? fmt::format("{}", value) : std::string();
  };
  for (size_t i = 0; i < report.claims.size(); ++i) {
    const Claim &claim = file.claims->claims[i];
    const ClaimResult &result = report.claims[i];
    const std::string p = result.testable ? number(result.probability) : "";
    if (result.tests.empty())
      text += csvLine({claim.id, verdictOf(result),
                       p,        "",
                       "",       "",
                       "",       "",
                       "",       "",
                       "",       "",
                       "",       "",
                       "",       "",
                       "",       "",
                       "",       ""});
    for (size_t t = 0; t < result.tests.size(); ++t)
      for (const ClaimPair &pair : result.tests[t].pairs) {
        const ClaimTest &test = claim.tests[t];
        const bool sided = !test.right.empty();
        std::vector<std::string> cells{claim.id,
                                       verdictOf(result),
                                       p,
                                       test.id,
                                       std::string(claimFigures()[test.figure].key),
                                       number(test.least),
                                       number(test.most),
                                       file.workloads[pair.workload].id,
                                       file.claims->contenders[pair.left].id,
                                       sided ? file.claims->contenders[pair.right].id : ""};
        const auto add = [&](const std::optional<explore::Spread> &spread) {
          for (const double explore::Spread::*member :
               {&explore::Spread::value, &explore::Spread::low, &explore::Spread::high})
            cells.push_back(spread ? number((*spread).*member) : "");
        };
        add(pair.leftFigure);
        add(pair.rightFigure);
        add(sided ? std::optional(pair.ratio) : std::nullopt);
        cells.push_back(number(pair.probability));
        text += csvLine(cells);
      }
  }
  return text;
}

} // namespace mansard::report
