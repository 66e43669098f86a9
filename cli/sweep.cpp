#include "commands.h"

#include <mansard/report/sweep_report.h>

#include <memory>

namespace mansard::cli {
namespace {

struct Options {
  std::string file, model, phase, economics = "us";
  std::vector<std::string> targets, systems, over;
  work::Workload workload;
  int64_t prompts = 0;
  ParallelismFlags parallelism;
  PrecisionFlags precision;
  ViewOptions view;
  bool kernels = false;
  const CLI::App *command = nullptr; // tells which flags were given

  bool given(const std::string &flag) const { return command->count(flag) > 0; }
};

Result<> choosePhases(const Options &options, explore::Sweep &sweep) {
  static constexpr std::array<std::string_view, 3> kPhases{"both", "prefill", "decode"};
  const auto phase = choice("--phase", kPhases, options.phase);
  if (!phase)
    return phase.error();
  sweep.prefill = kPhases[*phase] != "decode";
  sweep.decode = kPhases[*phase] != "prefill";
  return Ok{};
}

/// Flags that were given go before what the file says.
Result<> applySizes(const Options &options, explore::Sweep &sweep) {
  const work::Workload &w = options.workload;
  const work::Parallelism &p = options.parallelism.degrees;
  work::Workload &to = sweep.workload;
  work::Parallelism &plan = to.parallelism;
  for (const auto &[flag, from, into] :
       {std::tuple{"--batch", &w.batch, &to.batch},
        {"--context", &w.context, &to.context},
        {"--cached", &w.cached, &to.cached},
        {"--new-tokens", &w.new_tokens, &to.new_tokens},
        {"--prompts", &options.prompts, &sweep.prompts},
        {"--tp", &p.tp, &plan.tp},
        {"--pp", &p.pp, &plan.pp},
        {"--dp", &p.dp, &plan.dp},
        {"--cp", &p.cp, &plan.cp},
        {"--ep", &p.ep, &plan.ep},
        {"--moe-tp", &p.moe_tp, &plan.moe_tp},
        {"--redundant-experts", &p.redundant_experts, &plan.redundant_experts}})
    if (options.given(flag))
      *into = *from;
  if (options.given("--accept"))
    to.accept = w.accept;
  if (options.given("--sp"))
    plan.sp = p.sp;
  if (options.given("--expert-exchange")) {
    const auto parsed = options.parallelism.parse();
    if (!parsed)
      return parsed.error();
    plan.exchange = parsed->exchange;
  }
  return Ok{};
}

Result<> applyFlags(const Options &options, explore::Sweep &sweep) {
  if (!options.model.empty())
    sweep.model = options.model;
  if (options.given("--target") || options.given("--system")) {
    sweep.targets.clear();
    for (const std::string &name : options.targets)
      sweep.targets.push_back({name, false});
    for (const std::string &name : options.systems)
      sweep.targets.push_back({name, true});
  }
  if (options.given("--phase"))
    if (auto chosen = choosePhases(options, sweep); !chosen)
      return chosen;
  if (auto applied = applySizes(options, sweep); !applied)
    return applied;
  if (options.file.empty() || options.given("--quant") || options.given("--kv-cache"))
    if (auto applied = options.precision.apply(sweep.workload); !applied)
      return applied;
  for (const std::string &text : options.over) {
    auto field = explore::parseSweptField(text);
    if (!field)
      return field.error();
    sweep.over.push_back(std::move(*field));
  }
  return Ok{};
}

Result<explore::Sweep> sweepOf(const hw::Catalog &catalog, const Options &options) {
  explore::Sweep sweep;
  if (!options.file.empty()) {
    auto document = catalog.sweepDocument(options.file);
    if (!document)
      return document.error();
    auto read = explore::parseSweep(*document);
    if (!read)
      return read.error();
    sweep = std::move(*read);
  }
  if (auto applied = applyFlags(options, sweep); !applied)
    return applied.error();
  return sweep;
}

int run(const Options &options) {
  hw::Catalog catalog;
  host::Host host(catalog);
  auto sweep = sweepOf(catalog, options);
  if (!sweep)
    return fail(sweep.error());
  auto economics = economics::readAssumptions(catalog, options.economics);
  if (!economics)
    return fail(economics.error());
  auto lowering = model::Lowering::open(sweep->model, catalog);
  if (!lowering)
    return fail(lowering.error());
  auto result = [&] {
    Progress progress("points");
    explore::SweepOptions how;
    how.threads = threadsOfMachine();
    how.progress = [&](int64_t done, int64_t all) { progress(done, all); };
    return explore::runSweep(host, *lowering, *sweep, how);
  }();
  if (!result)
    return fail(result.error());
  const auto report = report::collectSweep(catalog, std::move(*result), *economics);
  const auto with = [&](std::string (*view)(const report::SweepReport &, bool)) {
    return [&options, view](const auto &shown) { return view(shown, options.kernels); };
  };
  return options.view.show(report, with(report::sweepTable), report::sweepJson,
                           with(report::sweepCsv));
}

int list(const ViewOptions &view) {
  const hw::Catalog catalog;
  std::vector<explore::Sweep> all;
  for (const std::string &id : catalog.sweepIds()) {
    auto document = catalog.sweepDocument(id);
    auto sweep = document ? explore::parseSweep(*document) : document.error();
    if (sweep)
      all.push_back(std::move(*sweep));
    else
      warn("left out: " + sweep.error().text());
  }
  return print(view.json ? report::sweepsJson(all) : report::sweepsTable(all));
}

void addSubject(CLI::App &command, Options &options) {
  command
      .add_option("FILE", options.file,
                  "A name that `mansard sweep list` shows, or a .toml; flags go before what it "
                  "says, and --over adds to it")
      ->type_name("");
  command
      .add_option("--model", options.model,
                  "A name that `mansard models list` shows, a .toml, or a Hugging Face config.json")
      ->type_name("M");
  const auto several = [&](const char *flag, std::vector<std::string> &texts, const char *about,
                           const char *type) {
    return command.add_option(flag, texts, about)
        ->type_name(type)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  several("--target", options.targets, "Chips, as in `mansard estimate`", "T1,T2,...")
      ->delimiter(',');
  several("--system", options.systems, "What chips are built into", "S1,S2,...")->delimiter(',');
  several("--over", options.over,
          "A field of the targets and the values it takes, e.g. memory.stacks=5,6 (may be "
          "repeated: every combination)",
          "KEY=V1,V2,...");
}

void addWorkload(CLI::App &command, Options &options) {
  work::Workload &w = options.workload;
  command.add_option("--phase", options.phase, "both, prefill or decode (default: both)")
      ->type_name("PHASE");
  for (const auto &[flag, value, about] :
       {std::tuple{"--batch", &w.batch, "Sequences in flight over the whole deployment (decode)"},
        {"--context", &w.context, "KV length at a decode step, and prompt length"},
        {"--cached", &w.cached, "Positions of each prompt that are in the cache already (prefill)"},
        {"--new-tokens", &w.new_tokens, "Tokens of each sequence that a decode step checks"}})
    command.add_option(flag, *value, about)->type_name("N")->capture_default_str();
  command
      .add_option("--prompts", options.prompts,
                  "Prompts of a prefill step (default: one for each replica)")
      ->type_name("N");
  command.add_option("--accept", w.accept, "Share of the further new tokens that are kept, 0 to 1")
      ->type_name("P")
      ->capture_default_str();
  options.parallelism.addTo(command);
  options.precision.addTo(command);
}

} // namespace

void addSweep(CLI::App &app, int &status) {
  CLI::App *command =
      app.add_subcommand("sweep", "One workload on variants of chips: other memory, stacks, cores "
                                  "..., prefill and decode, what bounds them, what they cost");
  const auto options = std::make_shared<Options>();
  options->command = command;
  addSubject(*command, *options);
  addWorkload(*command, *options);
  command
      ->add_option("--economics", options->economics,
                   "Prices and use: a name in configs/economics, or a .toml")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_flag("--kernels", options->kernels,
                    "Every kernel at every point, in the table and the CSV (JSON has them always); "
                    "else the table shows those whose bound changes");
  options->view.addTo(*command, true);
  command->footer(
      "Speed-ups are over the chip as shipped if it is among the points, else over the first. "
      "Another memory.technology\nbrings its own pin rate and capacity, and a note says so; "
      "memory.pin_rate_Gbps holds it to what an interface can.\n\n"
      "Examples:\n"
      "  mansard sweep hbm-generations\n"
      "  mansard sweep hbm-generations --target h20 --model qwen3-32b --kernels\n"
      "  mansard sweep --model llama-3.1-8b --target h100-sxm,mlu590 --batch 64 --context 4096 \\\n"
      "      --over memory.technology=hbm2e,hbm3,hbm3e --over memory.stacks=5,6\n"
      "  mansard sweep --model qwen3-32b --target ascend-910b --tp 4 --quant w8a8 --batch 32 \\\n"
      "      --over compute.cores=20,24,32 --phase decode --csv");
  CLI::App *all = command->add_subcommand("list", "Sweeps that ship with Mansard");
  const auto listView = std::make_shared<ViewOptions>();
  listView->addTo(*all, false);
  all->callback([listView, &status] { status = list(*listView); });
  command->callback([options, command, &status] {
    if (!command->get_subcommands().empty())
      return;
    if (options->file.empty()) {
      if (options->model.empty())
        throw CLI::RequiredError("FILE or --model");
      if (options->targets.empty() && options->systems.empty())
        throw CLI::RequiredError("--target or --system");
    }
    status = run(*options);
  });
}

} // namespace mansard::cli
