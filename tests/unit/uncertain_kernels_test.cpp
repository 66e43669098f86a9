// What residual bands and a chip's ranges make of steps, on a chip whose bands are set by hand.
#include <mansard/explore/uncertain_kernels.h>
#include <mansard/explore/uncertain_step.h>
#include <mansard/host/interval.h>
#include <mansard/report/kernel_report.h>

#include <gtest/gtest.h>

#include <cmath>

namespace mansard::explore {
namespace {

constexpr double kHalf = 0.2; // of a matmul's band, in log

work::Kernel matmul(int64_t n, int64_t m = 4096) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.matmul = {m, n, 4096, 0, 0, 0, 0, 0, 0};
  return kernel;
}

work::Kernel copy(int64_t rows) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_VECTOR, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.vector = {rows, 8192, 0, MANSARD_VECTOR_COPY, 0};
  return kernel;
}

work::Program programOf(const std::vector<work::Kernel> &kernels) {
  work::Program program;
  for (const work::Kernel &kernel : kernels)
    program.steps.push_back({work::internKernel(program, kernel), 1, 0, 0, "kernel"});
  return program;
}

class UncertainKernels : public ::testing::Test {
protected:
  UncertainKernels()
      : host_(catalog_),
        chip_(host_.open("h100-sxm", {{"model", "generic"}, {"family", "generic"}})->chip()) {
    for (auto &[key, quantity] : chip_.numbers)
      quantity.low = quantity.high = std::nullopt;
    for (const hw::MemoryField &field : hw::memoryFields())
      (chip_.memory.*field.member).low = (chip_.memory.*field.member).high = std::nullopt;
    std::erase_if(chip_.calibration,
                  [](const auto &entry) { return entry.first.starts_with("residual."); });
    band("gemm", kHalf);
    band("vector", kHalf / 2);
  }

  void set(const std::string &name, double value) { chip_.calibration[name].value = value; }
  void band(const std::string &op, double half) {
    set("residual." + op + ".p10", std::exp(-half));
    set("residual." + op + ".p90", std::exp(half));
    set("residual." + op + ".measured.h100-sxm", 100);
  }
  host::Model model() {
    auto bound = host_.bind(chip_);
    EXPECT_TRUE(bound.ok());
    return std::move(*bound);
  }
  /// The inputs of a program's kernels.
  std::vector<UncertainInput> inputsOf(const work::Program &program) {
    const host::Model target = model();
    model::Evaluator step(program);
    EXPECT_TRUE(step.run(target).ok());
    KernelTimes times;
    times.add(target, program, step.estimates(), step.steps());
    std::vector<UncertainInput> inputs;
    times.addInputs(inputs, "it");
    return inputs;
  }
  double halfOf(const work::Program &program) {
    const auto inputs = inputsOf(program);
    EXPECT_EQ(inputs.size(), 1u);
    return inputs.empty() ? 0 : std::log(inputs[0].high / inputs[0].low) / 2;
  }
  Result<Spreads> latency(const work::Program &program, SamplingOptions options = {256, 0, 0}) {
    return spreadsOfStep(
        model(), program, 1,
        [](const host::Model &, const model::Evaluator &step, std::span<double> out) {
          out[0] = step.timeline().total_us;
        },
        options);
  }

  hw::Catalog catalog_;
  host::Host host_;
  hw::Chip chip_;
};

TEST_F(UncertainKernels, OneKernelErrsAsItsInterval) {
  const auto inputs = inputsOf(programOf({matmul(4096)}));
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(inputs[0].name, "matmul times of it");
  EXPECT_NEAR(inputs[0].low, std::exp(-kHalf), 1e-12);
  EXPECT_NEAR(inputs[0].high, std::exp(kHalf), 1e-12);
}

TEST_F(UncertainKernels, WhatIsNotCommonAveragesOutOverSites) {
  // Two sites of equal time.
  const work::Program two = programOf({matmul(4096), matmul(4096, 2048)}); // one site
  const work::Program sites = programOf({matmul(4096), copy(4)});
  EXPECT_NEAR(halfOf(two), kHalf, 1e-12) << "one site";
  EXPECT_EQ(inputsOf(sites).size(), 2u) << "operations err independently";

  work::Kernel turned = matmul(4096);
  turned.u.matmul.k = 4096;
  turned.u.matmul.n = 4097;
  const work::Program equal = programOf({matmul(4096), turned});
  EXPECT_NEAR(halfOf(equal), kHalf, 1e-12) << "no common share is known: all is common";
  set("residual.gemm.common", 0);
  EXPECT_NEAR(halfOf(equal), kHalf / std::sqrt(2.0), 1e-3);
  set("residual.gemm.common", 0.5);
  EXPECT_NEAR(halfOf(equal), kHalf * std::sqrt(0.75), 1e-3);
}

