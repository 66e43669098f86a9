// Error figures against measurements whose distance from the estimate is known.

#include <mansard/base/names.h>
#include <mansard/report/files.h>
#include <mansard/report/validation.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <unistd.h>

namespace mansard::report {
namespace {

constexpr const char *kHeader = "target,op,dtype,weight_dtype,scaling,m,n,k,latency_us\n";

class ValidationTest : public ::testing::Test {
protected:
  ValidationTest() : host_(catalog_) {
    std::filesystem::create_directories(folder_);
    // The built-in model alone, so that the test needs no plugin.
    EXPECT_TRUE(writeFile(target_, "inherits = \"h100-sxm\"\nid = \"plain\"\nmodel = \"generic\"\n"
                                   "family = \"generic\"\n")
                    .ok());
  }
  ~ValidationTest() override { std::filesystem::remove_all(folder_); }

  std::string row(int m, const std::string &latency) const {
    return fmt::format("{},gemm,bf16,bf16,none,{},4096,4096,{}\n", target_, m, latency);
  }

  double predicted(int m) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.matmul = {m, 4096, 4096, 0, 0, 0, 0, 0, 0};
    auto model = host_.open(target_);
    EXPECT_TRUE(model.ok()) << (model.ok() ? "" : model.error().text());
    auto report = collectKernel(*model, kernel);
    EXPECT_TRUE(report.ok());
    return report->estimate.latency_us;
  }

