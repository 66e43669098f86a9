#include <mansard/hw/document.h>

#include <gtest/gtest.h>

namespace mansard::hw {
namespace {

TEST(Document, ReadsANumberWithItsSource) {
  const auto document = parseDocument(R"(
id = "chip"
[sources]
ds = "the data sheet"
[compute]
cores = { value = 132, low = 128, high = 144, source = "ds", confidence = "vendor" }
)",
                                      "chip.toml");
  ASSERT_TRUE(document.ok()) << document.error().text();
  const Entry &cores = document->entries.at("compute.cores");
  EXPECT_EQ(cores.number.value, 132);
  EXPECT_EQ(cores.number.low, 128);
  EXPECT_EQ(cores.number.high, 144);
  EXPECT_EQ(cores.number.source, "the data sheet");
  EXPECT_EQ(cores.number.confidence, Confidence::vendor);
  EXPECT_EQ(document->entries.at("id").text, "chip");
  EXPECT_FALSE(document->entries.contains("sources.ds"));
}

TEST(Document, NamesFileLineAndColumnOfASyntaxError) {
  const auto document = parseDocument("a = 1\nb = = 2\n", "broken.toml");
  ASSERT_FALSE(document.ok());
  EXPECT_EQ(document.error().place.rfind("broken.toml:2:", 0), 0u) << document.error().place;
}

TEST(Document, RefusesANumberWithoutSourceOrConfidence) {
  EXPECT_FALSE(parseDocument("a = { value = 1, confidence = \"vendor\" }", "f").ok());
  EXPECT_FALSE(parseDocument("a = { value = 1, source = \"x\" }", "f").ok());
  EXPECT_FALSE(parseDocument("a = { value = 1, source = \"x\", confidence = \"sure\" }", "f").ok());
}

TEST(Document, RefusesAValueOutsideItsRange) {
  const auto document = parseDocument(
      "a = { value = 5, low = 6, high = 7, source = \"x\", confidence = \"press\" }", "f");
  ASSERT_FALSE(document.ok());
  EXPECT_NE(document.error().message.find("range"), std::string::npos);
}

TEST(Document, RefusesAWholeNumberThatADoubleCannotHold) {
  const auto document = parseDocument("a = 9223372036854775807\n", "big.toml");
  ASSERT_FALSE(document.ok());
  EXPECT_NE(document.error().text().find("big.toml:1:5"), std::string::npos);
  EXPECT_NE(document.error().text().find("up to 9007199254740992"), std::string::npos);
}

TEST(Document, NamesTheNearestFieldForAMisspeltOne) {
  const auto document =
      parseDocument("a = { value = 1, sorce = \"x\", confidence = \"press\" }", "f");
  ASSERT_FALSE(document.ok());
  EXPECT_NE(document.error().message.find("did you mean 'source'"), std::string::npos)
      << document.error().message;
}

TEST(Document, NumbersTheTablesOfAnArrayAndListsTextsAndNumbers) {
  const auto document =
      parseDocument("[[point]]\na.b = 1\n[[point]]\na.b = \"x\"\nc = [1.5, \"y\"]\n", "f");
  ASSERT_TRUE(document.ok()) << document.error().text();
  EXPECT_EQ(document->entries.at("point.0.a.b").number.value, 1);
  EXPECT_EQ(document->entries.at("point.1.a.b").text, "x");
  EXPECT_EQ(document->lists.at("point.1.c"), (std::vector<std::string>{"1.5", "y"}));
  EXPECT_FALSE(parseDocument("a = [true]", "f").ok());
  EXPECT_FALSE(parseDocument("a = [[1]]", "f").ok());
}

TEST(Document, SaysWhetherAPathIsAFolderOrMissing) {
  EXPECT_NE(readDocument("/").error().message.find("folder"), std::string::npos);
  EXPECT_EQ(readDocument("/nowhere/at/all.toml").error().code, ErrorCode::io);
}

TEST(NearestName, FindsSlipsAndIgnoresStrangers) {
  const std::vector<std::string> names{"h100-sxm", "h200-sxm", "ascend-910c"};
  EXPECT_EQ(nearestName("h100-smx", names), "h100-sxm");
  EXPECT_EQ(nearestName("ascend-910d", names), "ascend-910c");
  EXPECT_EQ(nearestName("h100", names), "h100-sxm") << "cut short rather than misspelt";
  EXPECT_EQ(nearestName("zzz", names), "");
}

} // namespace
} // namespace mansard::hw
