// What keeps groups off a core, how control flow is weighed, and what the cycle model refuses.
#include "cycle_model_fixture.h"

namespace mansard::ir::testing {
namespace {

/// A kernel that needs `register` (v100: the hundred-first) and nothing else.
std::string needing(const std::string &reg) {
  return "define amdgpu_kernel void @k() {\n  call void asm sideeffect \"\", \"~{" + reg +
         "}\"()\n  ret void\n}\n";
}

TEST(CycleModelOccupancy, VectorRegistersLimitWaves) {
  const auto cycles = timed({.text = needing("v100")});
  ASSERT_TRUE(cycles) << cycles.error().text();
  EXPECT_EQ(cycles->vectorRegisters, 101);
  // 104 with the granule; 256 of a SIMD hold two waves, so a core two groups of four.
  EXPECT_DOUBLE_EQ(cycles->mostGroupsPerCore, 2);
  EXPECT_DOUBLE_EQ(cycles->wavesPerSimd, 2);
  EXPECT_EQ(cycles->occupancyLimit, "vector registers: 101 a wave, a SIMD has 256");
}

TEST(CycleModelOccupancy, TheLastRegisterThatLeavesRoomForOneMoreWave) {
  // Three waves of 84 fit 256, of 88 (85 with the granule) two.
  const auto three = timed({.text = needing("v83")}), two = timed({.text = needing("v84")});
  ASSERT_TRUE(three && two);
  EXPECT_DOUBLE_EQ(three->wavesPerSimd, 3);
  EXPECT_DOUBLE_EQ(two->wavesPerSimd, 2);
}

TEST(CycleModelOccupancy, MoreRegistersOfTheChipHoldMoreWaves) {
  hw::Chip large = roundChip();
  set(large, "registers.per_core_KiB", 512);
  const auto cycles = timed({.text = needing("v100")}, large);
  ASSERT_TRUE(cycles);
  EXPECT_DOUBLE_EQ(cycles->wavesPerSimd, 4);
}

TEST(CycleModelOccupancy, ScalarRegistersLimitWaves) {
  const auto cycles = timed({.text = needing("s95")});
  ASSERT_TRUE(cycles) << cycles.error().text();
  // 96 and those for the carry: 112 with the granule; 800 of a SIMD hold seven waves.
  EXPECT_DOUBLE_EQ(cycles->mostGroupsPerCore, 7);
  EXPECT_TRUE(cycles->occupancyLimit.starts_with("scalar registers: ")) << cycles->occupancyLimit;
}

std::string withLds(int bytes) {
  return "@t = internal addrspace(3) global [" + std::to_string(bytes / 4) +
         " x i32] undef\n"
         "define amdgpu_kernel void @k(i32 %i) {\n"
         "  %a = getelementptr i32, ptr addrspace(3) @t, i32 %i\n"
         "  store volatile i32 %i, ptr addrspace(3) %a\n"
         "  ret void\n}\n";
}

TEST(CycleModelOccupancy, LdsLimitsGroups) {
  const auto cycles = timed({.text = withLds(20 * 1024)});
  ASSERT_TRUE(cycles) << cycles.error().text();
  EXPECT_DOUBLE_EQ(cycles->mostGroupsPerCore, 3);
  EXPECT_EQ(cycles->occupancyLimit, "LDS: 20480 bytes a group, a core has 65536");
}

TEST(CycleModelOccupancy, ALaunchThatDoesNotFillTheCoresIsTheLimit) {
  const auto cycles = timed({.text = needing("v1"), .groups = 21});
  ASSERT_TRUE(cycles);
  EXPECT_DOUBLE_EQ(cycles->groupsPerCore, 3); // ten cores: the busiest has three
  EXPECT_DOUBLE_EQ(cycles->mostGroupsPerCore, 10);
}

TEST(CycleModelOccupancy, GroupsOfAThousandWorkItems) {
  const auto cycles = timed({.text = needing("v1"), .groupSize = 1024});
  ASSERT_TRUE(cycles);
  EXPECT_DOUBLE_EQ(cycles->wavesPerGroup, 16);
  EXPECT_DOUBLE_EQ(cycles->mostGroupsPerCore, 2); // of forty slots
}

TEST(CycleModelOccupancy, AWaveHasNoMoreRegistersThanTheChipGivesIt) {
  // More values at a time than 256 registers hold; gfx90a alone would give a wave 512.
  std::string text = "define amdgpu_kernel void @k(ptr addrspace(1) %p) "
                     "\"amdgpu-waves-per-eu\"=\"1,1\" {\n"
                     "  %i = call i32 @llvm.amdgcn.workitem.id.x()\n";
  for (int i = 0; i < 300; ++i)
    text += "  %a" + std::to_string(i) + " = getelementptr i32, ptr addrspace(1) %p, i32 %i\n  %v" +
            std::to_string(i) + " = load volatile i32, ptr addrspace(1) %a" + std::to_string(i) +
            "\n";
  for (int i = 0; i < 300; ++i)
    text += "  store volatile i32 %v" + std::to_string(i) + ", ptr addrspace(1) %p\n";
  const auto cycles =
      timed({.text = text + "  ret void\n}\ndeclare i32 @llvm.amdgcn.workitem.id.x()\n"});
  ASSERT_TRUE(cycles) << cycles.error().text();
  EXPECT_LE(cycles->vectorRegisters, 256);
  EXPECT_GE(cycles->mostGroupsPerCore, 1);
  EXPECT_GT(cycles->scratchBytes, 0);
}

TEST(CycleModelOccupancy, TheStandInAndNotTheModuleSaysWhatIsCompiledFor) {
  const auto cycles = timed(
      {.text = "define amdgpu_kernel void @k() \"target-cpu\"=\"gfx1100\" {\n  ret void\n}\n"});
  ASSERT_TRUE(cycles) << cycles.error().text();
  EXPECT_EQ(cycles->isa, "gfx90a");
  EXPECT_DOUBLE_EQ(cycles->mostGroupsPerCore, 10); // waves of 64
  EXPECT_EQ(cycles->notes.back(),
            "the module asks for gfx1100; it was compiled for gfx90a all the same");
}

constexpr const char *kNested = R"(
define amdgpu_kernel void @k(ptr addrspace(1) %p, i32 %n, i32 %m) {
entry:
  %id = call i32 @llvm.amdgcn.workitem.id.x()
  %x0 = bitcast i32 %id to float
  br label %outer
outer:
  %i = phi i32 [0, %entry], [%i1, %latch]
  %x = phi float [%x0, %entry], [%y1, %latch]
  br label %inner
inner:
  %j = phi i32 [0, %outer], [%j1, %inner]
  %y = phi float [%x, %outer], [%y1, %inner]
  %y1 = fmul float %y, 3.0
  %j1 = add i32 %j, 1
  %more = icmp slt i32 %j1, %m
  br i1 %more, label %inner, label %latch
latch:
  %i1 = add i32 %i, 1
  %again = icmp slt i32 %i1, %n
  br i1 %again, label %outer, label %exit
exit:
  store float %y1, ptr addrspace(1) %p
  ret void
}
declare i32 @llvm.amdgcn.workitem.id.x()
)";

TEST(CycleModelWeights, BlocksRunAsOftenAsCounted) {
  Case given{.text = kNested, .runs = {{"outer", 10}, {"inner", 200}, {"latch", 10}}};
  const auto once = timed(given);
  given.runs["inner"] = 400;
  const auto twice = timed(given);
  ASSERT_TRUE(once && twice) << once.error().text();
  const work::BlockCycles &inner = block(*once, "inner");
  EXPECT_DOUBLE_EQ(inner.executions, 200);
  EXPECT_NEAR(twice->waveClocks - once->waveClocks, 200 * inner.clocks, 1e-6);
}

TEST(CycleModelWeights, BlocksOfTheBackEndRunAsTheirLoopDoes) {
  // The lanes' branches differ: where they join, the back end adds blocks that no count knows.
  Case given{.text = R"(
define amdgpu_kernel void @k(ptr addrspace(1) %p, i32 %n) {
entry:
  %id = call i32 @llvm.amdgcn.workitem.id.x()
  br label %loop
loop:
  %i = phi i32 [0, %entry], [%i1, %join]
  %b = and i32 %id, %i
  %q = getelementptr i32, ptr addrspace(1) %p, i32 %b
  %c = icmp eq i32 %b, 0
  br i1 %c, label %then, label %else
then:
  store volatile i32 1, ptr addrspace(1) %q
  br label %join
else:
  store volatile i32 2, ptr addrspace(1) %q
  br label %join
join:
  %i1 = add i32 %i, 1
  %more = icmp slt i32 %i1, %n
  br i1 %more, label %loop, label %exit
exit:
  ret void
}
declare i32 @llvm.amdgcn.workitem.id.x()
)",
             .runs = {{"loop", 50}, {"then", 50}, {"else", 50}, {"join", 50}}};
  const auto cycles = timed(given);
  ASSERT_TRUE(cycles) << cycles.error().text();
  int made = 0;
  for (const work::BlockCycles &block : cycles->blocks)
    if (block.name != "entry" && block.name != "exit" && block.instructions > 0) {
      EXPECT_GE(block.executions, 10) << block.name;
      EXPECT_LE(block.executions, 100) << block.name;
      made += !given.runs.contains(block.name);
    }
  EXPECT_GT(made, 0) << "the back end was to add blocks";
}

