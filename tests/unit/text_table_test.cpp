// Numbers and tables as people read them.

#include <mansard/report/text_table.h>

#include <gtest/gtest.h>

#include <limits>

namespace mansard::report {
namespace {

TEST(TextTable, NumbersKeepTheirSignificantDigitsAndNoMore) {
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(3350), "3350");
  EXPECT_EQ(number(989.43), "989.4");
  EXPECT_EQ(number(5.2344), "5.234");
  EXPECT_EQ(number(0.25), "0.25");
  EXPECT_EQ(number(-12.5), "-12.5");
  EXPECT_EQ(number(123456.7), "123457");
  EXPECT_EQ(number(1e-7), "1e-07");
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "-");
}

TEST(TextTable, DurationsRatesAndSizesChooseTheirUnit) {
  EXPECT_EQ(duration(172.34), "172.3 us");
  EXPECT_EQ(duration(1391.6), "1.392 ms");
  EXPECT_EQ(duration(2.5e6), "2.5 s");
  EXPECT_EQ(rate(3.35e12, "B/s"), "3.35 TB/s");
  EXPECT_EQ(size(1536), "1.5 KiB");
  EXPECT_EQ(percent(0.1234), "12.3 %");
  EXPECT_EQ(grouped(1234567.4), "1,234,567");
  EXPECT_EQ(grouped(-0.2), "0");
}

TEST(TextTable, ColumnsLineUpByCharactersNotBytes) {
  TextTable table({{"name", {}}, {"value", TextTable::Align::right}});
  table.addRow({"\xC2\xB5s", "1"});
  table.addRow({"long name", "100"});
  table.addRow({});
  EXPECT_EQ(table.text(1), " name       value\n"
                           " \xC2\xB5s             1\n"
                           " long name    100\n"
                           "\n");
}

TEST(TextTable, BarsShowWhatIsNotNothing) {
  EXPECT_EQ(bar(0), "");
  EXPECT_EQ(bar(0.001, 10), "#");
  EXPECT_EQ(bar(0.5, 10), "#####");
  EXPECT_EQ(bar(1.5, 10), "##########");
}

} // namespace
} // namespace mansard::report
