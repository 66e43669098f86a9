#include "huggingface_fixture.h"

namespace mansard::ir {
namespace {

TEST_F(HuggingFaceImport, ReadsCompressedTensorsAndModelOpt) {
  const auto groups = [](const std::string &weights) {
    return R"({"quant_method": "compressed-tensors", "ignore": ["lm_head"],
               "config_groups": {"group_0": {"weights": )" +
           weights + "}}}";
  };
  const auto stored = [&](const std::string &config) {
    const auto model = importWith("llama-3.1-8b", "/quantization_config", config);
    EXPECT_TRUE(model.ok()) << model.error().text();
    return model ? model->stored : DType::fp32;
  };
  EXPECT_EQ(stored(groups(R"({"num_bits": 8, "type": "float"})")), DType::fp8);
  EXPECT_EQ(stored(groups(R"({"num_bits": 4, "type": "float", "group_size": 16})")), DType::nvfp4);
  EXPECT_EQ(stored(groups(R"({"num_bits": 8, "type": "int"})")), DType::int8);
  EXPECT_EQ(stored(R"({"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": []})"),
            DType::nvfp4);
  EXPECT_EQ(stored(R"({"quant_algo": "FP8", "producer": {"name": "modelopt"}})"), DType::fp8);
  const auto error = [&](const std::string &config, const std::string &message) {
    expectError(importWith("llama-3.1-8b", "/quantization_config", config), message);
  };
  error(R"({"quant_method": "modelopt", "quant_algo": "W4A8"})",
        "'quantization_config.quant_algo' is 'W4A8'");
  error(R"({"quant_method": "compressed-tensors"})",
        "'quantization_config.config_groups' is missing");
  error(groups(R"({"num_bits": 5, "type": "int"})"), "num_bits' is '5'");
  error(groups(R"({"num_bits": 4, "type": "float", "group_sizes": 16})"),
        "group_sizes' is not known");
  error(R"({"quant_method": "compressed-tensors", "config_groups": {
             "a": {"weights": {"num_bits": 4, "type": "int"}},
             "b": {"weights": {"num_bits": 8, "type": "int"}}}})",
        "several types");
  error(R"({"quant_method": "compressed-tensors", "ignore": ["re:(a+)+$"], "config_groups": {
             "a": {"weights": {"num_bits": 4, "type": "int"}}}})",
        "'quantization_config.ignore' is 're:(a+)+$'");
}

TEST_F(HuggingFaceImport, ModulesOfEveryLayerAreOnePattern) {
  const auto modules = [&](int layers, const std::string &before, const std::string &after) {
    Json list = Json::array({"lm_head"});
    for (int i = 0; i < layers; ++i)
      list.push_back(before + "model.layers." + std::to_string(i) + after);
    const auto model =
        importWith("llama-3.1-8b", "/quantization_config",
                   Json{{"quant_method", "fp8"}, {"modules_to_not_convert", list}}.dump());
    EXPECT_TRUE(model.ok()) << model.error().text();
    return model ? model->unquantised : std::vector<std::string>{};
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(modules(32, "", ".mlp"), (Texts{"lm_head", "model.layers.*.mlp"}));
  EXPECT_EQ(modules(32, "language_model.", ".mlp"), (Texts{"lm_head", "model.layers.*.mlp"}));
  EXPECT_EQ(modules(33, "", ".mlp"), (Texts{"lm_head", "model.layers.*.mlp"})); // with a draft's
  EXPECT_EQ(modules(2, "", ".mlp"), (Texts{"lm_head", "model.layers.0.mlp", "model.layers.1.mlp"}));
}

TEST_F(HuggingFaceImport, ATextModelInsideAnotherIsReadWithWhatStandsBesideIt) {
  Json config = Json::parse(contents("kimi-k2.5"));
  config["text_config"].erase("dtype");
  EXPECT_TRUE(importText(config.dump()).ok()); // the outer one's
  config["quantization_config"] = {{"quant_method", "modelopt"},
                                   {"quant_algo", "NVFP4"},
                                   {"ignore", {"language_model.lm_head"}}};
  config["text_config"].erase("quantization_config");
  auto model = importText(config.dump());
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->stored, DType::nvfp4);
  EXPECT_EQ(model->unquantised, std::vector<std::string>{"lm_head"});
  config["quantization_config"]["quant_algo"] = "FP6";
  expectError(importText(config.dump(2)), "'quantization_config.quant_algo' is 'FP6'");
  model = importWith("kimi-k2.5", "/text_config/hiden_size", "1");
  expectError(model, "field 'text_config.hiden_size' is not known");
  EXPECT_NE(model.error().place.find("config.json:"), std::string::npos) << model.error().place;
  expectError(importWith("kimi-k2.5", "/text_config/kv_lora_rank", "null"),
              "'text_config.kv_lora_rank' is missing");
  expectError(importWith("kimi-k2.5", "/text_config", "3"), "an object of fields");
}

TEST_F(HuggingFaceImport, MixedAttentionFollowsTheConfig) {
  auto model = importWith("mimo-v2-flash", "/num_nextn_predict_layers", "3");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->next_token, (work::LayerRun{3, 1, false}));
  expectError(importWith("mimo-v2-flash", "/hybrid_layer_pattern", "[0, 1]"),
              "'hybrid_layer_pattern' must list 0 or 1 for each of the 48 layers");
  expectError(importWith("mimo-v2-flash", "/swa_num_key_value_heads", "7"),
              "does not divide swa_num_attention_heads = 64");
  expectError(importWith("mimo-v2-flash", "/sliding_window_size", "64"), "contradict");
  expectError(importWith("mimo-v2-flash", "/partial_rotary_factor", "2"),
              "'partial_rotary_factor'");
  model = importWith("llama-4-scout", "/text_config/no_rope_layers",
                     Json(std::vector<int>(48, 1)).dump());
  ASSERT_TRUE(model.ok()) << model.error().text();
  ASSERT_EQ(model->attentions.size(), 1u); // all turn positions, so all attend in chunks
  EXPECT_EQ(model->attentions.front().chunk, 8192);
  expectError(importWith("llama-4-scout", "/text_config/no_rope_layers", "[1]"), "lists 1 layers");
  expectError(importWith("llama-4-scout", "/text_config/layer_types", R"(["full_attention"])"),
              "contradicts no_rope_layers");
  model = importWith("llama-4-scout", "/text_config/moe_layers", "[47]");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->inter, 16384); // all others are dense
  EXPECT_EQ(model->layers.back(), (work::LayerRun{1, 0, true}));
  expectError(importWith("minimax-m2.5", "/attn_type_list", "[1, 0]"), "'attn_type_list' is '0'");
  expectError(importWith("minimax-m2.5", "/qk_norm_type", R"("layer")"),
              "'qk_norm_type' is 'layer'");
  expectError(importWithout("glm-4.5", "use_qk_norm"), "'use_qk_norm' is missing");
}

} // namespace
} // namespace mansard::ir
