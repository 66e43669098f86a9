// What rows of measured kernels stand for beyond their columns.
#include <mansard/report/files.h>
#include <mansard/report/measurements.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <unistd.h>

namespace mansard::report {
namespace {

class MeasuredHabitsTest : public ::testing::Test {
protected:
  MeasuredHabitsTest() { std::filesystem::create_directories(folder_); }
  ~MeasuredHabitsTest() override { std::filesystem::remove_all(folder_); }

  work::Kernel read(const std::string &header, const std::string &row) const {
    const std::string path = (folder_ / "rows.csv").string();
    EXPECT_TRUE(writeFile(path, header + "\n" + row + "\n").ok());
    auto measured = readMeasurements(path);
    EXPECT_TRUE(measured.ok()) << (measured.ok() ? "" : measured.error().text());
    EXPECT_EQ(measured->all[0].unusable, "");
    return measured->all[0].kernel;
  }
  mansard_moe experts(const std::string &target, const std::string &types, const std::string &cut,
                      const std::string &spread) const {
    return read("target,op,dtype,weight_dtype,scaling,tokens,hidden,inter,topk,experts,moe_tp,"
                "moe_ep,distribution,latency_us,spread,source",
                target + ",moe," + types + ",16384,4096,1024,8,256," + cut + ",balanced,10," +
                    spread + ",ai-dynamo/aiconfigurator")
        .u.moe;
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("mansard-habits-" + std::to_string(::getpid()));
};

TEST_F(MeasuredHabitsTest, SglangComputesAllChoicesOfTheTokensOfADevice) {
  // Each token has one choice of eight here: all tokens, all pairs, a quarter's experts.
  const mansard_moe all = experts("a100-sxm-80gb", "bf16,bf16,none", "2,8", "1.0");
  EXPECT_EQ(all.ep, 1);
  EXPECT_EQ(all.experts, 32);
  EXPECT_EQ(all.tokens * all.topk, 16384 * 8);
  // 32 devices: a quarter of the tokens has a choice here.
  const mansard_moe some = experts("a100-sxm-80gb", "bf16,int4,group", "1,32", "1.0");
  EXPECT_EQ(some.experts, 8);
  EXPECT_EQ(some.tokens * some.topk, 16384 / 4 * 8);
  // More choices than experts: the pairs remain.
  const mansard_moe few = experts("a100-sxm-80gb", "bf16,int4,group", "1,128", "1.0");
  EXPECT_EQ(few.experts, 2);
  EXPECT_EQ(few.topk, 2);
  EXPECT_EQ(few.tokens * few.topk, 16384 / 16 * 8);
}

TEST_F(MeasuredHabitsTest, WhereOtherLibrariesRanOnlyOwnChoicesCount) {
  EXPECT_EQ(experts("a100-sxm-80gb", "bf16,bf16,none", "2,8", "1.4").ep, 8);
  EXPECT_EQ(experts("a100-sxm-80gb", "bf16,bf16,none", "2,8", "").ep, 8);
  EXPECT_EQ(experts("h100-sxm", "bf16,bf16,none", "2,8", "1.0").ep, 8);
  EXPECT_EQ(experts("h100-sxm", "bf16,mxfp4,block", "1,8", "1.0").ep, 8);
  EXPECT_EQ(experts("b200-sxm", "fp8,fp8,block", "2,8", "1.0").ep, 8);
}

TEST_F(MeasuredHabitsTest, SglangOnHopperComputesAllTokensOfMicroscaledExperts) {
  const mansard_moe moe = experts("h200-sxm", "bf16,mxfp4,block", "2,32", "1.0");
  EXPECT_EQ(moe.ep, 1);
  EXPECT_EQ(moe.experts, 8);
  EXPECT_EQ(moe.tokens * moe.topk, 16384 * 8);
}

TEST_F(MeasuredHabitsTest, ProfilesOfCannCountTheInputsOfAGatedActivation) {
  const auto columns = [&](const std::string &kind, const std::string &source) {
    return read("target,op,kind,rows,cols,dtype,out_dtype,latency_us,source",
                "ascend-910c,vector," + kind + ",64,3200,bf16,bf16,10," + source)
        .u.vector.cols;
  };
  EXPECT_EQ(columns("silu_mul", "msModeling reports"), 1600);
  EXPECT_EQ(columns("add", "msModeling reports"), 3200);
  EXPECT_EQ(columns("silu_mul", "elsewhere"), 3200);
}

} // namespace
} // namespace mansard::report