TEST_F(UncertainKernels, WhatWasCarriedOverFromAnotherChipIsCommon) {
  chip_.calibration.erase("residual.gemm.measured.h100-sxm");
  set("residual.gemm.common", 0);
  set("residual.unmeasured", 0.3);
  EXPECT_NEAR(halfOf(programOf({matmul(4096), matmul(4097)})),
              std::hypot(0.3, kHalf / std::sqrt(2.0)), 1e-3);
  // An operation that nobody measured is off by up to two, all of it at once.
  std::erase_if(chip_.calibration,
                [](const auto &entry) { return entry.first.starts_with("residual."); });
  EXPECT_NEAR(halfOf(programOf({matmul(4096), matmul(4097)})), std::log(2.0), 1e-12);
}

TEST_F(UncertainKernels, FactorsComeBackInTheOrderOfTheInputs) {
  const work::Program program = programOf({copy(4096), matmul(4096)});
  const host::Model target = model();
  model::Evaluator step(program);
  ASSERT_TRUE(step.run(target).ok());
  KernelTimes times;
  times.add(target, program, step.estimates(), step.steps());
  const std::vector<double> values{1.25, 0.5, 7};
  std::span<const double> left = values;
  const model::KernelFactors factors = times.take(left);
  EXPECT_EQ(factors[MANSARD_OP_MATMUL], 1.25);
  EXPECT_EQ(factors[MANSARD_OP_VECTOR], 0.5);
  EXPECT_EQ(factors[MANSARD_OP_MOE], 1);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0], 7);
}

TEST_F(UncertainKernels, AnExactChipWithKnownKernelsIsExact) {
  band("gemm", 0.01);
  const auto spreads = latency(programOf({matmul(4096), matmul(8192)}));
  ASSERT_TRUE(spreads.ok());
  const Spread &spread = spreads->figures[0];
  EXPECT_LE(spread.low, spread.value);
  EXPECT_GE(spread.high, spread.value);
  EXPECT_LT(std::log(spread.high / spread.low), 0.021);
}

TEST_F(UncertainKernels, ABandwidthThatNobodyKnowsIsToBlame) {
  hw::Quantity &stacks = chip_.numbers.at("memory.stacks");
  stacks.low = stacks.value * 0.6;
  stacks.high = stacks.value * 1.4;
  band("gemm", 0.02);
  const work::Program program = programOf({matmul(65536, 1)}); // DRAM's
  const auto spreads = latency(program);
  ASSERT_TRUE(spreads.ok());
  const Spread &spread = spreads->figures[0];
  ASSERT_FALSE(spread.shares.empty());
  EXPECT_EQ(spreads->inputs[spread.shares[0].input].name, "memory.stacks of h100-sxm");
  EXPECT_GT(spread.shares[0].share, 0.8);

  // The same of a single kernel.
  const auto kernel = report::collectKernel(model(), program.kernels[0]);
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel->interval.low_us, spread.low);
  EXPECT_EQ(kernel->interval.high_us, spread.high);
  EXPECT_EQ(kernel->inputs[kernel->shares[0].input].name, "memory.stacks of h100-sxm");
}

TEST_F(UncertainKernels, AKernelOfAnExactChipKeepsItsBand) {
  const host::Model target = model();
  const auto kernel = report::collectKernel(target, matmul(4096));
  ASSERT_TRUE(kernel.ok());
  const host::Interval interval = host::interval(target, kernel->kernel, kernel->estimate);
  EXPECT_EQ(kernel->interval.low_us, interval.low_us);
  EXPECT_EQ(kernel->interval.high_us, interval.high_us);
  ASSERT_EQ(kernel->shares.size(), 1u);
  EXPECT_EQ(kernel->inputs[0].name, "matmul times of h100-sxm");
}

TEST_F(UncertainKernels, StepsAreTheSameOnAnyNumberOfThreads) {
  hw::Quantity &clock = chip_.numbers.at("compute.clock_GHz");
  clock.low = clock.value * 0.8;
  const work::Program program = programOf({matmul(4096), copy(4096)});
  const auto one = latency(program, {128, 1, 0}), four = latency(program, {128, 4, 0});
  ASSERT_TRUE(one.ok() && four.ok());
  EXPECT_EQ(one->figures[0].samples, four->figures[0].samples);
  EXPECT_EQ(one->figures[0].low, four->figures[0].low);
}

TEST_F(UncertainKernels, IntervalsOfStepsHoldFourOfFiveTruths) {
  hw::Quantity &stacks = chip_.numbers.at("memory.stacks"),
               &clock = chip_.numbers.at("compute.clock_GHz");
  stacks.low = stacks.value * 0.8;
  clock.low = clock.value * 0.9;
  clock.high = clock.value * 1.2;
  const work::Program program = programOf({matmul(4096), matmul(65536, 1), copy(4096)});
  const auto told = latency(program);
  const auto truths = latency(program, {2000, 0, 12345}); // drawn from the same unknowns
  ASSERT_TRUE(told.ok() && truths.ok());
  double inside = 0;
  for (const double truth : truths->figures[0].samples)
    inside += truth >= told->figures[0].low && truth <= told->figures[0].high;
  EXPECT_NEAR(inside / 2000, 0.8, 0.04);
}

} // namespace
} // namespace mansard::explore
