// Values rewritten in a calibration file's text, and everything else left alone.

#include <mansard/explore/calibration_file.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

namespace mansard::explore {
namespace {

constexpr const char *kText = R"(# A family.
top = { value = 3, unit = "us", source = "guess", confidence = "recall" } # at the top

[gemm]
# Start of a kernel,
  # drain included.
start_us = { value = 1.5, low = 1, high = 4, unit = "us", source = "the \"old\" fit, {x}", confidence = "fitted" }
share	=	{confidence="fitted",source='old',unit="1",value=0.5}   # trailing

[residual]
gemm.p10 = { value = 0.9, unit = "1", source = "old", confidence = "fitted" }
gemm.p90 = { value = 1.1, unit = "1", source = "old", confidence = "fitted" }
gemm.l2.p10 = { value = 0.8, unit = "1", source = "old", confidence = "fitted" }
moe.p10 = { value = 0.7, unit = "1", source = "guess", confidence = "estimate" }

[sources]
old = "an old fit"
guess = "a guess"
unused = "named by nothing"
)";

CalibrationFile parsed(const std::string &text = kText) {
  auto file = CalibrationFile::parse(text, "family.toml");
  EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().text());
  return std::move(*file);
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(CalibrationFile, WithoutChangesIsTheSameText) { EXPECT_EQ(parsed().with({})->text(), kText); }

TEST(CalibrationFile, RewritesValueSourceAndConfidenceAlone) {
  const auto file = parsed().with({{"gemm.start_us", 2.25, "new \"fit\" \\ {y}"},
                                   {"gemm.share", 0.625, "new"},
                                   {"top", 4, "new"}});
  ASSERT_TRUE(file.ok()) << file.error().text();
  std::string expected = replaced(kText, "value = 1.5", "value = 2.25");
  expected = replaced(expected, R"("the \"old\" fit, {x}")", R"("new \"fit\" \\ {y}")");
  expected = replaced(expected, "source='old',unit=\"1\",value=0.5",
                      "source=\"new\",unit=\"1\",value=0.625");
  expected =
      replaced(expected, "value = 3, unit = \"us\", source = \"guess\", confidence = \"recall\"",
               "value = 4, unit = \"us\", source = \"new\", confidence = \"fitted\"");
  EXPECT_EQ(file->text(), expected);
  const hw::Quantity &start = file->document().entries.at("gemm.start_us").number;
  EXPECT_EQ(start.value, 2.25);
  EXPECT_EQ(start.low, 1);
  EXPECT_EQ(start.high, 4);
  EXPECT_EQ(start.source, "new \"fit\" \\ {y}");
}

TEST(CalibrationFile, ReadsUnitsAndMeanings) {
  const CalibrationFile file = parsed();
  EXPECT_EQ(file.unitOf("gemm.start_us"), "us");
  EXPECT_EQ(file.meaningOf("gemm.start_us"), "Start of a kernel, drain included.");
  EXPECT_EQ(file.meaningOf("gemm.share"), "");
  EXPECT_EQ(file.unitOf("nosuch"), "");
  EXPECT_EQ(file.meaningOf("nosuch"), "");
}

TEST(CalibrationFile, AddsToTheTableThatIsThere) {
  const auto file = parsed().with({{"residual.gemm.dram.p10", 0.75, "new"},
                                   {"residual.gemm.dram.p90", 1.25, "new"},
                                   {"vector.start_us", 2, "new"}});
  ASSERT_TRUE(file.ok()) << file.error().text();
  const std::string &text = file->text();
  const size_t last = text.find("gemm.l2.p10"),
               first = text.find("\ngemm.dram.p10 = { value = 0.75,"),
               second = text.find("\ngemm.dram.p90 = { value = 1.25,"), next = text.find("moe.p10");
  EXPECT_LT(last, first);
  EXPECT_LT(first, second);
  EXPECT_LT(second, next);
  EXPECT_TRUE(text.ends_with("[vector]\nstart_us = { value = 2, unit = \"1\", source = \"new\", "
                             "confidence = \"fitted\" }\n"));
}

TEST(CalibrationFile, AddsToATableWithAHeaderOfItsOwn) {
  const CalibrationFile own =
      parsed("[residual.gemm]\n"
             "p10 = { value = 0.9, source = \"s\", confidence = \"fitted\" }\n"
             "[residual.moe]\n"
             "p10 = { value = 0.9, source = \"s\", confidence = \"fitted\" }");
  const auto file =
      own.with({{"residual.gemm.l2.p10", 0.5, "new"}, {"residual.moe.l2.p10", 0.25, "new"}});
  ASSERT_TRUE(file.ok()) << file.error().text();
  EXPECT_LT(file->text().find("\nl2.p10 = { value = 0.5,"), file->text().find("[residual.moe]"));
  EXPECT_NE(file->text().find("}\nl2.p10 = { value = 0.25,"), std::string::npos) << file->text();
}

TEST(CalibrationFile, TakesOutWhatIsGoneAndSourcesThatNothingNames) {
  const auto file = parsed().with({{"gemm.share", 0.6, "new"},
                                   {"residual.gemm.p10", 0.91, "new"},
                                   {"residual.gemm.p90", 1.11, "new"}},
                                  {"residual.gemm.l2.p10"});
  ASSERT_TRUE(file.ok()) << file.error().text();
  EXPECT_FALSE(file->document().entries.contains("residual.gemm.l2.p10"));
  EXPECT_EQ(file->text().find("l2.p10"), std::string::npos);
  EXPECT_EQ(file->text().find("old = "), std::string::npos);
  EXPECT_NE(file->text().find("guess = "), std::string::npos);
  EXPECT_NE(file->text().find("unused = "), std::string::npos); // was not ours to judge
}

TEST(CalibrationFile, WhatCannotBeRewrittenIsAnErrorWithItsPlace) {
  const CalibrationFile bare = parsed("[gemm]\nstart_us = 3\n");
  const auto plain = bare.with({{"gemm.start_us", 4, "new"}});
  ASSERT_FALSE(plain.ok());
  EXPECT_NE(plain.error().text().find("family.toml:2"), std::string::npos) << plain.error().text();
  const CalibrationFile tables =
      parsed("[gemm.start_us]\nvalue = 3\nsource = \"s\"\nconfidence = \"fitted\"\n");
  const auto spread = tables.with({{"gemm.start_us", 4, "new"}});
  ASSERT_FALSE(spread.ok());
  EXPECT_NE(spread.error().text().find("gemm.start_us"), std::string::npos);
  EXPECT_FALSE(parsed("a = { value = 1, source = \"\"\"x\"\"\", confidence = \"fitted\" }\n")
                   .with({{"a", 2, "new"}})
                   .ok());
}

/// Each shipped file, with every number of it changed, keeps its lines and comments.
TEST(CalibrationFile, EveryShippedFileCanBeRewritten) {
  size_t files = 0;
  for (const auto &entry :
       std::filesystem::directory_iterator(std::string(MANSARD_ROOT) + "/targets/calibration")) {
    if (entry.path().extension() != ".toml")
      continue;
    ++files;
    auto file = CalibrationFile::read(entry.path().string());
    ASSERT_TRUE(file.ok()) << file.error().text();
    std::vector<ConstantChange> changes;
    for (const auto &[key, number] : file->document().entries) {
      const hw::Quantity &q = number.number;
      const double inside = q.low || q.high ? q.value : 1.25 * q.value;
      changes.push_back({key, inside, "fitted on \"this\""});
    }
    const auto edited = file->with(changes);
    ASSERT_TRUE(edited.ok()) << edited.error().text();
    const auto count = [](const std::string &text, char c) {
      return std::count(text.begin(), text.end(), c);
    };
    EXPECT_EQ(count(edited->text(), '#'), count(file->text(), '#')) << entry.path();
    EXPECT_EQ(count(edited->text(), '{'), count(file->text(), '{')) << entry.path();
  }
  EXPECT_GE(files, 9u);
}

} // namespace
} // namespace mansard::explore
