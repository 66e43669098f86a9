#include "commands.h"

#include <mansard/work/choices.h>

namespace mansard::cli {

void ParallelismFlags::addTo(CLI::App &command, const std::string &prefix) {
  const auto name = [&](const char *flag) { return "--" + prefix + flag; };
  work::Parallelism &p = degrees;
  for (const auto &[flag, degree, about] :
       {std::tuple{"tp", &p.tp, "Devices that share each layer's attention heads and matrices"},
        {"pp", &p.pp, "Pipeline stages"},
        {"dp", &p.dp, "Replicas of attention, each with its part of the batch"},
        {"cp", &p.cp, "Devices that share the positions of each sequence"},
        {"ep", &p.ep, "Devices that the experts are spread over, of tp x dp x cp"},
        {"redundant-experts", &p.redundant_experts,
         "Second copies of experts in each layer, which share their tokens"}})
    command.add_option(name(flag), *degree, about)->type_name("N")->capture_default_str();
  command
      .add_option(name("moe-tp"), p.moe_tp,
                  "Parts that each expert's width is cut in (default: what --ep leaves of --tp)")
      ->type_name("N");
  command.add_flag(name("sp"), p.sp,
                   "Norms on shares of the rows: reduce-scatter and all-gather in place of each "
                   "all-reduce");
  command
      .add_option(name("expert-exchange"), exchange,
                  "How tokens reach experts of other replicas: all-to-all (dispatch and combine), "
                  "or all-gather (and reduce-scatter), which --moe-tp above 1 needs")
      ->type_name("HOW")
      ->capture_default_str();
}

Result<work::Parallelism> ParallelismFlags::parse() const {
  const auto chosen = choice("--expert-exchange", work::kExpertExchangeNames, exchange);
  if (!chosen)
    return chosen.error();
  work::Parallelism p = degrees;
  p.exchange = static_cast<work::ExpertExchange>(*chosen);
  return p;
}

void ServingPlanFlags::addTo(CLI::App &command) {
  together.addTo(command);
  command.add_flag("--disaggregated", disaggregated,
                   "Prompts on workers of their own, with --prefill-tp and so on; --decode-tp and "
                   "so on are of those that decode");
  prefill.addTo(command, "prefill-");
  decode.addTo(command, "decode-");
  for (const auto &[flag, value, about] :
       {std::tuple{"--prefill-workers", &workers.prefillWorkers,
                   "Prefill workers, with --decode-workers (default: as many as balance)"},
        {"--decode-workers", &workers.decodeWorkers, "Decode workers"},
        {"--prefill-batch", &workers.prefillBatch,
         "Prompts that a rank of a prefill worker takes at once (default: as load asks)"}})
    command.add_option(flag, *value, about)->type_name("N");
}

void ServingPlanFlags::check(const CLI::App &command) const {
  for (const CLI::Option *option : command.get_options())
    if (const std::string name = option->get_name();
        option->count() > 0 && !disaggregated &&
        (name.starts_with("--prefill-") || name.starts_with("--decode-")))
      throw CLI::RequiresError(name, "--disaggregated");
  if (!disaggregated)
    return;
  for (const char *name : {"--tp", "--pp", "--dp", "--cp", "--ep", "--moe-tp", "--sp",
                           "--expert-exchange", "--redundant-experts"})
    if (command.get_option(name)->count() > 0)
      throw CLI::ExcludesError(name, "--disaggregated; say --prefill-" +
                                         std::string(name).substr(2) + " and --decode-" +
                                         std::string(name).substr(2));
}

Result<> ServingPlanFlags::apply(system::ServingScenario &scenario) const {
  auto plan = (disaggregated ? decode : together).parse();
  if (!plan)
    return plan.error();
  scenario.plan.parallelism = *plan;
  if (!disaggregated)
    return Ok{};
  auto ofPrompts = prefill.parse();
  if (!ofPrompts)
    return ofPrompts.error();
  scenario.disaggregated = workers;
  scenario.disaggregated->prefill = *ofPrompts;
  return Ok{};
}

void PrecisionFlags::addTo(CLI::App &command) {
  command
      .add_option("--quant", quantisation,
                  fmt::format("{}", fmt::join(work::kQuantisationNames, " ")))
      ->type_name("Q")
      ->capture_default_str();
  command
      .add_option("--kv-cache", kvCache, "bf16 fp16 fp8 int8 (default: the 16-bit type of --quant)")
      ->type_name("DTYPE");
}

Result<> PrecisionFlags::apply(work::Workload &workload) const {
  const auto chosen = choice("--quant", work::kQuantisationNames, quantisation);
  if (!chosen)
    return chosen.error();
  workload.quantisation = static_cast<work::Quantisation>(*chosen);
  // Keys and values are as wide as what is not quantised, unless asked otherwise.
  workload.kvCache = work::schemeOf(workload.quantisation).plain;
  if (kvCache.empty())
    return Ok{};
  const auto cache = choice("--kv-cache", work::kKvCacheNames, kvCache);
  if (!cache)
    return cache.error();
  workload.kvCache = *parseDType(work::kKvCacheNames[*cache]);
  return Ok{};
}

} // namespace mansard::cli
