// A plugin that breaks its contract at run time yields an error that names it, never a crash and
// never a wrong number.

#include "fixture.h"

#include "plugins/misbehaving.h"

namespace mansard::host {
namespace {

class Contract : public ::testing::Test {
protected:
  Result<Model> bind(Way way) {
    return host_.bind(chipFor("misbehaving", {{"misbehaving.way", static_cast<double>(way)},
                                              {"misbehaving.needed_KiB", 1}}));
  }

  PluginPath path_{fixture("misbehaving")};
  hw::Catalog catalog_;
  Host host_{catalog_};
};

TEST_F(Contract, KeptYieldsEstimates) {
  const auto model = bind(Way::none);
  ASSERT_TRUE(model.ok()) << model.error().text();
  const std::vector<mansard_kernel> kernels(3, matmul(DType::bf16, 64, 64, 64));
  std::vector<mansard_estimate> out(3);
  const auto done = model->estimate(kernels, out);
  ASSERT_TRUE(done.ok()) << done.error().text();
  for (const mansard_estimate &estimate : out) {
    EXPECT_EQ(estimate.struct_size, sizeof(mansard_estimate));
    EXPECT_EQ(estimate.latency_us, 2);
    EXPECT_EQ(estimate.operations, 0) << "what the plugin left alone is zero";
  }
}

TEST_F(Contract, UndeclaredKeyIsRefusedWithTheNearest) {
  const auto model = host_.bind(
      chipFor("misbehaving", {{"misbehaving.neded_KiB", 1}, {"misbehaving.needed_KiB", 1}}));
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::invalidInput);
  EXPECT_TRUE(contains(model.error().text(), "'misbehaving.neded_KiB'")) << model.error().text();
  EXPECT_TRUE(contains(model.error().text(), "did you mean 'misbehaving.needed_KiB'"));
  EXPECT_TRUE(contains(model.error().text(), "test-chip.toml"));
}

TEST_F(Contract, MissingRequiredKeyIsNamedWithItsMeaning) {
  const auto model = host_.bind(chipFor("misbehaving"));
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::invalidInput);
  EXPECT_TRUE(contains(model.error().text(), "'misbehaving.needed_KiB': a size (KiB)"))
      << model.error().text();
}

struct Breach {
  Way way;
  const char *name, *complaint;
};

class CreateBreach : public Contract, public ::testing::WithParamInterface<Breach> {};

TEST_P(CreateBreach, IsAnErrorOfThePlugin) {
  const auto model = bind(GetParam().way);
  ASSERT_FALSE(model.ok());
  EXPECT_TRUE(contains(model.error().text(), GetParam().complaint)) << model.error().text();
  EXPECT_TRUE(contains(model.error().text(), "'misbehaving'")) << model.error().text();
}

INSTANTIATE_TEST_SUITE_P(
    Create, CreateBreach,
    ::testing::Values(Breach{Way::createThrows, "Throws", "thrown in create"},
                      Breach{Way::createThrowsNumber, "ThrowsANumber", "create() threw"},
                      Breach{Way::createFailsSilently, "FailsSilently", "status 4"},
                      Breach{Way::createClaimsALongerMessage, "ClaimsALongerMessage", ""},
                      Breach{Way::createMakesNothing, "MakesNothing", "no instance"}),
    [](const auto &info) { return std::string(info.param.name); });

class EstimateBreach : public Contract, public ::testing::WithParamInterface<Breach> {};

