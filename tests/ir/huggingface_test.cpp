#include "huggingface_fixture.h"

#include <random>

namespace mansard::ir {
namespace {

using namespace std::string_literals;

TEST_F(HuggingFaceImport, EveryPublishedConfigEqualsItsBuiltInModel) {
  for (const char *id : kModels) {
    auto imported = importHuggingFace(kConfigs + id + "/config.json");
    ASSERT_TRUE(imported.ok()) << imported.error().text();
    const auto builtIn =
        work::readTransformer(std::string(MANSARD_ROOT "/configs/models/") + id + ".toml");
    ASSERT_TRUE(builtIn.ok()) << builtIn.error().text();
    EXPECT_EQ(imported->id, id); // the folder's name
    imported->name = builtIn->name;
    imported->source = builtIn->source;
    imported->hf = builtIn->hf;
    if (std::string(id) == "mimo-v2-flash") // its config does not count its next-token layers
      imported->next_token = builtIn->next_token;
    EXPECT_EQ(*imported, *builtIn) << id;
  }
}

TEST_F(HuggingFaceImport, IsNamedAfterTheFileThatIsNotCalledConfig) {
  const std::string path = (folder_ / "My-Model_config.json").string();
  fs::copy_file(kConfigs + "llama-3.1-8b/config.json", path);
  const auto model = importHuggingFace(path);
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->id, "My-Model");
}

TEST_F(HuggingFaceImport, AnUnknownArchitectureListsThoseSupported) {
  expectError(importWith("qwen3-32b", "/architectures", R"(["BertForMaskedLM"])"),
              "architecture 'BertForMaskedLM' is not supported");
  expectError(importWith("qwen3-32b", "/architectures", R"(["BertForMaskedLM"])"),
              "supported are LlamaForCausalLM, Llama4ForCausalLM, ");
  for (const char *known : {"Qwen3MoeForCausalLM", "GptOssForCausalLM", "DeepseekV3ForCausalLM"})
    expectError(importWith("qwen3-32b", "/architectures", R"(["BertForMaskedLM"])"), known);
  expectError(importWith("qwen3-32b", "/architectures", R"(["DeciLMForCausalLM"])"),
              "layers that differ in width from one to the next (block_configs)");
  expectError(importWith("qwen3-32b", "/architectures", R"(["LamaForCausalLM"])"),
              "did you mean 'LlamaForCausalLM'?");
  expectError(importWith("qwen3-32b", "/architectures", R"(["A", "B"])"), "a list of one text");
  expectError(importWith("qwen3-32b", "/architectures", "[]"), "a list of one text");
  expectError(importWith("qwen3-32b", "/architectures", "3"), "a list of one text");
  expectError(importWithout("qwen3-32b", "architectures"), "'architectures' is missing");
  expectError(importWith("qwen3-32b", "/model_type", R"("llama")"),
              "'model_type' is 'llama', but the architecture is Qwen3ForCausalLM");
  expectError(importWith("llama-3.1-8b", "/model_type", R"("")"), "'model_type' is ''");
}

TEST_F(HuggingFaceImport, AnUnknownFieldIsNamedWithItsLineAndTheNearest) {
  for (const char *id : kModels)
    expectError(importWith(id, "/logit_softcap", "30"), "field 'logit_softcap' is not known for ");
  expectError(importWith("llama-3.1-8b", "/hiden_size", "1"), "did you mean 'hidden_size'?");
  expectError(importWith("llama-3.1-8b", "/rope_scaling/fctor", "1"),
              "field 'rope_scaling.fctor' is not known for rotary scaling (did you mean "
              "'factor'?)");
  expectError(importWith("deepseek-v3", "/quantization_config/weight_blocks", "1"),
              "field 'quantization_config.weight_blocks' is not known");
  const auto model = importText("{\n\"architectures\": [\"LlamaForCausalLM\"],\n"
                                "  \"q\\\"u\\\\\": 1}");
  expectError(model, "field 'q\"u\\' is not known");
  EXPECT_NE(model.error().place.find("config.json:3:3"), std::string::npos) << model.error().place;
}

TEST_F(HuggingFaceImport, AMisspeltFieldIsToldBeforeTheOneThatIsMissingForIt) {
  Json config = Json::parse(contents("qwen3-30b-a3b"));
  config["num_expert"] = config["num_experts"];
  config.erase("num_experts");
  expectError(importText(config.dump()), "field 'num_expert' is not known");
}

TEST_F(HuggingFaceImport, EveryFieldThatMattersIsMissedIfAbsent) {
  const auto missing = [&](const char *model, std::initializer_list<const char *> keys) {
    for (const char *key : keys)
      expectError(importWithout(model, key), std::string("'") + key + "' is missing");
  };
  missing("llama-3.1-8b",
          {"hidden_size", "vocab_size", "max_position_embeddings", "num_hidden_layers",
           "num_attention_heads", "num_key_value_heads", "intermediate_size", "hidden_act",
           "tie_word_embeddings", "torch_dtype"});
  missing("qwen3-32b", {"head_dim", "intermediate_size"});
  missing("qwen3-30b-a3b", {"num_experts", "num_experts_per_tok", "moe_intermediate_size"});
  missing("mixtral-8x7b", {"num_local_experts", "num_experts_per_tok", "intermediate_size"});
  missing("gpt-oss-120b", {"attention_bias", "num_local_experts", "num_experts_per_tok",
                           "layer_types", "sliding_window", "intermediate_size"});
  missing("deepseek-v3", {"kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim",
                          "n_routed_experts", "num_experts_per_tok", "moe_intermediate_size",
                          "n_group", "topk_group", "first_k_dense_replace", "intermediate_size"});
}

TEST_F(HuggingFaceImport, WrongTypesAndSizesAreErrorsThatNameTheField) {
  for (const char *value : {R"("4096")", "4096.0", "true", "[4096]", "{}", "0", "-1", "16777217",
                            "1e400", "9223372036854775808", "99999999999999999999"}) {
    const auto model = importWith("llama-3.1-8b", "/vocab_size", "1");
    EXPECT_TRUE(model.ok());
    std::string text = contents("llama-3.1-8b");
    const std::string from = "\"vocab_size\": 128256";
    text.replace(text.find(from), from.size(), std::string("\"vocab_size\": ") + value);
    const auto wrong = importText(text);
    ASSERT_FALSE(wrong.ok()) << value;
    EXPECT_EQ(wrong.error().code, ErrorCode::invalidInput);
    EXPECT_NE(wrong.error().text().find(std::string(value) == "1e400" ? "too large" : "vocab_size"),
              std::string::npos)
        << wrong.error().text();
  }
  expectError(importWith("llama-3.1-8b", "/vocab_size", "null"), "'vocab_size' is missing");
  expectError(importWith("llama-3.1-8b", "/tie_word_embeddings", "1"), "must be true or false");
  expectError(importWith("llama-3.1-8b", "/hidden_act", "3"), "must be a text");
  expectError(importWith("llama-3.1-8b", "/rope_scaling", R"("yarn")"), "an object of fields");
  expectError(importWith("llama-3.1-8b", "/num_hidden_layers", "65537"), "from 1 to 65536");
  expectError(importWith("gpt-oss-120b", "/layer_types", "[1, 2]"), "must be a list of texts");
  expectError(importWith("qwen3-30b-a3b", "/mlp_only_layers", "{}"), "list of whole numbers");
}

TEST_F(HuggingFaceImport, UnsupportedValuesAreRefusedByName) {
  expectError(importWith("llama-3.1-8b", "/hidden_act", R"("gelu")"),
              "'hidden_act' is 'gelu', which is not supported; supported: silu");
  expectError(importWith("llama-3.1-8b", "/mlp_bias", "true"), "'mlp_bias' is 'true'");
  expectError(importWith("llama-3.1-8b", "/torch_dtype", R"("float64")"), "'torch_dtype'");
  expectError(importWith("llama-3.1-8b", "/dtype", R"("float16")"), "contradict");
  expectError(importWith("llama-3.1-8b", "/rope_scaling/rope_type", R"("su")"),
              "'rope_scaling.rope_type' is 'su'");
  expectError(importWith("qwen3-30b-a3b", "/use_sliding_window", "true"), "'use_sliding_window'");
  expectError(importWith("deepseek-v3", "/attention_bias", "true"), "'attention_bias'");
  expectError(importWith("deepseek-v3", "/topk_method", R"("greedy")"), "'topk_method'");
  expectError(importWith("deepseek-v3", "/scoring_func", R"("tanh")"), "'scoring_func'");
  for (const char *method : {"gptq", "awq", "bitsandbytes"})
    expectError(importWith("deepseek-v3", "/quantization_config",
                           std::string(R"({"bits": 4, "quant_method": ")") + method + "\"}"),
                std::string("'quantization_config' is '") + method + "'");
  expectError(importWith("gpt-oss-120b", "/quantization_config", R"({"quant_method": "awq"})"),
              "supported: fp8, mxfp4, compressed-tensors, modelopt");
  expectError(importWith("gpt-oss-120b", "/quantization_config", R"({"quant_method": "mxfp4"})"),
              "'quantization_config.modules_to_not_convert' is missing");
  expectError(importWith("deepseek-v3", "/quantization_config", "{}"),
              "'quantization_config.quant_method' is missing");
  expectError(importWith("deepseek-v3", "/quantization_config/fmt", R"("e5m2")"), "'e5m2'");
  expectError(importWith("deepseek-v3", "/quantization_config/weight_block_size", "[64, 64]"),
              "must be [128, 128]");
  expectError(importWith("deepseek-v3", "/quantization_config/weight_block_size", "[]"),
              "must be [128, 128]");
}

TEST_F(HuggingFaceImport, ContradictionsAreErrors) {
  expectError(importWith("llama-3.1-8b", "/num_key_value_heads", "7"),
              "'num_key_value_heads' is 7, which does not divide num_attention_heads = 32");
  expectError(importWith("llama-3.1-8b", "/num_attention_heads", "24"),
              "does not divide hidden_size = 4096");
  expectError(importWith("gpt-oss-120b", "/experts_per_token", "8"), "contradict");
  expectError(importWith("gpt-oss-120b", "/num_hidden_layers", "24"), "lists 36 layers");
  expectError(importWith("gpt-oss-120b", "/layer_types/3", R"("linear_attention")"),
              "'layer_types' is 'linear_attention'");
  expectError(importWith("deepseek-v3", "/num_key_value_heads", "8"), "num_attention_heads = 128");
  expectError(importWith("deepseek-v3", "/qk_head_dim", "128"), "= 192");
  expectError(importWith("deepseek-v3", "/topk_group", "9"), "n_group is 8");
  expectError(importWith("deepseek-v3", "/n_group", "7"),
              "'n_group' is 7, which does not divide n_routed_experts = 256");
  expectError(importWith("deepseek-v3", "/n_group", "256"), "4 groups hold only 4");
  expectError(importWith("deepseek-v3", "/first_k_dense_replace", "61"), "none of the 61 layers");
  expectError(importWith("qwen3-30b-a3b", "/mlp_only_layers", "[48]"), "from 0 to 47");
  expectError(importWith("qwen3-30b-a3b", "/num_experts_per_tok", "129"), "from 1 to 128");
  expectError(importWith("qwen3-32b", "/layer_types",
                         Json(std::vector<std::string>(64, "sliding_attention")).dump()),
              "use_sliding_window is false");
  expectError(importText("{\"architectures\": [\"LlamaForCausalLM\"],\n \"vocab_size\": 1,\n"
                         " \"vocab_size\": 2}"),
              "'vocab_size' is given twice");
}

TEST_F(HuggingFaceImport, PlacesExpertsWhereTheConfigSays) {
  using Runs = std::vector<work::LayerRun>;
  auto model = importWith("qwen3-30b-a3b", "/mlp_only_layers", "[0, 1, 47]");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->layers, (Runs{{2, 0, false}, {45, 0, true}, {1, 0, false}}));
  EXPECT_EQ(model->inter, 6144);
  model = importWith("qwen3-30b-a3b", "/decoder_sparse_step", "24"); // layers 23 and 47
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->layers, (Runs{{23, 0, false}, {1, 0, true}, {23, 0, false}, {1, 0, true}}));
  model = importWith("deepseek-v3", "/moe_layer_freq", "30"); // layers 30 and 60
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->layers, (Runs{{30, 0, false}, {1, 0, true}, {29, 0, false}, {1, 0, true}}));
  model = importWith("deepseek-v3", "/first_k_dense_replace", "0");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->inter, 0); // no dense layer is left
}

