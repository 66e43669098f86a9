// Sweeps as people write them: on the command line, and in configs/sweeps.
#include <mansard/explore/sweep.h>

#include "../work/document_reader.h"

#include <mansard/work/choices.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace mansard::explore {
namespace {

Error invalid(std::string message, std::string place) {
  return {ErrorCode::invalidInput, std::move(message), std::move(place)};
}

void readParallelism(work::DocumentReader &reader, work::Parallelism &p) {
  for (const auto &[key, degree] : {std::pair{"tp", &p.tp},
                                    {"pp", &p.pp},
                                    {"dp", &p.dp},
                                    {"cp", &p.cp},
                                    {"ep", &p.ep},
                                    {"moe_tp", &p.moe_tp},
                                    {"redundant_experts", &p.redundant_experts}})
    if (const std::string name = fmt::format("parallelism.{}", key); reader.has(name))
      *degree = reader.size(name, true);
  p.sp = reader.flag("parallelism.sp", false);
  if (reader.has("parallelism.exchange"))
    p.exchange = static_cast<work::ExpertExchange>(
        reader.choice("parallelism.exchange", work::kExpertExchangeNames));
}

void readWorkload(work::DocumentReader &reader, const hw::Document &document, Sweep &sweep) {
  work::Workload &w = sweep.workload;
  for (const auto &[key, size] : {std::pair{"batch", &w.batch},
                                  {"context", &w.context},
                                  {"cached", &w.cached},
                                  {"new_tokens", &w.new_tokens},
                                  {"prompts", &sweep.prompts}})
    if (const std::string name = fmt::format("workload.{}", key); reader.has(name))
      *size = reader.size(name, true);
  if (reader.has("workload.accept")) {
    const auto found = document.entries.find(std::string_view("workload.accept"));
    if (found == document.entries.end() || found->second.kind != hw::Entry::Kind::number)
      reader.fail(reader.place("workload.accept"), "'workload.accept' must be a number");
    else
      w.accept = found->second.number.value;
  }
  if (reader.has("workload.quant"))
    w.quantisation =
        static_cast<work::Quantisation>(reader.choice("workload.quant", work::kQuantisationNames));
  w.kvCache = work::schemeOf(w.quantisation).plain;
  if (reader.has("workload.kv_cache"))
    w.kvCache =
        *parseDType(work::kKvCacheNames[reader.choice("workload.kv_cache", work::kKvCacheNames)]);
  if (reader.has("phases")) {
    sweep.prefill = sweep.decode = false;
    for (const std::string &phase : reader.list("phases")) {
      if (phase != "prefill" && phase != "decode")
        reader.fail(document.file,
                    fmt::format("phases: '{}' is neither prefill nor decode", phase));
      (phase == "prefill" ? sweep.prefill : sweep.decode) = true;
    }
    if (!sweep.prefill && !sweep.decode)
      reader.fail(reader.place("phases"), "'phases' lists nothing; it may be prefill and decode");
  }
}

/// A text or a number, as an override takes it.
void addOverride(SweepPoint &point, std::string key, const hw::Entry &entry) {
  point.overrides.push_back({std::move(key), entry.kind == hw::Entry::Kind::text
                                                 ? entry.text
                                                 : fmt::format("{}", entry.number.value)});
}

/// [[point]]: its name, and numbers by the target's own keys.
void readPoints(work::DocumentReader &reader, const hw::Document &document, Sweep &sweep) {
  const std::string start = "point.";
  for (const auto &[key, entry] : document.entries) {
    if (!key.starts_with(start))
      continue;
    size_t index = 0;
    const auto [end, problem] =
        std::from_chars(key.data() + start.size(), key.data() + key.size(), index);
    if (problem != std::errc() || end == key.data() + key.size() || *end != '.')
      continue; // told as an unknown key
    reader.has(key);
    if (index >= sweep.points.size())
      sweep.points.resize(index + 1);
    SweepPoint &point = sweep.points[index];
    const std::string field(end + 1, key.data() + key.size());
    if (field != "name")
      addOverride(point, field, entry);
    else if (entry.kind == hw::Entry::Kind::text && !entry.text.empty())
      point.name = entry.text;
    else
      reader.fail(entry.place, "the name of a point is a text");
  }
  std::set<std::string> names;
  for (size_t i = 0; i < sweep.points.size(); ++i)
    if (sweep.points[i].name.empty())
      reader.fail(document.file, fmt::format("the {}. [[point]] has no name", i + 1));
    else if (!names.insert(sweep.points[i].name).second)
      reader.fail(document.file, fmt::format("two points are called '{}'", sweep.points[i].name));
}

void readOver(work::DocumentReader &reader, const hw::Document &document, Sweep &sweep) {
  const std::string start = "over.";
  for (const auto &[key, values] : document.lists)
    if (key.starts_with(start)) {
      sweep.over.push_back({key.substr(start.size()), reader.list(key)});
      if (values.empty())
        reader.fail(document.file, fmt::format("'{}' lists nothing", key));
    }
  for (const auto &[key, entry] : document.entries)
    if (key.starts_with(start)) {
      reader.has(key); // known, and told as what it is
      reader.fail(entry.place, fmt::format("'{}' must be a list of values, as in [5, 6]", key));
    }
}

/// "hbm3e", or with the last part of the key where it needs to be told: "stacks 6".
std::string nameOf(const std::string &key, const std::string &value) {
  if (key == "memory.technology")
    return value;
  return fmt::format("{} {}", key.substr(key.rfind('.') + 1), value);
}

SweepPoint joined(const SweepPoint &point, const std::string &key, const std::string &value) {
  SweepPoint more = point;
  more.name += (more.name.empty() ? "" : ", ") + nameOf(key, value);
  more.overrides.push_back({key, value});
  return more;
}

} // namespace

