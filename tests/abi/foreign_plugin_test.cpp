// Plugins that were built by others: of an older header, with another compiler, without care for
// visibility, in C.

#include "fixture.h"
#include "one_of_each.h"

#include <mansard/host/interval.h>
#include <mansard/model/stated_tile.h>

#include <cmath>
#include <filesystem>

namespace mansard::host {
namespace {

mansard_estimate priced(const Model &model, const work::Kernel &kernel) {
  mansard_estimate out{};
  const auto done = model.estimate({&kernel, 1}, {&out, 1});
  EXPECT_TRUE(done.ok()) << done.error().text();
  return out;
}

mansard_estimate lasting(double us, uint32_t bound) {
  mansard_estimate out{};
  out.latency_us = us;
  out.bound = bound;
  return out;
}

TEST(FrozenPlugin, KeepsLoadingAndPricing) {
  const PluginPath path(fixture("frozen"));
  hw::Catalog catalog;
  Host host(catalog);
  const auto model = host.open("frozen-chip");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->id(), "frozen");
  // 2 x 1000^3 operations at 1000 a clock of 1 GHz: 2 ms, after 7 us.
  const mansard_estimate estimate = priced(*model, matmul(DType::fp16, 1000, 1000, 1000));
  EXPECT_EQ(estimate.status, MANSARD_OK);
  EXPECT_NEAR(estimate.latency_us, 2000 + 7, 1e-9);
  EXPECT_EQ(estimate.bound, MANSARD_BOUND_MATRIX);
  EXPECT_EQ(priced(*model, matmul(DType::bf16, 8, 8, 8)).status, MANSARD_ERROR_UNSUPPORTED);
}

TEST(FrozenPlugin, PricesItsOwnChoiceOfTileAndTheReaderIsTold) {
  const PluginPath path(fixture("frozen"));
  hw::Catalog catalog;
  Host host(catalog);
  const auto model = host.open("frozen-chip");
  ASSERT_TRUE(model.ok()) << model.error().text();
  work::Kernel kernel = matmul(DType::fp16, 1000, 1000, 1000);
  const double own = priced(*model, kernel).latency_us;
  kernel.u.matmul.tile_m = kernel.u.matmul.tile_n = 128;
  const mansard_estimate estimate = priced(*model, kernel);
  EXPECT_EQ(estimate.latency_us, own);
  ASSERT_TRUE(model->fitTile(kernel).ok());
  EXPECT_FALSE(model->fitTile(kernel)->has_value()) << "it has no extension";
  const auto notes = model::statedTileNotes(*model, kernel, estimate);
  ASSERT_TRUE(notes.ok() && notes->size() == 1);
  EXPECT_TRUE(contains(notes->front(), "model frozen does not take a stated tile"))
      << notes->front();
}

TEST(OtherCompilersPlugin, PricesLikeOurs) {
  if (!std::filesystem::exists(fixture("other-compiler/mansard-example-npu.so")))
    GTEST_SKIP() << "no clang++ was found when the build was configured";
  const work::Kernel kernel = matmul(DType::bf16, 4096, 4096, 4096);
  const auto priceWith = [&](const std::string &folder) {
    const PluginPath path(folder);
    hw::Catalog catalog;
    Host host(catalog);
    const auto model = host.open("example-npu");
    EXPECT_TRUE(model.ok()) << model.error().text();
    return model.ok() ? priced(*model, kernel).latency_us : 0;
  };
  const double theirs = priceWith(fixture("other-compiler")), ours = priceWith(MANSARD_EXAMPLES);
  EXPECT_GT(theirs, 0);
  EXPECT_NEAR(theirs, ours, 1e-9 * ours);
}

TEST(PluginsOfTheSameClassNames, StayApart) {
  const PluginPath path(fixture("same"));
  hw::Catalog catalog;
  Host host(catalog);
  const auto a = host.bind(chipFor("same-a")), b = host.bind(chipFor("same-b"));
  ASSERT_TRUE(a.ok()) << a.error().text();
  ASSERT_TRUE(b.ok()) << b.error().text();
  const work::Kernel kernel = matmul(DType::bf16, 8, 8, 8);
  EXPECT_EQ(priced(*a, kernel).latency_us, 1);
  EXPECT_EQ(priced(*b, kernel).latency_us, 2);
}

class Example : public ::testing::TestWithParam<const char *> {};

TEST_P(Example, PricesEveryOperation) {
  const PluginPath path(MANSARD_EXAMPLES);
  hw::Catalog catalog;
  Host host(catalog);
  const auto model = host.open(GetParam());
  ASSERT_TRUE(model.ok()) << model.error().text();
  std::vector<mansard_kernel> kernels = test::oneOfEach();
  kernels[MANSARD_OP_MOE].u.moe.distribution = MANSARD_DISTRIBUTION_BALANCED;
  std::vector<mansard_estimate> out(kernels.size());
  const auto done = model->estimate(kernels, out);
  ASSERT_TRUE(done.ok()) << done.error().text();
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op) {
    EXPECT_EQ(out[op].status, MANSARD_OK) << work::describe(kernels[op]);
    EXPECT_GT(out[op].latency_us, 3) << "the launch alone takes 3 us";
  }
  // 2 x 4096^3 operations on 16 cores x 8192 a clock x 1.5 GHz; 4096 fills the array.
  const double matrix_us = 2.0 * 4096 * 4096 * 4096 / (16 * 8192 * 1.5e9) * 1e6;
  EXPECT_EQ(out[MANSARD_OP_MATMUL].bound, MANSARD_BOUND_MATRIX);
  EXPECT_NEAR(out[MANSARD_OP_MATMUL].latency_us, matrix_us + 3, 0.02 * matrix_us);
  EXPECT_EQ(out[MANSARD_OP_VECTOR].bound, MANSARD_BOUND_DRAM);
  EXPECT_EQ(out[MANSARD_OP_COLLECTIVE].bound, MANSARD_BOUND_LINK);

