// How long estimates take: one matmul with its tile search, and a whole decode step of DeepSeek-V3.

#include <mansard/host/host.h>
#include <mansard/hw/catalog.h>
#include <mansard/model/timeline.h>
#include <mansard/work/frontend.h>

#include <benchmark/benchmark.h>

#include <vector>

namespace {

using namespace mansard;

constexpr const char *kTargets[] = {"h100-sxm", "ascend-910c", "mlu590", "dcu-bw1000"};

host::Model open(const char *target) {
  hw::Catalog catalog;
  host::Host host(catalog);
  return std::move(host.open(target)).value();
}

/// Shapes of a decode and a prefill step, none the same as the one before.
std::vector<mansard_kernel> matmuls() {
  std::vector<mansard_kernel> kernels;
  for (int64_t m : {1, 16, 64, 128, 512, 4096, 16384})
    for (const auto &[n, k] :
         {std::pair<int64_t, int64_t>{7168, 2048}, {4096, 7168}, {24576, 1536}, {129280, 7168}}) {
      mansard_kernel kernel =
          work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
      kernel.u.matmul = {m, n, k, 0, 0, 0, 0, 0, 0};
      kernels.push_back(kernel);
    }
  return kernels;
}

void matmulEstimate(benchmark::State &state, const char *target) {
  const host::Model model = open(target);
  const std::vector<mansard_kernel> kernels = matmuls();
  std::vector<mansard_estimate> estimates(kernels.size());
  for (auto _ : state) {
    const bool ok = model.estimate(kernels, estimates).ok();
    benchmark::DoNotOptimize(ok);
    benchmark::ClobberMemory();
  }
  state.counters["per_matmul"] =
      benchmark::Counter(static_cast<double>(state.iterations() * kernels.size()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void deepseekDecode(benchmark::State &state, const char *target) {
  const auto frontend = work::loadFrontend();
  if (!frontend) {
    state.SkipWithError(frontend.error().message.c_str());
    return;
  }
  const host::Model model = open(target);
  hw::Catalog catalog;
  work::Workload workload;
  workload.batch = 32 * 64;
  workload.parallelism.dp = workload.parallelism.ep = 32;
  workload.quantisation = work::Quantisation::w8a8;
  work::Capabilities capabilities;
  capabilities.target = target;
  for (uint32_t type = 0; type < MANSARD_DTYPE_COUNT; ++type)
    capabilities.matrix[type] = model.view().matrix_ops_per_s[type] > 0;
  const auto transformer = work::readTransformer(*catalog.modelPath("deepseek-v3"));
  const auto program = (*frontend)->lower(*transformer, workload, capabilities);
  if (!program) {
    state.SkipWithError(program.error().text().c_str());
    return;
  }
  model::Evaluator evaluator(*program);
  for (auto _ : state) {
    const bool ok = evaluator.run(model).ok();
    benchmark::DoNotOptimize(ok);
    benchmark::ClobberMemory();
  }
  state.counters["distinct_kernels"] = static_cast<double>(program->kernels.size());
}

const int kRegistered = [] {
  for (const char *target : kTargets) {
    benchmark::RegisterBenchmark((std::string("matmul_estimate/") + target).c_str(), matmulEstimate,
                                 target);
    benchmark::RegisterBenchmark((std::string("deepseek_v3_decode/") + target).c_str(),
                                 deepseekDecode, target);
  }
  return 0;
}();

} // namespace
