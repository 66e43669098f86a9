#include <mansard/hw/catalog.h>
#include <mansard/work/transformer.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include <unistd.h>

namespace mansard::work {
namespace {

namespace fs = std::filesystem;

const std::string kModels = MANSARD_ROOT "/configs/models/";

Transformer builtIn(const std::string &id) {
  const auto model = readTransformer(kModels + id + ".toml");
  if (!model) {
    ADD_FAILURE() << model.error().text();
    return {};
  }
  return *model;
}

/// A folder of this test's own, gone with it.
class TransformerFile : public testing::Test {
protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("mansard-transformer-" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + "-" +
               std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string &name, const std::string &text) {
    const fs::path path = folder_ / name;
    std::ofstream(path) << text;
    return path.string();
  }

  /// The small model with `from` replaced by `to`, which must be there.
  Result<Transformer> readWith(const std::string &from, const std::string &to) {
    std::string text = kSmall;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return readTransformer(write("small.toml", text));
  }

  void expectError(const std::string &from, const std::string &to, const std::string &message,
                   const std::string &place) {
    const auto model = readWith(from, to);
    ASSERT_FALSE(model.ok()) << to;
    EXPECT_NE(model.error().message.find(message), std::string::npos) << model.error().text();
    EXPECT_NE(model.error().place.find(place), std::string::npos) << model.error().text();
  }

  static constexpr const char *kSmall = R"(id = "small"
name = "Small"
source = "made up"
hidden = 8
inter = 16
vocab = 32
max_positions = 64
[attention]
kind = "grouped_query"
heads = 4
kv_heads = 2
head_dim = 3
[moe]
experts = 4
experts_per_token = 2
inter = 5
[layers]
count = 3
first = ["dense"]
pattern = ["moe"]
[checkpoint]
dtype = "bf16"
)";

