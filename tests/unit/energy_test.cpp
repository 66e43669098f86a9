// Energy of operations, bytes and time, and what a cap on power does to the clock.
#include "family_fixture.h"
#include "one_of_each.h"

#include <mansard/base/power_cap.h>
#include <mansard/economics/energy.h>
#include <mansard/hw/chip_energy.h>

#include <gtest/gtest.h>

#include <cmath>

namespace mansard::economics {
namespace {

using test::Opened;

constexpr double kSecond_us = 1e6;

EnergyModel modelOf(const char *target, const std::vector<hw::Override> &overrides = {}) {
  return EnergyModel(Opened(target, overrides).description());
}

double sum(const Energy &e) { return e.compute + e.sram + e.dram + e.link + e.fixed; }

TEST(Energy, IsThatOfAWorkedExample) {
  // A100 in TSMC N7: 0.25 pJ of a 16-bit operation, 1.06 pJ a byte of a scratchpad, 0.85 of an
  // operation on 32 bits; HBM2E 3.9 pJ a bit; 55 of 400 W when idle.
  const hw::EnergyConstants &c = hw::kEnergyConstants;
  const EnergyModel model = modelOf("a100-sxm-80gb");
  ASSERT_TRUE(model.known());
  const Energy energy = model.activity({.matrixOperations = 1e14,
                                        .vectorOperations = 1e12,
                                        .dtype = MANSARD_DTYPE_BF16,
                                        .dramBytes = 1e12,
                                        .linkBytes = 1e11});
  EXPECT_NEAR(energy.compute,
              100 * (0.25 + c.matrixAccesses * 1.06 * 2) + 0.85 + c.vectorAccesses * 1.06 * 4,
              1e-9);
  EXPECT_NEAR(energy.dram, 8 * 3.9, 1e-9);
  EXPECT_NEAR(energy.sram, 8 * c.path_pJ_per_bit, 1e-9);
  EXPECT_NEAR(energy.link, 0.8 * c.link_pJ_per_bit, 1e-9);
  EXPECT_NEAR(model.static_W(), 55 + c.activeShare * 345, 1e-9);
}

TEST(Energy, GrowsAsOperationsAndBytesDo) {
  const EnergyModel model = modelOf("h100-sxm");
  const Energy once = model.activity({.matrixOperations = 1e12, .dramBytes = 1e9});
  const Energy bytes = model.activity({.matrixOperations = 1e12, .dramBytes = 3e9});
  EXPECT_DOUBLE_EQ(bytes.dram, 3 * once.dram);
  EXPECT_DOUBLE_EQ(bytes.sram, 3 * once.sram);
  EXPECT_DOUBLE_EQ(bytes.compute, once.compute);
  const Energy narrow =
      model.activity({.matrixOperations = 1e12, .dtype = MANSARD_DTYPE_FP8, .dramBytes = 1e9});
  EXPECT_LT(narrow.compute, once.compute);
  EXPECT_GT(narrow.compute, 0.25 * once.compute);
}

TEST(Energy, PartsSumToATotalThatNoPackageExceeds) {
  const std::vector<mansard_kernel> kernels = test::oneOfEach();
  for (const char *target : {"v100-sxm2", "a100-sxm-80gb", "h100-sxm", "b200-sxm", "ascend-910b",
                             "ascend-910c", "mlu590", "dcu-bw1000", "mi300x", "tpu-v5e"}) {
    const Opened opened(target);
    const EnergyModel model(opened.description());
    ASSERT_TRUE(model.known()) << target;
    for (const mansard_kernel &kernel : kernels) {
      const mansard_estimate estimate = opened.estimate(kernel);
      if (estimate.status != MANSARD_OK)
        continue;
      const Energy energy = model.kernel(kernel, estimate);
      const Energy watts =
          model.packagePower(energy, estimate.latency_us, estimate.latency_us, model.devices());
      EXPECT_DOUBLE_EQ(sum(watts), watts.total());
      EXPECT_LE(watts.total(), model.cap_W() * (1 + 1e-12)) << target << " op " << kernel.op;
      EXPECT_GE(watts.total(), model.static_W() * (1 - 1e-12)) << target << " op " << kernel.op;
      EXPECT_EQ(energy.fixed, 0);
    }
  }
}

TEST(Energy, OfAStepIsThatOfItsKernelsAndOfItsTime) {
  const Opened opened("h100-sxm");
  const EnergyModel model(opened.description());
  work::Program program;
  std::vector<mansard_estimate> estimates;
  double total_us = 0, kernels_J = 0;
  for (const mansard_kernel &kernel : test::oneOfEach()) {
    program.steps.push_back({work::internKernel(program, kernel), 3, 0, 0, "step"});
    estimates.push_back(opened.estimate(kernel));
    total_us += 3 * estimates.back().latency_us;
    kernels_J += 3 * model.kernel(kernel, estimates.back()).total();
  }
  const Energy step = model.step(program, estimates, total_us);
  EXPECT_NEAR(step.dynamic(), kernels_J, 1e-9 * kernels_J);
  EXPECT_NEAR(step.fixed, model.static_W() * total_us * 1e-6, 1e-12);
  // In half the time, side by side, it takes no more than there is.
  const Energy cut = model.step(program, estimates, total_us / 50);
  EXPECT_NEAR(cut.total(), model.cap_W() * total_us / 50 * 1e-6, 1e-9 * cut.total());
}

TEST(Energy, ThrottledMatmulsTakeAboutTheDesignPower) {
  const Opened opened("h100-sxm");
  const EnergyModel model(opened.description());
  work::Kernel kernel = test::bf16(MANSARD_OP_MATMUL);
  kernel.u.matmul = {8192, 8192, 8192, 0, 0, 0, 0, 0, 0};
  const mansard_estimate estimate = opened.estimate(kernel);
  const double power_W = model.package_W(model.kernel(kernel, estimate), estimate.latency_us, 1);
  EXPECT_GT(power_W, 0.95 * 700);
  EXPECT_LE(power_W, 700);
}

TEST(Energy, AnIdlePackageTakesItsIdlePowerAndABusyOneMore) {
  const EnergyModel model = modelOf("h200-sxm");
  EXPECT_NEAR(model.packagePower({}, kSecond_us, 0, 1).total(), 80.3, 1e-9);
  EXPECT_NEAR(model.packagePower({}, kSecond_us, kSecond_us, 1).total(), model.static_W(), 1e-9);
  EXPECT_GT(model.static_W(), 80.3);
}

TEST(Energy, BothDevicesOfAPackageCount) {
  const EnergyModel model = modelOf("ascend-910c");
  ASSERT_EQ(model.devices(), 2);
  const Energy energy = model.activity({.dramBytes = 1e11});
  const double one = model.package_W(energy, kSecond_us, 1),
               both = model.package_W(energy, kSecond_us, 2);
  EXPECT_NEAR(both - one, energy.dynamic(), 1e-9);
  EXPECT_NEAR(one - model.static_W(), energy.dynamic(), 1e-9);
}

TEST(Energy, IsNotKnownWithoutAProcess) {
  EXPECT_FALSE(modelOf("enflame-l600").known()); // its process is not told
}

TEST(Energy, WhatADescriptionStatesStays) {
  const double derived = hw::matrixEnergy_pJ(Opened("mi300x").description(), MANSARD_DTYPE_BF16);
  const Opened stated("mi300x", {{"energy.matrix_pJ.bf16", "0.5"}});
  EXPECT_NE(derived, 0.5);
  EXPECT_EQ(hw::matrixEnergy_pJ(stated.description(), MANSARD_DTYPE_BF16), 0.5);
  // Operations at a higher clock take more, as its square.
  const double clock = Opened("mi300x").description().number("compute.clock_GHz");
  const Opened faster("mi300x", {{"compute.clock_GHz", std::to_string(1.2 * clock)}});
  EXPECT_NEAR(hw::matrixEnergy_pJ(faster.description(), MANSARD_DTYPE_BF16), 1.44 * derived,
              1e-6 * derived);
}

TEST(PowerCap, LowersTheClockOfMatmulsByTheCubeRootOfWhatIsLeft) {
  // A package spends its static power whatever it does.
  const std::vector<hw::Override> capped{{"power.tdp_W", "450"}};
  const double static_W = modelOf("h100-sxm").static_W();
  const double slower = Opened("h100-sxm", capped).matmul(16384, 16384, 16384).latency_us /
                        Opened("h100-sxm").matmul(16384, 16384, 16384).latency_us;
  EXPECT_NEAR(slower, std::cbrt((700 - static_W) / (450 - static_W)), 0.02);
}

TEST(PowerCap, SlowsMatmulsOfEveryFamilyAndCopiesOfNone) {
  for (const char *target :
       {"a100-sxm-80gb", "h100-sxm", "ascend-910b", "mlu590", "dcu-bw1000", "mi300x"}) {
    const Opened shipped(target);
    const double tdp_W = shipped.chip().tdp_watts;
    double before = 0;
    for (const double share : {1.0, 0.7, 0.5, 0.35}) {
      const Opened capped(target, {{"power.tdp_W", std::to_string(share * tdp_W)}});
      const double matmul_us = capped.matmul(8192, 8192, 8192).latency_us;
      EXPECT_GE(matmul_us, before) << target << " at " << share;
      before = matmul_us;
      work::Kernel copy = test::bf16(MANSARD_OP_VECTOR);
      copy.u.vector = {8192, 8192, 0, MANSARD_VECTOR_COPY, 0};
      EXPECT_EQ(capped.estimate(copy).latency_us, shipped.estimate(copy).latency_us) << target;
    }
    EXPECT_GT(before, 1.1 * shipped.matmul(8192, 8192, 8192).latency_us) << target;
  }
}

TEST(PowerCap, LeavesChipsWithoutADesignPowerAlone) {
  mansard_chip chip{};
  chip.matrix_ops_per_s[MANSARD_DTYPE_BF16] = 1e15;
  const auto numbers = [](std::string_view key, double none) {
    return key == "energy.matrix_pJ.bf16" ? 1.0 : key == "power.static_W" ? 200 : none;
  };
  EXPECT_EQ(powerCap(chip, numbers).usPerOperation[MANSARD_DTYPE_BF16], 0);
  chip.tdp_watts = 325; // 125 W for 1000 W of operations: half the clock
  EXPECT_NEAR(powerCap(chip, numbers).most(MANSARD_DTYPE_BF16), 0.5e9, 1e-3);
  EXPECT_EQ(powerCap(chip, numbers).usPerOperation[MANSARD_DTYPE_FP8], 0);
}

} // namespace
} // namespace mansard::economics