TEST_F(HuggingFaceImport, SlidingWindowsFollowTheConfig) {
  using Runs = std::vector<work::LayerRun>;
  auto model = importWith("mixtral-8x7b", "/sliding_window", "4096");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->layers, (Runs{{32, 0, true}}));
  EXPECT_EQ(model->attentions.front().window, 4096); // all layers slide
  Json config = Json::parse(contents("qwen3-32b"));
  config["sliding_window"] = 4096;
  config["max_window_layers"] = 60;
  model = importText(config.dump());
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->attentions.size(), 1u); // use_sliding_window is false
  config["use_sliding_window"] = true;
  model = importText(config.dump());
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->layers, (Runs{{60, 0, false}, {4, 1, false}}));
  std::vector<std::string> types(64, "full_attention");
  types[1] = "sliding_attention";
  config["layer_types"] = types;
  model = importText(config.dump());
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->layers, (Runs{{1, 0, false}, {1, 1, false}, {62, 0, false}}));
}

TEST_F(HuggingFaceImport, ReadsWhatTheCheckpointStores) {
  auto model = importWith("llama-3.1-8b", "/torch_dtype", R"("float16")");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->stored, DType::fp16);
  Json config = Json::parse(contents("llama-3.1-8b"));
  config["dtype"] = config["torch_dtype"]; // its name in newer versions of transformers
  config.erase("torch_dtype");
  model = importText(config.dump());
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->stored, DType::bf16);
  model = importWith("qwen3-32b", "/quantization_config",
                     R"({"quant_method": "fp8", "activation_scheme": "static",
                         "modules_to_not_convert": ["lm_head"]})");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->stored, DType::fp8);
  EXPECT_FALSE(model->stored_block_scaled);
  EXPECT_EQ(model->unquantised, std::vector<std::string>{"lm_head"});
}

