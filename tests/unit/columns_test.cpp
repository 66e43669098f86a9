#include <mansard/work/kernel.h>

#include <gtest/gtest.h>

namespace mansard::work {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

TEST(Columns, BuildAMatmul) {
  const auto kernel = fromColumns(MANSARD_OP_MATMUL, Values{{"dtype", "fp8"},
                                                            {"weight_dtype", "fp8"},
                                                            {"scaling", "block"},
                                                            {"m", "16"},
                                                            {"n", "7168"},
                                                            {"k", "2048.0"}});
  ASSERT_TRUE(kernel.ok()) << kernel.error().text();
  EXPECT_EQ(kernel->u.matmul.m, 16);
  EXPECT_EQ(kernel->u.matmul.k, 2048);
  EXPECT_EQ(kernel->scaling, MANSARD_SCALING_BLOCK);
  EXPECT_EQ(kernel->out_dtype, MANSARD_DTYPE_BF16) << "narrow inputs give 16-bit results";
}

TEST(Columns, NameWhatIsMissing) {
  const auto kernel =
      fromColumns(MANSARD_OP_MATMUL, Values{{"dtype", "bf16"}, {"m", "1"}, {"k", "1"}});
  ASSERT_FALSE(kernel.ok());
  EXPECT_EQ(kernel.error().message, "n (columns of the result) is missing");
}

TEST(Columns, SuggestTheNearestDataType) {
  const auto kernel =
      fromColumns(MANSARD_OP_MATMUL, Values{{"dtype", "bf61"}, {"m", "1"}, {"n", "1"}, {"k", "1"}});
  ASSERT_FALSE(kernel.ok());
  EXPECT_NE(kernel.error().message.find("did you mean 'bf16'"), std::string::npos)
      << kernel.error().message;
}

TEST(Columns, RefuseSizesThatMakeNoSense) {
  for (const char *m : {"0", "-4", "1e30", "99999999999999999999", "2.5", "many", "nan"})
    EXPECT_FALSE(
        fromColumns(MANSARD_OP_MATMUL, Values{{"dtype", "bf16"}, {"m", m}, {"n", "8"}, {"k", "8"}})
            .ok())
        << m;
}

TEST(Columns, RefuseHeadsThatDoNotDivide) {
  const auto kernel = fromColumns(MANSARD_OP_ATTENTION_DECODE, Values{{"dtype", "bf16"},
                                                                      {"batch", "1"},
                                                                      {"q_len", "1"},
                                                                      {"kv_len", "8"},
                                                                      {"heads", "6"},
                                                                      {"kv_heads", "4"}});
  ASSERT_FALSE(kernel.ok());
  EXPECT_NE(kernel.error().message.find("kv_heads"), std::string::npos);
}

TEST(Columns, ReadThePowerLawsExponent) {
  Values values{{"dtype", "bf16"},
                {"tokens", "8"},
                {"hidden", "64"},
                {"inter", "64"},
                {"topk", "2"},
                {"experts", "8"},
                {"distribution", "power_law_1.2"}};
  const auto kernel = fromColumns(MANSARD_OP_MOE, values);
  ASSERT_TRUE(kernel.ok()) << kernel.error().text();
  EXPECT_EQ(kernel->u.moe.alpha, 1.2);
  values["distribution"] = "power_law_";
  EXPECT_FALSE(fromColumns(MANSARD_OP_MOE, values).ok());
}

TEST(Kernels, AreEqualWhenAllFieldsAre) {
  Kernel a = makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  a.u.matmul = {1, 2, 3, 0, 0, 0, 0, 0, 0};
  Kernel b = a;
  EXPECT_TRUE(equal(a, b));
  b.u.matmul.k = 4;
  EXPECT_FALSE(equal(a, b));
}

} // namespace
} // namespace mansard::work
