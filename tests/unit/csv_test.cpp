// Tables of comma-separated values, well formed and not.

#include <mansard/report/csv.h>
#include <mansard/report/files.h>

#include <gtest/gtest.h>

#include <filesystem>

namespace mansard::report {
namespace {

CsvTable parsed(std::string_view text) {
  auto table = parseCsv(text, "t.csv");
  EXPECT_TRUE(table.ok()) << (table.ok() ? "" : table.error().text());
  return table.ok() ? std::move(*table) : CsvTable{};
}

std::string errorOf(std::string_view text) {
  const auto table = parseCsv(text, "t.csv");
  EXPECT_FALSE(table.ok());
  return table.ok() ? "" : table.error().text();
}

TEST(Csv, ReadsQuotesCommasAndLineBreaksInCells) {
  const CsvTable table = parsed("a,b\n1,\"two, \"\"three\"\"\nfour\"\n5,\n");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0][1], "two, \"three\"\nfour");
  EXPECT_EQ(table.rows[1][1], "");
  EXPECT_EQ(table.lines[1], 4u);
  EXPECT_EQ(table.column("b"), 1u);
  EXPECT_EQ(table.column("c"), std::nullopt);
}

TEST(Csv, TakesWindowsLineEndsByteOrderMarksAndAMissingLastLineBreak) {
  const CsvTable table = parsed("\xEF\xBB\xBF"
                                "a,b\r\n1,2\r\n\r\n3,4");
  EXPECT_EQ(table.header[0], "a");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[1][1], "4");
}

TEST(Csv, NamesTheLineThatIsWrong) {
  EXPECT_EQ(errorOf("a,b\n1,2\n3\n"), "t.csv:3: the row has 1 cells, the header 2");
  EXPECT_EQ(errorOf("a,b\n1,\"2\n"), "t.csv:2: a quoted cell never ends");
  EXPECT_EQ(errorOf("a,b\n\"1\"x,2\n"), "t.csv:2: text follows the closing quote of a cell");
  EXPECT_EQ(errorOf("a,a\n"), "t.csv:1: column \"a\" is there twice");
  EXPECT_EQ(errorOf("\n\n"), "t.csv:1: no header row");
}

TEST(Csv, WhatIsWrittenReadsBack) {
  const std::vector<std::string> cells{"plain", "with, comma", "with \"quotes\"", "two\nlines", ""};
  const CsvTable table = parsed(csvLine({"a", "b", "c", "d", "e"}) + csvLine(cells));
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(table.rows[0], cells);
}

TEST(Files, WritingReplacesAllOrNothing) {
  const auto folder = std::filesystem::temp_directory_path() / "mansard-files-test";
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "out.txt").string();
  ASSERT_TRUE(writeFile(path, "one").ok());
  ASSERT_TRUE(writeFile(path, "two").ok());
  EXPECT_EQ(*readFile(path), "two");
  EXPECT_FALSE(writeFile(folder.string(), "text").ok());
  EXPECT_FALSE(writeFile((folder / "none" / "out.txt").string(), "text").ok());
  EXPECT_FALSE(readFile(folder.string()).ok());
  EXPECT_FALSE(readFile((folder / "none").string()).ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  std::filesystem::remove_all(folder);
}

} // namespace
} // namespace mansard::report
