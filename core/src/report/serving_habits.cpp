#include "serving_habits.h"

#include <cmath>

namespace mansard::report {
namespace {

std::string_view valueOf(const RowValues &values, std::string_view column) {
  const auto found = values.find(column);
  return found == values.end() ? std::string_view{} : std::string_view(found->second);
}

bool hasAnyOf(std::string_view text, std::initializer_list<std::string_view> parts) {
  for (std::string_view part : parts)
    if (text.find(part) != std::string_view::npos)
      return true;
  return false;
}

bool onBlackwell(const RowValues &values) {
  return hasAnyOf(valueOf(values, "target"), {"b200", "b300"});
}

} // namespace

void undoProducts(RecordedPlan &plan) {
  if (plan.moe_tp < 2 || plan.moe_tp != plan.moe_ep)
    return;
  const int64_t product = plan.moe_tp * plan.moe_ep, ways = plan.moe_tp;
  if (plan.tp * plan.dp != product || (plan.tp > 1 && plan.dp > 1))
    return;
  const bool replicas = plan.dp > 1;
  plan.tp = replicas ? 1 : ways;
  plan.dp = replicas ? ways : 1;
  plan.moe_tp = 1;
  plan.moe_ep = ways;
}

bool isInferenceMax(const RowValues &values) {
  const std::string_view isl = valueOf(values, "isl"), osl = valueOf(values, "osl");
  const bool lengths =
      (isl == "1024" && (osl == "1024" || osl == "8192")) || (isl == "8192" && osl == "1024");
  return lengths && (!valueOf(values, "attention_dp").empty() ||
                     valueOf(values, "op") == "serving_disaggregated");
}

void applyInferenceMax(system::ServingScenario &scenario) {
  constexpr double kMeanShare = 0.9; // of the largest length, drawn from 0.8 to 1 of it
  const auto mean = [](int64_t most) {
    return static_cast<int64_t>(std::llround(kMeanShare * static_cast<double>(most)));
  };
  scenario.isl = mean(scenario.isl);
  scenario.osl = mean(scenario.osl);
  scenario.lengthSpread = (1 - kMeanShare) / kMeanShare;
}

double pollIterations(const RowValues &values, const system::ServingScenario &scenario) {
  const std::string_view model = valueOf(values, "model"), software = valueOf(values, "software");
  if (!isInferenceMax(values) || valueOf(values, "op") == "serving_disaggregated")
    return 0;
  constexpr double kTimeout = 60;
  if (software.starts_with("trtllm") && scenario.plan.parallelism.dp > 1)
    return kTimeout;
  if (!software.starts_with("sglang"))
    return 0;
  const bool polls =
      onBlackwell(values)
          ? hasAnyOf(model, {"DeepSeek-R1", "DeepSeek-V3", "Qwen3.5"}) ||
                (hasAnyOf(model, {"GLM-5"}) && valueOf(values, "weight_precision") == "fp4")
          : hasAnyOf(model, {"Qwen3.5"}) && hasAnyOf(valueOf(values, "target"), {"h100"});
  if (!polls)
    return 0;
  constexpr int64_t kMany = 16;
  return scenario.concurrency >= kMany ? 30 : 10;
}

bool keepsNarrowCache(const RowValues &values) {
  const std::string_view model = valueOf(values, "model"), target = valueOf(values, "target");
  return valueOf(values, "software").starts_with("trtllm") || onBlackwell(values) ||
         hasAnyOf(model, {"Qwen3.5", "DeepSeek-V4"}) ||
         (hasAnyOf(model, {"MiniMax-M2.5"}) && hasAnyOf(target, {"h200"}));
}

work::ExpertExchange exchangeOf(std::string_view software, const work::Parallelism &plan,
                                const work::Transformer &model) {
  return software == "trtllm" && plan.ep <= model.moe.experts_per_token
             ? work::ExpertExchange::all_gather
             : work::ExpertExchange::all_to_all;
}

void applyUndeclaredDrafts(const RowValues &values, work::Workload &plan) {
  constexpr int64_t kDrafts = 3;       // num_nextn_predict_layers of its launch scripts
  constexpr double kAcceptance = 0.45; // fitted on those rows
  if (!isInferenceMax(values) || valueOf(values, "software") != "trtllm-1.2.0rc6.post3" ||
      !hasAnyOf(valueOf(values, "model"), {"DeepSeek-R1"}))
    return;
  plan.new_tokens = 1 + kDrafts;
  plan.accept = kAcceptance;
}

} // namespace mansard::report
