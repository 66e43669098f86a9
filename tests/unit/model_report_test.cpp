#include <mansard/report/model_report.h>
#include <mansard/work/transformer.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace mansard::report {
namespace {

work::Transformer builtIn(const std::string &id) {
  const auto model = work::readTransformer(MANSARD_ROOT "/configs/models/" + id + ".toml");
  EXPECT_TRUE(model.ok()) << model.error().text();
  return model ? *model : work::Transformer{};
}

TEST(ModelReport, TellsWhatRepeatsOnce) {
  work::Transformer model = builtIn("gpt-oss-120b");
  EXPECT_EQ(layersText(model), "18 x (1 sliding moe, 1 moe)");
  const auto text = [&](std::vector<work::LayerRun> layers) {
    model.layers = std::move(layers);
    return layersText(model);
  };
  EXPECT_EQ(text({}), "");
  EXPECT_EQ(text({{32, 0, false}}), "32 dense");
  EXPECT_EQ(text({{3, 0, false}, {58, 0, true}}), "3 dense, 58 moe");
  EXPECT_EQ(text({{5, 1, false}, {1, 0, false}, {5, 1, false}, {2, 0, false}}),
            "5 sliding dense, 1 dense, 5 sliding dense, 2 dense");
}

TEST(ModelReport, JsonBeginsWithTheIdAndHasEverySize) {
  const auto json =
      nlohmann::ordered_json::parse(modelJson(builtIn("deepseek-v3"), "deepseek-v3.toml"));
  EXPECT_EQ(json.begin().key(), "id");
  EXPECT_EQ(json["kv_bytes_per_token"], 61 * 576 * 2);
  EXPECT_EQ(json["layers"], 61);
  EXPECT_EQ(json["attentions"][0]["kind"], "latent");
  EXPECT_EQ(json["moe"]["groups"], 8);
  EXPECT_EQ(json["layer_runs"].size(), 2u);
  EXPECT_EQ(json["checkpoint"]["dtype"], "fp8");
  const auto dense = nlohmann::json::parse(modelJson(builtIn("llama-3.1-8b"), ""));
  EXPECT_TRUE(dense["moe"].is_null());
  const auto sliding = nlohmann::json::parse(modelJson(builtIn("gpt-oss-120b"), ""));
  EXPECT_EQ(sliding["kv_bytes_per_token"],
            2 * sliding["kv_bytes_per_token_beyond_window"].get<double>());
}

TEST(ModelReport, TableShowsParametersCacheAndLayers) {
  const std::string table = modelTable(builtIn("deepseek-v3"), "x.toml");
  for (const char *part : {"671.0 B", "36.6 B", "61: 3 dense, 58 moe", "70,272 bytes", "8 of 256",
                           "fp8, scaled by block", "x.toml"})
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
}

TEST(ModelReport, ACheckThatFailsSaysWhyAndWhere) {
  const Result<work::Transformer> wrong =
      Error{ErrorCode::invalidInput, "unknown key 'x'", "m.toml:3:1"};
  EXPECT_NE(modelCheckTable(wrong, "m.toml").find("m.toml:3:1: unknown key 'x'"),
            std::string::npos);
  const auto json = nlohmann::json::parse(modelCheckJson(wrong, "m.toml"));
  EXPECT_EQ(json["sound"], false);
  EXPECT_EQ(json["findings"][0]["place"], "m.toml:3:1");
  EXPECT_EQ(nlohmann::json::parse(modelCheckJson(builtIn("kimi-k2"), "k"))["sound"], true);
}

} // namespace
} // namespace mansard::report
