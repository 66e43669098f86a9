#include <mansard/hw/catalog.h>
#include <mansard/work/transformer.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

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

// Totals from the model cards. Active counts are published rounded, some with the embedding table.
constexpr Published kPublished[] = {
    {"deepseek-v3", 671, 36.7, 0.03},    {"deepseek-r1", 671, 36.7, 0.03},
    {"kimi-k2", 1026, 32, 0.03},         {"llama-3.1-8b", 8.03, 7.5, 0.01},
    {"llama-3.1-70b", 70.6, 69.5, 0.01}, {"qwen3-32b", 32.8, 32.0, 0.01},
    {"qwen3-30b-a3b", 30.5, 3.3, 0.1},   {"qwen3-235b-a22b", 235, 22, 0.03},
    {"mixtral-8x7b", 46.7, 12.9, 0.02},  {"gpt-oss-120b", 116.8, 5.13, 0.01},
    {"gpt-oss-20b", 20.9, 3.61, 0.01},
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

TEST(BuiltInModels, R1HasTheShapeOfV3) {
  Transformer r1 = builtIn("deepseek-r1"), v3 = builtIn("deepseek-v3");
  EXPECT_NE(r1.id, v3.id);
  r1.id = v3.id;
  r1.name = v3.name;
  r1.source = v3.source;
  EXPECT_EQ(r1, v3);
}

TEST(BuiltInModels, LayersComeInRuns) {
  EXPECT_EQ(builtIn("deepseek-v3").layers,
            (std::vector<LayerRun>{{3, false, false}, {58, false, true}}));
  EXPECT_EQ(builtIn("qwen3-235b-a22b").layers, (std::vector<LayerRun>{{94, false, true}}));
  const Transformer gptOss = builtIn("gpt-oss-120b");
  EXPECT_EQ(gptOss.layers.size(), 36u);
  EXPECT_EQ(gptOss.layers.front(), (LayerRun{1, true, true}));
  EXPECT_EQ(gptOss.layers.back(), (LayerRun{1, false, true}));
  EXPECT_EQ(gptOss.layerCount(), 36);
}

TEST(BuiltInModels, CacheWhatTheirAttentionKeeps) {
  EXPECT_EQ(builtIn("deepseek-v3").cachedElementsPerToken(), 61.0 * (512 + 64));
  EXPECT_EQ(builtIn("llama-3.1-8b").cachedElementsPerToken(), 32.0 * 2 * 8 * 128);
  EXPECT_EQ(builtIn("gpt-oss-120b").cachedElementsPerToken(), 36.0 * 2 * 8 * 64);
  EXPECT_EQ(builtIn("gpt-oss-120b").cachedElementsPerToken(true), 18.0 * 2 * 8 * 64);
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
  model.attention.qkv_bias = true;
  EXPECT_EQ(model.parameters() - plain, 3 * (4 + 2 * 2) * 3);
  model.attention.qkv_bias = false;
  model.attention.output_bias = true;
  EXPECT_EQ(model.parameters() - plain, 3 * 8);
  model.attention.output_bias = false;
  model.attention.sinks = true;
  EXPECT_EQ(model.parameters() - plain, 3 * 4);
  model.attention.sinks = false;
  model.attention.qk_norm = true;
  EXPECT_EQ(model.parameters() - plain, 3 * 2 * 3);
  model.attention.qk_norm = false;
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
  expectError("head_dim = 3", "head_dim = 3\nv_head_dim = 3", "attention.kind is grouped_query",
              ":13:");
  expectError("head_dim = 3", "head_dim = 3\nsliding_window = 9", "no layer slides", ":13:");
  expectError("[\"moe\"]", "[\"sliding moe\"]", "the model has sliding layers", "small.toml");
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
  EXPECT_EQ(derived->attention.heads, 8);
  EXPECT_EQ(derived->attention.kv_heads, 2);
  EXPECT_EQ(derived->layers, (std::vector<LayerRun>{{2, false, false}, {1, false, true}}));

  const auto wider = readTransformer(write(
      "wider.toml", "id = \"w\"\nname = \"W\"\ninherits = \"llama-3.1-70b\"\nhidden = 4096\n"));
  ASSERT_TRUE(wider.ok()) << wider.error().text();
  EXPECT_EQ(wider->inter, 28672);
  EXPECT_EQ(wider->attention.kv_heads, 8);
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
  refused([](Transformer &m) { m.attention.kv_heads = 8; }, "attention.kv_heads");
  refused([](Transformer &m) { m.attention.head_dim = 128; }, "attention.head_dim");
  refused([](Transformer &m) { m.attention.sinks = true; }, "attention.sinks");
  refused([](Transformer &m) { m.attention.qk_norm = true; }, "attention.qk_norm");
  refused([](Transformer &m) { m.attention.sliding_window = 128; }, "attention.sliding_window");
  refused([](Transformer &m) { m.attention.kv_lora_rank = 0; }, "attention.kv_lora_rank");
  refused([](Transformer &m) { m.attention.q_lora_rank = -1; }, "attention.q_lora_rank");
  refused([](Transformer &m) { m.layers.clear(); }, "no layers");
  refused([](Transformer &m) { m.layers.front().count = -3; }, "layers.count");
  refused([](Transformer &m) { m.hidden = int64_t{1} << 40; }, "'hidden'");
  refused([](Transformer &m) { m.next_token_layers = -1; }, "next_token_layers");
}

TEST(CheckTransformer, LimitsAreTight) {
  Transformer model = builtIn("llama-3.1-8b");
  model.hidden = kMaxWidth;
  EXPECT_TRUE(check(model).ok());
  model.hidden = kMaxWidth + 1;
  EXPECT_FALSE(check(model).ok());
  model.hidden = 1;
  model.layers = {{kMaxLayers, false, false}};
  EXPECT_TRUE(check(model).ok());
  model.layers.push_back({1, false, false});
  EXPECT_FALSE(check(model).ok());
}

} // namespace
} // namespace mansard::work
