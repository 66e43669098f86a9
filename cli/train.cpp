#include "commands.h"

#include <mansard/report/training_report.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  TargetOptions target;
  ViewOptions view;
  std::string model;
  system::TrainingPlan plan;
  system::TrainingNames names;
  bool noOverlap = false;
};

int run(const Options &options) {
  auto plan = system::named(options.plan, options.names);
  if (!plan)
    return fail(plan.error());
  plan->overlap = !options.noOverlap;
  hw::Catalog catalog;
  host::Host host(catalog);
  auto target = options.target.open(host);
  if (!target)
    return fail(target.error());
  auto lowering = model::Lowering::open(options.model, catalog);
  if (!lowering)
    return fail(lowering.error());
  auto estimate = system::estimateTraining(*plan, *lowering, *target);
  if (!estimate)
    return fail(estimate.error());
  const report::TrainingReport report = report::collectTraining(*estimate, *target);
  return options.view.show(report, report::trainingTable, report::trainingJson,
                           report::trainingCsv);
}

void addPlan(CLI::App &command, Options &options) {
  system::TrainingPlan &plan = options.plan;
  work::Parallelism &p = plan.parallelism;
  command.add_option("--seq", plan.seq, "Tokens of a sequence")->type_name("N")->required();
  command.add_option("--global-batch", plan.global_batch, "Sequences of a step")
      ->type_name("N")
      ->required();
  for (const auto &[flag, value, about] :
       {std::tuple{"--micro-batch", &plan.micro_batch, "Sequences that pass a stage at once"},
        {"--tp", &p.tp, "Devices that share each layer's attention heads and matrices"},
        {"--pp", &p.pp, "Pipeline stages"},
        {"--dp", &p.dp, "Replicas, each with its part of the batch"},
        {"--cp", &p.cp, "Devices that share the positions of each sequence"},
        {"--ep", &p.ep, "Devices that the experts are spread over, of tp x dp x cp"},
        {"--interleave", &plan.virtual_stages, "Virtual stages of each device"}})
    command.add_option(flag, *value, about)->type_name("N")->capture_default_str();
  command
      .add_option("--zero", plan.zero,
                  "What replicas share out: 1 the optimiser's states, 2 gradients too, 3 weights "
                  "too")
      ->type_name("0-3")
      ->capture_default_str();
  for (const auto &[flag, value, about] :
       {std::tuple{"--recompute", &options.names.recompute,
                   "What the backward pass computes again: none, selective (the core of "
                   "attention), full (each layer)"},
        {"--attention", &options.names.attention,
         "flash (one kernel) or unfused (probabilities in memory)"},
        {"--optimizer", &options.names.optimizer, "adam, momentum or sgd; states in fp32"},
        {"--dtype", &options.names.dtype, "What matmuls take: bf16 fp16 fp8 fp8-block mxfp8"}})
    command.add_option(flag, *value, about)->type_name("HOW")->capture_default_str();
  command.add_flag("--dropout", plan.method.dropout,
                   "Dropout of probabilities and of what is added to the residual");
  command.add_flag("--no-overlap", options.noOverlap,
                   "Gradients are reduced after the last backward pass, not beside it; interleaved "
                   "stages wait for what they send");
  command.add_flag("--sp", p.sp,
                   "Sequence parallelism: tp devices share the rows of norms and residuals, too");
}

} // namespace

void addTrain(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "train", "Price one step of training: time, utilisation, memory and what bounds it");
  const auto options = std::make_shared<Options>();
  command
      ->add_option(
          "--model", options->model,
          "A name that `mansard models list` shows, a .toml, or a Hugging Face config.json")
      ->required()
      ->type_name("M");
  options->target.addTo(*command);
  addPlan(*command, *options);
  options->view.addTo(*command, true);
  command->footer(
      "Devices = tp x pp x dp x cp. MFU: 6 operations for each token and parameter that it is "
      "multiplied "
      "by, and 12 for each\n"
      "token, head, position and column of attention (no mask), over the peak of --dtype. Weights "
      "and activations in 16 bits,\n"
      "gradients and the optimiser's states in fp32.\n\n"
      "Examples:\n"
      "  mansard train --model llama-3.1-8b --target h100-sxm --seq 8192 --global-batch 128 --dp 8 "
      "--zero 1\n"
      "  mansard train --model gpt-175b --target a100-sxm-80gb --seq 2048 --global-batch 64 --tp 8 "
      "--pp 8 --interleave 3 \\\n"
      "      --dtype fp16 --attention unfused --dropout --recompute full\n"
      "  mansard train --model deepseek-v3 --target h800 --seq 4096 --global-batch 15360 --pp 16 "
      "--dp 128 --ep 64 --zero 1 \\\n"
      "      --dtype fp8-block --json");
  command->callback([options, &status] { status = run(*options); });
}

} // namespace mansard::cli
