// Counts of host code (tests/kernels/host.c), optimised and not, against numbers worked by hand.
#include "kernel_counts_fixture.h"

#include <cmath>

namespace mansard::ir::testing {
namespace {

class HostKernels : public ::testing::TestWithParam<const char *> {
protected:
  Ask ask(const char *function) const { return {GetParam(), function}; }
};

TEST_P(HostKernels, SaxpyCountsEachElement) {
  const auto counts = ask("saxpy").arg("n", 1000).count();
  EXPECT_EQ(float32(counts), 2000); // a multiplication and an addition each
  // Each turn: two addresses, the counter, its comparison; once: whether there is any.
  EXPECT_EQ(counts.integerOperations, 4 * 1000 + 1);
  EXPECT_EQ(counts.distinctRead, 2 * 4000);
  EXPECT_EQ(counts.distinctWritten, 4000);
  EXPECT_EQ(counts.bytes[0], 12000);
  ASSERT_EQ(counts.loops.size(), 1u);
  EXPECT_EQ(counts.loops[0].turns, 1000);
  EXPECT_NE(counts.loops[0].expression.find("%n"), std::string::npos);
  EXPECT_EQ(counts.groups, 0); // no launch: spread over the chip
  EXPECT_FALSE(counts.notes.empty());
}

TEST_P(HostKernels, NoElementsAreNoWork) {
  const auto counts = ask("saxpy").arg("n", 0).count();
  EXPECT_EQ(float32(counts), 0);
  EXPECT_EQ(counts.bytes[0], 0);
}

TEST_P(HostKernels, StencilReadsNeighboursOnce) {
  const auto counts = ask("stencil").arg("w", 64).arg("h", 32).count();
  const double points = 62 * 30;
  EXPECT_EQ(float32(counts), 5 * points); // four additions, one multiplication
  EXPECT_EQ(counts.bytes[0], 6 * 4 * points);
  EXPECT_EQ(counts.distinctWritten, 4 * points);
  // All of the 64 x 32 but the corners; five shifted copies are merged by their distances.
  EXPECT_NEAR(counts.distinctRead, 4 * (64 * 32 - 4), 0.03 * 4 * 64 * 32);
}

TEST_P(HostKernels, MatmulCountsTwoOperationsForEachProduct) {
  const auto counts = ask("matmul").arg("m", 64).arg("n", 128).arg("k", 32).count();
  EXPECT_EQ(float32(counts), 2.0 * 64 * 128 * 32);
  EXPECT_EQ(counts.distinctRead, 4 * (64 * 32 + 32 * 128));
  EXPECT_EQ(counts.distinctWritten, 4 * 64 * 128);
  ASSERT_EQ(counts.loops.size(), 3u);
  EXPECT_EQ(counts.loops[2].turns, 32);
  EXPECT_EQ(counts.loops[2].entries, 64 * 128);
}

TEST_P(HostKernels, DotKeepsItsSumInARegister) {
  const auto counts = ask("dot").arg("n", 1000).count();
  EXPECT_EQ(float32(counts), 2000);
  EXPECT_EQ(counts.distinctRead, 8000);
  EXPECT_EQ(counts.distinctWritten, 0);
}

TEST_P(HostKernels, TransposeTouchesEachElementOnce) {
  const auto counts = ask("transpose").arg("n", 100).count();
  EXPECT_EQ(float32(counts), 0);
  EXPECT_EQ(counts.distinctRead, 40000);
  EXPECT_EQ(counts.distinctWritten, 40000);
}

TEST_P(HostKernels, SoftmaxHasAnExponentialAndADivisionForEachElement) {
  const auto counts = ask("softmax").arg("rows", 10).arg("cols", 100).count();
  EXPECT_EQ(counts.specialOperations, 2 * 1000);
  // Maximum, subtraction, scaling of the exponential's argument, sum, product with the reciprocal.
  EXPECT_EQ(float32(counts), 5 * 1000);
  // What the first loop has read the second finds again; so for what the second wrote.
  EXPECT_EQ(counts.distinctRead, 4000 + 4000);
  EXPECT_EQ(counts.dramRead, 8000);
  EXPECT_EQ(counts.distinctWritten, 4000);
}

TEST_P(HostKernels, TriangleAveragesItsInnerLoop) {
  const auto counts = ask("triangle").arg("n", 100).count();
  EXPECT_EQ(float32(counts), 100 * 101 / 2);
  ASSERT_EQ(counts.loops.size(), 2u);
  EXPECT_EQ(counts.loops[1].turns, 50.5);
}

TEST_P(HostKernels, LongTriangleIsSampledClosely) {
  const auto counts = ask("triangle").arg("n", 100000).count();
  EXPECT_NEAR(float32(counts), 1e5 * (1e5 + 1) / 2, 0.01 * 5e9);
}

TEST_P(HostKernels, GatherTouchesRandomSectors) {
  const auto counts = ask("gather").arg("n", 100).footprint("table", 4096).count();
  // 100 draws of 128 sectors leave a share of exp(-100/128) untouched.
  EXPECT_NEAR(counts.distinctRead, 400 + 4096 * (1 - std::exp(-100.0 / 128)), 1e-6);
  EXPECT_EQ(access(counts, "table", false).pattern, work::Pattern::random);
  EXPECT_EQ(counts.distinctWritten, 400);
}

TEST_P(HostKernels, GivenTurnsReplaceThoseThatDataDecides) {
  const auto counts =
      ask("csr_row").arg("row", 3).trip("for.body", 20).footprint("value", 8000).count();
  // One branch asks whether the row is empty: by probability.
  EXPECT_LE(float32(counts), 20);
  EXPECT_GE(float32(counts), 10);
}

TEST_P(HostKernels, WhatIsMissingIsAskedForByName) {
  EXPECT_NE(ask("saxpy").error().find("--arg n=..."), std::string::npos);
  EXPECT_NE(ask("gather").arg("n", 8).error().find("--footprint 'table=BYTES'"), std::string::npos);
  EXPECT_NE(ask("csr_row").arg("row", 3).error().find("--trip for.body=TURNS"), std::string::npos);
}

TEST_P(HostKernels, CallsThatCannotBeFollowedAreErrors) {
  EXPECT_NE(ask("apply").error().find("through a pointer"), std::string::npos);
  EXPECT_NE(ask("calls_unknown").error().find("@unknown"), std::string::npos);
}

TEST_P(HostKernels, GeometryIsNoBusinessOfAHost) {
  EXPECT_NE(ask("saxpy").arg("n", 8).launch({1, 1, 1}, {32, 1, 1}).error().find("--grid"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Optimised, HostKernels, ::testing::Values("host", "host_unoptimised"),
                         [](const auto &info) { return std::string(info.param); });

TEST(HostRecursion, IsAnErrorThatNamesTheCycle) {
  const std::string error = Ask("host_unoptimised", "factorial").arg("n", 5).error();
  EXPECT_NE(error.find("recursion: @factorial -> @factorial"), std::string::npos) << error;
}

} // namespace
} // namespace mansard::ir::testing
