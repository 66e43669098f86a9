#include <mansard/report/training_measurements.h>

#include <fmt/format.h>

#include <charconv>

namespace mansard::report {
namespace {

std::string textOf(const RowValues &values, std::string_view column, std::string_view otherwise) {
  const auto found = values.find(column);
  return std::string(found == values.end() ? otherwise : std::string_view(found->second));
}

/// A whole number; says in `problem` if there is none.
int64_t wholeOf(const RowValues &values, std::string_view column, int64_t otherwise,
                std::string &problem) {
  const std::string text = textOf(values, column, "");
  if (text.empty())
    return otherwise;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= 0)
    return value;
  problem = fmt::format("{} '{}' is not a whole number", column, text);
  return otherwise;
}

} // namespace

bool isTraining(std::string_view op) { return op == "training"; }

const std::vector<std::string_view> &trainingColumns() {
  static const std::vector<std::string_view> columns{
      "model", "dtype", "seq", "global_batch", "micro_batch",
      "tp",    "pp",    "dp",  "recompute",    "iter_time_s_measured"};
  return columns;
}

TrainedRow readTrainedRow(const RowValues &values) {
  TrainedRow row;
  row.model = textOf(values, "model", "");
  row.dtype = textOf(values, "dtype", "bf16");
  const auto whole = [&](std::string_view column, int64_t otherwise) {
    return wholeOf(values, column, otherwise, row.unusable);
  };
  system::TrainingPlan plan;
  plan.seq = whole("seq", 0);
  plan.global_batch = whole("global_batch", 0);
  plan.micro_batch = whole("micro_batch", 1);
  plan.parallelism.tp = whole("tp", 1);
  plan.parallelism.pp = whole("pp", 1);
  plan.parallelism.dp = whole("dp", 1);
  plan.parallelism.cp = whole("cp", 1);
  plan.parallelism.ep = whole("ep", 1);
  plan.parallelism.sp = whole("sp", 0) != 0;
  plan.virtual_stages = whole("interleave", 1);
  plan.zero = static_cast<int>(whole("zero", 0));
  plan.method.dropout = whole("dropout", 0) != 0;
  plan.overlap = whole("overlap", 1) != 0;
  auto complete = system::named(plan, {textOf(values, "recompute", "none"),
                                       textOf(values, "attention", "flash"),
                                       textOf(values, "optimizer", "adam"), row.dtype});
  if (complete)
    row.plan = *complete;
  else
    row.unusable = complete.error().text();
  return row;
}

} // namespace mansard::report
