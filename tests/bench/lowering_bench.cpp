// Time from a model to its program, once the front end's context is made.
#include <mansard/hw/catalog.h>
#include <mansard/work/frontend.h>

#include <benchmark/benchmark.h>

namespace mansard {
namespace {

void lowerModel(benchmark::State &state, const char *id, work::Phase phase) {
  auto frontend = work::loadFrontend();
  if (!frontend)
    return state.SkipWithError(frontend.error().text().c_str());
  const hw::Catalog catalog;
  const auto path = catalog.modelPath(id);
  if (!path)
    return state.SkipWithError(path.error().text().c_str());
  auto model = work::readTransformer(*path);
  if (!model)
    return state.SkipWithError(model.error().text().c_str());
  work::Workload workload;
  workload.phase = phase;
  workload.batch = 1536;
  workload.parallelism.dp = 32;
  workload.parallelism.ep = model->moe.experts > 0 ? 32 : 1;
  workload.quantisation = work::Quantisation::w8a8;
  work::Capabilities target;
  for (DType type : {DType::bf16, DType::fp16, DType::int8})
    target.matrix[static_cast<uint32_t>(type)] = true;
  for (auto _ : state) {
    auto program = (*frontend)->lower(*model, workload, target);
    if (!program)
      return state.SkipWithError(program.error().text().c_str());
    benchmark::DoNotOptimize(program->steps.data());
  }
}

BENCHMARK_CAPTURE(lowerModel, deepseek_v3_decode, "deepseek-v3", work::Phase::decode)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(lowerModel, deepseek_v3_prefill, "deepseek-v3", work::Phase::prefill)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(lowerModel, llama_70b_decode, "llama-3.1-70b", work::Phase::decode)
    ->Unit(benchmark::kMillisecond);

} // namespace
} // namespace mansard
