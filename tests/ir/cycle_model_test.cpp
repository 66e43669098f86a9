// What instructions, memory and launches cost in the cycle model, against numbers worked by hand.
#include "cycle_model_fixture.h"

#include <fmt/format.h>

#include <thread>
#include <vector>

namespace mansard::ir::testing {
namespace {

using work::Port;

constexpr const char *kDeclarations = R"(
declare i32 @llvm.amdgcn.workitem.id.x()
declare float @llvm.fma.f32(float, float, float)
declare float @llvm.amdgcn.exp2.f32(float)
declare void @llvm.amdgcn.s.barrier()
declare <4 x float> @llvm.amdgcn.mfma.f32.16x16x16f16(<4 x half>, <4 x half>, <4 x float>, i32, i32, i32)
declare <16 x float> @llvm.amdgcn.mfma.f32.32x32x8f16(<4 x half>, <4 x half>, <16 x float>, i32, i32, i32)
)";

/// `count` steps spread over `chains` that do not depend on one another, their sum stored.
std::string straightLine(int count, int chains, const std::string &type, const std::string &step) {
  std::string text = kDeclarations;
  text += fmt::format("define amdgpu_kernel void @k(ptr addrspace(1) %out, {0} %a, <4 x half> %h) "
                      "{{\nentry:\n  %id = call i32 @llvm.amdgcn.workitem.id.x()\n",
                      type);
  const auto name = [](int chain, int i) { return fmt::format("%x{}.{}", chain, i); };
  for (int c = 0; c < chains; ++c)
    text += type == "float"
                ? fmt::format("  {} = bitcast i32 {} to float\n", name(c, 0),
                              c == 0 ? "%id" : fmt::format("%i{}", c))
                : fmt::format("  {} = fadd {} %a, splat (float {}.0)\n", name(c, 0), type, c);
  if (type == "float")
    for (int c = 1; c < chains; ++c)
      text.insert(text.find("  %x0.0"), fmt::format("  %i{0} = add i32 %id, {0}\n", c));
  for (int i = 0; i < count / chains; ++i)
    for (int c = 0; c < chains; ++c)
      text +=
          fmt::format("  {} = {}\n", name(c, i + 1), fmt::format(fmt::runtime(step), name(c, i)));
  std::string sum = name(0, count / chains);
  for (int c = 1; c < chains; ++c) {
    text += fmt::format("  %s{} = fadd {} {}, {}\n", c, type, sum, name(c, count / chains));
    sum = fmt::format("%s{}", c);
  }
  return text + fmt::format("  store {} {}, ptr addrspace(1) %out\n  ret void\n}}\n", type, sum);
}

constexpr const char *kFma = "call float @llvm.fma.f32(float {}, float %a, float 3.0)";
constexpr const char *kExp = "call float @llvm.amdgcn.exp2.f32(float {})";
constexpr const char *kMfma16 = "call <4 x float> @llvm.amdgcn.mfma.f32.16x16x16f16(<4 x half> %h, "
                                "<4 x half> %h, <4 x float> {}, i32 0, i32 0, i32 0)";
constexpr const char *kMfma32 = "call <16 x float> @llvm.amdgcn.mfma.f32.32x32x8f16(<4 x half> %h, "
                                "<4 x half> %h, <16 x float> {}, i32 0, i32 0, i32 0)";

struct Added {
  double wave = 0, vector = 0, matrix = 0;
};

/// What 32 more steps add.
Added added(int chains, const std::string &type, const std::string &step,
            const hw::Chip &chip = roundChip()) {
  const auto few = timed({straightLine(32, chains, type, step)}, chip);
  const auto many = timed({straightLine(64, chains, type, step)}, chip);
  EXPECT_TRUE(few && many) << (few ? many.error().text() : few.error().text());
  if (!few || !many)
    return {};
  return {many->waveClocks - few->waveClocks,
          at(many->busy, Port::vector) - at(few->busy, Port::vector),
          at(many->busy, Port::matrix) - at(few->busy, Port::matrix)};
}

TEST(CycleModel, FusedMultiplyAddsTakeFourClocksEachDependentOrNot) {
  for (const int chains : {1, 4}) {
    const Added fma = added(chains, "float", kFma);
    EXPECT_DOUBLE_EQ(fma.vector, 32 * 4) << chains;
    EXPECT_DOUBLE_EQ(fma.wave, 32 * 4) << chains;
  }
}

TEST(CycleModel, ExponentialsTakeSixteenClocksEachDependentOrNot) {
  for (const int chains : {1, 4}) {
    const Added exp = added(chains, "float", kExp);
    EXPECT_DOUBLE_EQ(exp.vector, 32 * 16) << chains;
    EXPECT_NEAR(exp.wave, 32 * 16, 12) << chains;
  }
}

TEST(CycleModel, MatrixInstructionsTakeTheirPassesAtTheStandInsOwnRate) {
  // 16x16x16 fp16 on gfx90a: 8 passes of 4 clocks; 32x32x8: 16.
  const Added small = added(4, "<4 x float>", kMfma16);
  EXPECT_DOUBLE_EQ(small.matrix, 32 * 32);
  EXPECT_NEAR(small.wave, 32 * 32, 32);
  const Added large = added(2, "<16 x float>", kMfma32);
  EXPECT_DOUBLE_EQ(large.matrix, 32 * 64);
}

TEST(CycleModel, AccumulationIntoOneFragmentRunsBackToBack) {
  EXPECT_DOUBLE_EQ(added(1, "<4 x float>", kMfma16).wave, 32 * 32);
}

TEST(CycleModel, AVectorInstructionWaitsForTheMatrixUnitsResult) {
  const auto cycles = timed({straightLine(32, 1, "<4 x float>", kMfma16)});
  ASSERT_TRUE(cycles);
  EXPECT_GE(cycles->waveClocks, 32 * 32 + 4 * 4); // LLVM: four passes after the last
}

TEST(CycleModel, MatrixInstructionsFollowTheChipsRate) {
  hw::Chip fast = roundChip();
  set(fast, "matrix.ops_per_clock.fp16", 4096);
  const Added four = added(4, "<4 x float>", kMfma16, fast);
  EXPECT_DOUBLE_EQ(four.matrix, 32 * 8);
  EXPECT_LT(four.wave, added(4, "<4 x float>", kMfma16).wave);
}

TEST(CycleModel, AChipWithoutARateForATypeTakesTheStandInsAndSaysSo) {
  hw::Chip chip = roundChip();
  chip.numbers.erase("matrix.ops_per_clock.fp16");
  const auto cycles = timed({straightLine(32, 4, "<4 x float>", kMfma16)}, chip);
  ASSERT_TRUE(cycles) << cycles.error().text();
  EXPECT_DOUBLE_EQ(at(cycles->busy, Port::matrix), 32 * 32);
  ASSERT_EQ(cycles->notes.size(), 2u);
  EXPECT_NE(cycles->notes[1].find("no rate for V_MFMA_F32_16X16X16F16"), std::string::npos)
      << cycles->notes[1];
}

/// A loop in which each load's address is the value loaded before it.
std::string chase() {
  return R"(
define amdgpu_kernel void @k(ptr addrspace(1) %p, i32 %n) {
entry:
  %id = call i32 @llvm.amdgcn.workitem.id.x()
  br label %loop
loop:
  %i = phi i32 [0, %entry], [%i1, %loop]
  %at = phi i32 [%id, %entry], [%next, %loop]
  %q = getelementptr i32, ptr addrspace(1) %p, i32 %at
  %next = load volatile i32, ptr addrspace(1) %q
  %i1 = add i32 %i, 1
  %more = icmp slt i32 %i1, %n
  br i1 %more, label %loop, label %exit
exit:
  store i32 %next, ptr addrspace(1) %p
  ret void
}
declare i32 @llvm.amdgcn.workitem.id.x()
)";
}

