// The arrows between the folders: cli -> ir -> core -> plugins/sdk <- plugins/*. Read from the
// sources.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace mansard {
namespace {

namespace fs = std::filesystem;

struct Include {
  std::string file, header;
};

std::vector<Include> includesBelow(const std::string &folder) {
  static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Include> found;
  const fs::path root = fs::path(MANSARD_ROOT) / folder;
  if (!fs::exists(root))
    return found;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(root)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".h" && extension != ".hpp" && extension != ".cpp" && extension != ".c")
      continue;
    std::ifstream stream(entry.path());
    for (std::string line; std::getline(stream, line);)
      if (std::smatch match; std::regex_search(line, match, pattern))
        found.push_back({fs::relative(entry.path(), MANSARD_ROOT).string(), match[1]});
  }
  return found;
}

bool startsWith(const std::string &text, const char *prefix) { return text.rfind(prefix, 0) == 0; }

bool namesLlvm(const std::string &header) {
  return startsWith(header, "mlir/") || startsWith(header, "llvm/") ||
         startsWith(header, "llvm-c/") || startsWith(header, "mlir-c/");
}

TEST(IncludeDirections, OnlyTheFrontEndNamesLlvm) {
  for (const char *folder : {"core", "cli", "plugins"})
    for (const Include &include : includesBelow(folder))
      EXPECT_FALSE(namesLlvm(include.header)) << include.file << " includes " << include.header;
}

TEST(IncludeDirections, PluginsSeeTheSdkAndBaseOnly) {
  for (const Include &include : includesBelow("plugins"))
    if (startsWith(include.header, "mansard/")) {
      EXPECT_TRUE(startsWith(include.header, "mansard/sdk/") ||
                  startsWith(include.header, "mansard/base/"))
          << include.file << " includes " << include.header;
    }
}

TEST(IncludeDirections, CoreSeesNoPluginAndOfTheSdkOnlyTheInterface) {
  for (const Include &include : includesBelow("core")) {
    EXPECT_EQ(include.header.find("plugins/"), std::string::npos) << include.file;
    if (startsWith(include.header, "mansard/sdk/")) {
      const bool builtIn = startsWith(include.file, "core/src/model/generic");
      EXPECT_TRUE(include.header == "mansard/sdk/abi.h" || builtIn)
          << include.file << " includes " << include.header;
    }
  }
}

TEST(IncludeDirections, BaseStandsAlone) {
  for (const Include &include : includesBelow("core/include/mansard/base"))
    if (startsWith(include.header, "mansard/")) {
      EXPECT_TRUE(startsWith(include.header, "mansard/base/") ||
                  include.header == "mansard/sdk/abi.h")
          << include.file << " includes " << include.header;
    }
}

TEST(IncludeDirections, TomlAndBoostStayOutOfPublicHeaders) {
  for (const Include &include : includesBelow("core/include"))
    EXPECT_FALSE(startsWith(include.header, "toml") || startsWith(include.header, "boost/"))
        << include.file;
  int toml = 0;
  for (const Include &include : includesBelow("core/src"))
    toml += startsWith(include.header, "toml++/");
  EXPECT_EQ(toml, 1) << "toml++ is used in one file";
}

TEST(IncludeDirections, DataFoldersHoldNoCode) {
  for (const char *folder : {"targets", "configs"})
    for (const fs::directory_entry &entry :
         fs::recursive_directory_iterator(fs::path(MANSARD_ROOT) / folder))
      if (entry.is_regular_file()) {
        EXPECT_TRUE(entry.path().extension() == ".toml" || entry.path().extension() == ".md")
            << entry.path();
      }
}

} // namespace
} // namespace mansard
