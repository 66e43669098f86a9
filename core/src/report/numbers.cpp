#include "numbers.h"

#include <mansard/base/names.h>
#include <mansard/report/text_table.h>

#include <fmt/format.h>

namespace mansard::report {
namespace {

std::string rangeOf(const hw::Quantity &q) {
  if (!q.low && !q.high)
    return "";
  return fmt::format("[{} - {}]", number(q.low.value_or(q.value), 6),
                     number(q.high.value_or(q.value), 6));
}

std::string_view confidenceOf(const hw::Quantity &q) {
  return hw::kConfidenceNames[static_cast<size_t>(q.confidence)];
}

/// "links.scale_up.latency_us" is in section "links.scale_up"; "matrix.ops_per_clock.bf16" in
/// "matrix.ops_per_clock".
std::string sectionOf(const std::string &key) {
  const size_t dot = key.rfind('.');
  return dot == std::string::npos ? "" : key.substr(0, dot);
}

/// Where the value is a code, what it stands for.
std::string valueText(const std::string &key, const hw::Quantity &q) {
  const auto code = static_cast<size_t>(q.value);
  if (key.ends_with(".topology") && code < kTopologyNames.size())
    return std::string(kTopologyNames[code]);
  return number(q.value, 6);
}

} // namespace

std::string numbersTable(const Numbers &numbers, UnitOf unitOf) {
  // One set of columns for all sections, so that they line up.
  TextTable table({{"", {}},
                   {"value", TextTable::Align::right},
                   {"unit", {}},
                   {"range", {}},
                   {"confidence", {}},
                   {"source", {}}});
  std::string section = "-";
  for (const auto &[key, q] : numbers) {
    if (sectionOf(key) != section) {
      section = sectionOf(key);
      table.addRow({});
      if (!section.empty())
        table.addRow({"[" + section + "]"});
    }
    table.addRow({section.empty() ? key : "  " + key.substr(section.size() + 1), valueText(key, q),
                  unitOf(key), rangeOf(q), std::string(confidenceOf(q)),
                  q.note.empty() ? q.source : fmt::format("{}: {}", q.source, q.note)});
  }
  return table.text(0);
}

Json numbersJson(const Numbers &numbers, UnitOf unitOf) {
  Json json = Json::object();
  for (const auto &[key, q] : numbers)
    json[key] = Json{{"value", q.value},
                     {"unit", unitOf(key)},
                     {"low", q.low ? Json(*q.low) : Json()},
                     {"high", q.high ? Json(*q.high) : Json()},
                     {"confidence", confidenceOf(q)},
                     {"source", q.source},
                     {"note", q.note}};
  return json;
}

std::string withoutRange(const Numbers &numbers) {
  size_t bare = 0;
  std::string first;
  for (const auto &[key, q] : numbers) {
    const bool weak = q.confidence == hw::Confidence::press ||
                      q.confidence == hw::Confidence::estimate ||
                      q.confidence == hw::Confidence::recall;
    if (weak && !q.low && !q.high && ++bare == 1)
      first = key;
  }
  if (bare == 0)
    return "";
  return fmt::format("{} {} of confidence press, estimate or recall {} no range ({}{})", bare,
                     bare == 1 ? "number" : "numbers", bare == 1 ? "has" : "have", first,
                     bare > 1 ? ", ..." : "");
}

} // namespace mansard::report
