#include "commands.h"

#include <mansard/model/estimate.h>
#include <mansard/report/estimate_report.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  TargetOptions target;
  ModuleFlags module;
  ViewOptions view;
  std::string model, phase, overlap = "auto";
  work::Workload workload;
  ParallelismFlags parallelism;
  PrecisionFlags precision;
  bool check = false;
};

Result<model::Scenario> scenarioOf(const Options &options) {
  model::Scenario scenario;
  scenario.workload = options.workload;
  scenario.checkFloors = options.check;

  static constexpr std::array<std::string_view, 2> kPhases{"prefill", "decode"};
  const bool isModule = options.model.ends_with(".mlir");
  static constexpr std::array<std::string_view, 4> kOverlaps{"none", "shared-expert", "two-batch",
                                                             "auto"};
  if (!isModule || !options.phase.empty()) { // a module's work is what it is
    const auto phase = choice("--phase", kPhases, options.phase);
    if (!phase)
      return phase.error();
    scenario.workload.phase = static_cast<work::Phase>(*phase);
  }
  if (auto applied = options.precision.apply(scenario.workload); !applied)
    return applied.error();
  auto parallelism = options.parallelism.parse();
  if (!parallelism)
    return parallelism.error();
  scenario.workload.parallelism = *parallelism;
  const auto overlap = choice("--overlap", kOverlaps, options.overlap);
  if (!overlap)
    return overlap.error();
  scenario.chooseOverlap = kOverlaps[*overlap] == "auto";
  if (!scenario.chooseOverlap)
    scenario.workload.overlap = static_cast<work::Overlap>(*overlap);
  return scenario;
}

int run(const Options &options) {
  auto scenario = scenarioOf(options);
  if (!scenario)
    return fail(scenario.error());
  hw::Catalog catalog;
  host::Host host(catalog);
  auto target = options.target.open(host);
  if (!target)
    return fail(target.error());
  if (auto sound = work::check(scenario->workload); !sound)
    return fail(sound.error());
  auto lowering = model::Lowering::open(options.model, catalog, options.module.options);
  if (!lowering)
    return fail(lowering.error());
  auto estimate = model::estimateStep(*scenario, *lowering, *target);
  if (!estimate)
    return fail(estimate.error());
  const report::EstimateReport report = report::collectEstimate(*estimate, *target);
  return options.view.show(report, report::estimateTable, report::estimateJson,
                           report::estimateCsv);
}

void addWorkload(CLI::App &command, Options &options) {
  work::Workload &w = options.workload;
  command.add_option("--phase", options.phase, "prefill or decode; required but for a .mlir")
      ->type_name("PHASE");
  command.add_option("--batch", w.batch, "Sequences in flight over the whole deployment")
      ->type_name("B")
      ->capture_default_str();
  command
      .add_option("--context", w.context, "KV length at a decode step; prompt length in prefill")
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--cached", w.cached,
                  "Positions of each prompt that are in the cache already (prefill): a prefix seen "
                  "before, or earlier chunks")
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--new-tokens", w.new_tokens, "Tokens of each sequence that a decode step checks")
      ->type_name("N")
      ->capture_default_str();
  command.add_option("--accept", w.accept, "Share of the further new tokens that are kept, 0 to 1")
      ->type_name("P")
      ->capture_default_str();
  command
      .add_option("--imbalance", w.imbalance, "Load of the busiest device of experts over the mean")
      ->type_name("X")
      ->capture_default_str();
  options.parallelism.addTo(command);
  options.precision.addTo(command);
  command
      .add_option(
          "--overlap", options.overlap,
          "What runs beside the experts' exchange: none, shared-expert, two-batch; auto prices "
          "none and two-batch and keeps the faster")
      ->type_name("HOW")
      ->capture_default_str();
}

} // namespace

void addEstimate(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "estimate", "Price one step of a model: its kernels, throughput, memory and what bounds it");
  const auto options = std::make_shared<Options>();
  command
      ->add_option(
          "--model", options->model,
          "A name that `mansard models list` shows, a .toml, a Hugging Face config.json, or a "
          ".mlir")
      ->required()
      ->type_name("M");
  options->target.addTo(*command);
  addWorkload(*command, *options);
  options->module.addTo(*command);
  command->add_flag("--check", options->check,
                    "Hold every kernel against the floors of its hardware; below one is an error");
  options->view.addTo(*command, true);
  command->footer(
      "Devices = tp x pp x dp x cp. What a target cannot compute natively is legalised, and a note "
      "says so.\n\n"
      "Examples:\n"
      "  mansard estimate --model llama-3.1-8b --target h100-sxm --phase decode --batch 64 "
      "--context 4096\n"
      "  mansard estimate --model deepseek-v3 --target ascend-910c --phase decode --batch 1536 \\\n"
      "      --context 4096 --dp 32 --ep 32 --quant w8a8\n"
      "  mansard estimate --model config.json --target h20 --phase prefill --batch 4 --context "
      "4096 \\\n"
      "      --tp 8 --quant fp8-block --json\n"
      "  mansard estimate --model llama-3.1-70b --target h20 --phase prefill --context 8192 "
      "--cached "
      "6144 --tp 8\n"
      "  mansard estimate --model qwen3-32b --target mlu590 --phase decode --batch 16 --tp 4 \\\n"
      "      --set memory.technology=hbm3\n"
      "  mansard estimate --model kernels.mlir --target h100-sxm --dim batch=8");
  command->callback([options, &status] {
    if (options->phase.empty() && !options->model.ends_with(".mlir"))
      throw CLI::RequiredError("--phase");
    status = run(*options);
  });
}

} // namespace mansard::cli