void refused(const Case &given, const std::string &words, const hw::Chip &chip = roundChip()) {
  const auto cycles = timed(given, chip);
  ASSERT_FALSE(cycles) << "expected: " << words;
  EXPECT_NE(cycles.error().text().find(words), std::string::npos) << cycles.error().text();
}

TEST(CycleModelErrors, AChipWithoutAStandIn) {
  hw::Chip chip = roundChip();
  chip.nearestIsa.clear();
  EXPECT_FALSE(hasCycleModel(chip, "amdgcn-amd-amdhsa"));
  refused({.text = needing("v1")}, "needs 'nearest_isa', which target round does not give", chip);
}

TEST(CycleModelErrors, AStandInThatLlvmDoesNotKnowOrThatHasOtherWaves) {
  for (const char *isa : {"gfx936", "gfx1030", "sm_90"}) {
    hw::Chip chip = roundChip();
    chip.nearestIsa = isa;
    refused({.text = needing("v1")}, "is no instruction set of waves of 64 that LLVM knows", chip);
  }
}

TEST(CycleModelErrors, AModuleOfAnotherMachine) {
  EXPECT_FALSE(hasCycleModel(roundChip(), "nvptx64-nvidia-cuda"));
  EXPECT_TRUE(hasCycleModel(roundChip(), "amdgcn-amd-amdhsa"));
  refused({.text = "define void @k() {\n  ret void\n}\n", .triple = "nvptx64-nvidia-cuda"},
          "the module is for 'nvptx64-nvidia-cuda'; the cycle model takes amdgcn");
}