  fs::path folder_;
};

TEST(BuiltInModels, AllParseCheckAndBearTheirFilesName) {
  size_t count = 0;
  for (const auto &entry : fs::directory_iterator(kModels)) {
    if (entry.path().extension() != ".toml")
      continue;
    const auto model = readTransformer(entry.path().string());
    ASSERT_TRUE(model.ok()) << model.error().text();
    EXPECT_EQ(model->id, entry.path().stem().string());
    EXPECT_TRUE(check(*model).ok());
    EXPECT_FALSE(model->source.empty());
    ++count;
  }
  EXPECT_GE(count, 10u);
}

struct Published {
  const char *id;
  double billions, activeBillions, activeTolerance;
};

// Totals from the model cards. Active counts are published rounded, some with the embedding table;
// those of Llama 4 hold the vision encoder, those of GLM-4.5 perhaps the next-token layer.
constexpr Published kPublished[] = {
    {"deepseek-v3", 671, 36.7, 0.03},
    {"deepseek-r1", 671, 36.7, 0.03},
    {"kimi-k2", 1026, 32, 0.03},
    {"llama-3.1-8b", 8.03, 7.5, 0.01},
    {"llama-3.1-70b", 70.6, 69.5, 0.01},
    {"qwen3-32b", 32.8, 32.0, 0.01},
    {"qwen3-30b-a3b", 30.5, 3.3, 0.1},
    {"qwen3-235b-a22b", 235, 22, 0.03},
    {"mixtral-8x7b", 46.7, 12.9, 0.02},
    {"gpt-oss-120b", 116.8, 5.13, 0.01},
    {"gpt-oss-20b", 20.9, 3.61, 0.01},
    {"llama-3.1-405b", 405.9, 403.8, 0.01},
    {"llama-3.3-70b", 70.6, 69.5, 0.01},
    {"llama-4-scout", 108.6, 17, 0.06},
    {"llama-4-maverick", 401.6, 17, 0.1},
    {"qwen2.5-7b", 7.61, 7.07, 0.01},
    {"qwen2.5-32b", 32.8, 32.0, 0.01},
    {"qwen2.5-72b", 72.7, 71.5, 0.01},
    {"qwen3-0.6b", 0.596, 0.596, 0.01},
    {"qwen3-1.7b", 1.72, 1.72, 0.01},
    {"qwen3-4b", 4.02, 4.02, 0.01},
    {"qwen3-8b", 8.19, 7.57, 0.01},
    {"qwen3-14b", 14.8, 14.0, 0.01},
    {"qwen3-coder-480b-a35b", 480, 35, 0.03},
    {"mixtral-8x22b", 140.6, 39, 0.01},
    {"kimi-k2.5", 1026, 32, 0.03},
    {"minimax-m2.5", 229, 10, 0.1},
    {"mimo-v2-flash", 309, 15, 0.05},
    {"mimo-7b", 7.62, 7.0, 0.01},
    {"glm-4.5", 355, 32, 0.05},
    {"glm-4.5-air", 106, 12, 0.1},
    {"glm-4.6", 355, 32, 0.05},
    {"deepseek-v3.2", 671, 37, 0.03},
    {"glm-5", 744, 40, 0.03},
    {"qwen3-next-80b-a3b", 80, 3, 0.2},
    {"qwen3.5-397b-a17b", 397, 17, 0.05},
    {"gpt-22b", 22, 22, 0.01},
    {"gpt-175b", 175, 175, 0.01},
    {"gpt-530b", 530, 530, 0.01},
    {"gpt-1t", 1008, 1008, 0.01},
};

TEST(BuiltInModels, HaveTheParametersThatArePublished) {
  for (const Published &published : kPublished) {
    const Transformer model = builtIn(published.id);
    EXPECT_NEAR(model.parameters() / 1e9 / published.billions, 1, 0.01) << published.id;
    EXPECT_NEAR(model.activeParameters() / 1e9 / published.activeBillions, 1,
                published.activeTolerance)
        << published.id;
  }
}

/// A file of another precision has the shape of its base.
TEST(BuiltInModels, AreAllHeldAgainstWhatIsPublished) {
  for (const std::string &id : hw::Catalog().modelIds()) {
    std::string base = id;
    for (const std::string_view ending : {"-nvfp4", "-fp8"})
      if (id.ends_with(ending))
        base = id.substr(0, id.size() - ending.size());
    EXPECT_TRUE(std::any_of(std::begin(kPublished), std::end(kPublished),
                            [&](const Published &each) { return each.id == base; }))
        << id;
    EXPECT_EQ(builtIn(id).parameters(), builtIn(base).parameters()) << id;
  }
}

TEST(BuiltInModels, R1HasTheShapeOfV3) {
  Transformer r1 = builtIn("deepseek-r1"), v3 = builtIn("deepseek-v3");
  EXPECT_NE(r1.id, v3.id);
  r1.id = v3.id;
  r1.name = v3.name;
  r1.source = v3.source;
  r1.hf = v3.hf;
  EXPECT_EQ(r1, v3);
}

TEST(BuiltInModels, LayersComeInRuns) {
  EXPECT_EQ(builtIn("deepseek-v3").layers, (std::vector<LayerRun>{{3, 0, false}, {58, 0, true}}));
  EXPECT_EQ(builtIn("qwen3-235b-a22b").layers, (std::vector<LayerRun>{{94, 0, true}}));
  const Transformer gptOss = builtIn("gpt-oss-120b");
  EXPECT_EQ(gptOss.layers.size(), 36u);
  EXPECT_EQ(gptOss.layers.front(), (LayerRun{1, 1, true}));
  EXPECT_EQ(gptOss.layers.back(), (LayerRun{1, 0, true}));
  EXPECT_EQ(gptOss.layerCount(), 36);
}

TEST(BuiltInModels, CacheWhatTheirAttentionKeeps) {
  EXPECT_EQ(builtIn("deepseek-v3").cachedElementsPerToken(), 61.0 * (512 + 64));
  EXPECT_EQ(builtIn("llama-3.1-8b").cachedElementsPerToken(), 32.0 * 2 * 8 * 128);
  EXPECT_EQ(builtIn("gpt-oss-120b").cachedElementsPerToken(), 36.0 * 2 * 8 * 64);
  EXPECT_EQ(builtIn("gpt-oss-120b").cachedElementsPerToken(true), 18.0 * 2 * 8 * 64);
  // 9 layers of 4 key-value heads that see everything, 39 of 8 with a window
  const Transformer mimo = builtIn("mimo-v2-flash");
  EXPECT_EQ(mimo.cachedElementsPerToken(), (9.0 * 4 + 39 * 8) * (192 + 128));
  EXPECT_EQ(mimo.cachedElementsPerToken(true), 9.0 * 4 * (192 + 128));
  const Transformer scout = builtIn("llama-4-scout");
  EXPECT_EQ(scout.cachedElementsPerToken(), 48.0 * 2 * 8 * 128);
  EXPECT_EQ(scout.cachedElementsPerToken(true), 12.0 * 2 * 8 * 128);
}

TEST(BuiltInModels, AnswerToTheirNamesOnHuggingFace) {
  const hw::Catalog catalog;
  const auto idOf = [&](const std::string &name) {
    const auto path = catalog.modelPath(name);
    return path ? fs::path(*path).stem().string() : path.error().message;
  };
  EXPECT_EQ(idOf("meta-llama/Llama-3.1-8B-Instruct"), "llama-3.1-8b");
  EXPECT_EQ(idOf("meta-llama/Meta-Llama-3.1-70B-Instruct"), "llama-3.1-70b");
  EXPECT_EQ(idOf("nvidia/Llama-3.3-70B-Instruct-FP8"), "llama-3.3-70b");
  EXPECT_EQ(idOf("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8"), "llama-4-maverick");
  EXPECT_EQ(idOf("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8"), "qwen3-235b-a22b");
  EXPECT_EQ(idOf("nvidia/DeepSeek-R1-0528-NVFP4"), "deepseek-r1-nvfp4"); // has a file of its own
  EXPECT_EQ(idOf("deepseek-ai/DeepSeek-R1-0528"), "deepseek-r1");
  EXPECT_EQ(idOf("moonshotai/Kimi-K2-Instruct-0905"), "kimi-k2");
  EXPECT_EQ(idOf("MiniMaxAI/MiniMax-M2.5"), "minimax-m2.5");
  EXPECT_EQ(idOf("zai-org/GLM-4.6-FP8"), "glm-4.6");
  EXPECT_EQ(idOf("openai/gpt-oss-20b"), "gpt-oss-20b");
  EXPECT_NE(idOf("Qwen/Qwen3-33B").find("no model 'Qwen/Qwen3-33B'"), std::string::npos);
  EXPECT_NE(idOf("Qwen/Qwen3-33B").find("qwen3-32b"), std::string::npos);
  EXPECT_EQ(*catalog.modelPath("no/such/file.toml"), "no/such/file.toml");
}

TEST(BuiltInModels, NoTwoListTheSameNameOnHuggingFace) {
  std::map<std::string, std::string> owners;
  for (const auto &entry : fs::directory_iterator(kModels)) {
    const std::string id = entry.path().stem().string();
    if (entry.path().extension() != ".toml")
      continue;
    for (const std::string &name : builtIn(id).hf)
      EXPECT_TRUE(owners.emplace(name, id).second)
          << name << " is listed by " << owners[name] << " and " << id;
  }
}

TEST_F(TransformerFile, ParametersMatchACountByHand) {
  const auto model = readTransformer(write("small.toml", kSmall));
  ASSERT_TRUE(model.ok()) << model.error().text();
  // query 8x12, key and value 8x6 each, output 12x8, two norms of 8
  const double attention = 96 + 48 + 48 + 96 + 16;
  const double dense = 3 * 8 * 16, router = 8 * 4, expert = 3 * 8 * 5;
  const double tables = 2 * 32 * 8, finalNorm = 8;
  EXPECT_EQ(model->parameters(),
            tables + finalNorm + 3 * attention + dense + 2 * (router + 4 * expert));
  EXPECT_EQ(model->activeParameters(),
            tables / 2 + finalNorm + 3 * attention + dense + 2 * (router + 2 * expert));
  EXPECT_EQ(model->layerCount(), 3);
}

TEST_F(TransformerFile, BiasesSinksNormsAndTiedTablesCount) {
  Transformer model = *readTransformer(write("small.toml", kSmall));
  const double plain = model.parameters();
  model.attentions[0].qkv_bias = true;
  EXPECT_EQ(model.parameters() - plain, 3 * (4 + 2 * 2) * 3);
  model.attentions[0].qkv_bias = false;
  model.attentions[0].output_bias = true;
  EXPECT_EQ(model.parameters() - plain, 3 * 8);
  model.attentions[0].output_bias = false;
  model.attentions[0].sinks = true;
  EXPECT_EQ(model.parameters() - plain, 3 * 4);
  model.attentions[0].sinks = false;
  model.attentions[0].qk_norm = true;
  EXPECT_EQ(model.parameters() - plain, 3 * 2 * 3);
  model.attentions[0].qk_norm = false;
  model.moe.bias = true; // gate, up and down of each expert, and the router
  EXPECT_EQ(model.parameters() - plain, 2 * (4 * (2 * 5 + 8) + 4));
  model.moe.bias = false;
  model.tied_embeddings = true;
  EXPECT_EQ(plain - model.parameters(), 32 * 8);
  model.tied_embeddings = false;
  model.gated = false;
  EXPECT_EQ(plain - model.parameters(), 8 * 16 + 2 * 4 * 8 * 5);
}

TEST_F(TransformerFile, ErrorsNameKeyLineAndNearest) {
  expectError("hidden = 8", "hiden = 8", "unknown key 'hiden' (did you mean 'hidden'?)", ":4:");
  expectError("heads = 4", "haeds = 4", "did you mean 'attention.heads'?", ":10:");
  expectError("heads = 4\n", "", "'attention.heads' is missing", "small.toml");
  expectError("heads = 4", "heads = \"4\"", "'attention.heads' must be a whole number", ":10:");
  expectError("heads = 4", "heads = true", "'attention.heads' must be a whole number", ":10:");
  expectError("heads = 4", "heads = -4", "must be a whole number from 0", ":10:");
  expectError("heads = 4", "heads = 4.5", "'attention.heads' is 4.5", ":10:");
  expectError("heads = 4", "heads = [\"4\"]", "'attention.heads' is a list", "small.toml");
  expectError("heads = 4", "heads = 1e300", "'attention.heads' is 1e+300", ":10:");
  expectError("heads = 4", "heads = nan", "finite", ":10:");
  expectError("kind = \"grouped_query\"", "kind = \"gqa\"", "one of grouped_query, latent", ":9:");
  expectError("kv_heads = 2", "kv_heads = 3", "does not divide attention.heads = 4", ":11:");
  expectError("kv_heads = 2", "kv_heads = 0", "must be from 1", ":11:");
  expectError("inter = 16\n", "", "'inter' is 0, but the model has dense layers", "small.toml");
  expectError("[\"moe\"]", "[\"mixture\"]", "'layers.pattern' has a layer 'mixture'", ":18:");
  expectError("[\"moe\"]", "\"moe\"", "'layers.pattern' must be a list of texts", ":20:");
  expectError("pattern = [\"moe\"]\n", "", "'layers.pattern' is missing", ":18:");
  expectError("count = 3", "count = 0", "'layers.first' lists 1 layers, but layers.count is 0",
              ":18:");
  expectError("count = 3", "count = 70000", "at most 65536", ":18:");
  expectError("pattern = [\"moe\"]", "pattern = [\"dense\"]", "no layer has experts", ":14:");
  expectError("experts_per_token = 2", "experts_per_token = 5", "must be from 1 to 4", ":15:");
  expectError("inter = 5", "inter = 5\ngroups = 3\ngroups_per_token = 1",
              "does not divide moe.experts = 4", ":17:");
  expectError("inter = 5", "inter = 5\ngroups = 4\ngroups_per_token = 1",
              "a token's 1 groups hold only 1", ":15:");
  expectError("inter = 5", "inter = 5\nshared_inter = 5", "moe.shared_experts is 0", ":17:");
  expectError("head_dim = 3", "head_dim = 3\nq_lora_rank = 3", "attention.kind is grouped_query",
              ":13:");
  expectError("\"bf16\"", "\"bf17\"", "'checkpoint.dtype' is 'bf17'", ":22:");
  expectError("\"bf16\"", "\"int32\"", "no checkpoint stores", ":22:");
  expectError("\"bf16\"", "\"bf16\"\nblock_scaled = true", "goes with fp8 or int8", ":23:");
  expectError("\"bf16\"", "\"bf16\"\nunquantised = [\"lm_head\"]", "not a quantised type",
              "small.toml");
  expectError("name = \"Small\"", "name = \"\"", "'name' is empty", ":2:");
  expectError("hidden = 8",
              "hidden = { value = 8, low = 7, source = \"s\", confidence = \"paper\" }",
              "a model's sizes are exact", ":4:");
  expectError("hidden = 8", "hidden = ", "", ":4:");
}

TEST_F(TransformerFile, AFurtherAttentionStartsFromTheFirst) {
  const std::string further = "head_dim = 3\n[attention.near]\nwindow = 9\nkv_heads = 4\n"
                              "v_head_dim = 2";
  std::string text = kSmall;
  text.replace(text.find("head_dim = 3"), 12, further);
  text.replace(text.find("[\"moe\"]"), 7, "[\"near moe\", \"moe\"]");
  const auto model = readTransformer(write("small.toml", text));
  ASSERT_TRUE(model.ok()) << model.error().text();
  ASSERT_EQ(model->attentions.size(), 2u);
  AttentionShape near = model->attentions[0];
  EXPECT_EQ(near.window, 0);
  EXPECT_EQ(near.v_head_dim, 3);
  EXPECT_EQ(near.rope_dim, 3);
  near.name = "near";
  near.window = 9;
  near.kv_heads = 4;
  near.v_head_dim = 2;
  EXPECT_EQ(model->attentions[1], near);
  EXPECT_EQ(model->layers, (std::vector<LayerRun>{{1, 0, false}, {1, 1, true}, {1, 0, true}}));
  EXPECT_EQ(layerKindName(*model, model->layers[1]), "near moe");
  EXPECT_EQ(model->cachedElementsPerToken(), 2 * 2 * (3 + 3) + 4 * (3 + 2));
  EXPECT_EQ(model->cachedElementsPerToken(true), 2 * 2 * (3 + 3));
  // query 8x12, key 8x12, value 8x8, output 8x8 in place of 96, 48, 48, 96
  Transformer alike = *model;
  alike.attentions[1] = model->attentions[0];
  alike.attentions[1].name = "near";
  EXPECT_EQ(model->parameters() - alike.parameters(), (96 + 96 + 64 + 64) - (96 + 48 + 48 + 96));

  const auto error = [&](const std::string &from, const std::string &to) {
    std::string wrong = text;
    wrong.replace(wrong.find(from), from.size(), to);
    const auto read = readTransformer(write("small.toml", wrong));
    return read ? "" : read.error().text();
  };
  EXPECT_NE(error("\"near moe\"", "\"far moe\"")
                .find("'far moe'; valid are 'dense', 'moe', 'near dense', 'near moe'"),
            std::string::npos);
  EXPECT_NE(error("[\"near moe\", \"moe\"]", "[\"moe\"]")
                .find("no layer has the attention of [attention.near]"),
            std::string::npos);
  EXPECT_NE(error("kv_heads = 4", "kv_heads = 3").find("small.toml:15:"), std::string::npos);
  EXPECT_NE(error("kv_heads = 4", "kv_heads = 3")
                .find("'attention.near.kv_heads' is 3, which does not divide "
                      "attention.near.heads = 4"),
            std::string::npos);
  EXPECT_NE(error("window = 9", "window = 9\nchunk = 8").find("a window is given"),
            std::string::npos);
  EXPECT_NE(error("window = 9", "windo = 9").find("did you mean 'attention.near.window'?"),
            std::string::npos);
  EXPECT_NE(error("[attention.near]", "[attention.\"n r\"]").find("other characters"),
            std::string::npos);
  EXPECT_NE(
      error("window = 9", "kind = \"grouped_query\"").find("'attention.near.heads' is missing"),
      std::string::npos);
}

TEST_F(TransformerFile, NextTokenLayersMayBeOfAKindOfTheirOwn) {
  auto model = readWith("[layers]", "[layers]\nnext_token = \"dense\"");
  ASSERT_FALSE(model.ok());
  EXPECT_NE(model.error().message.find("next_token_layers is 0"), std::string::npos);
  model = readWith("max_positions = 64", "max_positions = 64\nnext_token_layers = 2");
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->next_token, (LayerRun{2, 0, true}));
  std::string text = kSmall;
  text.replace(text.find("[layers]"), 8, "[layers]\nnext_token = \"dense\"");
  model = readTransformer(write("small.toml", "next_token_layers = 2\n" + text));
  ASSERT_TRUE(model.ok()) << model.error().text();
  EXPECT_EQ(model->next_token, (LayerRun{2, 0, false}));
}

