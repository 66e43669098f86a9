#include "commands.h"

#include <mansard/report/serving_report.h>
#include <mansard/system/serving.h>

#include <charconv>
#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  TargetOptions target;
  ViewOptions view;
  std::string model, software, sweep;
  ServingPlanFlags plan;
  PrecisionFlags precision;
  system::ServingScenario scenario;
};

Error badSweep(const std::string &text) {
  return {
      ErrorCode::invalidInput,
      fmt::format("'{}' is no list of concurrencies; it may be 1,8,64 or, doubling, 1:256", text),
      "--sweep-concurrency"};
}

Result<int64_t> wholeNumber(std::string_view digits, const std::string &text) {
  int64_t value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code != std::errc() || end != digits.data() + digits.size() || value < 1)
    return badSweep(text);
  return value;
}

/// "1,8,64", or "1:256" for 1, 2, 4 ... 256.
Result<std::vector<int64_t>> concurrencies(const std::string &text) {
  std::vector<int64_t> values;
  if (const size_t colon = text.find(':'); colon != std::string::npos) {
    const auto first = wholeNumber(std::string_view(text).substr(0, colon), text);
    const auto last = wholeNumber(std::string_view(text).substr(colon + 1), text);
    if (!first || !last || *first > *last || *last > int64_t{1} << 30)
      return badSweep(text);
    for (int64_t value = *first; value < *last; value *= 2)
      values.push_back(value);
    values.push_back(*last);
    return values;
  }
  constexpr size_t kMost = 1000;
  for (size_t from = 0; from <= text.size() && values.size() < kMost;) {
    const size_t comma = std::min(text.find(',', from), text.size());
    const auto value = wholeNumber(std::string_view(text).substr(from, comma - from), text);
    if (!value)
      return value.error();
    values.push_back(*value);
    from = comma + 1;
  }
  return values;
}

Result<system::ServingScenario> scenarioOf(const Options &options, const host::Model &target) {
  system::ServingScenario scenario = options.scenario;
  if (auto applied = options.precision.apply(scenario.plan); !applied)
    return applied.error();
  if (auto applied = options.plan.apply(scenario); !applied)
    return applied.error();
  auto software = system::chosenProfile(options.software, target.chip().vendor);
  if (!software)
    return Error{software.error().code, software.error().message,
                 software.error().place.empty() ? "--software" : software.error().place};
  scenario.software = std::move(*software);
  return scenario;
}

int run(const Options &options) {
  hw::Catalog catalog;
  host::Host host(catalog);
  auto target = options.target.open(host);
  if (!target)
    return fail(target.error());
  auto scenario = scenarioOf(options, *target);
  if (!scenario)
    return fail(scenario.error());
  std::vector<int64_t> sweep{scenario->concurrency};
  if (!options.sweep.empty()) {
    auto values = concurrencies(options.sweep);
    if (!values)
      return fail(values.error());
    sweep = std::move(*values);
  }
  auto lowering = model::Lowering::open(options.model, catalog);
  if (!lowering)
    return fail(lowering.error());
  explore::UncertainServing serving(*lowering, *target, *scenario);
  std::vector<report::ServingReport> reports;
  for (const int64_t concurrency : sweep) {
    scenario->concurrency = concurrency;
    auto report = report::collectServing(serving, *scenario, lowering->name(), *target);
    if (!report)
      return fail(report.error());
    reports.push_back(std::move(*report));
  }
  if (!options.sweep.empty() || options.view.csv)
    return options.view.show(reports, report::servingSweepTable, report::servingSweepJson,
                             report::servingSweepCsv);
  return print(options.view.json ? report::servingJson(reports.front())
                                 : report::servingTable(reports.front()));
}

void addScenario(CLI::App &command, Options &options) {
  system::ServingScenario &s = options.scenario;
  for (const auto &[flag, value, about] :
       {std::tuple{"--isl", &s.isl, "Tokens of a prompt, on average"},
        {"--osl", &s.osl, "Tokens of an answer, on average"},
        {"--concurrency", &s.concurrency, "Requests in flight, over the whole deployment"}})
    command.add_option(flag, *value, about)->type_name("N")->capture_default_str();
  command
      .add_option("--sweep-concurrency", options.sweep,
                  "Several of them in place of one: 1,8,64, or, doubling, 1:256")
      ->type_name("LIST")
      ->excludes("--concurrency");
  command
      .add_option("--software", options.software,
                  "Serving software: vllm, sglang, trtllm, mindie, or a .toml like those in "
                  "configs/software (default: the one that names the chip's vendor)")
      ->type_name("PROFILE");
  for (const auto &[flag, value, about] :
       {std::tuple{"--prefix-hit", &s.prefixHit, "Share of a prompt that the cache has already"},
        {"--length-spread", &s.lengthSpread,
         "Lengths lie within this share of their mean; 0: all alike"},
        {"--accept", &s.plan.accept, "Share of the further new tokens that are kept, 0 to 1"},
        {"--routing", &s.traffic.routing,
         "Exponent of the power law of experts' shares of the tokens; 0: even"},
        {"--imbalance", &s.plan.imbalance,
         "Load of the busiest device of experts over the mean, beyond that"}})
    command.add_option(flag, *value, about)->type_name("X")->capture_default_str();
  command
      .add_option("--new-tokens", s.plan.new_tokens,
                  "Tokens of each sequence that an iteration checks (multi-token prediction)")
      ->type_name("N")
      ->capture_default_str();
}

} // namespace

void addServe(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "serve", "A served model in steady state: time to first token, time per token, throughput");
  const auto options = std::make_shared<Options>();
  command
      ->add_option("--model", options->model,
                   "A name that `mansard models list` shows, a .toml or a Hugging Face config.json")
      ->required()
      ->type_name("M");
  options->target.addTo(*command);
  addScenario(*command, *options);
  options->plan.addTo(*command);
  options->precision.addTo(*command);
  options->view.addTo(*command, true);
  command->footer(
      "Clients keep --concurrency requests in flight; each sends the next when its last is "
      "answered.\n\n"
      "Examples:\n"
      "  mansard serve --model llama-3.1-70b --target h100-sxm --tp 4 --isl 1024 --osl 1024 "
      "--concurrency 64\n"
      "  mansard serve --model qwen3-32b --target h100-sxm --tp 2 --isl 4096 --osl 512 \\\n"
      "      --software sglang --sweep-concurrency 1:128\n"
      "  mansard serve --model deepseek-v3 --target ascend-910c --dp 320 --ep 320 --quant w8a8 \\\n"
      "      --isl 4096 --osl 1024 --concurrency 15360 --new-tokens 2 --accept 0.7\n"
      "  mansard serve --model deepseek-v3 --target h800 --disaggregated --quant fp8-block \\\n"
      "      --prefill-dp 32 --prefill-ep 32 --decode-dp 128 --decode-ep 128 --isl 4096 --osl 1024 "
      "--concurrency 16384");
  command->callback([options, command, &status] {
    options->plan.check(*command);
    status = run(*options);
  });
}

} // namespace mansard::cli