Result<SweptField> parseSweptField(const std::string &text) {
  const auto whole = hw::parseOverrides({text});
  if (!whole)
    return invalid(fmt::format("'{}' is not KEY=VALUE,VALUE,..., as in memory.stacks=5,6", text),
                   "--over");
  SweptField field{whole->front().key, {}};
  const std::string &values = whole->front().value;
  for (size_t from = 0; from <= values.size();) {
    const size_t comma = std::min(values.find(',', from), values.size());
    if (comma == from)
      return invalid(fmt::format("'{}' has an empty value", text), "--over");
    field.values.push_back(values.substr(from, comma - from));
    from = comma + 1;
  }
  return field;
}

Result<Sweep> parseSweep(const hw::Document &document) {
  Sweep sweep;
  sweep.file = document.file;
  work::DocumentReader reader(document);
  sweep.id = reader.text("id", true);
  sweep.name = reader.text("name", true);
  sweep.model = reader.text("model", true);
  for (const bool isSystem : {false, true})
    for (std::string &name : reader.list(isSystem ? "systems" : "targets"))
      sweep.targets.push_back({std::move(name), isSystem});
  readWorkload(reader, document, sweep);
  readParallelism(reader, sweep.workload.parallelism);
  readPoints(reader, document, sweep);
  readOver(reader, document, sweep);
  if (auto error = reader.error())
    return *error;
  return sweep;
}

Result<std::vector<SweepPoint>> pointsOf(const Sweep &sweep) {
  std::set<std::string> keys;
  for (const SweptField &field : sweep.over) {
    if (!keys.insert(field.key).second)
      return invalid(fmt::format("'{}' is swept twice", field.key), "--over");
    std::set<std::string> values;
    for (const std::string &value : field.values)
      if (!values.insert(value).second)
        return invalid(fmt::format("'{}' takes the value {} twice", field.key, value), "--over");
  }
  for (const SweepPoint &point : sweep.points) {
    std::set<std::string> own;
    for (const hw::Override &change : point.overrides) {
      if (keys.contains(change.key))
        return invalid(fmt::format("'{}' is swept, and overridden by the point '{}' as well",
                                   change.key, point.name),
                       sweep.file);
      if (!own.insert(change.key).second)
        return invalid(fmt::format("'{}' is overridden twice", change.key), point.name);
    }
  }
  if (sweep.points.empty() && sweep.over.empty())
    return invalid("nothing varies: name a field and its values, as in --over "
                   "memory.technology=hbm3,hbm3e",
                   sweep.file.empty() ? "--over" : sweep.file);
  std::vector<SweepPoint> points = sweep.points;
  if (points.empty())
    points.emplace_back();
  for (const SweptField &field : sweep.over) {
    if (points.size() * field.values.size() > kMostPoints)
      return invalid(fmt::format("more than {} points", kMostPoints), "--over");
    std::vector<SweepPoint> crossed;
    for (const SweepPoint &point : points)
      for (const std::string &value : field.values)
        crossed.push_back(joined(point, field.key, value));
    points = std::move(crossed);
  }
  return points;
}

} // namespace mansard::explore
