// Counts of GPU kernels (tests/kernels/device.c and work_items.cl) for warps of 32 and waves of 64,
// against numbers worked by hand.
#include "kernel_counts_fixture.h"

namespace mansard::ir::testing {
namespace {

class DeviceKernels : public ::testing::TestWithParam<const char *> {
protected:
  Ask ask(const char *function) const { return {GetParam(), function}; }
  bool nvidia() const { return std::string(GetParam()).starts_with("nvptx64"); }
  double warp() const { return nvidia() ? 32 : 64; }
};

TEST_P(DeviceKernels, SaxpyLeavesOutThreadsBeyondTheEnd) {
  const auto counts = ask("saxpy").arg("n", 1000).launch({4, 1, 1}, {256, 1, 1}).count();
  EXPECT_EQ(counts.warp, warp());
  EXPECT_EQ(counts.threads, 1024);
  EXPECT_EQ(counts.groups, 4);
  EXPECT_EQ(counts.groupsPerCore, 8); // 2048 threads
  EXPECT_EQ(float32(counts), 2000);
  EXPECT_EQ(counts.branches, 1024);
  EXPECT_EQ(counts.bytes[0], 12000);
  EXPECT_EQ(counts.distinctRead, 8000);
  EXPECT_EQ(counts.distinctWritten, 4000);
  const auto x = access(counts, "x", false);
  EXPECT_EQ(x.pattern, work::Pattern::coalesced);
  EXPECT_EQ(x.stride, 4);
  EXPECT_EQ(x.executions, 1000);
  // 125 sectors of eight floats, over 32 warps or 16 waves.
  EXPECT_EQ(x.sectorsEach, nvidia() ? 125 / 32.0 : 125 / 16.0);
  EXPECT_EQ(counts.transactionBytes, 3 * 4000);
  // Every warp has an element, so all lanes are issued to; 1000 of 1024 are active in the body.
  EXPECT_LT(counts.warpShare, 1);
  EXPECT_GT(counts.warpShare, 0.97);
}

TEST_P(DeviceKernels, AGridStrideLoopSharesTheElements) {
  const auto counts = ask("saxpy_strided").arg("n", 100000).launch({40, 1, 1}, {256, 1, 1}).count();
  EXPECT_EQ(float32(counts), 200000);
  ASSERT_EQ(counts.loops.size(), 1u);
  EXPECT_DOUBLE_EQ(counts.loops[0].turns, 100000.0 / 10240);
  EXPECT_EQ(counts.distinctRead, 800000);
}

TEST_P(DeviceKernels, StencilSkipsItsBorder) {
  const auto counts =
      ask("stencil").arg("w", 64).arg("h", 32).launch({2, 4, 1}, {32, 8, 1}).count();
  const double points = 62 * 30;
  EXPECT_EQ(float32(counts), 5 * points);
  EXPECT_EQ(counts.bytes[0], 6 * 4 * points);
  EXPECT_EQ(counts.distinctWritten, 4 * points);
  EXPECT_NEAR(counts.distinctRead, 4 * (64 * 32 - 4), 0.01 * 4 * 64 * 32);
}

TEST_P(DeviceKernels, ReduceHalvesItsThreads) {
  const auto counts = ask("reduce").arg("n", 1000).launch({4, 1, 1}, {256, 1, 1}).count();
  EXPECT_EQ(float32(counts), 4 * 255); // 128 + 64 + ... + 1
  EXPECT_EQ(counts.barriers, 1024 * (1 + 8));
  EXPECT_EQ(counts.staticShared, 1024);
  // A store of each thread, two loads and a store of each addition, one load of the sum.
  EXPECT_EQ(counts.bytes[1], 4 * 4 * (256 + 3 * 255 + 1));
  EXPECT_EQ(counts.distinctRead, 4000);
  EXPECT_EQ(counts.distinctWritten, 16);
  ASSERT_EQ(counts.loops.size(), 1u);
  EXPECT_EQ(counts.loops[0].turns, 8);
  for (const work::BlockFrequency &block : counts.blocks)
    if (block.name == "if.then") {
      EXPECT_DOUBLE_EQ(block.perThread, 255 / 256.0);
      // 128 threads are 4 warps or 2 waves, 64 are 2 or 1, and six more halvings take one each.
      EXPECT_DOUBLE_EQ(block.perWarp, nvidia() ? (4 + 2 + 6) / 8.0 : (2 + 1 + 6) / 4.0);
    }
}

TEST_P(DeviceKernels, NaiveTransposeStoresASectorForEachThread) {
  const auto counts = ask("transpose_naive").arg("n", 256).launch({8, 8, 1}, {32, 32, 1}).count();
  const auto in = access(counts, "in", false), out = access(counts, "out", true);
  EXPECT_EQ(in.sectorsEach, warp() / 8);
  // 32 columns of n floats apart; a wave has two neighbours of each.
  EXPECT_EQ(out.sectorsEach, 32);
  if (nvidia()) {
    EXPECT_EQ(out.pattern, work::Pattern::strided);
    EXPECT_EQ(out.stride, 1024);
  }
  EXPECT_EQ(counts.distinctRead, 4 * 256 * 256);
  EXPECT_EQ(counts.distinctWritten, 4 * 256 * 256);
}

TEST_P(DeviceKernels, TiledTransposeTradesThemForBankConflicts) {
  const auto tiled = ask("transpose_tiled").arg("n", 256).launch({8, 8, 1}, {32, 32, 1}).count();
  EXPECT_EQ(tiled.transactionBytes, 2 * 4 * 256 * 256);
  EXPECT_EQ(access(tiled, "@tile", false).conflicts, 32);
  EXPECT_EQ(tiled.sharedTraffic, 4 * 256 * 256 * (1 + 32));
  EXPECT_EQ(tiled.barriers, 256 * 256);
  const auto padded = ask("transpose_padded").arg("n", 256).launch({8, 8, 1}, {32, 32, 1}).count();
  EXPECT_EQ(access(padded, "@padded", false).conflicts, 1);
  EXPECT_EQ(padded.sharedTraffic, 2 * 4 * 256 * 256);
  EXPECT_EQ(padded.staticShared, 4 * 32 * 33);
}

TEST_P(DeviceKernels, SoftmaxStopsAtItsRows) {
  const auto counts =
      ask("softmax").arg("rows", 1000).arg("cols", 512).launch({8, 1, 1}, {128, 1, 1}).count();
  const double elements = 1000 * 512;
  EXPECT_EQ(counts.specialOperations, 3 * elements); // two exponentials, one division
  EXPECT_EQ(float32(counts), 5 * elements);          // maximum, two differences, sum, product
  EXPECT_EQ(counts.bytes[0], 4 * 4 * elements);
  EXPECT_EQ(counts.distinctRead, 4 * elements);
}

TEST_P(DeviceKernels, MatmulsDifferInWhatTheyAskTheMemoryFor) {
  const double n = 256, k = 128;
  const auto naive =
      ask("matmul_naive").arg("n", 256).arg("k", 128).launch({16, 16, 1}, {16, 16, 1}).count();
  const auto tiled =
      ask("matmul_tiled").arg("n", 256).arg("k", 128).launch({16, 16, 1}, {16, 16, 1}).count();
  for (const auto *counts : {&naive, &tiled}) {
    EXPECT_EQ(float32(*counts), 2 * n * n * k);
    EXPECT_EQ(counts->distinctRead, 2 * 4 * n * k);
    EXPECT_EQ(counts->distinctWritten, 4 * n * n);
    // Each group needs 16 rows and 16 columns of k once: what it finds again is in its core's
    // cache.
    EXPECT_EQ(counts->l2Bytes, 256 * (2 * 16 * k * 4) + 4 * n * n);
  }
  EXPECT_EQ(naive.bytes[0], 4 * (2 * n * n * k + n * n));
  EXPECT_EQ(tiled.bytes[0], 4 * (2 * n * n * k / 16 + n * n));
  EXPECT_EQ(tiled.bytes[1], 4 * (2 * n * n * k / 16 + 2 * n * n * k));
  EXPECT_EQ(tiled.barriers, n * n * 2 * k / 16);
  EXPECT_EQ(tiled.staticShared, 2 * 4 * 256);
  EXPECT_GT(naive.transactionBytes, 4 * tiled.transactionBytes);
  // Lanes that share a word still take it from the cache.
  EXPECT_EQ(naive.cacheTraffic, naive.bytes[0]);
}

TEST_P(DeviceKernels, LongLoopsNeedNoSteps) {
  // 2^22 turns: found by search, as scalar evolution gives no count of a loop with a barrier.
  const auto counts =
      ask("matmul_tiled").arg("n", 16).arg("k", 16 << 22).launch({1, 1, 1}, {16, 16, 1}).count();
  EXPECT_EQ(float32(counts), 2.0 * 16 * 16 * (16 << 22));
}

TEST_P(DeviceKernels, GatherAsksForItsTable) {
  Ask gather = ask("gather").arg("n", 1000).launch({4, 1, 1}, {256, 1, 1});
  EXPECT_NE(gather.error().find("--footprint 'table=BYTES'"), std::string::npos);
  const auto counts = gather.footprint("table", 65536).count();
  const auto table = access(counts, "table", false);
  EXPECT_EQ(table.pattern, work::Pattern::random);
  // Every active lane its own sector: 1000 over the warps that have any.
  EXPECT_EQ(table.sectorsEach, nvidia() ? 1000 / 32.0 : 1000 / 16.0);
  EXPECT_FALSE(counts.notes.empty());
}

TEST_P(DeviceKernels, HistogramAddsAtomically) {
  const auto counts = ask("histogram")
                          .arg("n", 1000)
                          .footprint("bins", 1024)
                          .launch({4, 1, 1}, {256, 1, 1})
                          .count();
  EXPECT_EQ(counts.atomics, 1000);
  EXPECT_EQ(counts.bytes[0], 8000);
  EXPECT_NEAR(counts.distinctWritten, 1024, 1e-6);
}

TEST_P(DeviceKernels, ScanDoublesItsDistance) {
  const auto counts = ask("scan").launch({4, 1, 1}, {256, 1, 1}).count();
  EXPECT_EQ(float32(counts), 1024 * 8);
  EXPECT_EQ(counts.barriers, 1024 * (1 + 2 * 8));
  // Threads that look back d = 1, 2 ... 128: 256 - d each.
  for (const work::AccessCount &one : counts.accesses)
    if (one.block == "cond.true") {
      EXPECT_EQ(one.executions, 4 * (8 * 256 - 255));
    }
}

TEST_P(DeviceKernels, CausalScoresAreATriangle) {
  const auto counts = ask("attention_score")
                          .arg("length", 128)
                          .arg("dim", 64)
                          .launch({8, 8, 1}, {16, 16, 1})
                          .count();
  const double pairs = 128 * 129 / 2;
  EXPECT_EQ(float32(counts), pairs * (2 * 64 + 1));
  EXPECT_EQ(counts.distinctRead, 2 * 4 * 128 * 64);
  EXPECT_EQ(counts.distinctWritten, 4 * pairs);
}

TEST_P(DeviceKernels, ALargeGridIsSampledWithItsEdge) {
  const int64_t n = (int64_t{1} << 30) - 77;
  const auto counts = ask("saxpy").arg("n", n).launch({1 << 22, 1, 1}, {256, 1, 1}).count();
  EXPECT_DOUBLE_EQ(float32(counts), 2.0 * static_cast<double>(n));
  EXPECT_EQ(counts.distinctWritten, 4.0 * static_cast<double>(n));
}

TEST_P(DeviceKernels, TheLaunchIsAskedFor) {
  EXPECT_NE(ask("saxpy").arg("n", 8).error().find("--block"), std::string::npos);
  EXPECT_NE(ask("saxpy").arg("n", 8).launch({}, {32, 1, 1}).error().find("--grid"),
            std::string::npos);
  EXPECT_NE(ask("saxpy").arg("n", 8).launch({1, 1, 1}, {2048, 1, 1}).error().find("at most 1024"),
            std::string::npos);
  EXPECT_NE(ask("softmax").arg("rows", 8).launch({1, 1, 1}, {32, 1, 1}).error().find("cols"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Targets, DeviceKernels,
                         ::testing::Values("nvptx64", "amdgcn", "nvptx64_unoptimised",
                                           "amdgcn_unoptimised"),
                         [](const auto &info) { return std::string(info.param); });

TEST(OpenClKernels, WorkItemFunctionsAreTheLaunch) {
  const auto counts =
      Ask("work_items", "saxpy").arg("n", 1000).launch({4, 1, 1}, {256, 1, 1}).count();
  EXPECT_EQ(float32(counts), 2000); // a fused multiply-add is two
  EXPECT_EQ(counts.distinctRead, 8000);
}

TEST(OpenClKernels, LocalArraysOfTheLaunchAreAskedFor) {
  Ask reduce = Ask("work_items", "reduce").launch({4, 1, 1}, {256, 1, 1});
  EXPECT_NE(reduce.error().find("--shared"), std::string::npos);
  const auto counts = reduce.shared(32 * 1024).count();
  EXPECT_EQ(float32(counts), 4 * 255);
  EXPECT_EQ(counts.groupsPerCore, 2); // 64 KiB of a core
}

TEST(OpenClKernels, TheModuleMayStateTheGroup) {
  const auto counts = Ask("work_items", "gelu").launch({4, 1, 1}, {}).count();
  EXPECT_EQ(counts.threads, 256);
  EXPECT_EQ(counts.specialOperations, 2 * 256); // tanh: an exponential, a reciprocal
  EXPECT_EQ(float32(counts), 7 * 256);          // three products, a sum, and three inside of tanh
  EXPECT_NE(Ask("work_items", "gelu").launch({4, 1, 1}, {128, 1, 1}).error().find("contradicts"),
            std::string::npos);
}

} // namespace
} // namespace mansard::ir::testing
