// Work given by its counts: groups on cores, and what is shared.

#include <mansard/base/custom_work.h>
#include <mansard/work/compiled_kernel.h>

#include <gtest/gtest.h>

#include <tuple>

namespace mansard {
namespace {

/// Ten cores; a unit of everything in a microsecond of a core, ten of the chip.
CustomRates unitRates() {
  CustomRates rates;
  rates.cores = 10;
  rates.clocksPerUs = 1000;
  rates.matrixOfChip = 10;
  rates.matrixOfCore = rates.vectorOfCore = rates.integerOfCore = rates.specialOfCore =
      rates.sramOfCore = rates.l2OfCore = 1;
  rates.l2Read = rates.l2Write = rates.dram = rates.link = 10;
  return rates;
}

TEST(CustomWork, SpreadsEvenlyWhereGroupsAreNotKnown) {
  mansard_custom u{};
  u.vector_operations = 20;
  u.integer_operations = 10;
  u.special_operations = 10;
  u.sram_bytes = 50;
  const CustomWork work = customWork(u, unitRates());
  EXPECT_DOUBLE_EQ(work.busy[MANSARD_BOUND_VECTOR], 4);
  EXPECT_DOUBLE_EQ(work.busy[MANSARD_BOUND_SRAM], 5);
  EXPECT_EQ(work.rounds, 0);
  EXPECT_EQ(work.cores, 10);
}

TEST(CustomWork, FewGroupsUseFewCores) {
  mansard_custom u{};
  u.matrix_operations = u.vector_operations = u.sram_bytes = 20;
  u.groups = 2;
  const CustomWork work = customWork(u, unitRates());
  EXPECT_EQ(work.cores, 2);
  for (uint32_t bound : {MANSARD_BOUND_MATRIX, MANSARD_BOUND_VECTOR, MANSARD_BOUND_SRAM})
    EXPECT_DOUBLE_EQ(work.busy[bound], 10) << bound; // each of the two has half
}

TEST(CustomWork, ALastRoundTakesAsLongAsAFullOne) {
  mansard_custom u{};
  u.vector_operations = 11;
  u.groups = 11;
  EXPECT_DOUBLE_EQ(customWork(u, unitRates()).busy[MANSARD_BOUND_VECTOR], 2);
  u.groups = 10;
  u.vector_operations = 10;
  EXPECT_DOUBLE_EQ(customWork(u, unitRates()).busy[MANSARD_BOUND_VECTOR], 1);
}

TEST(CustomWork, DramIsSharedAndACoresPortIsNot) {
  mansard_custom u{};
  u.read_bytes = 30;
  u.write_bytes = 10;
  u.l2_bytes = 60;
  CustomWork work = customWork(u, unitRates());
  EXPECT_DOUBLE_EQ(work.busy[MANSARD_BOUND_DRAM], 4);
  EXPECT_DOUBLE_EQ(work.busy[MANSARD_BOUND_L2], 10);
  u.groups = 1; // all of it through one port
  work = customWork(u, unitRates());
  EXPECT_DOUBLE_EQ(work.busy[MANSARD_BOUND_DRAM], 4);
  EXPECT_DOUBLE_EQ(work.busy[MANSARD_BOUND_L2], 100);
}

TEST(CustomWork, AGroupsClocksAreALeastTime) {
  mansard_custom u{};
  u.vector_operations = 1;
  u.groups = 25;
  u.group_cycles = 2000;
  EXPECT_DOUBLE_EQ(customWork(u, unitRates()).busy[MANSARD_BOUND_VECTOR], 3 * 2000 / 1000.0);
  u.vector_operations = 1000;
  EXPECT_DOUBLE_EQ(customWork(u, unitRates()).busy[MANSARD_BOUND_VECTOR], 3 * 1000 / 25.0);
}

TEST(CustomWork, ALaneDoesOneIntegerForTwoFloatOperations) {
  mansard_chip chip{};
  EXPECT_EQ(integerRate(chip, 256), 128);
  chip.vector_ops_per_s[MANSARD_DTYPE_INT32] = 64;
  EXPECT_EQ(integerRate(chip, 256), 64);
}

TEST(CustomKernel, CountsWhatWarpsIssue) {
  work::KernelCounts counts;
  counts.floatOperations[MANSARD_DTYPE_FP32] = 100;
  counts.integerOperations = 50;
  counts.warpShare = 0.5;
  counts.dramRead = 10;
  counts.dramWritten = 5;
  counts.l2Bytes = 40;
  counts.sharedTraffic = 7;
  counts.cacheTraffic = 2;
  counts.groups = 3;
  const work::Kernel kernel = work::customKernel(counts);
  EXPECT_EQ(kernel.op, MANSARD_OP_CUSTOM);
  EXPECT_EQ(kernel.dtype, MANSARD_DTYPE_FP32);
  EXPECT_EQ(kernel.u.custom.vector_operations, 200);
  EXPECT_EQ(kernel.u.custom.integer_operations, 100);
  EXPECT_EQ(kernel.u.custom.l2_bytes, 25); // beyond what DRAM moves
  EXPECT_EQ(kernel.u.custom.sram_bytes, 9);
  EXPECT_EQ(kernel.u.custom.groups, 3);
  counts.matrixOperations[MANSARD_DTYPE_BF16] = 1;
  EXPECT_EQ(work::customKernel(counts).dtype, MANSARD_DTYPE_BF16);
}

TEST(CustomKernel, RunsOnItsVendorsChips) {
  hw::Chip chip;
  chip.id = "chip";
  for (const auto &[model, nvptx, amdgcn] : {std::tuple{"nvidia", true, false},
                                             {"hygon", false, true},
                                             {"ascend", false, false},
                                             {"cambricon", false, false},
                                             {"generic", true, true},
                                             {"theirs", true, true}}) {
    chip.model = model;
    EXPECT_EQ(work::checkTriple("nvptx64-nvidia-cuda", chip).ok(), nvptx) << model;
    EXPECT_EQ(work::checkTriple("amdgcn-amd-amdhsa", chip).ok(), amdgcn) << model;
    EXPECT_TRUE(work::checkTriple("x86_64-linux-gnu", chip).ok()) << model;
  }
}

} // namespace
} // namespace mansard