TEST_F(HuggingFaceImport, AttentionBiasReachesAllFourProjections) {
  const auto model = importWith("llama-3.1-8b", "/attention_bias", "true");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_TRUE(model->attentions.front().qkv_bias);
  EXPECT_TRUE(model->attentions.front().output_bias);
}

TEST_F(HuggingFaceImport, FilesThatAreNoConfigAreErrors) {
  expectError(importHuggingFace((folder_ / "config.json").string()), "no such file");
  const auto folder = importHuggingFace(folder_.string());
  ASSERT_FALSE(folder.ok());
  EXPECT_NE(folder.error().message.find("is a folder"), std::string::npos);
  EXPECT_FALSE(importHuggingFace("").ok());
  EXPECT_FALSE(importHuggingFace("config\0.json"s).ok());
  expectError(importText(""), "is not valid JSON");
  expectError(importText("[]"), "not an object");
  expectError(importText("3"), "not an object");
  expectError(importText("model: llama\n"), "is not valid JSON");
  expectError(importText("\xff\xfe{}"), "is not valid JSON");
  expectError(importText("{}"), "'architectures' is missing");
  const auto broken = importText("{\n \"a\": 1,\n}");
  expectError(broken, "is not valid JSON");
  EXPECT_NE(broken.error().place.find("config.json:3:1"), std::string::npos)
      << broken.error().place;
  expectError(importText(std::string((16 << 20) + 1, ' ')), "larger than 16 MiB");
}

