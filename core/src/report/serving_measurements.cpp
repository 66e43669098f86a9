#include "serving_habits.h"

#include <mansard/hw/chip.h>
#include <mansard/report/serving_measurements.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace mansard::report {
namespace {

constexpr int64_t kMostDegree = int64_t{1} << 20;

std::string_view textOf(const RowValues &values, std::string_view column) {
  const auto found = values.find(column);
  return found == values.end() ? std::string_view{} : std::string_view(found->second);
}

/// A whole number; `otherwise` where the cell is empty. Says in `problem` what is wrong, if
/// something is.
int64_t wholeOf(const RowValues &values, std::string_view column, int64_t otherwise,
                std::string &problem) {
  const std::string_view text = textOf(values, column);
  if (text.empty())
    return otherwise;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    problem = fmt::format("{} '{}' is not a whole number", column, text);
    return otherwise;
  }
  return value;
}

/// Degrees of 0 and empty cells stand for 1.
RecordedPlan planOf(const RowValues &values, std::string_view prefix, std::string_view suffix,
                    std::string &problem) {
  const auto degree = [&](std::string_view name, std::string_view ending) {
    const std::string column = fmt::format("{}{}{}", prefix, name, ending);
    const int64_t value = wholeOf(values, column, 1, problem);
    if (value > kMostDegree)
      problem = fmt::format("{} is {}", column, value);
    return std::clamp<int64_t>(value, 1, kMostDegree);
  };
  return {degree("tp", suffix), degree("pp", suffix), degree("attention_dp", suffix),
          degree("moe_tp", suffix), degree("moe_ep", suffix)};
}

work::Parallelism parallelismOf(const RecordedPlan &plan) {
  work::Parallelism p;
  p.tp = plan.tp;
  p.pp = plan.pp;
  p.dp = plan.dp;
  p.ep = plan.moe_ep;
  // Where experts are cut over replicas, it does not follow from the rest.
  if (plan.dp > 1 && plan.moe_tp > 1 && plan.moe_tp * plan.moe_ep == plan.tp * plan.dp)
    p.moe_tp = plan.moe_tp;
  return p;
}

void readDisaggregated(const RowValues &values, ServedRow &row) {
  system::ServingScenario &s = row.scenario;
  RecordedPlan prefill = planOf(values, "prefill_", "_size", row.unusable);
  RecordedPlan decode = planOf(values, "decode_", "_size", row.unusable);
  undoProducts(prefill);
  undoProducts(decode);
  s.plan.parallelism = parallelismOf(decode);
  system::Disaggregation d;
  d.prefill = parallelismOf(prefill);
  d.prefillWorkers = wholeOf(values, "prefill_num_workers", 0, row.unusable);
  d.decodeWorkers = wholeOf(values, "decode_num_workers", 0, row.unusable);
  if ((d.prefillWorkers == 0 || d.decodeWorkers == 0) && row.unusable.empty())
    row.unusable = "the numbers of prefill and decode workers are not recorded";
  const int64_t perRank = wholeOf(values, "decode_batch_size", 0, row.unusable);
  if (s.concurrency == 0) // not recorded: as many as the decode workers run
    s.concurrency = perRank * std::max<int64_t>(1, d.decodeWorkers) * decode.dp;
  s.disaggregated = d;
}

} // namespace

bool isServing(std::string_view op) { return op == "serving" || op == "serving_disaggregated"; }

const std::vector<std::string_view> &servingColumns(std::string_view op) {
  static const std::vector<std::string_view> kAggregated{
      "model",        "software", "weight_precision", "gemm_quant", "moe_quant",
      "isl",          "osl",      "concurrency",      "tp",         "pp",
      "attention_dp", "moe_tp",   "moe_ep",           "ttft_ms",    "tpot_ms"},
      kDisaggregated{"model",
                     "software",
                     "weight_precision",
                     "isl",
                     "osl",
                     "concurrency",
                     "prefill_num_workers",
                     "prefill_tp_size",
                     "prefill_pp_size",
                     "prefill_attention_dp_size",
                     "prefill_moe_tp_size",
                     "prefill_moe_ep_size",
                     "decode_batch_size",
                     "decode_num_workers",
                     "decode_tp_size",
                     "decode_pp_size",
                     "decode_attention_dp_size",
                     "decode_moe_tp_size",
                     "decode_moe_ep_size",
                     "ttft_ms",
                     "tpot_ms"};
  return op == "serving" ? kAggregated : kDisaggregated;
}

