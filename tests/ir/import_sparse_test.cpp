// The import of models whose attention is linear or sparse.
#include "Import/HuggingFace.h"

#include <mansard/work/transformer.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace mansard::ir {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const std::string kConfigs = MANSARD_TEST_DATA "/models/";

class SparseImport : public testing::Test {
protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("mansard-sparse-import-" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + "-" +
               std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static Json config(const std::string &model) {
    return Json::parse(std::ifstream(kConfigs + model + "/config.json"));
  }

  Result<work::Transformer> importText(const Json &config) {
    const std::string path = (folder_ / "config.json").string();
    std::ofstream(path) << config.dump(2);
    return importHuggingFace(path);
  }

  /// `model`'s config with the field at `pointer` set to the JSON `value`.
  Result<work::Transformer> importWith(const std::string &model, const std::string &pointer,
                                       const std::string &value) {
    Json changed = config(model);
    changed[Json::json_pointer(pointer)] = Json::parse(value);
    return importText(changed);
  }

  static void expectError(const Result<work::Transformer> &model, const std::string &message) {
    ASSERT_FALSE(model.ok()) << "expected: " << message;
    EXPECT_NE(model.error().message.find(message), std::string::npos) << model.error().text();
    EXPECT_NE(model.error().place.find("config.json"), std::string::npos) << model.error().text();
  }

  fs::path folder_;
};

TEST_F(SparseImport, ConfigsEqualTheirBuiltInModels) {
  for (const char *id : {"qwen3.5-397b-a17b", "qwen3-next-80b-a3b", "deepseek-v3.2", "glm-5"}) {
    auto imported = importHuggingFace(kConfigs + id + "/config.json");
    ASSERT_TRUE(imported.ok()) << imported.error().text();
    const auto builtIn =
        work::readTransformer(std::string(MANSARD_ROOT "/configs/models/") + id + ".toml");
    ASSERT_TRUE(builtIn.ok()) << builtIn.error().text();
    imported->name = builtIn->name;
    imported->source = builtIn->source;
    imported->hf = builtIn->hf;
    EXPECT_EQ(*imported, *builtIn) << id;
  }
}

TEST_F(SparseImport, LayersAreFullWhereTheConfigSays) {
  Json changed = config("qwen3.5-397b-a17b");
  changed["text_config"].erase("layer_types"); // then every fourth
  auto model = importText(changed);
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->layers.size(), 30u);
  changed["text_config"]["full_attention_interval"] = 1;
  model = importText(changed);
  ASSERT_TRUE(model.ok()) << model.error().text();
  ASSERT_EQ(model->attentions.size(), 1u);
  EXPECT_EQ(model->attentions[0].kind, work::AttentionKind::grouped_query);
  expectError(importWith("qwen3.5-397b-a17b", "/text_config/layer_types", R"(["full_attention"])"),
              "'layer_types' lists 1 layers, but num_hidden_layers is 60");
  expectError(importWith("qwen3-next-80b-a3b", "/layer_types",
                         Json(std::vector<std::string>(48, "sliding_attention")).dump()),
              "sliding_attention");
}

TEST_F(SparseImport, DenseQwen35HasNoExperts) {
  Json changed = config("qwen3.5-397b-a17b");
  changed["architectures"] = {"Qwen3_5ForConditionalGeneration"};
  changed["model_type"] = "qwen3_5";
  Json &text = changed["text_config"];
  for (const char *key :
       {"num_experts", "num_experts_per_tok", "moe_intermediate_size",
        "shared_expert_intermediate_size", "router_aux_loss_coef", "mlp_only_layers"})
    text.erase(key);
  text["intermediate_size"] = 17408;
  const auto model = importText(changed);
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->moe.experts, 0);
  EXPECT_EQ(model->inter, 17408);
  EXPECT_FALSE(model->next_token.moe);
}

TEST_F(SparseImport, StatesHaveTheTypeThatTheConfigGives) {
  auto model = importWith("qwen3.5-397b-a17b", "/text_config/mamba_ssm_dtype", R"("bfloat16")");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->attentions[0].state, DType::bf16);
  expectError(importWith("qwen3.5-397b-a17b", "/text_config/mamba_ssm_dtype", R"("int8")"),
              "supported: float32, bfloat16");
}

TEST_F(SparseImport, RefusesHeadsThatItCannotDescribe) {
  expectError(importWith("qwen3-next-80b-a3b", "/linear_num_key_heads", "12"),
              "'linear_num_key_heads' is 12, which does not divide linear_num_value_heads = 32");
  expectError(importWith("qwen3-next-80b-a3b", "/linear_value_head_dim", "256"),
              "only states as wide as linear_key_head_dim = 128 are supported");
  expectError(importWith("qwen3-next-80b-a3b", "/partial_rotary_factor", "1.5"),
              "it must be a number from 0 to 1");
}

TEST_F(SparseImport, TellsOfUnknownFieldsInsideOfTheTextToo) {
  expectError(importWith("qwen3.5-397b-a17b", "/text_config/linear_rank", "7"),
              "field 'text_config.linear_rank' is not known");
  expectError(importWith("qwen3.5-397b-a17b", "/speech_rate", "7"),
              "field 'speech_rate' is not known");
}

TEST_F(SparseImport, SharedSelectionsAreRefused) {
  expectError(importWith("glm-5", "/index_topk_freq", "4"), "'index_topk_freq' is '4'");
  expectError(importWith("glm-5", "/index_topk_pattern", R"("FSSF")"), "F for every layer");
  expectError(importWith("glm-5", "/mlp_layer_types", R"(["dense"])"),
              "contradicts first_k_dense_replace");
  Json changed = config("deepseek-v3.2");
  changed.erase("index_topk");
  expectError(importText(changed), "'index_topk' is missing");
}

TEST_F(SparseImport, CompressedAttentionIsExplained) {
  expectError(
      importText({{"architectures", {"DeepseekV4ForCausalLM"}}, {"model_type", "deepseek_v4"}}),
      "compressed attention (compress_ratios) and hyper-connections (hc_mult)");
}

} // namespace
} // namespace mansard::ir
