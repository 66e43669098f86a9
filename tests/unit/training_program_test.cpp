#include "training_fixture.h"

#include <mansard/base/counts.h>

#include <gtest/gtest.h>

#include <algorithm>

namespace mansard {
namespace {

using system::AttentionMethod;
using system::Pass;
using system::Recompute;
using system::TrainingProgram;
using system::TrainingStep;

TrainingProgram programOf(const Gpt &gpt, const system::TrainingMethod &method = {}) {
  auto program = system::withBackward(GptForward(gpt).program(), method, gpt.t);
  EXPECT_TRUE(program) << program.error().text();
  return *program;
}

template <typename Which>
double operations(const TrainingProgram &program, Pass pass, const Which &which) {
  double sum = 0;
  for (const TrainingStep &step : program.steps)
    if (step.pass == pass && which(program.kernels[step.kernel]))
      sum += step.runs * countWork(program.kernels[step.kernel]).matrixOperations;
  return sum;
}

bool isMatmul(const work::Kernel &kernel) { return kernel.op == MANSARD_OP_MATMUL; }
bool isMatrixWork(const work::Kernel &) { return true; }

const TrainingStep *find(const TrainingProgram &program, std::string_view name) {
  const auto found =
      std::find_if(program.steps.begin(), program.steps.end(), [&](const TrainingStep &step) {
        return step.name.find(name) != step.name.npos;
      });
  return found == program.steps.end() ? nullptr : &*found;
}

TEST(TrainingProgram, MatmulsHaveTwiceTheirOperationsBackward) {
  const TrainingProgram program = programOf({});
  const double forward = operations(program, Pass::forward, isMatmul);
  EXPECT_DOUBLE_EQ(operations(program, Pass::backward, isMatmul), 2 * forward);
  // 24 s b h^2 of a layer and 2 s b h v of the head (appendix A).
  const double tokens = 4 * 2048;
  EXPECT_DOUBLE_EQ(forward, tokens * 6144 * (48 * 24. * 6144 + 2. * 51200));
}

TEST(TrainingProgram, UnfusedAttentionHasTwiceItsOperationsBackwardToo) {
  const TrainingProgram program = programOf({}, {Recompute::none, AttentionMethod::unfused, false});
  const double forward = operations(program, Pass::forward, isMatrixWork);
  EXPECT_DOUBLE_EQ(operations(program, Pass::backward, isMatrixWork), 2 * forward);
  // 72 B L s h^2 (1 + s / 6h + v / 12hL), equation 7.
  const double h = 6144, s = 2048, v = 51200, L = 48;
  EXPECT_NEAR(3 * forward / (72 * 4 * L * s * h * h * (1 + s / (6 * h) + v / (12 * h * L))), 1,
              1e-12);
}

TEST(TrainingProgram, FlashAttentionComputesFiveProductsToTheForwardsTwo) {
  const TrainingProgram program = programOf({});
  const TrainingStep *forward = find(program, "attend"), *backward = find(program, "attend.grad");
  ASSERT_TRUE(forward && backward);
  EXPECT_EQ(program.kernels[forward->kernel].op, program.kernels[backward->kernel].op);
  EXPECT_NEAR(backward->runs / forward->runs, 2.5 * 73 / 63, 1e-12);
}

TEST(TrainingProgram, FullRecomputationRunsTheLayersAgainAndSelectiveTheCoreOfAttention) {
  const Gpt gpt;
  const auto again = [&](Recompute recompute) {
    return operations(programOf(gpt, {recompute, AttentionMethod::unfused, false}), Pass::recompute,
                      isMatrixWork);
  };
  const double tokens = 4 * 2048, h = 6144, s = 2048;
  EXPECT_DOUBLE_EQ(again(Recompute::none), 0);
  EXPECT_DOUBLE_EQ(again(Recompute::selective), tokens * 48 * 4 * s * h);
  EXPECT_DOUBLE_EQ(again(Recompute::full), tokens * 48 * (24 * h * h + 4 * s * h));
}

TEST(TrainingProgram, TheSumAtABlocksEndComesBackAtItsBeginningBesideAWeightGradient) {
  Gpt gpt;
  gpt.t = 8;
  const TrainingProgram program = programOf(gpt);
  double forward = 0, backward = 0;
  for (size_t i = 0; i < program.steps.size(); ++i) {
    const TrainingStep &step = program.steps[i];
    const work::Kernel &kernel = program.kernels[step.kernel];
    if (kernel.op != MANSARD_OP_COLLECTIVE || kernel.u.collective.size_bytes != 2 * 8192 * 6144)
      continue;
    (step.pass == Pass::forward ? forward : backward) += step.runs;
    if (step.pass != Pass::backward)
      continue;
    ASSERT_NE(step.overlap, 0u) << step.name;
    EXPECT_EQ(program.steps[i - 1].overlap, step.overlap);
    EXPECT_NE(program.steps[i - 1].lane, step.lane);
    EXPECT_NE(program.steps[i - 1].name.find("weight_grad"), std::string::npos);
  }
  EXPECT_EQ(forward, 2 * 48);
  EXPECT_EQ(backward, 2 * 48 + 1); // and of the head, which is cut by words
}

TEST(TrainingProgram, SequenceParallelismTurnsGathersIntoScatteredSums) {
  Gpt gpt;
  gpt.t = 8;
  gpt.sequenceParallel = true;
  const TrainingProgram program = programOf(gpt);
  double gathers[system::kPasses] = {}, scatters[system::kPasses] = {};
  for (const TrainingStep &step : program.steps) {
    const work::Kernel &kernel = program.kernels[step.kernel];
    if (kernel.op != MANSARD_OP_COLLECTIVE)
      continue;
    if (kernel.u.collective.kind == MANSARD_COLLECTIVE_ALL_GATHER)
      gathers[static_cast<size_t>(step.pass)] += step.runs;
    if (kernel.u.collective.kind == MANSARD_COLLECTIVE_REDUCE_SCATTER)
      scatters[static_cast<size_t>(step.pass)] += step.runs;
  }
  const auto forward = static_cast<size_t>(Pass::forward),
             backward = static_cast<size_t>(Pass::backward);
  EXPECT_EQ(gathers[forward], 2 * 48 + 1);
  EXPECT_EQ(scatters[forward], 2 * 48);
  EXPECT_EQ(scatters[backward], 2 * 48 + 1);
  // The conjugates, and the inputs of column-parallel matmuls once more.
  EXPECT_EQ(gathers[backward], 2 * 48 + 2 * 48 + 1);
}

TEST(TrainingProgram, WeightGradientsAreAddedUpInSinglePrecision) {
  const TrainingProgram program = programOf({});
  const TrainingStep *step = find(program, "up_proj.weight_grad");
  ASSERT_TRUE(step);
  const work::Kernel &kernel = program.kernels[step->kernel];
  EXPECT_EQ(kernel.out_dtype, MANSARD_DTYPE_FP32);
  EXPECT_EQ(kernel.u.matmul.m, 6144);
  EXPECT_EQ(kernel.u.matmul.n, 4 * 6144);
  EXPECT_EQ(kernel.u.matmul.k, 8192);
  EXPECT_EQ(kernel.u.matmul.epilogue, MANSARD_EPILOGUE_ADD);
}

TEST(TrainingProgram, GradientsOfExchangedTokensTakeTheOthersWay) {
  work::Program forward;
  const auto add = [&](const char *name, const work::Kernel &kernel) {
    forward.steps.push_back({work::internKernel(forward, kernel), 1, 0, 0, name});
  };
  work::Kernel exchange =
      work::makeKernel(MANSARD_OP_EXPERT_PARALLEL, DType::fp8, DType::fp8, DType::fp8);
  exchange.u.expert_parallel = {64, 7168, 4096, 8, 256, 4, MANSARD_EP_DISPATCH, 1};
  add("layers.moe.dispatch", exchange);
  work::Kernel experts =
      work::makeKernel(MANSARD_OP_GROUPED_MATMUL, DType::fp8, DType::fp8, DType::bf16);
  experts.u.grouped_matmul = {4, 8192, 7168, 2048};
  add("layers.moe.experts.down", experts);
  exchange = work::makeKernel(MANSARD_OP_EXPERT_PARALLEL, DType::bf16, DType::bf16, DType::bf16);
  exchange.u.expert_parallel = {64, 7168, 4096, 8, 256, 4, MANSARD_EP_COMBINE, 1};
  add("layers.moe.combine", exchange);
  const auto program = system::withBackward(forward, {}, 1);
  ASSERT_TRUE(program) << program.error().text();
  const auto kernel = [&](const char *name) {
    return program->kernels[find(*program, name)->kernel];
  };
  EXPECT_EQ(kernel("combine.grad").u.expert_parallel.direction, MANSARD_EP_DISPATCH);
  EXPECT_EQ(kernel("combine.grad").dtype, MANSARD_DTYPE_FP8);
  EXPECT_EQ(kernel("dispatch.grad").u.expert_parallel.direction, MANSARD_EP_COMBINE);
  EXPECT_EQ(kernel("dispatch.grad").dtype, MANSARD_DTYPE_BF16);
  // A gradient that arrives in 16 bits is narrowed once for both products.
  EXPECT_EQ(kernel("down.quantize_grad").out_dtype, MANSARD_DTYPE_FP8);
  EXPECT_EQ(kernel("down.data_grad").u.grouped_matmul.n, 2048);
  EXPECT_EQ(kernel("down.data_grad").u.grouped_matmul.k, 7168);
  EXPECT_EQ(kernel("down.weight_grad").u.grouped_matmul.m, 2048);
  EXPECT_EQ(kernel("down.weight_grad").u.grouped_matmul.k, 8192);
}

} // namespace
} // namespace mansard
