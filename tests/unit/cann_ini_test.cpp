// CANN platform configs as targets, and documents written back as TOML.
#include <mansard/hw/cann_ini.h>
#include <mansard/hw/catalog.h>
#include <mansard/hw/chip.h>

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace mansard::hw {
namespace {

const std::string kFolder = std::string(MANSARD_TEST_DATA) + "/cann/";

std::string textOf(const std::string &path) {
  std::ifstream stream(path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// The 910B1's file with `from` replaced by `to`.
Result<Document> changed(const std::string &from, const std::string &to) {
  std::string text = textOf(kFolder + "Ascend910B1.ini");
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return parseCannIni(text.replace(at, from.size(), to), "soc.ini");
}

void expectSame(const Document &a, const Document &b) {
  ASSERT_EQ(a.lists, b.lists);
  ASSERT_EQ(a.entries.size(), b.entries.size());
  for (const auto &[key, entry] : a.entries) {
    SCOPED_TRACE(key);
    const auto other = b.entries.find(key);
    ASSERT_NE(other, b.entries.end());
    EXPECT_EQ(entry.kind, other->second.kind);
    EXPECT_EQ(entry.text, other->second.text);
    EXPECT_EQ(entry.sourced, other->second.sourced);
    EXPECT_EQ(entry.number.value, other->second.number.value);
    EXPECT_EQ(entry.number.low, other->second.number.low);
    EXPECT_EQ(entry.number.high, other->second.number.high);
    EXPECT_EQ(entry.number.source, other->second.number.source);
    EXPECT_EQ(entry.number.confidence, other->second.number.confidence);
  }
}

TEST(CannIni, GivesTheFiguresOfTheFile) {
  const Result<Document> read = readCannIni(kFolder + "Ascend910B1.ini");
  ASSERT_TRUE(read.ok()) << read.error().text();
  const auto number = [&](const char *key) { return read->entries.at(key).number.value; };
  EXPECT_EQ(read->entries.at("family").text, "ascend-910b");
  EXPECT_EQ(read->entries.at("inherits").text, "ascend-910b1");
  EXPECT_EQ(number("compute.cores"), 24);
  EXPECT_EQ(number("compute.clock_GHz"), 1.85);
  EXPECT_EQ(number("matrix.ops_per_clock.bf16"), 8192);  // 2 x 16 x 16 x 16
  EXPECT_EQ(number("matrix.ops_per_clock.int8"), 16384); // 2 x 16 x 32 x 16
  EXPECT_EQ(number("vector.ops_per_clock.fp16"), 512);   // 2 cores x 128 lanes x 2
  EXPECT_EQ(number("ascend.l0c_KiB"), 128);
  EXPECT_EQ(number("l2.size_MiB"), 192);
  EXPECT_NEAR(number("l2.read_GBps"), 110 * 24 * 1.85, 1e-9); // 4884
  EXPECT_EQ(number("memory.stacks"), 4);
  EXPECT_EQ(read->entries.at("compute.cores").number.source,
            "Ascend910B1.ini [SoCInfo] cube_core_cnt");
  EXPECT_EQ(read->entries.at("compute.cores").number.confidence, Confidence::vendor);
}

TEST(CannIni, SaysWhatItTookFromElsewhere) {
  const Result<Document> read = readCannIni(kFolder + "Ascend910B1.ini");
  ASSERT_TRUE(read.ok());
  std::string notes;
  for (const std::string &note : read->lists.at("notes"))
    notes += note;
  EXPECT_NE(notes.find("links"), std::string::npos);
  EXPECT_NE(notes.find("pin rate"), std::string::npos);
  EXPECT_NE(notes.find("ascend-910b1"), std::string::npos);
}

TEST(CannIni, ReadsCamelCaseKeysAndFractions) {
  const Result<Document> read = readCannIni(kFolder + "Ascend910B4-camel.ini");
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(read->entries.at("compute.cores").number.value, 20);
  EXPECT_EQ(read->entries.at("ascend.dram_bytes_per_clock").number.value, 32); // 48e9 / 1.5e9
  EXPECT_EQ(read->entries.at("memory.stacks").number.value, 2);
  EXPECT_EQ(read->entries.at("matrix.ops_per_clock.fp16").number.value, 8192);
}

TEST(CannIni, BecomesAChipThatEqualsTheBuiltInOne) {
  const Catalog catalog;
  const Result<Document> read = readCannIni(kFolder + "Ascend910B1.ini");
  ASSERT_TRUE(read.ok());
  const Result<Chip> imported = buildChip(*read, catalog, {});
  ASSERT_TRUE(imported.ok()) << imported.error().text();
  const Result<Chip> builtIn = catalog.target("ascend-910b1");
  ASSERT_TRUE(builtIn.ok()) << builtIn.error().text();
  EXPECT_NEAR(imported->peakOpsPerSecond(MANSARD_DTYPE_BF16), 24 * 8192 * 1.85e9, 1);
  EXPECT_EQ(imported->peakOpsPerSecond(MANSARD_DTYPE_BF16),
            builtIn->peakOpsPerSecond(MANSARD_DTYPE_BF16));
  EXPECT_EQ(imported->dramPeakBytesPerSecond(), builtIn->dramPeakBytesPerSecond());
  EXPECT_EQ(imported->number("links.scale_up.bandwidth_GBps"), 196);
}

TEST(CannIni, UnknownFamilyNamesTheKnownOnes) {
  const Result<Document> read =
      changed("Short_SoC_version=Ascend910B", "Short_SoC_version=Ascend310P");
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().message.find("Ascend310P"), std::string::npos);
  EXPECT_NE(read.error().message.find("Ascend950"), std::string::npos);
  EXPECT_EQ(read.error().place, "soc.ini:4");
}

TEST(CannIni, FallsBackToTheArchitectureNumber) {
  const Result<Document> read = changed("Short_SoC_version=Ascend910B\n", "");
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(read->entries.at("family").text, "ascend-910b");
}

TEST(CannIni, UnknownSocOfAKnownFamilyIsFlagged) {
  const Result<Document> read = changed("SoC_version=Ascend910B1", "SoC_version=Ascend910B9");
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(read->entries.at("inherits").text, "ascend-910b");
  EXPECT_NE(read->lists.at("notes").front().find("Ascend910B9"), std::string::npos);
}

TEST(CannIni, ErrorsNameSectionKeyAndLine) {
  const Result<Document> text = changed("cube_freq=1850", "cube_freq=fast");
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().text(),
            "soc.ini:16: [AICoreSpec] cube_freq = fast is not a number from 50 to 10000");
  const Result<Document> hertz = changed("cube_freq=1850", "cube_freq=1850000000");
  ASSERT_FALSE(hertz.ok()) << "a clock in Hz";
  const Result<Document> missing = changed("l1_size=524288\n", "");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().text(), "soc.ini: [AICoreSpec] has no key l1_size");
  const Result<Document> rate = changed("ddr_rate=32", "ddr_rate=32/0");
  EXPECT_FALSE(rate.ok());
  const Result<Document> cube = changed("DT_INT8=16,32,16", "DT_INT8=16,32");
  ASSERT_FALSE(cube.ok());
  EXPECT_NE(cube.error().message.find("[DtypeMKN] DT_INT8 = 16,32"), std::string::npos);
  const Result<Document> line = changed("ddr_rate=32", "ddr_rate 32");
  ASSERT_FALSE(line.ok());
  EXPECT_EQ(line.error().place, "soc.ini:32");
  const Result<Document> odd = changed("vector_core_cnt=48", "vector_core_cnt=50");
  EXPECT_FALSE(odd.ok());
  EXPECT_FALSE(parseCannIni("[version]\n", "soc.ini").ok());
  EXPECT_FALSE(readCannIni(kFolder + "no-such.ini").ok());
}

TEST(WriteToml, ParsesBackToTheSame) {
  for (const char *file : {"Ascend910B1.ini", "Ascend910B4-camel.ini"}) {
    const Result<Document> read = readCannIni(kFolder + file);
    ASSERT_TRUE(read.ok());
    const std::string text = writeToml(*read);
    const Result<Document> again = parseDocument(text, "written.toml");
    ASSERT_TRUE(again.ok()) << again.error().text() << "\n" << text;
    expectSame(*read, *again);
    EXPECT_EQ(writeToml(*again), text);
  }
}

TEST(WriteToml, KeepsRangesFlagsPlainNumbersAndOddTexts) {
  const char *text = R"(
id = "a \"quoted\" \\ name\twith a tab"
year = 2025
fast = true
notes = ["one", "two \"x\""]
[links.scale_up]
topology = "mesh"
bandwidth_GBps = { value = 0.1, low = 0.05, high = 1e22, source = "s", confidence = "press" }
[zoo]
"odd key" = 1.5
)";
  const Result<Document> read = parseDocument(text, "a.toml");
  ASSERT_TRUE(read.ok()) << read.error().text();
  const Result<Document> again = parseDocument(writeToml(*read), "b.toml");
  ASSERT_TRUE(again.ok()) << again.error().text() << "\n" << writeToml(*read);
  expectSame(*read, *again);
}

TEST(WriteToml, EveryShippedTargetSurvives) {
  const Catalog catalog;
  for (const std::string &id : catalog.targetIds()) {
    SCOPED_TRACE(id);
    const Result<Document> read = catalog.targetDocument(id);
    ASSERT_TRUE(read.ok()) << read.error().text();
    const Result<Document> again = parseDocument(writeToml(*read), id + ".toml");
    ASSERT_TRUE(again.ok()) << again.error().text();
    expectSame(*read, *again);
  }
}

} // namespace
} // namespace mansard::hw
