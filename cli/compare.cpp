#include "commands.h"

#include <mansard/report/compare_report.h>

#include <algorithm>
#include <map>
#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  std::vector<std::string> targets, systems, economics, set;
  std::string model, software;
  ServingPlanFlags plan;
  PrecisionFlags precision;
  ViewOptions view;
  system::ServingScenario scenario;
};

/// Economics by target or system, and those of all others.
struct EconomicsChoice {
  std::string others = "us";
  std::map<std::string, std::string> byTarget;

  const std::string &of(const std::string &target) const {
    const auto found = byTarget.find(target);
    return found == byTarget.end() ? others : found->second;
  }
};

Result<EconomicsChoice> economicsChoice(const Options &options) {
  std::vector<std::string> asked = options.targets;
  asked.insert(asked.end(), options.systems.begin(), options.systems.end());
  EconomicsChoice choice;
  bool general = false;
  for (const std::string &text : options.economics) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      if (general)
        return Error{ErrorCode::invalidInput,
                     fmt::format("'{}' and '{}' are both for all targets; it may be one, and "
                                 "TARGET=NAME for others",
                                 choice.others, text),
                     "--economics"};
      choice.others = text;
      general = true;
      continue;
    }
    const std::string target = text.substr(0, equals);
    if (std::find(asked.begin(), asked.end(), target) == asked.end())
      return Error{ErrorCode::invalidInput,
                   fmt::format("'{}' is not compared{}; compared are {}", target,
                               hw::suggestion(target, asked), fmt::join(asked, ", ")),
                   "--economics"};
    choice.byTarget[target] = text.substr(equals + 1);
  }
  return choice;
}

Result<report::Contender> contenderOf(host::Host &host, const Options &options,
                                      const EconomicsChoice &economics, const std::string &name,
                                      bool isSystem) {
  TargetOptions choice;
  (isSystem ? choice.system : choice.target) = name;
  choice.set = options.set;
  auto target = choice.open(host);
  if (!target)
    return target.error();
  auto software = system::chosenProfile(options.software, target->chip().vendor);
  if (!software)
    return Error{software.error().code, software.error().message,
                 software.error().place.empty() ? "--software" : software.error().place};
  auto assumptions = economics::readAssumptions(host.catalog(), economics.of(name));
  if (!assumptions)
    return assumptions.error();
  return report::Contender{std::move(*target), std::move(*software), std::move(*assumptions)};
}

int run(const Options &options) {
  hw::Catalog catalog;
  host::Host host(catalog);
  const auto economics = economicsChoice(options);
  if (!economics)
    return fail(economics.error());
  system::ServingScenario scenario = options.scenario;
  if (auto applied = options.precision.apply(scenario.plan); !applied)
    return fail(applied.error());
  if (auto applied = options.plan.apply(scenario); !applied)
    return fail(applied.error());
  std::vector<report::Contender> contenders;
  for (const auto *names : {&options.targets, &options.systems})
    for (const std::string &name : *names) {
      auto contender = contenderOf(host, options, *economics, name, names == &options.systems);
      if (!contender)
        return fail(contender.error());
      contenders.push_back(std::move(*contender));
    }
  auto lowering = model::Lowering::open(options.model, catalog);
  if (!lowering)
    return fail(lowering.error());
  const auto report = report::collectComparison(*lowering, contenders, scenario);
  if (!report)
    return fail(report.error());
  return options.view.show(*report, report::compareTable, report::compareJson, report::compareCsv);
}

void addNames(CLI::App &command, Options &options) {
  const auto list = [&](const char *flag, std::vector<std::string> &names, const char *about,
                        const char *type) {
    command.add_option(flag, names, about)
        ->type_name(type)
        ->delimiter(',')
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  list("--targets", options.targets,
       "Chips: names that `mansard targets list` shows, .toml files, or CANN .ini", "T1,T2,...");
  list("--systems", options.systems,
       "What chips are built into, whose links they then have: names that `mansard systems list` "
       "shows, or .toml files",
       "S1,S2,...");
  list("--economics", options.economics,
       "Prices and use: a name in configs/economics or a .toml for all (default: us), TARGET=NAME "
       "for one",
       "NAME,...");
  command
      .add_option("--set", options.set,
                  "Override one field of every target, e.g. memory.technology=hbm3e (may be "
                  "repeated)")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.parse_complete_callback([&options] {
    if (options.targets.empty() && options.systems.empty())
      throw CLI::RequiredError("--targets or --systems");
  });
}

void addScenario(CLI::App &command, system::ServingScenario &s) {
  for (const auto &[flag, value, about] :
       {std::tuple{"--isl", &s.isl, "Tokens of a prompt, on average"},
        {"--osl", &s.osl, "Tokens of an answer, on average"},
        {"--concurrency", &s.concurrency, "Requests in flight, over the whole deployment"},
        {"--new-tokens", &s.plan.new_tokens,
         "Tokens of each sequence that an iteration checks (multi-token prediction)"}})
    command.add_option(flag, *value, about)->type_name("N")->capture_default_str();
  for (const auto &[flag, value, about] :
       {std::tuple{"--prefix-hit", &s.prefixHit, "Share of a prompt that the cache has already"},
        {"--accept", &s.plan.accept, "Share of the further new tokens that are kept, 0 to 1"}})
    command.add_option(flag, *value, about)->type_name("X")->capture_default_str();
}

} // namespace

void addCompare(CLI::App &app, int &status) {
  CLI::App *command = app.add_subcommand(
      "compare", "Chips side by side on a served model: speed, per watt, per dollar, with ranges");
  const auto options = std::make_shared<Options>();
  command
      ->add_option(
          "--model", options->model,
          "A name that `mansard models list` shows, a .toml, or a Hugging Face config.json")
      ->required()
      ->type_name("M");
  addNames(*command, *options);
  addScenario(*command, options->scenario);
  command
      ->add_option("--software", options->software,
                   "Serving software of all (default: the one that names each chip's vendor): "
                   "vllm, sglang, trtllm, mindie, or a .toml like those in configs/software")
      ->type_name("PROFILE");
  options->plan.addTo(*command);
  options->precision.addTo(*command);
  options->view.addTo(*command, true);
  command->footer(
      "Every chip serves the same requests with the same plan, as in `mansard serve`. What a chip "
      "does not\ncompute natively it computes in a wider type, which its notes tell.\n\n"
      "Examples:\n"
      "  mansard compare --model qwen3-32b --targets h100-sxm,h20,ascend-910b --tp 4 --isl 4096 "
      "--osl 512 \\\n"
      "      --concurrency 32 --economics us,ascend-910b=china\n"
      "  mansard compare --model deepseek-v3 --systems cloudmatrix-384 --targets h800 --dp 32 --ep "
      "32 \\\n"
      "      --quant w8a8 --isl 4096 --osl 1024 --concurrency 2048 --csv");
  command->callback([options, command, &status] {
    options->plan.check(*command);
    status = run(*options);
  });
}

} // namespace mansard::cli