TEST_F(HuggingFaceImport, DeepNestingDoesNotExhaustTheStack) {
  const std::string open(1 << 20, '['), close(1 << 20, ']');
  for (const char *key : {"hidden_size", "torch_dtype", "layer_types", "mlp_bias", "unheard_of",
                          "initializer_range", "rope_scaling", "architectures"}) {
    Json config = Json::parse(contents("llama-3.1-8b"));
    config[key] = "HERE";
    std::string text = config.dump();
    text.replace(text.find("\"HERE\""), 6, open + close);
    const auto model = importText(text);
    EXPECT_EQ(model.ok(), std::string(key) == "initializer_range") << key;
  }
  EXPECT_FALSE(importText(open).ok());
}

/// Whatever the bytes: an answer that checks, or an error with a message.
TEST_F(HuggingFaceImport, TruncatedAndMutatedConfigsNeverCrash) {
  const auto answer = [&](const std::string &text) {
    const auto model = importText(text);
    if (model.ok())
      EXPECT_TRUE(work::check(*model).ok()) << text;
    else
      EXPECT_FALSE(model.error().message.empty());
    return model.ok();
  };
  std::mt19937 random(20240521);
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  const std::string kBytes = "\0\"{}[],:-0129eE.\\\n\xff tfn"s;
  const char *const kValues[] = {
      "null", "true", "-1", "0",   "1",   "1e308", "18446744073709551615",
      "\"\"", "[]",   "{}", "[0]", "2.5", "[[]]",  "\"silu\""};
  for (const char *id : kModels) {
    const std::string text = contents(id);
    const size_t end = text.rfind('}');
    for (size_t length = 0; length < text.size(); length += 1 + below(29))
      EXPECT_EQ(answer(text.substr(0, length)), length > end) << id << " cut to " << length;
    for (int i = 0; i < 80; ++i) { // bytes
      std::string mutated = text;
      for (size_t n = 1 + below(3); n > 0; --n) {
        const size_t at = below(mutated.size());
        if (below(2))
          mutated[at] = kBytes[below(kBytes.size())];
        else
          mutated.erase(at, 1 + below(20));
      }
      answer(mutated);
    }
    const Json config = Json::parse(text);
    for (const auto &[key, value] : config.items()) // values, one field after the other
      for (const char *replacement : kValues) {
        Json mutated = config;
        mutated[key] = Json::parse(replacement);
        answer(mutated.dump());
      }
  }
}

} // namespace
} // namespace mansard::ir
