#include <mansard/base/dtype.h>
#include <mansard/base/moe_load.h>
#include <mansard/base/names.h>
#include <mansard/hw/document.h>
#include <mansard/report/measurements.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
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

struct Metric {
  std::string_view name, column;
};
std::vector<Metric> metricsOf(uint32_t op) {
  if (op == MANSARD_OP_EXPERT_PARALLEL)
    return {{"dispatch", "dispatch_us"}, {"combine", "combine_us"}};
  return {{"latency", "latency_us"}};
}

Result<> checkOneOp(const CsvTable &table, size_t column) {
  const std::string &name = table.rows.front()[column];
  for (size_t i = 0; i < table.rows.size(); ++i)
    if (table.rows[i][column] != name)
      return Error{ErrorCode::invalidInput,
                   fmt::format("op '{}' among rows of '{}': one table holds one op",
                               table.rows[i][column], name),
                   fmt::format("{}:{}", table.file, table.lines[i])};
  return Ok{};
}

Result<uint32_t> opOf(const CsvTable &table, size_t column) {
  if (auto same = checkOneOp(table, column); !same)
    return same.error();
  const std::string &name = table.rows.front()[column];
  const std::string place = fmt::format("{}:{}", table.file, table.lines.front());
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

using Columns = RowValues;

bool startsWith(const Columns &values, std::string_view column,
                std::initializer_list<std::string_view> any) {
  const auto found = values.find(column);
  return found != values.end() && std::any_of(any.begin(), any.end(), [&](std::string_view text) {
           return found->second.starts_with(text);
         });
}

/// What SGLang's benchmark has a device compute where several share the experts (ai-dynamo/
/// aiconfigurator, collector/sglang/collect_moe.py). The tables keep the fastest library's time, so
/// that it shows only where no other ran: `spread`, the slowest over the fastest, is 1.
enum class Choices {
  own,         // those that fall on the device's experts, as elsewhere
  ofItsTokens, // all choices of the tokens that have one here, the others' on its own first expert
               // (build_rank0_workloads, `topk_ids.clamp(min=0)`)
  all          // those of all tokens: the four-bit kernel takes other devices' experts for its own
};

Choices computedChoices(const Columns &values) {
  const auto is = [&](std::string_view column, std::string_view text) {
    const auto found = values.find(column);
    return found != values.end() && found->second == text;
  };
  if (!startsWith(values, "source", {"ai-dynamo/aiconfigurator"}) || !is("dtype", "bf16") ||
      is("moe_ep", "1") || !(is("spread", "1.0") || is("spread", "1")))
    return Choices::own;
  // Before Hopper no other library has the newer models or four-bit integers.
  if (startsWith(values, "target", {"a100", "l40s"}))
    return Choices::ofItsTokens;
  // On Hopper none but SGLang cuts microscaled experts both ways.
  return startsWith(values, "target", {"h100", "h200", "h800", "h20"}) &&
                 is("weight_dtype", "mxfp4") && !is("moe_tp", "1")
             ? Choices::all
             : Choices::own;
}

/// The same work as that of a group of one.
void compute(Choices choices, mansard_moe &moe) {
  if (choices == Choices::own)
    return;
  const double tokens =
      choices == Choices::all ? static_cast<double>(moe.tokens) : moeLoad(moe).distinctTokens;
  const double pairs = tokens * static_cast<double>(moe.topk);
  moe.experts = std::max<int64_t>(1, moe.experts / moe.ep);
  moe.topk = std::min(moe.topk, moe.experts);
  moe.tokens = std::max<int64_t>(1, std::llround(pairs / static_cast<double>(moe.topk)));
  moe.ep = 1;
  moe.distribution = MANSARD_DISTRIBUTION_BALANCED;
}

/// Profiles of CANN name an operator's inputs: gate and up side by side are twice the results.
/// Taken as results, 24,624 x 3,200 would have passed the memory at 1.6 times its peak.
bool namesInputs(const Columns &values) {
  const auto source = values.find("source");
  return source != values.end() && source->second.find("msModeling") != std::string::npos &&
         startsWith(values, "kind", {"silu_mul"});
}

/// CANN gives each core 128 columns of products of at most half a fractal's rows that are this
/// wide, on however few cores: 1,024 columns take as long as 2,048 at every depth, and from a full
/// fractal of rows on, half as long.
bool coresAreFew(const Columns &values) {
  const auto within = [&](std::string_view column, int low, int high) {
    const auto found = values.find(column);
    const int value = found == values.end() ? 0 : std::atoi(found->second.c_str());
    return value >= low && value <= high;
  };
  const auto source = values.find("source");
  return source != values.end() && source->second.starts_with("aiconfigurator-npu") &&
         within("m", 1, 8) && within("n", 1024, 2048) && startsWith(values, "dtype", {"bf16"});
}

/// What a table does not say in a column, but its makers do of how they measured.
void addHabits(uint32_t op, std::map<std::string, std::string, std::less<>> &values) {
  const auto source = values.find("source");
  const bool fromLibraries =
      source != values.end() && source->second.find("aiconfigurator") != std::string::npos;
  // Its quantised linear layers take 16-bit activations: the libraries' operators quantise them.
  // But INT8 on NVIDIA devices is TensorRT's SmoothQuant layer, timed apart from the one that
  // quantises (aiconfigurator, collector/trtllm/collect_gemm_trt.py: PLUGIN_V2_SmoothQuantGemm).
  if (op == MANSARD_OP_MATMUL && fromLibraries) {
    const auto dtype = parseDType(values["dtype"]);
    const bool apart = dtype == DType::int8 && values["target"].find("ascend") == std::string::npos;
    values.emplace("quantize", dtype && bytesOf(*dtype) < 2 && !apart ? "1" : "0");
  }
  if (op == MANSARD_OP_MATMUL && coresAreFew(values)) {
    values.emplace("tile_m", "16");
    values.emplace("tile_n", "128");
  }
  // Nemotron 3's experts (22 of 512; Nano: 6 of 128, 2688 x 1856) have an activation without a gate
  // (squared ReLU). The older libraries that ran on A100 had none such and ran a gated one.
  if (op == MANSARD_OP_MOE && fromLibraries && !startsWith(values, "target", {"a100"}) &&
      ((values["topk"] == "22" && values["experts"] == "512") ||
       (values["topk"] == "6" && values["hidden"] == "2688" && values["inter"] == "1856")))
    values.emplace("gated", "0");
  // DeepEP dispatches in FP8 and combines in BF16.
  if (op == MANSARD_OP_EXPERT_PARALLEL && fromLibraries)
    values.insert_or_assign("dtype", values["direction"] == "dispatch" ? "fp8" : "bf16");
}

/// SGLang decodes latent attention on Hopper with FlashAttention-3, which has none over FP8: its
/// back end first turns the whole cache into the queries' type (sgl-project/sglang,
/// flashattention_backend.py, forward_decode: `get_key_buffer(...).to(q.dtype)`).
bool convertsCache(uint32_t op, const Columns &values) {
  return op == MANSARD_OP_MLA_DECODE && startsWith(values, "software", {"sglang"}) &&
         startsWith(values, "kv_dtype", {"fp8"}) &&
         startsWith(values, "target", {"h100", "h200", "h800", "h20", "gh200"});
}

/// PyTorch's conversion of `elements` from FP8 to 16 bits or back.
work::Kernel conversion(double elements) {
  // Without vector loads, and with the type looked up and converted in software for each element:
  // 90 instructions of a lane, as 2.9 us for 10^6 elements on H100 say, three times what their
  // bytes take.
  constexpr double kOperations = 180, kBytes = 3;
  auto kernel = work::makeKernel(MANSARD_OP_CUSTOM, DType::fp8, DType::fp8, DType::bf16);
  kernel.u.custom.vector_operations = kOperations * elements;
  kernel.u.custom.read_bytes = elements;
  kernel.u.custom.write_bytes = (kBytes - 1) * elements;
  return kernel;
}

/// The cache, and before that the new token's latent and rotary part on their way into it.
std::vector<work::Kernel> conversionsOf(const mansard_mla &a) {
  const auto elements = [](int64_t positions, int64_t width) {
    return static_cast<double>(positions) * static_cast<double>(width);
  };
  return {conversion(elements(a.batch * a.q_len, a.latent_dim)),
          conversion(elements(a.batch * a.q_len, a.rope_dim)),
          conversion(elements(a.batch * a.kv_len, a.latent_dim + a.rope_dim))};
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

/// Both figures of every row of a table of servers.
Result<Measurements> readServers(CsvTable table, const std::string &op) {
  constexpr double kMicroseconds = 1e3; // the tables are in milliseconds
  Measurements out;
  out.op = op;
  for (size_t row = 0; row < table.rows.size(); ++row) {
    const RowValues values = rowValues(table, row);
    const auto served = std::make_shared<const ServedRow>(readServedRow(op, values));
    for (const char *metric : {"ttft", "tpot"}) {
      Measurement &m = out.all.emplace_back();
      m.row = row;
      m.target = served->target;
      m.metric = metric;
      m.dtype = served->precision;
      m.served = served;
      m.unusable = served->unusable;
      const auto cell = values.find(fmt::format("{}_ms", metric));
      m.measured_us = cell == values.end() ? 0 : kMicroseconds * positive(cell->second);
      if (!(m.measured_us > 0))
        m.unusable = fmt::format("{}_ms is not a positive number of milliseconds", metric);
    }
  }
  out.table = std::move(table);
  return out;
}

/// The step of every row of a table of training runs.
Result<Measurements> readTraining(CsvTable table, const std::string &op) {
  constexpr double kMicroseconds = 1e6; // the tables are in seconds
  Measurements out;
  out.op = op;
  for (size_t row = 0; row < table.rows.size(); ++row) {
    const RowValues values = rowValues(table, row);
    const auto trained = std::make_shared<const TrainedRow>(readTrainedRow(values));
    Measurement &m = out.all.emplace_back();
    m.row = row;
    m.target = values.count("target") ? values.find("target")->second : "";
    m.metric = "step";
    m.dtype = trained->dtype;
    m.trained = trained;
    m.unusable = trained->unusable;
    const auto cell = values.find("iter_time_s_measured");
    m.measured_us = cell == values.end() ? 0 : kMicroseconds * positive(cell->second);
    if (!(m.measured_us > 0))
      m.unusable = "iter_time_s_measured is not a positive number of seconds";
  }
  out.table = std::move(table);
  return out;
}

} // namespace

RowValues rowValues(const CsvTable &table, size_t row) {
  RowValues values;
  for (size_t column = 0; column < table.header.size(); ++column)
    if (!table.rows[row][column].empty())
      values.emplace(table.header[column], table.rows[row][column]);
  return values;
}

void addBefore(mansard_estimate &sum, const mansard_estimate &before) {
  if (before.status != MANSARD_OK) {
    sum.status = before.status;
    sum.note = before.note;
    return;
  }
  sum.latency_us += before.latency_us;
  for (uint32_t i = 0; i < MANSARD_BOUND_COUNT; ++i) {
    sum.part_us[i] += before.part_us[i];
    if (sum.part_us[i] > sum.part_us[sum.bound])
      sum.bound = i;
  }
  sum.operations += before.operations;
  sum.dram_read_bytes += before.dram_read_bytes;
  sum.dram_write_bytes += before.dram_write_bytes;
  sum.link_bytes += before.link_bytes;
  sum.flags |= before.flags;
}

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
  const std::string name = out.table.rows.front()[*opColumn];
  if (isServing(name)) {
    if (auto same = checkOneOp(out.table, *opColumn); !same)
      return same.error();
    for (std::string_view column : servingColumns(name))
      if (!out.table.column(column))
        return missing(column);
    return readServers(std::move(out.table), name);
  }
  if (isTraining(name)) {
    if (auto same = checkOneOp(out.table, *opColumn); !same)
      return same.error();
    for (std::string_view column : trainingColumns())
      if (!out.table.column(column))
        return missing(column);
    return readTraining(std::move(out.table), name);
  }
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
  for (size_t row = 0; row < out.table.rows.size(); ++row) {
    const auto &cells = out.table.rows[row];
    RowValues values = rowValues(out.table, row);
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
      const bool converts = convertsCache(*op, values);
      if (converts)
        values.insert_or_assign("kv_dtype", m.dtype);
      auto kernel = work::fromColumns(*op, values);
      if (!kernel)
        m.unusable = kernel.error().message;
      else if (auto sound = work::check(*kernel); !sound)
        m.unusable = sound.error().message;
      else {
        m.kernel = *kernel;
        if (*op == MANSARD_OP_MOE)
          compute(computedChoices(values), m.kernel.u.moe);
        if (*op == MANSARD_OP_VECTOR && namesInputs(values))
          m.kernel.u.vector.cols = std::max<int64_t>(1, m.kernel.u.vector.cols / 2);
        if (converts)
          m.before = conversionsOf(m.kernel.u.mla);
      }
    }
  }
  return out;
}

} // namespace mansard::report
