// Time of a serving estimate once its iterations are lowered.
#include <mansard/hw/catalog.h>
#include <mansard/system/serving.h>

#include <benchmark/benchmark.h>

namespace mansard {
namespace {

struct Question {
  const char *model, *target, *software;
  work::Parallelism parallelism;
  work::Quantisation quantisation;
  int64_t concurrency;
};

void serve(benchmark::State &state, const Question &question) {
  hw::Catalog catalog;
  host::Host host(catalog);
  const auto target = host.open(question.target);
  const auto lowering = model::Lowering::open(question.model, catalog);
  const auto software = system::readProfile(question.software);
  if (!target || !lowering || !software)
    return state.SkipWithError("the model, the target or the software cannot be opened");
  system::ServingScenario scenario;
  scenario.isl = 4096;
  scenario.osl = 1024;
  scenario.concurrency = question.concurrency;
  scenario.plan.parallelism = question.parallelism;
  scenario.plan.quantisation = question.quantisation;
  scenario.software = *software;
  system::StepPrograms programs(*lowering, model::capabilitiesOf(*target), scenario.plan,
                                scenario.traffic);
  for (auto _ : state) {
    system::StepCosts costs(programs, *target, scenario.software.kernels);
    const auto estimate = system::estimateServing(scenario, costs);
    if (!estimate)
      return state.SkipWithError(estimate.error().text().c_str());
    benchmark::DoNotOptimize(estimate->tpot_ms);
  }
}

BENCHMARK_CAPTURE(serve, llama_70b_h100,
                  Question{
                      "llama-3.1-70b", "h100-sxm", "vllm", {.tp = 4}, work::Quantisation::bf16, 64})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(serve, deepseek_v3_910c,
                  Question{"deepseek-v3",
                           "ascend-910c",
                           "mindie",
                           {.dp = 64, .ep = 64},
                           work::Quantisation::w8a8,
                           4096})
    ->Unit(benchmark::kMillisecond);

} // namespace
} // namespace mansard