TEST_F(TransformerFile, MissingFilesAndFoldersAreErrors) {
  const auto missing = readTransformer((folder_ / "absent.toml").string());
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().text().find("absent.toml"), std::string::npos);
  EXPECT_FALSE(readTransformer(folder_.string()).ok());
  EXPECT_FALSE(readTransformer("").ok());
}

TEST_F(TransformerFile, InheritsFromBesideItAndFromTheBuiltInModels) {
  write("small.toml", kSmall);
  const auto derived = readTransformer(
      write("derived.toml", "id = \"d\"\nname = \"D\"\ninherits = \"small\"\nattention.heads = 8\n"
                            "layers.pattern = [\"dense\", \"moe\"]\n"));
  ASSERT_TRUE(derived.ok()) << derived.error().text();
  EXPECT_EQ(derived->id, "d");
  EXPECT_EQ(derived->attentions[0].heads, 8);
  EXPECT_EQ(derived->attentions[0].kv_heads, 2);
  EXPECT_EQ(derived->layers, (std::vector<LayerRun>{{2, 0, false}, {1, 0, true}}));

  const auto wider = readTransformer(write(
      "wider.toml", "id = \"w\"\nname = \"W\"\ninherits = \"llama-3.1-70b\"\nhidden = 4096\n"));
  ASSERT_TRUE(wider.ok()) << wider.error().text();
  EXPECT_EQ(wider->inter, 28672);
  EXPECT_EQ(wider->attentions[0].kv_heads, 8);
}