ServedRow readServedRow(std::string_view op, const RowValues &values) {
  ServedRow row;
  row.target = textOf(values, "target");
  row.model = textOf(values, "model");
  row.precision = textOf(values, "weight_precision");
  const std::string_view software = textOf(values, "software");
  row.software = software.substr(0, software.find('-'));
  system::ServingScenario &s = row.scenario;
  s.isl = wholeOf(values, "isl", 0, row.unusable);
  s.osl = wholeOf(values, "osl", 0, row.unusable);
  s.concurrency = wholeOf(values, "concurrency", 0, row.unusable);
  if (op == "serving") {
    RecordedPlan plan = planOf(values, "", "", row.unusable);
    if (isInferenceMax(values)) // its rows count those of each replica of attention
      s.concurrency *= plan.dp;
    undoProducts(plan);
    s.plan.parallelism = parallelismOf(plan);
  } else {
    readDisaggregated(values, row);
  }
  s.firstBurst = kFirstBurst;
  if (isInferenceMax(values))
    applyInferenceMax(s);
  s.software.poll_iterations = pollIterations(values, s);
  applyUndeclaredDrafts(values, s.plan);
  if (row.unusable.empty() && (s.isl < 1 || s.osl < 1))
    row.unusable = "isl and osl are not both given";
  if (row.unusable.empty() && s.concurrency < 1)
    row.unusable = "neither concurrency nor decode_batch_size is given";
  return row;
}

namespace {

/// The experts' quantisation where there are experts: they hold nearly all weights.
std::string_view quantOf(const RowValues &values, bool experts) {
  std::string_view quant = textOf(values, experts ? "moe_quant" : "gemm_quant");
  return quant.empty() ? textOf(values, "weight_precision") : quant;
}

Result<work::Quantisation> quantisationOf(std::string_view quant, const work::Transformer &model) {
  const auto is = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), quant) != names.end();
  };
  if (is({"", "bf16", "bfloat16"}))
    return work::Quantisation::bf16;
  if (is({"fp16", "float16"}))
    return work::Quantisation::fp16;
  // A checkpoint of one microscaled type is served in it, whatever a record calls that.
  if (model.stored == DType::mxfp4 && quant.find("16") == std::string_view::npos)
    return work::Quantisation::mxfp4;
  if (is({"fp8_block"}) || (is({"fp8"}) && model.stored_block_scaled))
    return work::Quantisation::fp8_block;
  if (is({"fp8"}))
    return work::Quantisation::fp8;
  if (is({"nvfp4", "fp4"}))
    return work::Quantisation::nvfp4;
  if (is({"mxfp4", "w4a16_mxfp4", "w4a8_mxfp4_mxfp8"}))
    return work::Quantisation::mxfp4;
  if (is({"int4", "int4_wo", "w4a16", "w4a16_awq"}))
    return work::Quantisation::w4a16;
  if (is({"int8", "sq", "w8a8"}))
    return work::Quantisation::w8a8;
  if (is({"int8_wo", "w8a16"}))
    return work::Quantisation::w8a16;
  return Error{ErrorCode::unsupported,
               fmt::format("no quantisation scheme for weights in '{}'", quant), ""};
}

} // namespace

Result<> completePlan(ServedRow &row, const RowValues &values, const work::Transformer &model,
                      const hw::Chip &chip) {
  work::Workload &plan = row.scenario.plan;
  const bool experts = model.moe.experts > 0;
  if (!experts) {
    plan.parallelism.ep = 1;
    plan.parallelism.moe_tp = 0;
    if (row.scenario.disaggregated) {
      row.scenario.disaggregated->prefill.ep = 1;
      row.scenario.disaggregated->prefill.moe_tp = 0;
    }
  }
  plan.parallelism.exchange = exchangeOf(row.software, plan.parallelism, model);
  if (auto &apart = row.scenario.disaggregated)
    apart->prefill.exchange = exchangeOf(row.software, apart->prefill, model);
  auto quantisation = quantisationOf(quantOf(values, experts), model);
  if (!quantisation)
    return quantisation.error();
  plan.quantisation = *quantisation;
  const work::Quantisation quant = *quantisation;
  const bool blackwell = chip.family == "nvidia-blackwell";
  if (quant == work::Quantisation::mxfp4 && blackwell) // by its launch scripts
    plan.quantisation = work::Quantisation::mxfp4_mxfp8;
  const work::QuantisationScheme scheme = work::schemeOf(plan.quantisation);
  const bool narrow = bytesOf(scheme.activations) < 2;
  plan.kvCache = narrow && keepsNarrowCache(values) ? DType::fp8 : scheme.plain;
  return Ok{};
}

} // namespace mansard::report
