// Kernels that clang compiled (tests/kernels) in the cycle model of a shipped chip: counts, clocks
// and occupancy together.
#include "kernel_counts_fixture.h"

#include <mansard/hw/catalog.h>
#include <mansard/work/compiled_kernel.h>

namespace mansard::ir::testing {
namespace {

using work::Port;

Result<work::CompiledKernel> compileFor(const Ask &ask, const std::string &target = "dcu-bw1000") {
  const auto chip = hw::Catalog().target(target, {});
  if (!chip)
    return chip.error();
  return compileKernel(ask.question, *chip);
}

work::CompiledKernel compiled(const Ask &ask, const std::string &target = "dcu-bw1000") {
  auto kernel = compileFor(ask, target);
  EXPECT_TRUE(kernel.ok() && kernel->cycles)
      << (kernel ? kernel->counts.notes.back() : kernel.error().text());
  work::CompiledKernel none;
  none.cycles.emplace();
  return kernel && kernel->cycles ? std::move(*kernel) : std::move(none);
}

double at(const work::PortClocks &clocks, Port port) { return clocks[static_cast<size_t>(port)]; }

TEST(CycleModelKernels, EveryOneOfThemHasClocks) {
  const Ask asks[] = {
      Ask("amdgcn", "saxpy").arg("n", 4096).launch({16, 1, 1}, {256, 1, 1}),
      Ask("amdgcn", "saxpy_strided").arg("n", 100000).launch({40, 1, 1}, {256, 1, 1}),
      Ask("amdgcn", "stencil").arg("w", 256).arg("h", 256).launch({8, 32, 1}, {32, 8, 1}),
      Ask("amdgcn", "reduce").arg("n", 4096).launch({16, 1, 1}, {256, 1, 1}),
      Ask("amdgcn", "transpose_naive").arg("n", 256).launch({16, 16, 1}, {16, 16, 1}),
      Ask("amdgcn", "transpose_tiled").arg("n", 256).launch({8, 8, 1}, {32, 32, 1}),
      Ask("amdgcn", "softmax").arg("rows", 512).arg("cols", 64).launch({2, 1, 1}, {256, 1, 1}),
      Ask("amdgcn", "matmul_naive").arg("n", 128).arg("k", 64).launch({8, 8, 1}, {16, 16, 1}),
      Ask("amdgcn", "matmul_tiled").arg("n", 128).arg("k", 64).launch({8, 8, 1}, {16, 16, 1}),
      Ask("amdgcn", "gather")
          .arg("n", 4096)
          .footprint("table", 1e6)
          .launch({16, 1, 1}, {256, 1, 1}),
      Ask("amdgcn", "histogram")
          .arg("n", 4096)
          .footprint("bins", 1024)
          .launch({16, 1, 1}, {256, 1, 1}),
      Ask("amdgcn", "scan").launch({16, 1, 1}, {256, 1, 1}),
      Ask("amdgcn", "attention_score")
          .arg("length", 64)
          .arg("dim", 64)
          .launch({4, 64, 1}, {16, 1, 1}),
      Ask("work_items", "saxpy").arg("n", 4096).launch({16, 1, 1}, {256, 1, 1}),
      Ask("work_items", "reduce").shared(1024).launch({16, 1, 1}, {256, 1, 1}),
      Ask("work_items", "gelu").launch({16, 1, 1}, {64, 1, 1}),
  };
  for (const Ask &ask : asks)
    for (const char *target : {"dcu-bw1000", "dcu-k100-ai"}) {
      SCOPED_TRACE(ask.question.function + " on " + target);
      const work::CompiledKernel kernel = compiled(ask, target);
      const work::KernelCycles &cycles = *kernel.cycles;
      EXPECT_EQ(cycles.isa, "gfx90a");
      EXPECT_GT(cycles.waveClocks, 0);
      EXPECT_GE(cycles.groupClocks * cycles.groupsPerCore, cycles.waveClocks * (1 - 1e-12));
      EXPECT_LE(cycles.waits.total(), cycles.waveClocks);
      for (const double clocks : cycles.portClocks)
        EXPECT_GE(cycles.groupClocks, clocks * (1 - 1e-12));
      EXPECT_EQ(kernel.kernel.u.custom.group_cycles, cycles.groupClocks);
    }
}

TEST(CycleModelKernels, ALoopsMultiplyAddsAreOneInstructionEachTurn) {
  const auto clocks = [](int k) {
    const auto kernel = compiled(
        Ask("amdgcn", "matmul_naive").arg("n", 128).arg("k", k).launch({8, 8, 1}, {16, 16, 1}));
    return at(kernel.cycles->busy, Port::vectorMemory);
  };
  // A turn loads two words of each lane: four clocks each.
  EXPECT_DOUBLE_EQ(clocks(128) - clocks(64), 64 * 2 * 4);
}

TEST(CycleModelKernels, APaddedTileSavesTheLdsItsConflicts) {
  const auto lds = [](const char *function) {
    return at(
        compiled(Ask("amdgcn", function).arg("n", 256).launch({8, 8, 1}, {32, 32, 1})).cycles->busy,
        Port::lds);
  };
  // Two accesses of two clocks; the tile's columns meet in one bank, 32 passes.
  EXPECT_DOUBLE_EQ(lds("transpose_padded"), 2 + 2);
  EXPECT_DOUBLE_EQ(lds("transpose_tiled"), 2 + 32 * 2);
}

TEST(CycleModelKernels, RowsOfALaneEachTakeALineEach) {
  // Lanes a row apart: a wave's load touches 64 lines, not four.
  const auto kernel = compiled(
      Ask("amdgcn", "softmax").arg("rows", 512).arg("cols", 64).launch({2, 1, 1}, {256, 1, 1}));
  // Four accesses in each of 64 turns, 64 sectors of 32 bytes at 64 bytes a clock.
  EXPECT_NEAR(at(kernel.cycles->busy, Port::vectorMemory), 4 * 64 * 32, 4 * 64);
}

TEST(CycleModelKernels, AChipWithoutAStandInHasCountsOnly) {
  const auto kernel = compileFor(
      Ask("nvptx64", "saxpy").arg("n", 4096).launch({16, 1, 1}, {256, 1, 1}), "h100-sxm");
  ASSERT_TRUE(kernel) << kernel.error().text();
  EXPECT_FALSE(kernel->cycles);
}

TEST(CycleModelKernels, ALaunchThatNoCoreCanHoldIsRefused) {
  const auto kernel =
      compileFor(text("target triple = \"amdgcn-amd-amdhsa\"\n"
                      "@t = internal addrspace(3) global [20000 x i32] undef\n"
                      "define amdgpu_kernel void @k(i32 %i) {\n"
                      "  %a = getelementptr i32, ptr addrspace(3) @t, i32 %i\n"
                      "  store volatile i32 %i, ptr addrspace(3) %a\n  ret void\n}\n")
                     .arg("i", 0)
                     .launch({1, 1, 1}, {64, 1, 1}));
  ASSERT_FALSE(kernel);
}

TEST(CycleModelKernels, CodeThatTheStandInLacksIsPricedByCountsAndSaysSo) {
  const auto kernel =
      compileFor(text("target triple = \"amdgcn-amd-amdhsa\"\n"
                      "declare double @llvm.sin.f64(double)\n"
                      "define amdgpu_kernel void @k(ptr addrspace(1) %p, double %x) {\n"
                      "  %y = call double @llvm.sin.f64(double %x)\n"
                      "  store double %y, ptr addrspace(1) %p\n  ret void\n}\n")
                     .launch({1, 1, 1}, {64, 1, 1}));
  ASSERT_TRUE(kernel) << kernel.error().text();
  EXPECT_FALSE(kernel->cycles);
  EXPECT_NE(kernel->counts.notes.back().find("no clocks from the cycle model"), std::string::npos);
}

} // namespace
} // namespace mansard::ir::testing
