#include <mansard/base/dtype.h>
#include <mansard/base/names.h>
#include <mansard/hw/document.h>
#include <mansard/report/measurements.h>

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <map>

namespace mansard::report {
namespace {

/// The columns that describe the work in a table of each op, beside target, op and the measured
/// time. Stricter than the defaults of the command line: what was measured is never guessed.
const std::vector<std::string_view> &workColumns(uint32_t op) {
  static const std::vector<std::string_view> kNone,
      kMatmul{"dtype", "weight_dtype", "scaling", "m", "n", "k"},
      kGrouped{"dtype", "weight_dtype", "scaling", "groups", "m", "n", "k"},
      kAttention{"dtype", "kv_dtype", "batch",    "q_len",  "kv_len",
                 "heads", "kv_heads", "head_dim", "causal", "window"},
      kMla{"dtype", "kv_dtype", "batch", "q_len", "kv_len", "heads"},
      kVector{"kind", "rows", "cols", "dtype", "out_dtype"},
      kMoe{"dtype", "weight_dtype", "scaling", "tokens", "hidden",      "inter",
           "topk",  "experts",      "moe_tp",  "moe_ep", "distribution"},
      kCollective{"kind", "ranks", "size_bytes"},
      kExpertParallel{"mode", "ranks", "hidden", "tokens", "topk", "experts"};
  switch (op) {
  case MANSARD_OP_MATMUL:
    return kMatmul;
  case MANSARD_OP_GROUPED_MATMUL:
    return kGrouped;
  case MANSARD_OP_ATTENTION_PREFILL:
  case MANSARD_OP_ATTENTION_DECODE:
    return kAttention;
  case MANSARD_OP_MLA_PREFILL:
  case MANSARD_OP_MLA_DECODE:
    return kMla;
  case MANSARD_OP_VECTOR:
    return kVector;
  case MANSARD_OP_MOE:
    return kMoe;
  case MANSARD_OP_COLLECTIVE:
    return kCollective;
  case MANSARD_OP_EXPERT_PARALLEL:
    return kExpertParallel;
  default:
    return kNone;
  }
}

/// Measurements of whole servers: read, so that a list of files may name them, but no kernel.
bool isServing(std::string_view op) { return op == "serving" || op == "serving_disaggregated"; }

struct Metric {
  std::string_view name, column;
};
std::vector<Metric> metricsOf(uint32_t op) {
  if (op == MANSARD_OP_EXPERT_PARALLEL)
    return {{"dispatch", "dispatch_us"}, {"combine", "combine_us"}};
  return {{"latency", "latency_us"}};
}

Result<uint32_t> opOf(const CsvTable &table, size_t column) {
  const std::string &name = table.rows.front()[column];
  const std::string place = fmt::format("{}:{}", table.file, table.lines.front());
  for (size_t i = 0; i < table.rows.size(); ++i)
    if (table.rows[i][column] != name)
      return Error{ErrorCode::invalidInput,
                   fmt::format("op '{}' among rows of '{}': one table holds one op",
                               table.rows[i][column], name),
                   fmt::format("{}:{}", table.file, table.lines[i])};
  const auto op = indexOf(kOpNames, name);
  if (op && !workColumns(*op).empty())
    return *op;
  std::vector<std::string> known;
  for (uint32_t i = 0; i < kOpNames.size(); ++i)
    if (!workColumns(i).empty())
      known.emplace_back(kOpNames[i]);
  return Error{
      ErrorCode::invalidInput,
      fmt::format(
          "op '{}' is not one whose measurements can be compared with kernels{}; these are: {}",
          name, hw::suggestion(name, known), fmt::join(known, ", ")),
      place};
}

Measurements servingRows(CsvTable table, size_t targetColumn, std::string op) {
  Measurements out;
  for (size_t row = 0; row < table.rows.size(); ++row)
    for (const char *metric : {"ttft", "tpot"}) {
      Measurement &m = out.all.emplace_back();
      m.row = row;
      m.target = table.rows[row][targetColumn];
      m.metric = metric;
      m.unusable = "a whole server was measured; this version estimates kernels and steps";
    }
  out.op = std::move(op);
  out.table = std::move(table);
  return out;
}

/// What a table does not say in a column, but its makers do of how they measured.
void addHabits(uint32_t op, std::map<std::string, std::string, std::less<>> &values) {
  const auto source = values.find("source");
  const bool fromLibraries =
      source != values.end() && source->second.find("aiconfigurator") != std::string::npos;
  // Its quantised linear layers take 16-bit activations: the libraries' operators quantise them.
  if (op == MANSARD_OP_MATMUL && fromLibraries) {
    const auto dtype = parseDType(values["dtype"]);
    values.emplace("quantize", dtype && bytesOf(*dtype) < 2 ? "1" : "0");
  }
  // 22 of 512 experts are those of Nemotron 3, whose activation (squared ReLU) has no gate.
  if (op == MANSARD_OP_MOE && fromLibraries && values["topk"] == "22" && values["experts"] == "512")
    values.emplace("gated", "0");
  // DeepEP dispatches in FP8 and combines in BF16.
  if (op == MANSARD_OP_EXPERT_PARALLEL && fromLibraries)
    values.insert_or_assign("dtype", values["direction"] == "dispatch" ? "fp8" : "bf16");
}

/// As the row says, or as the op has it where its tables have no such column.
std::string dtypeOf(uint32_t op, const std::map<std::string, std::string, std::less<>> &values) {
  if (const auto given = values.find("dtype"); given != values.end())
    return given->second;
  for (const work::ColumnInfo &column : work::columnsOf(op))
    if (column.name == "dtype")
      return std::string(column.defaultsTo);
  return "";
}

/// A positive duration, or nothing.
double positive(std::string_view text) {
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = problem == std::errc() && end == text.data() + text.size();
  return whole && std::isfinite(value) && value > 0 ? value : 0;
}

} // namespace

Result<Measurements> readMeasurements(const std::string &path) {
  auto table = readCsv(path);
  if (!table)
    return table.error();
  Measurements out;
  out.table = std::move(*table);
  const auto missing = [&](std::string_view name) {
    return Error{
        ErrorCode::invalidInput,
        fmt::format("column \"{}\" is missing{}", name, hw::suggestion(name, out.table.header)),
        out.table.file + ":1"};
  };
  const auto targetColumn = out.table.column("target"), opColumn = out.table.column("op");
  if (!targetColumn)
    return missing("target");
  if (!opColumn)
    return missing("op");
  if (out.table.rows.empty())
    return Error{ErrorCode::invalidInput, "no rows", path};
  if (const std::string name = out.table.rows.front()[*opColumn]; isServing(name))
    return servingRows(std::move(out.table), *targetColumn, name);
  const auto op = opOf(out.table, *opColumn);
  if (!op)
    return op.error();
  out.op = kOpNames[*op];

  // Other columns that the op knows (a direction, an exponent) are passed on where there are any.
  for (std::string_view name : workColumns(*op))
    if (!out.table.column(name))
      return missing(name);
  const std::vector<Metric> metrics = metricsOf(*op);
  for (const Metric &metric : metrics)
    if (!out.table.column(metric.column))
      return missing(metric.column);

  out.all.reserve(out.table.rows.size() * metrics.size());
  std::map<std::string, std::string, std::less<>> values;
  for (size_t row = 0; row < out.table.rows.size(); ++row) {
    const auto &cells = out.table.rows[row];
    values.clear();
    for (size_t column = 0; column < cells.size(); ++column)
      if (!cells[column].empty())
        values.emplace(out.table.header[column], cells[column]);
    for (const Metric &metric : metrics) {
      Measurement &m = out.all.emplace_back();
      m.row = row;
      m.target = cells[*targetColumn];
      m.metric = metric.name;
      m.op = *op;
      if (*op == MANSARD_OP_EXPERT_PARALLEL)
        values.insert_or_assign("direction", std::string(metric.name));
      addHabits(*op, values);
      m.dtype = dtypeOf(*op, values);
      m.measured_us = positive(cells[*out.table.column(metric.column)]);
      if (!(m.measured_us > 0)) {
        m.unusable = fmt::format("{} is not a positive number of microseconds", metric.column);
        continue;
      }
      auto kernel = work::fromColumns(*op, values);
      if (!kernel)
        m.unusable = kernel.error().message;
      else if (auto sound = work::check(*kernel); !sound)
        m.unusable = sound.error().message;
      else
        m.kernel = *kernel;
    }
  }
  return out;
}

} // namespace mansard::report
