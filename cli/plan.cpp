#include "commands.h"

#include <mansard/hw/system.h>
#include <mansard/report/plan_report.h>
#include <mansard/system/plan.h>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

namespace mansard::cli {
namespace {

struct Options {
  TargetOptions target;
  ViewOptions view;
  PrecisionFlags precision;
  std::string model, software, kind = "both";
  system::PlanQuestion question;
  std::optional<int64_t> devices;
};

/// Those of a node, or what a chip's fast links join.
int64_t naturalDevices(const host::Model &target) {
  const hw::Chip &chip = target.chip();
  if (chip.system)
    return chip.system->chipsPerNode() * chip.devicesPerChip();
  return std::max<int64_t>(1,
                           static_cast<int64_t>(target.view().links[MANSARD_LINK_SCALE_UP].domain));
}

int run(const Options &options) {
  system::PlanQuestion question = options.question;
  static constexpr std::array<std::string_view, 3> kKinds{"both", "aggregated", "disaggregated"};
  const auto kind = choice("--kind", kKinds, options.kind);
  if (!kind)
    return fail(kind.error());
  question.aggregated = kKinds[*kind] != "disaggregated";
  question.disaggregated = kKinds[*kind] != "aggregated";
  if (auto applied = options.precision.apply(question.scenario.plan); !applied)
    return fail(applied.error());
  hw::Catalog catalog;
  host::Host host(catalog);
  auto target = options.target.open(host);
  if (!target)
    return fail(target.error());
  auto software = system::chosenProfile(options.software, target->chip().vendor);
  if (!software)
    return fail(software.error());
  question.scenario.software = std::move(*software);
  question.devices = options.devices.value_or(naturalDevices(*target));
  auto lowering = model::Lowering::open(options.model, catalog);
  if (!lowering)
    return fail(lowering.error());
  auto answer = [&] {
    Progress progress("plans");
    question.progress = [&](int64_t done, int64_t all) { progress(done, all); };
    return system::searchPlans(question, *lowering, *target);
  }();
  if (!answer)
    return fail(answer.error());
  const auto report = report::collectPlans(question, *answer, lowering->name(), *target);
  return options.view.show(report, report::planTable, report::planJson, report::planCsv);
}

} // namespace

void addPlan(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "plan", "Find the parallel plan that serves a model best within limits on what users wait");
  const auto options = std::make_shared<Options>();
  system::PlanQuestion &question = options->question;
  system::ServingScenario &scenario = question.scenario;
  question.threads = threadsOfMachine();
  command
      ->add_option(
          "--model", options->model,
          "A name that `mansard models list` shows, a .toml, or a Hugging Face config.json")
      ->required()
      ->type_name("M");
  options->target.addTo(*command);
  command
      ->add_option("--devices", options->devices,
                   "At most (default: those of a node of the system, or what the chip's fast links "
                   "join)")
      ->type_name("N");
  command->add_option("--isl", scenario.isl, "Tokens of a prompt")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--osl", scenario.osl, "Tokens of an answer")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--ttft", question.ttft_ms, "Most that a user may wait for the first token")
      ->type_name("MS");
  command->add_option("--tpot", question.tpot_ms, "Most that a further token may take")
      ->type_name("MS");
  command
      ->add_option("--software", options->software,
                   fmt::format("{}, or a .toml (default: what the vendor's chips usually run)",
                               fmt::join(system::profileIds(), " ")))
      ->type_name("S");
  options->precision.addTo(*command);
  command
      ->add_option("--prefix-hit", scenario.prefixHit,
                   "Share of a prompt that the cache has already, 0 to 1")
      ->type_name("P")
      ->capture_default_str();
  command
      ->add_option("--new-tokens", scenario.plan.new_tokens,
                   "Tokens of each sequence that a decode step checks")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--accept", scenario.plan.accept,
                   "Share of the further new tokens that are kept, 0 to 1")
      ->type_name("P")
      ->capture_default_str();
  command
      ->add_option("--imbalance", scenario.plan.imbalance,
                   "Load of the busiest device's experts over the mean")
      ->type_name("X")
      ->capture_default_str();
  command
      ->add_option("--kind", options->kind,
                   "aggregated (prompts and answers on the same workers), disaggregated, both")
      ->type_name("K")
      ->capture_default_str();
  command->add_flag("--context-parallel", question.context,
                    "Try plans that share a sequence's positions among devices, too");
  command->add_option("--top", question.keep, "Plans to show")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->add_option("--threads", question.threads, "Of no account to the result")
      ->type_name("N")
      ->check(CLI::Range(1, 256));
  options->view.addTo(*command, true);
  command->footer(
      "Plans are judged at the values themselves; `mansard serve` tells the ranges of one.\n\n"
      "Examples:\n"
      "  mansard plan --model deepseek-v3 --system hgx-h200 --quant fp8-block --isl 4096 "
      "--osl 1024 --ttft 2000 --tpot 50\n"
      "  mansard plan --model qwen3-32b --target h100-sxm --devices 4 --tpot 20 "
      "--software vllm --json");
  command->callback([options, &status] { status = run(*options); });
}

} // namespace mansard::cli