TEST(CycleModel, ALoadIsWaitedForAsLongAsTheChipsMemoryTakes) {
  const auto cycles = timed({.text = chase(), .runs = {{"loop", 100}}});
  ASSERT_TRUE(cycles) << cycles.error().text();
  EXPECT_DOUBLE_EQ(cycles->memoryLatency, 400);
  const work::BlockCycles &loop = block(*cycles, "loop");
  EXPECT_DOUBLE_EQ(loop.executions, 100);
  // What is issued between the load and its wait is no wait: at most the loop's other instructions.
  EXPECT_GE(loop.waits.memory, 400 - 4 * loop.instructions);
  EXPECT_LE(loop.waits.memory, 400);
  EXPECT_GE(loop.clocks, 400);
}

TEST(CycleModel, WaitsGrowWithTheMemorysLatencyAndNothingElseDoes) {
  hw::Chip slow = roundChip();
  set(slow, "memory.latency_ns", 800);
  const Case given{.text = chase(), .runs = {{"loop", 100}}};
  const auto fast = timed(given), late = timed(given, slow);
  ASSERT_TRUE(fast && late);
  EXPECT_NEAR(late->waits.memory - fast->waits.memory, 400 * 100, 1);
  EXPECT_EQ(late->busy, fast->busy);
}

TEST(CycleModel, GroupsThatShareACoreHideOneAnothersWaits) {
  // Ten cores: one group each, then as many as they hold.
  Case given{.text = chase(), .groups = 10, .runs = {{"loop", 100}}};
  const auto alone = timed(given);
  given.groups = 100;
  const auto shared = timed(given);
  ASSERT_TRUE(alone && shared);
  EXPECT_DOUBLE_EQ(alone->groupsPerCore, 1);
  EXPECT_DOUBLE_EQ(alone->groupClocks, alone->waveClocks);
  EXPECT_EQ(alone->bound, "latency");
  EXPECT_NEAR(alone->hiddenWaits, 0, 1e-9);
  EXPECT_DOUBLE_EQ(shared->groupsPerCore, 10);
  EXPECT_DOUBLE_EQ(shared->groupClocks, shared->waveClocks / 10);
  EXPECT_GT(shared->hiddenWaits, 0.3);
}

