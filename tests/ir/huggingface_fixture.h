// Configs of published models, whole or changed, for the tests of their import.
#pragma once

#include "Import/HuggingFace.h"

#include <mansard/work/transformer.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

namespace mansard::ir {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

inline const std::string kConfigs = MANSARD_TEST_DATA "/models/";
inline constexpr const char *kModels[] = {
    "deepseek-v3",   "kimi-k2",      "llama-3.1-8b",  "llama-3.1-70b",    "qwen3-32b",
    "qwen3-30b-a3b", "mixtral-8x7b", "gpt-oss-120b",  "qwen3-235b-a22b",  "glm-4.5",
    "kimi-k2.5",     "mimo-7b",      "llama-4-scout", "llama-4-maverick", "mimo-v2-flash",
    "minimax-m2.5",  "qwen2.5-7b"};

inline std::string contents(const std::string &model) {
  std::ifstream stream(kConfigs + model + "/config.json");
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A folder of the test's own, gone with it.
class HuggingFaceImport : public testing::Test {
protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("mansard-import-" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + "-" +
               std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<work::Transformer> importText(const std::string &text) {
    const std::string path = (folder_ / "config.json").string();
    std::ofstream(path, std::ios::binary) << text;
    return importHuggingFace(path);
  }

  /// `model`'s config with the field at `pointer` set to the JSON `value`.
  Result<work::Transformer> importWith(const std::string &model, const std::string &pointer,
                                       const std::string &value) {
    Json config = Json::parse(contents(model));
    config[Json::json_pointer(pointer)] = Json::parse(value);
    return importText(config.dump(2));
  }

  Result<work::Transformer> importWithout(const std::string &model, const std::string &key) {
    Json config = Json::parse(contents(model));
    EXPECT_EQ(config.erase(key), 1u) << key;
    return importText(config.dump(2));
  }

  static void expectError(const Result<work::Transformer> &model, const std::string &message) {
    ASSERT_FALSE(model.ok()) << "expected: " << message;
    EXPECT_NE(model.error().message.find(message), std::string::npos) << model.error().text();
    EXPECT_NE(model.error().place.find("config.json"), std::string::npos) << model.error().text();
  }

  fs::path folder_;
};

} // namespace mansard::ir