TEST_F(TransformerFile, AWrongInheritsIsAnErrorWithItsPlace) {
  const std::string head = "id = \"x\"\nname = \"X\"\n";
  const auto circle = readTransformer(write("x.toml", head + "inherits = \"x\"\n"));
  ASSERT_FALSE(circle.ok());
  EXPECT_NE(circle.error().text().find("circle"), std::string::npos) << circle.error().text();
  const auto unknown = readTransformer(write("y.toml", head + "inherits = \"lama-3.1-8b\"\n"));
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("llama-3.1-8b"), std::string::npos);
  EXPECT_NE(unknown.error().place.find("y.toml:3:"), std::string::npos);
  EXPECT_FALSE(readTransformer(write("z.toml", head + "inherits = 3\n")).ok());
  EXPECT_FALSE(readTransformer(write("z.toml", head + "inherits = \"../x\"\n")).ok());
  EXPECT_FALSE(readTransformer(write("z.toml", "inherits = \"llama-3.1-8b\"\n")).ok());
}

TEST(CheckTransformer, RefusesWhatLatentAttentionCannotHave) {
  const Transformer good = builtIn("deepseek-v3");
  const auto refused = [&](const std::function<void(Transformer &)> &change,
                           const std::string &key) {
    Transformer model = good;
    change(model);
    const auto checked = check(model);
    ASSERT_FALSE(checked.ok()) << key;
    EXPECT_NE(checked.error().message.find(key), std::string::npos) << checked.error().message;
  };
  refused([](Transformer &m) { m.attentions[0].kv_heads = 8; }, "attention.kv_heads");
  refused([](Transformer &m) { m.attentions[0].head_dim = 128; }, "attention.head_dim");
  refused([](Transformer &m) { m.attentions[0].sinks = true; }, "attention.sinks");
  refused([](Transformer &m) { m.attentions[0].qk_norm = true; }, "attention.qk_norm");
  refused([](Transformer &m) { m.attentions[0].window = 128; }, "attention.window");
  refused([](Transformer &m) { m.attentions[0].kv_lora_rank = 0; }, "attention.kv_lora_rank");
  refused([](Transformer &m) { m.attentions[0].q_lora_rank = -1; }, "attention.q_lora_rank");
  refused([](Transformer &m) { m.layers.clear(); }, "no layers");
  refused([](Transformer &m) { m.layers.front().count = -3; }, "layers.count");
  refused([](Transformer &m) { m.hidden = int64_t{1} << 40; }, "'hidden'");
  refused([](Transformer &m) { m.next_token.count = -1; }, "next_token_layers");
}

TEST(CheckTransformer, LimitsAreTight) {
  Transformer model = builtIn("llama-3.1-8b");
  model.hidden = kMaxWidth;
  EXPECT_TRUE(check(model).ok());
  model.hidden = kMaxWidth + 1;
  EXPECT_FALSE(check(model).ok());
  model.hidden = 1;
  model.layers = {{kMaxLayers, 0, false}};
  EXPECT_TRUE(check(model).ok());
  model.layers.push_back({1, 0, false});
  EXPECT_FALSE(check(model).ok());
}

} // namespace
} // namespace mansard::work