TEST(CycleModelErrors, CallsThatAreLeft) {
  refused({.text = "declare float @mystery(float)\ndefine amdgpu_kernel void @k(float %x) {\n"
                   "  %y = call float @mystery(float %x)\n  ret void\n}\n"},
          "it calls 'mystery', which is not in the module");
  refused({.text = "define amdgpu_kernel void @k(ptr %f) {\n  call void %f()\n  ret void\n}\n"},
          "it calls through a pointer");
  refused({.text = "define void @k() {\n  call void @k()\n  ret void\n}\n"},
          "it calls 'k', which is not inlined");
}

TEST(CycleModelErrors, MoreLdsThanACoreHas) {
  refused({.text = withLds(80'000)}, "local memory (80000) exceeds limit (65536)");
  hw::Chip small = roundChip();
  set(small, "sram.per_core_KiB", 16);
  refused({.text = withLds(20 * 1024)}, "not one group of 4 waves fits a core (LDS: 20480 bytes",
          small);
}

TEST(CycleModelErrors, AGroupLargerThanTheKernelAllows) {
  refused({.text = "define amdgpu_kernel void @k() \"amdgpu-flat-work-group-size\"=\"1,256\" {\n"
                   "  ret void\n}\n",
           .groupSize = 512},
          "the launch has 512 work items a group, the kernel allows 256");
}

TEST(CycleModelErrors, MoreWorkItemsThanAGroupMayHave) {
  EXPECT_TRUE(timed({.text = needing("v1"), .groupSize = 1024}));
  refused({.text = needing("v1"), .groupSize = 1025},
          "1025 work items a group; such chips take at most 1024");
}

TEST(CycleModelErrors, BlocksThatWouldTakeTheSchedulerMinutes) {
  std::string text = "define amdgpu_kernel void @k(ptr addrspace(1) %p, i32 %x0) {\n";
  for (int i = 0; i < 20'000; ++i)
    text += "  %x" + std::to_string(i + 1) + " = mul i32 %x" + std::to_string(i) + ", %x0\n";
  refused({.text = text + "  store i32 %x20000, ptr addrspace(1) %p\n  ret void\n}\n"},
          "20002 instructions, 20002 of them in one block; at most 100000 and 20000 are compiled");
}

TEST(CycleModelErrors, AFunctionThatReturnsAValue) {
  refused({.text = "define i32 @k() {\n  ret i32 1\n}\n"}, "it returns a value");
}

TEST(CycleModelErrors, AssemblyThatIsNone) {
  refused({.text = "define amdgpu_kernel void @k() {\n"
                   "  call void asm sideeffect \"v_nonsense v1\", \"\"()\n  ret void\n}\n"},
          "invalid instruction");
}

TEST(CycleModelErrors, FatalErrorsOfTheBackEndEndTheCallAndNotTheProcess) {
  const Case fatal{.text = "declare double @llvm.sin.f64(double)\n"
                           "define amdgpu_kernel void @k(ptr addrspace(1) %p, double %x) {\n"
                           "  %y = call double @llvm.sin.f64(double %x)\n"
                           "  store double %y, ptr addrspace(1) %p\n  ret void\n}\n"};
  for (int i = 0; i < 2; ++i)
    refused(fatal, "function k: LLVM's AMDGPU back end gave up: Cannot select: f64 = fsin");
  EXPECT_TRUE(timed({.text = needing("v1")}));
}

TEST(CycleModelErrors, MatrixInstructionsThatTheStandInLacks) {
  hw::Chip chip = roundChip();
  chip.nearestIsa = "gfx906";
  refused({.text = R"(
declare <4 x float> @llvm.amdgcn.mfma.f32.16x16x16f16(<4 x half>, <4 x half>, <4 x float>, i32, i32, i32)
define amdgpu_kernel void @k(ptr addrspace(1) %p, <4 x half> %h, <4 x float> %c) {
  %d = call <4 x float> @llvm.amdgcn.mfma.f32.16x16x16f16(<4 x half> %h, <4 x half> %h, <4 x float> %c, i32 0, i32 0, i32 0)
  store <4 x float> %d, ptr addrspace(1) %p
  ret void
}
)"},
          "Cannot select: intrinsic %llvm.amdgcn.mfma.f32.16x16x16f16", chip);
}

} // namespace
} // namespace mansard::ir::testing
