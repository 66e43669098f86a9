// LLVM IR that is wrong, hostile or huge: a message, never a crash, and in time.
#include "kernel_counts_fixture.h"

#include <ctime>

namespace mansard::ir::testing {
namespace {

constexpr char kHost[] = "target triple = \"x86_64-linux-gnu\"\n";
constexpr char kNvptx[] = "target triple = \"nvptx64-nvidia-cuda\"\n";
constexpr char kAmd[] = "target triple = \"amdgcn-amd-amdhsa\"\n";

TEST(KernelErrors, MalformedTextNamesItsLine) {
  const std::string error = text("define void @f() {\n  ret vod\n}\n").error();
  EXPECT_NE(error.find(".ll:2:"), std::string::npos) << error;
}

TEST(KernelErrors, BytesThatAreNoIrAreSaidToBeNone) {
  EXPECT_FALSE(text("\x42\x43\xc0\xde nonsense").error().empty());
  EXPECT_FALSE(text("").error().empty());
  Ask missing = text("");
  missing.question.path = "/nonexistent/k.ll";
  EXPECT_NE(missing.error().find("/nonexistent/k.ll"), std::string::npos);
}

TEST(KernelErrors, AMissingFunctionIsAnsweredWithThoseThereAre) {
  const std::string module =
      "define void @a() {\n  ret void\n}\ndefine void @b() {\n  ret void\n}\n"
      "declare void @c()\n";
  EXPECT_NE(text(module, "nosuch").error().find("it has @a, @b"), std::string::npos);
  EXPECT_NE(text(module).error().find("--function: @a, @b"), std::string::npos);
  EXPECT_NE(text(module, "c").error().find("declared only"), std::string::npos);
  EXPECT_NE(text("declare void @c()\n").error().find("defines no function"), std::string::npos);
}

TEST(KernelErrors, UnknownNamesAreAnsweredWithTheKnown) {
  const std::string module = "define void @f(i32 %n, ptr %x) {\n  ret void\n}\n";
  EXPECT_NE(text(module).arg("m", 1).error().find("there are n, x"), std::string::npos);
  EXPECT_NE(text(module).footprint("y", 1).error().find("arguments are n, x"), std::string::npos);
  EXPECT_NE(text(module).trip("body", 1).error().find("there are none"), std::string::npos);
  EXPECT_TRUE(text(module).arg("n", 1).tryCount().ok());
  EXPECT_TRUE(text(module).arg("#0", 1).tryCount().ok());
}

TEST(KernelErrors, RecursionThroughOthersIsFound) {
  const std::string error = text("define void @f() {\n  call void @g()\n  ret void\n}\n"
                                 "define void @g() {\n  call void @f()\n  ret void\n}\n",
                                 "f")
                                .error();
  EXPECT_NE(error.find("recursion: @f -> @g -> @f"), std::string::npos) << error;
}

TEST(KernelErrors, CallsThatDoubleAreStoppedBeforeTheyAreInlined) {
  std::string module =
      "define float @f0(float %x) {\n  %r = fadd float %x, 1.0\n  ret float %r\n}\n";
  for (int i = 1; i < 40; ++i)
    module += "define float @f" + std::to_string(i) + "(float %x) {\n  %a = call float @f" +
              std::to_string(i - 1) + "(float %x)\n  %b = call float @f" + std::to_string(i - 1) +
              "(float %a)\n  ret float %b\n}\n";
  EXPECT_NE(text(module, "f39").error().find("instructions"), std::string::npos);
  // As few as these are followed.
  EXPECT_EQ(float32(text(module, "f8").count()), 256);
}

TEST(KernelErrors, IrreducibleLoopsAreNamed) {
  const std::string error = text("define void @f(i1 %c, i1 %d) {\n"
                                 "entry:\n  br i1 %c, label %a, label %b\n"
                                 "a:\n  br label %b\n"
                                 "b:\n  br i1 %d, label %a, label %end\n"
                                 "end:\n  ret void\n}\n")
                                .error();
  EXPECT_NE(error.find("more than one block"), std::string::npos) << error;
}

TEST(KernelErrors, EndlessLoopsDoNotHang) {
  EXPECT_NE(text("define void @f() {\nentry:\n  br label %l\nl:\n  br label %l\n}\n")
                .error()
                .find("--trip l=TURNS"),
            std::string::npos);
  // A counter that steps over its end wraps round all of 64 bits.
  const std::string error = text("define void @f() {\nentry:\n  br label %l\n"
                                 "l:\n  %i = phi i64 [0, %entry], [%j, %l]\n  %j = add i64 %i, 1\n"
                                 "  %c = icmp eq i64 %j, 0\n  br i1 %c, label %e, label %l\n"
                                 "e:\n  ret void\n}\n")
                                .error();
  EXPECT_FALSE(error.empty());
}

TEST(KernelErrors, AGroupThatNoCoreHoldsIsRefused) {
  const std::string error =
      text(std::string(kNvptx) + "@s = internal addrspace(3) global [100000 x float] undef\n"
                                 "define ptx_kernel void @f() {\n"
                                 "  store float 0.0, ptr addrspace(3) @s\n  ret void\n}\n")
          .launch({1, 1, 1}, {32, 1, 1})
          .error();
  EXPECT_NE(error.find("400000"), std::string::npos) << error;
}

TEST(KernelErrors, TheModulesBoundOnAGroupHolds) {
  const std::string module = std::string(kAmd) +
                             "define amdgpu_kernel void @f() #0 {\n  ret void\n}\n"
                             "attributes #0 = { \"amdgpu-flat-work-group-size\"=\"1,64\" }\n";
  EXPECT_NE(text(module).launch({1, 1, 1}, {}).error().find("at most 64"), std::string::npos);
  EXPECT_NE(text(module).launch({1, 1, 1}, {128, 1, 1}).error().find("allows 64"),
            std::string::npos);
  EXPECT_TRUE(text(module).launch({1, 1, 1}, {64, 1, 1}).tryCount().ok());
}

TEST(KernelCounting, FindsTheGroupInAnnotations) {
  const auto counts = text(std::string(kNvptx) +
                           "define void @f() {\n  ret void\n}\n!nvvm.annotations = !{!0, !1}\n"
                           "!0 = !{ptr @f, !\"kernel\", i32 1}\n"
                           "!1 = !{ptr @f, !\"reqntidx\", i32 96, !\"reqntidy\", i32 2}\n")
                          .launch({3, 1, 1}, {})
                          .count();
  EXPECT_EQ(counts.threads, 3 * 96 * 2);
}

TEST(KernelCounting, MatrixInstructionsCountForAWarp) {
  const auto mma =
      text(std::string(kNvptx) +
           "declare {float, float, float, float} @llvm.nvvm.mma.m16n8k16.row.col.bf16(i32, i32, "
           "i32, "
           "i32, i32, i32, float, float, float, float)\n"
           "define ptx_kernel void @f() {\n"
           "  %r = call {float, float, float, float} @llvm.nvvm.mma.m16n8k16.row.col.bf16(i32 0, "
           "i32 "
           "0, i32 0, i32 0, i32 0, i32 0, float 0.0, float 0.0, float 0.0, float 0.0)\n"
           "  ret void\n}\n")
          .launch({2, 1, 1}, {64, 1, 1})
          .count();
  EXPECT_EQ(mma.matrixOperations[MANSARD_DTYPE_BF16], 4 * 2.0 * 16 * 8 * 16); // four warps
  const auto mfma =
      text(
          std::string(kAmd) +
          "declare <16 x float> @llvm.amdgcn.mfma.f32.32x32x8f16(<4 x half>, <4 x half>, <16 x "
          "float>, i32, i32, i32)\n"
          "define amdgpu_kernel void @f(<4 x half> %a, <16 x float> %c) {\n"
          "  %r = call <16 x float> @llvm.amdgcn.mfma.f32.32x32x8f16(<4 x half> %a, <4 x half> %a, "
          "<16 x float> %c, i32 0, i32 0, i32 0)\n  ret void\n}\n")
          .launch({1, 1, 1}, {256, 1, 1})
          .count();
  EXPECT_EQ(mfma.matrixOperations[MANSARD_DTYPE_FP16], 4 * 2.0 * 32 * 32 * 8); // four waves
  const auto assembly =
      text(
          std::string(kNvptx) +
          "define ptx_kernel void @f() {\n  call void asm sideeffect "
          "\"wgmma.mma_async.sync.aligned.m64n128k16.f32.f16.f16 {$$0};\", \"\"()\n  ret void\n}\n")
          .launch({1, 1, 1}, {128, 1, 1})
          .count();
  EXPECT_EQ(assembly.matrixOperations[MANSARD_DTYPE_FP16], 2.0 * 64 * 128 * 16);
}

TEST(KernelCounting, BranchesOnDataFollowTheirWeights) {
  const auto counts =
      text(std::string(kHost) +
           "define float @f(ptr %x) {\nentry:\n  %v = load float, ptr %x\n"
           "  %c = fcmp ogt float %v, 0.0\n  br i1 %c, label %a, label %e, !prof !0\n"
           "a:\n  %w = fadd float %v, 1.0\n  br label %e\n"
           "e:\n  %r = phi float [%v, %entry], [%w, %a]\n  ret float %r\n}\n"
           "!0 = !{!\"branch_weights\", i32 1, i32 3}\n")
          .count();
  EXPECT_NEAR(float32(counts), 1 + 0.25, 1e-6); // the comparison, and a quarter of the addition
  ASSERT_FALSE(counts.notes.empty());
}

/// A hundred thousand instructions in a row, and as many in loops that nest.
std::string hugeModule() {
  std::string module = std::string(kNvptx) +
                       "declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n"
                       "define ptx_kernel void @f(ptr %x, i32 %n) {\nentry:\n"
                       "  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n  br label %l\n"
                       "l:\n  %i = phi i32 [0, %entry], [%j, %l]\n";
  std::string at = "%t";
  for (int k = 0; k < 25000; ++k) {
    const std::string id = std::to_string(k);
    module += "  %a" + id + " = add i32 " + at + ", " + std::to_string(k % 7) + "\n  %p" + id +
              " = getelementptr float, ptr %x, i32 %a" + id + "\n  %v" + id +
              " = load float, ptr %p" + id + "\n  %s" + id + " = fadd float %v" + id + ", 1.0\n";
    at = "%a" + id;
  }
  return module + "  %j = add i32 %i, 1\n  %c = icmp slt i32 %j, %n\n"
                  "  br i1 %c, label %l, label %e\ne:\n  ret void\n}\n";
}

TEST(KernelErrors, AHundredThousandInstructionsTakeSeconds) {
  const Ask ask = text(hugeModule()).arg("n", 10).launch({64, 1, 1}, {256, 1, 1});
  const std::clock_t before = std::clock(); // the processor's time: others may be at work beside
  const auto counts = ask.count();
  const double took = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  EXPECT_EQ(float32(counts), 25000.0 * 10 * 64 * 256);
#if defined(__SANITIZE_ADDRESS__)
  constexpr double limit = 60;
#else
  constexpr double limit = 5;
#endif
  EXPECT_LT(took, limit);
}

} // namespace
} // namespace mansard::ir::testing