  Validation run(const std::string &rows) {
    const std::string path = (folder_ / "gemm.csv").string();
    EXPECT_TRUE(writeFile(path, rows).ok());
    auto validation = validate(host_, {path});
    EXPECT_TRUE(validation.ok()) << (validation.ok() ? "" : validation.error().text());
    return std::move(*validation);
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("mansard-validation-{}", ::getpid());
  const std::string target_ = (folder_ / "plain.toml").string();
  hw::Catalog catalog_;
  host::Host host_;
};

TEST_F(ValidationTest, FiguresAreThoseWorkedByHand) {
  // Predicted over measured: 2, 1, 0.5 -> errors of 100, 0 and 50 %.
  std::string rows = kHeader;
  for (const auto &[m, factor] : {std::pair{64, 0.5}, {1024, 1.0}, {4096, 2.0}})
    rows += row(m, fmt::format("{}", predicted(m) * factor));
  const Validation v = run(rows);
  ASSERT_EQ(v.groups.size(), 1u);
  const ErrorGroup &g = v.groups[0];
  EXPECT_EQ(g.rows, 3u);
  EXPECT_EQ(g.skipped, 0u);
  EXPECT_NEAR(g.mape, 50, 1e-9);
  EXPECT_NEAR(g.median_ape, 50, 1e-9);
  EXPECT_NEAR(g.p90_ape, 50 + 0.8 * 50, 1e-9); // between the second and third of three
  EXPECT_NEAR(g.bias, 0, 1e-12);
}

TEST_F(ValidationTest, RooflineIsTheLargerOfOperationsAndBytes) {
  const Validation v = run(kHeader + row(4096, "1000") + row(1, "1000"));
  const double ops_us = 2.0 * 4096 * 4096 * 4096 / 989.4e12 * 1e6;
  const double bytes_us = (2.0 * 4096 * 4096 + 2 * 2.0 * 4096) / 3.35e12 * 1e6;
  EXPECT_NEAR(v.compared[0][0].roofline_us, ops_us, 0.01 * ops_us);
  EXPECT_NEAR(v.compared[0][1].roofline_us, bytes_us, 0.01 * bytes_us);
}

TEST_F(ValidationTest, RowsThatMakeNoSenseAreSkippedWithTheirReason) {
  const Validation v = run(kHeader + row(-1, "10") + row(8, "") + row(8, "-3") + row(8, "10") +
                           "nosuch,gemm,bf16,bf16,none,8,8,8,10\n");
  size_t rows = 0, skipped = 0;
  for (const ErrorGroup &g : v.groups) {
    rows += g.rows;
    skipped += g.skipped;
  }
  EXPECT_EQ(rows, 1u);
  EXPECT_EQ(skipped, 4u);
  std::string reasons;
  for (const auto &[reason, count] : v.skipReasons)
    reasons += fmt::format("{} x {}\n", count, reason);
  EXPECT_NE(reasons.find("m is -1"), std::string::npos) << reasons;
  EXPECT_NE(reasons.find("2 x "), std::string::npos) << reasons;
  EXPECT_NE(reasons.find("no target 'nosuch'"), std::string::npos) << reasons;
}

TEST_F(ValidationTest, WithoutAnyEstimateTheFiguresAreNoNumbersAndJsonSaysNull) {
  const Validation v = run(std::string(kHeader) + "nosuch,gemm,bf16,bf16,none,8,8,8,10\n");
  ASSERT_EQ(v.groups.size(), 1u);
  EXPECT_TRUE(std::isnan(v.groups[0].mape));
  EXPECT_NE(validationJson(v).find("\"mape\": null"), std::string::npos);
}

TEST_F(ValidationTest, RowsThatMakeNoKernelCountWithTheOthersOfTheirGroup) {
  const std::string row = target_ + ",collective,all_reduce,";
  const Validation v = run("target,op,kind,ranks,size_bytes,latency_us\n" + row + "8,65536,20\n" +
                           row + "-8,65536,20\n");
  ASSERT_EQ(v.groups.size(), 1u) << "a collective is bf16 where its table does not say";
  EXPECT_EQ(v.groups[0].rows, 1u);
  EXPECT_EQ(v.groups[0].skipped, 1u);
}

TEST_F(ValidationTest, ExpertsOfNemotronHaveNoGate) {
  const auto read = [&](const std::string &experts, const std::string &source) {
    const std::string path = (folder_ / "moe.csv").string();
    EXPECT_TRUE(writeFile(path, "target,op,dtype,weight_dtype,scaling,tokens,hidden,inter,topk,"
                                "experts,moe_tp,moe_ep,distribution,latency_us,source\n"
                                "x,moe,bf16,bf16,none,8,8192,5120,22," +
                                    experts + ",1,1,balanced,10," + source + "\n")
                    .ok());
    return readMeasurements(path)->all[0].kernel.u.moe.gated;
  };
  EXPECT_EQ(read("512", "ai-dynamo/aiconfigurator"), 0u);
  EXPECT_EQ(read("256", "ai-dynamo/aiconfigurator"), 1u);
  EXPECT_EQ(read("512", "elsewhere"), 1u);
}

TEST_F(ValidationTest, SmoothQuantLayersWereTimedWithoutQuantising) {
  const auto quantises = [&](const std::string &target, const std::string &type,
                             const std::string &source) {
    const std::string path = (folder_ / "quantised.csv").string();
    EXPECT_TRUE(writeFile(path, "target,op,dtype,weight_dtype,scaling,m,n,k,latency_us,source\n" +
                                    target + ",gemm," + type + "," + type +
                                    ",token,64,4096,4096,10," + source + "\n")
                    .ok());
    return (readMeasurements(path)->all[0].kernel.u.matmul.epilogue & MANSARD_PROLOGUE_QUANTIZE) !=
           0;
  };
  EXPECT_FALSE(quantises("a100-sxm-80gb", "int8", "ai-dynamo/aiconfigurator"));
  EXPECT_TRUE(quantises("h100-sxm", "fp8", "ai-dynamo/aiconfigurator"));
  EXPECT_TRUE(quantises("ascend-910b", "int8", "aiconfigurator-npu (Ascend 910B)"));
  EXPECT_FALSE(quantises("h100-sxm", "fp8", "elsewhere"));
}

constexpr const char *kMlaHeader =
    "target,op,dtype,kv_dtype,batch,q_len,kv_len,heads,latency_us,software\n";

TEST_F(ValidationTest, SglangConvertsAnFp8LatentCacheOnHopperFirst) {
  const auto read = [&](const std::string &target, const std::string &cache,
                        const std::string &software) {
    const std::string path = (folder_ / "mla.csv").string();
    EXPECT_TRUE(writeFile(path, kMlaHeader + target + ",mla_decode,bf16," + cache +
                                    ",2,1,1000,16,10," + software + "\n")
                    .ok());
    return readMeasurements(path)->all[0];
  };
  const Measurement converted = read("h200-sxm", "fp8", "sglang");
  EXPECT_EQ(converted.kernel.weight_dtype, static_cast<uint32_t>(MANSARD_DTYPE_BF16));
  ASSERT_EQ(converted.before.size(), 3u); // the new latent, its rotary part, the cache
  EXPECT_EQ(converted.before[2].u.custom.read_bytes, 2 * 1000 * 576);
  EXPECT_EQ(converted.before[2].u.custom.write_bytes, 2 * 2 * 1000 * 576);
  for (const Measurement &plain :
       {read("h200-sxm", "fp8", "trtllm"), read("b200-sxm", "fp8", "sglang")}) {
    EXPECT_EQ(plain.kernel.weight_dtype, static_cast<uint32_t>(MANSARD_DTYPE_FP8));
    EXPECT_TRUE(plain.before.empty());
  }
  EXPECT_TRUE(read("h200-sxm", "bf16", "sglang").before.empty());
}

TEST_F(ValidationTest, WhatRanBeforeCountsWithTheMeasuredKernel) {
  const Validation v =
      run(std::string(kMlaHeader) + "h100-sxm,mla_decode,bf16,fp8,8,1,8192,16,10,sglang\n" +
          "h100-sxm,mla_decode,bf16,bf16,8,1,8192,16,10,sglang\n");
  const Measurement &m = v.files[0].all[0];
  ASSERT_EQ(m.before.size(), 3u);
  auto model = host_.open("h100-sxm");
  ASSERT_TRUE(model.ok()) << model.error().text();
  double us = v.compared[0][1].estimate.latency_us;
  for (const work::Kernel &kernel : m.before) {
    mansard_estimate one{};
    one.struct_size = sizeof one;
    ASSERT_TRUE(model->estimate({&kernel, 1}, {&one, 1}).ok());
    us += one.latency_us;
  }
  const mansard_estimate &sum = v.compared[0][0].estimate;
  EXPECT_DOUBLE_EQ(sum.latency_us, us);
  double parts = 0;
  for (double part : sum.part_us)
    parts += part;
  EXPECT_NEAR(parts, us, 1e-9 * us);
  EXPECT_EQ(sum.bound, static_cast<uint32_t>(MANSARD_BOUND_VECTOR)); // as the conversion is
}

TEST_F(ValidationTest, RowsCarryPredictionIntervalPartsAndReasons) {
  const Validation v = run(kHeader + row(64, "10") + row(-1, "10"));
  const auto table = parseCsv(validationRows(v), "rows");
  ASSERT_TRUE(table.ok()) << table.error().text();
  ASSERT_EQ(table->rows.size(), 2u);
  const auto cell = [&](size_t row, const char *name) {
    const auto column = table->column(name);
    EXPECT_TRUE(column) << name;
    return column ? table->rows[row][*column] : "";
  };
  const double us = predicted(64);
  EXPECT_DOUBLE_EQ(std::stod(cell(0, "predicted_us")), us);
  EXPECT_DOUBLE_EQ(std::stod(cell(0, "ratio")), us / 10);
  EXPECT_NEAR(std::stod(cell(0, "error_percent")), 10 * us - 100, 1e-9 * us);
  EXPECT_LT(std::stod(cell(0, "low_us")), us);
  EXPECT_GT(std::stod(cell(0, "high_us")), us);
  double parts = 0;
  for (std::string_view bound : kBoundNames)
    parts += std::stod(cell(0, fmt::format("predicted_{}_us", bound).c_str()));
  EXPECT_NEAR(parts, us, 1e-9 * us);
  EXPECT_EQ(cell(0, "family"), "generic");
  EXPECT_EQ(cell(0, "fallback"), "1") << "the built-in model stands in";
  EXPECT_EQ(cell(0, "skipped"), "");
  EXPECT_EQ(cell(1, "predicted_us"), "");
  EXPECT_NE(cell(1, "skipped").find("m is -1"), std::string::npos);
}

TEST_F(ValidationTest, RowsOfAnEarlierRunCanBeValidatedAgain) {
  const std::string first = validationRows(run(kHeader + row(64, "10")));
  EXPECT_EQ(parseCsv(validationRows(run(first)), "rows")->header, parseCsv(first, "rows")->header);
}

TEST_F(ValidationTest, MissingColumnsAreErrorsThatNameThem) {
  const std::string path = (folder_ / "bad.csv").string();
  ASSERT_TRUE(
      writeFile(path, "target,op,dtype,weight_dtype,scaling,m,n,latency_us\nx,gemm,,,,,,\n").ok());
  const auto measurements = readMeasurements(path);
  ASSERT_FALSE(measurements.ok());
  EXPECT_NE(measurements.error().text().find("column \"k\" is missing"), std::string::npos);
}

} // namespace
} // namespace mansard::report