TEST(CycleModel, AGroupCountsOnItsCoreWhatItsWavesCountOnTheirSimds) {
  // Eight waves of a group over four SIMDs: two on each.
  const auto cycles = timed({.text = straightLine(64, 1, "float", kFma), .groupSize = 512});
  ASSERT_TRUE(cycles);
  EXPECT_DOUBLE_EQ(at(cycles->portClocks, Port::vector), 2 * at(cycles->busy, Port::vector));
  EXPECT_DOUBLE_EQ(at(cycles->portClocks, Port::vectorMemory),
                   8 * at(cycles->busy, Port::vectorMemory));
}

TEST(CycleModel, ALastRoundThatIsNotFullHidesLess) {
  // A core holds ten groups: eleven take two rounds, the second with one group.
  const auto cycles = timed({.text = chase(), .groups = 110, .runs = {{"loop", 100}}});
  ASSERT_TRUE(cycles);
  EXPECT_DOUBLE_EQ(cycles->groupsPerCore, 10);
  EXPECT_NEAR(cycles->groupClocks * 11, 2 * cycles->waveClocks, 1e-6 * cycles->waveClocks);
}

TEST(CycleModel, WideLoadsKeepTheMemoryPortLonger) {
  const auto load = [](const std::string &type) {
    const auto cycles = timed({.text = fmt::format(R"(
define amdgpu_kernel void @k(ptr addrspace(1) %p, ptr addrspace(1) %q) {{
  %id = call i32 @llvm.amdgcn.workitem.id.x()
  %a = getelementptr {0}, ptr addrspace(1) %p, i32 %id
  %v = load {0}, ptr addrspace(1) %a
  call void asm sideeffect "", "v"({0} %v)
  ret void
}}
declare i32 @llvm.amdgcn.workitem.id.x()
)",
                                                   type)});
    EXPECT_TRUE(cycles) << cycles.error().text();
    return cycles ? at(cycles->busy, Port::vectorMemory) : 0;
  };
  EXPECT_DOUBLE_EQ(load("float"), 4);      // 64 x 4 bytes at 64 a clock
  EXPECT_DOUBLE_EQ(load("<2 x i32>"), 8);  // 64 x 8
  EXPECT_DOUBLE_EQ(load("<4 x i32>"), 16); // 64 x 16
}

TEST(CycleModel, LdsAccessesTakeTheirBytesOverItsBandwidth) {
  const auto cycles = timed({.text = R"(
@t = internal addrspace(3) global [256 x float] undef
define amdgpu_kernel void @k(ptr addrspace(1) %p, float %x) {
  %id = call i32 @llvm.amdgcn.workitem.id.x()
  %a = getelementptr float, ptr addrspace(3) @t, i32 %id
  store float %x, ptr addrspace(3) %a
  call void @llvm.amdgcn.s.barrier()
  %o = xor i32 %id, 1
  %b = getelementptr float, ptr addrspace(3) @t, i32 %o
  %v = load float, ptr addrspace(3) %b
  call void asm sideeffect "", "v"(float %v)
  ret void
}
declare i32 @llvm.amdgcn.workitem.id.x()
declare void @llvm.amdgcn.s.barrier()
)"});
  ASSERT_TRUE(cycles) << cycles.error().text();
  EXPECT_DOUBLE_EQ(at(cycles->busy, Port::lds), 2 + 2); // 64 x 4 bytes at 128 a clock, twice
  EXPECT_DOUBLE_EQ(cycles->ldsBytes, 1024);
  EXPECT_GT(cycles->waits.near, 0);
  EXPECT_EQ(cycles->waits.memory, 0);
}

TEST(CycleModel, PricedAreTheGroupsOfACoreAndTheClocksOfOne) {
  const auto cycles = timed({.text = chase(), .groups = 1000, .runs = {{"loop", 7}}});
  ASSERT_TRUE(cycles);
  mansard_custom custom{};
  store(*cycles, custom);
  EXPECT_EQ(custom.groups_per_core, cycles->groupsPerCore);
  EXPECT_EQ(custom.group_cycles, cycles->groupClocks);
}

TEST(CycleModel, ThreadsTakeTurnsAndAgree) {
  const Case given{.text = chase(), .runs = {{"loop", 100}}};
  std::vector<double> clocks(4);
  std::vector<std::thread> threads;
  for (double &result : clocks)
    threads.emplace_back([&result, &given] {
      if (const auto cycles = timed(given))
        result = cycles->groupClocks;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_GT(clocks[0], 0);
  for (const double result : clocks)
    EXPECT_EQ(result, clocks[0]);
}

} // namespace
} // namespace mansard::ir::testing