  const mansard_kernel fp8 = matmul(DType::fp8, 64, 64, 64);
  EXPECT_EQ(priced(*model, fp8).status, MANSARD_ERROR_UNSUPPORTED);

  // Nobody has measured it: the interval says so.
  const Interval around = interval(*model, kernels[0], lasting(10, MANSARD_BOUND_DRAM));
  EXPECT_FALSE(around.known);
  EXPECT_EQ(around.low_us, 5);
  EXPECT_EQ(around.high_us, 20);
}

TEST_P(Example, RefusesAChipThatLacksItsNumbers) {
  const PluginPath path(MANSARD_EXAMPLES);
  hw::Catalog catalog;
  Host host(catalog);
  const std::string size = std::string(GetParam()) + ".array_size";
  const auto model = host.open(GetParam(), {{size, "0"}});
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::invalidInput);
  EXPECT_TRUE(contains(model.error().text(), size)) << model.error().text();
}

INSTANTIATE_TEST_SUITE_P(Language, Example, ::testing::Values("example-npu", "example-npu-c"),
                         [](const auto &info) {
                           return std::string(info.param) == "example-npu" ? "Cpp" : "C";
                         });

TEST(Interval, FollowsTheFamilysResidualsOfTheRegimeFirst) {
  const PluginPath path(fixture("same"));
  hw::Catalog catalog;
  Host host(catalog);
  hw::Chip chip = chipFor("same-a");
  chip.calibration["residual.gemm.p10"].value = 0.8;
  chip.calibration["residual.gemm.p90"].value = 1.3;
  chip.calibration["residual.gemm.fixed.p10"].value = 0.7;
  chip.calibration["residual.gemm.fixed.p90"].value = 1.6;
  chip.calibration["residual.gemm.l2.p90"].value = 1.1;
  chip.calibration["residual.vector.p10"].value = 1.3; // out of order: of no use
  chip.calibration["residual.vector.p90"].value = 0.8;
  const auto model = host.bind(chip);
  ASSERT_TRUE(model.ok()) << model.error().text();
  const mansard_kernel gemm = matmul(DType::bf16, 8, 8, 8);
  const Interval any = interval(*model, gemm, lasting(100, MANSARD_BOUND_DRAM));
  EXPECT_TRUE(any.known);
  EXPECT_DOUBLE_EQ(any.low_us, 80);
  EXPECT_DOUBLE_EQ(any.high_us, 130);
  const Interval fixed = interval(*model, gemm, lasting(100, MANSARD_BOUND_FIXED));
  EXPECT_TRUE(fixed.known);
  EXPECT_DOUBLE_EQ(fixed.low_us, 70);
  EXPECT_DOUBLE_EQ(fixed.high_us, 160);
  // Half a pair is none.
  EXPECT_DOUBLE_EQ(interval(*model, gemm, lasting(100, MANSARD_BOUND_L2)).high_us, 130);
  const auto vector = work::makeKernel(MANSARD_OP_VECTOR, DType::bf16, DType::bf16, DType::bf16);
  EXPECT_FALSE(interval(*model, vector, lasting(100, MANSARD_BOUND_DRAM)).known);
}