TEST_P(EstimateBreach, IsAnErrorOfThePluginThatNamesTheKernel) {
  const auto model = bind(GetParam().way);
  ASSERT_TRUE(model.ok()) << model.error().text();
  const std::vector<mansard_kernel> kernels(3, matmul(DType::bf16, 64, 64, 64));
  std::vector<mansard_estimate> out(3);
  const auto done = model->estimate(kernels, out);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, ErrorCode::pluginFailed);
  EXPECT_TRUE(contains(done.error().text(), GetParam().complaint)) << done.error().text();
  EXPECT_TRUE(contains(done.error().text(), "plugin 'misbehaving'")) << done.error().text();
  if (!contains(GetParam().complaint, "estimate()")) {
    EXPECT_TRUE(contains(done.error().text(), "kernel 2 (gemm)")) << done.error().text();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Estimate, EstimateBreach,
    ::testing::Values(
        Breach{Way::estimateThrows, "Throws", "estimate() threw: thrown in estimate"},
        Breach{Way::estimateThrowsNumber, "ThrowsANumber", "estimate() threw"},
        Breach{Way::refusesTheCall, "RefusesTheCall", "estimate() returned status 4"},
        Breach{Way::forgetsOne, "ForgetsOne", "no estimate was written"},
        Breach{Way::notANumber, "NotANumber", "latency_us is nan"},
        Breach{Way::infinite, "Infinite", "latency_us is inf"},
        Breach{Way::negative, "Negative", "latency_us is -1"},
        Breach{Way::negativePart, "NegativePart", "the part of link is -1"},
        Breach{Way::wrongSum, "WrongSum", "the parts sum to 2.01 us, the latency is 2 us"},
        Breach{Way::unknownBound, "UnknownBound", "bound 7"},
        Breach{Way::notTheBound, "NotTheBound", "bound is matrix"},
        Breach{Way::unknownStatus, "UnknownStatus", "status 1000"},
        Breach{Way::negativeBytes, "NegativeBytes", "bytes read -1"},
        Breach{Way::notANumberOfOperations, "NotANumberOfOperations", "operations nan"},
        Breach{Way::overwritesSize, "OverwritesSize", "struct_size"}),
    [](const auto &info) { return std::string(info.param.name); });

TEST_F(Contract, ThrowingDestructionIsSurvived) {
  const auto model = bind(Way::destroyThrows);
  EXPECT_TRUE(model.ok());
}

TEST_F(Contract, CallersMistakesAreErrorsToo) {
  const auto model = bind(Way::none);
  ASSERT_TRUE(model.ok());
  std::vector<mansard_kernel> kernels(2, matmul(DType::bf16, 64, 64, 64));
  std::vector<mansard_estimate> one(1), two(2);
  EXPECT_FALSE(model->estimate(kernels, one).ok());
  kernels[1].struct_size = 0;
  const auto done = model->estimate(kernels, two);
  ASSERT_FALSE(done.ok());
  EXPECT_TRUE(contains(done.error().text(), "kernel 1 has a struct_size of 0"));
}

class TileFitBreach : public Contract, public ::testing::WithParamInterface<Breach> {};

TEST_P(TileFitBreach, IsAnErrorOfThePlugin) {
  const auto model = bind(GetParam().way);
  ASSERT_TRUE(model.ok()) << model.error().text();
  work::Kernel kernel = matmul(DType::bf16, 64, 64, 64);
  EXPECT_TRUE(model->fitTile(kernel).ok()) << "it is not asked where no tile is stated";
  EXPECT_FALSE(model->fitTile(kernel)->has_value());
  kernel.u.matmul.tile_m = kernel.u.matmul.tile_n = 16;
  const auto fit = model->fitTile(kernel);
  if (!*GetParam().complaint) {
    ASSERT_TRUE(fit.ok()) << fit.error().text();
    EXPECT_TRUE((*fit)->fits);
    EXPECT_LE((*fit)->text.size(), 1024u) << "no more than the host's buffer";
    return;
  }
  ASSERT_FALSE(fit.ok());
  EXPECT_EQ(fit.error().code, ErrorCode::pluginFailed);
  EXPECT_TRUE(contains(fit.error().text(), GetParam().complaint)) << fit.error().text();
  EXPECT_TRUE(contains(fit.error().text(), "'misbehaving'")) << fit.error().text();
}

INSTANTIATE_TEST_SUITE_P(
    TileFit, TileFitBreach,
    ::testing::Values(Breach{Way::none, "Kept", ""},
                      Breach{Way::fitThrows, "Throws", "thrown in explain"},
                      Breach{Way::fitTableTooSmall, "TableTooSmall", "too small"},
                      Breach{Way::fitUnknownStatus, "UnknownStatus", "status 1000"},
                      Breach{Way::fitClaimsALongerLine, "ClaimsALongerLine", ""}),
    [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace mansard::host
