// Models with linear and sparse attention: their files, what contradicts itself in them, their
// sizes.
#include <mansard/report/model_report.h>
#include <mansard/work/transformer.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <unistd.h>

namespace mansard::work {
namespace {

namespace fs = std::filesystem;

const std::string kModels = MANSARD_ROOT "/configs/models/";

class LinearModels : public testing::Test {
protected:
  void SetUp() override {
    file_ = fs::temp_directory_path() /
            ("mansard-linear-" +
             std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + "-" +
             std::to_string(::getpid()) + ".toml");
  }
  void TearDown() override { fs::remove(file_); }

  /// The built-in model `id` with `from` replaced by `to`, which must be there.
  Result<Transformer> readWith(const std::string &id, const std::string &from,
                               const std::string &to) {
    std::ifstream stream(kModels + id + ".toml");
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    std::ofstream(file_) << text;
    return readTransformer(file_.string());
  }

  void expectError(const std::string &id, const std::string &from, const std::string &to,
                   const std::string &message) {
    const auto model = readWith(id, from, to);
    ASSERT_FALSE(model.ok()) << to;
    EXPECT_NE(model.error().message.find(message), std::string::npos) << model.error().text();
    EXPECT_NE(model.error().place.find(file_.string()), std::string::npos) << model.error().text();
  }

  fs::path file_;
};

TEST_F(LinearModels, StatesAreOfTheTypeGiven) {
  const auto model = readWith("qwen3.5-397b-a17b", "state = \"fp32\"", "state = \"bf16\"");
  ASSERT_TRUE(model.ok()) << model.error().text();
  const double window = 3.0 * (2 * 16 + 64) * 128 * 2;
  EXPECT_EQ(model->attentions[0].stateBytes(), 64.0 * 128 * 128 * 2 + window);
  EXPECT_EQ(model->stateBytes(), 45 * model->attentions[0].stateBytes());
  EXPECT_EQ(model->attentions[0].cachedPerToken(), 0);
  expectError("qwen3.5-397b-a17b", "state = \"fp32\"", "state = \"fp8\"",
              "it must be one of fp32, bf16, fp16");
}

TEST_F(LinearModels, WhatContradictsItselfIsNamed) {
  const std::string linear = "qwen3.5-397b-a17b";
  expectError(linear, "kv_heads = 16", "kv_heads = 12",
              "'attention.kv_heads' is 12, which does not divide attention.heads = 64");
  expectError(linear, "convolution = 4", "convolution = 1", "'attention.convolution' is 1");
  expectError(linear, "convolution = 4\n", "", "'attention.convolution' is missing");
  expectError(linear, "convolution = 4", "convolution = 4\nqk_norm = true",
              "'attention.qk_norm' is not supported with linear attention");
  expectError(linear, "convolution = 4", "convolution = 4\nindex_topk = 2048",
              "attention.kind is delta_rule");
  expectError(linear, "output_gate = true", "output_gate = true\nconvolution = 4",
              "'attention.full.convolution' is 4, but attention.full.kind is grouped_query");
}

TEST_F(LinearModels, AnIndexerIsWhole) {
  expectError("glm-5", "index_topk = 2048", "index_topk = 0",
              "'attention.index_heads' is 32, but attention.index_topk is 0");
  expectError("glm-5", "index_heads = 32", "index_heads = 0", "'attention.index_heads' is 0");
  expectError("glm-5", "q_lora_rank = 2048", "q_lora_rank = 0",
              "the indexer starts from the compressed query");
}

TEST_F(LinearModels, AreShownWithWhatTheyKeep) {
  const auto linear = readTransformer(kModels + "qwen3.5-397b-a17b.toml"),
             sparse = readTransformer(kModels + "deepseek-v3.2.toml");
  ASSERT_TRUE(linear.ok() && sparse.ok());
  const std::string table = report::modelTable(*linear, "file");
  EXPECT_NE(table.find("linear by the gated delta rule, 64 heads on 16"), std::string::npos)
      << table;
  EXPECT_NE(table.find("state of a sequence"), std::string::npos) << table;
  EXPECT_NE(table.find("gated output"), std::string::npos) << table;
  EXPECT_NE(report::modelTable(*sparse, "file").find("2048 positions picked by 64 heads of 128"),
            std::string::npos);
  // Latent, and the indexer's key.
  EXPECT_EQ(sparse->cachedElementsPerToken(), 61 * (512 + 64 + 128));
}

} // namespace
} // namespace mansard::work