TEST(Interval, TakesTheDataTypesBandBeforeTheBounds) {
  const PluginPath path(fixture("same"));
  hw::Catalog catalog;
  Host host(catalog);
  hw::Chip chip = chipFor("same-a");
  for (const auto &[regime, high] : {std::pair{"", 1.3},
                                     {".fixed", 1.6},
                                     {".fp8", 1.4},
                                     {".fp8.fixed", 1.5}}) {
    chip.calibration[std::string("residual.gemm") + regime + ".p10"].value = 0.8;
    chip.calibration[std::string("residual.gemm") + regime + ".p90"].value = high;
  }
  const auto model = host.bind(chip);
  ASSERT_TRUE(model.ok()) << model.error().text();
  const auto high = [&](DType dtype, uint32_t bound) {
    return interval(*model, matmul(dtype, 8, 8, 8), lasting(100, bound)).high_us;
  };
  EXPECT_DOUBLE_EQ(high(DType::fp8, MANSARD_BOUND_FIXED), 150);
  EXPECT_DOUBLE_EQ(high(DType::fp8, MANSARD_BOUND_DRAM), 140);
  EXPECT_DOUBLE_EQ(high(DType::bf16, MANSARD_BOUND_FIXED), 160);
  EXPECT_DOUBLE_EQ(high(DType::bf16, MANSARD_BOUND_DRAM), 130);
}

TEST(Interval, IsWiderForAChipThatWasNotMeasured) {
  const PluginPath path(fixture("same"));
  hw::Catalog catalog;
  Host host(catalog);
  hw::Chip chip = chipFor("same-a");
  chip.calibration["residual.gemm.p10"].value = std::exp(-0.3);
  chip.calibration["residual.gemm.p90"].value = std::exp(0.3);
  chip.calibration["residual.gemm.measured.test-chip"].value = 100;
  chip.calibration["residual.unmeasured"].value = 0.4;
  const mansard_kernel gemm = matmul(DType::bf16, 8, 8, 8);
  const auto high = [&] {
    const auto model = host.bind(chip);
    EXPECT_TRUE(model.ok()) << model.error().text();
    return interval(*model, gemm, lasting(100, MANSARD_BOUND_DRAM)).high_us;
  };
  EXPECT_NEAR(high(), 100 * std::exp(0.3), 1e-9);
  chip.calibration.erase("residual.gemm.measured.test-chip");
  EXPECT_NEAR(high(), 100 * std::exp(0.5), 1e-9); // the root of 0.3 and 0.4 squared
  chip.calibration["residual.gemm.unmeasured"].value = 1.6;
  EXPECT_NEAR(high(), 100 * std::exp(std::hypot(0.3, 1.6)), 1e-9);
}

} // namespace
} // namespace mansard::host
