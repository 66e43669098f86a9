// A chip from its file: inheritance, overrides, and what follows from the numbers.

#include <mansard/hw/catalog.h>
#include <mansard/hw/chip.h>

#include <gtest/gtest.h>

#include <cmath>

namespace mansard::hw {
namespace {

Chip open(const std::string &name, const std::vector<Override> &overrides = {}) {
  Result<Chip> chip = Catalog().target(name, overrides);
  EXPECT_TRUE(chip.ok()) << (chip.ok() ? "" : chip.error().text());
  return std::move(chip).value();
}

std::string errorOf(const std::string &name, const std::vector<Override> &overrides = {}) {
  const Result<Chip> chip = Catalog().target(name, overrides);
  EXPECT_FALSE(chip.ok());
  return chip.ok() ? "" : chip.error().text();
}

TEST(Chip, CoresTimesRateTimesClockIsThePeak) {
  // 132 SM x 4096 FLOP/clock x 1.83 GHz.
  EXPECT_NEAR(open("h100-sxm").peakOpsPerSecond(MANSARD_DTYPE_BF16), 989.4e12, 0.01 * 989.4e12);
  // 24 cubes x 8192 FLOP/clock x 1.8 GHz: the advertised 376 counts the vector units too.
  EXPECT_NEAR(open("ascend-910b").peakOpsPerSecond(MANSARD_DTYPE_BF16), 353.9e12, 0.01 * 353.9e12);
}

TEST(Chip, BandwidthFollowsFromPinsWidthAndStacks) {
  EXPECT_NEAR(open("h100-sxm").dramPeakBytesPerSecond(), 3.35e12, 0.01 * 3.35e12);
  const double five = open("h100-sxm").dramPeakBytesPerSecond();
  EXPECT_NEAR(open("h100-sxm", {{"memory.stacks", "6"}}).dramPeakBytesPerSecond(), five * 6 / 5, 1);
}

TEST(Chip, AnotherMemoryTechnologyIsOneWord) {
  const Chip chip = open("h100-sxm", {{"memory.technology", "hbm3e"}});
  const MemoryTechnology hbm3e = *Catalog().memory("hbm3e");
  EXPECT_DOUBLE_EQ(chip.pinRate_Gbps(), hbm3e.pin_rate_Gbps.value);
  EXPECT_GT(chip.dramPeakBytesPerSecond(), open("h100-sxm").dramPeakBytesPerSecond());
  ASSERT_FALSE(chip.notes.empty()) << "what follows from the change is said";
}

TEST(Chip, APinRateSetBesideTheTechnologyStays) {
  const Chip chip =
      open("h100-sxm", {{"memory.technology", "hbm3e"}, {"memory.pin_rate_Gbps", "7"}});
  EXPECT_EQ(chip.pinRate_Gbps(), 7);
}

TEST(Chip, UnknownKeysNameTheNearest) {
  EXPECT_NE(errorOf("h100-sxm", {{"memory.stakcs", "8"}}).find("did you mean 'memory.stacks'"),
            std::string::npos);
  EXPECT_NE(errorOf("h100-smx").find("did you mean 'h100-sxm'"), std::string::npos);
  EXPECT_NE(errorOf("h100-sxm", {{"memory.technology", "hbm9"}}).find("hbm"), std::string::npos);
}

TEST(Chip, TheInstructionSetThatStandsInIsATextOfItsOwn) {
  EXPECT_EQ(open("dcu-bw1000").nearestIsa, "gfx90a");
  EXPECT_EQ(open("dcu-bw1000", {{"nearest_isa", "gfx906"}}).nearestIsa, "gfx906");
  EXPECT_TRUE(open("h100-sxm").nearestIsa.empty());
  EXPECT_NE(errorOf("dcu-bw1000", {{"nearest_iza", "gfx906"}}).find("did you mean 'nearest_isa'"),
            std::string::npos);
}

TEST(Chip, ValuesOutOfRangeAreRefused) {
  EXPECT_NE(errorOf("h100-sxm", {{"compute.clock_GHz", "1830"}}).find("it may be"),
            std::string::npos);
  EXPECT_NE(errorOf("h100-sxm", {{"compute.cores", "-1"}}).find("it may be"), std::string::npos);
  EXPECT_NE(errorOf("h100-sxm", {{"compute.cores", "many"}}).find("not a number"),
            std::string::npos);
  EXPECT_NE(errorOf("h100-sxm", {{"compute.cores", "nan"}}).find("not a number"),
            std::string::npos);
}

TEST(Chip, AnHeirKeepsWhatItDoesNotSay) {
  EXPECT_EQ(open("h800").number("compute.cores"), open("h100-sxm").number("compute.cores"));
  EXPECT_LT(open("h800").number("links.scale_up.bandwidth_GBps"),
            open("h100-sxm").number("links.scale_up.bandwidth_GBps"));
}

TEST(Chip, AnHeirWithAnotherTechnologyLeavesTheOldOnesNumbersBehind) {
  const Catalog catalog;
  const auto build = [&](const char *memory) {
    const auto document = parseDocument(
        std::string("id = \"heir\"\ninherits = \"h100-sxm\"\n[memory]\n") + memory, "heir.toml");
    Result<Chip> chip = buildChip(*document, catalog, {});
    EXPECT_TRUE(chip.ok()) << (chip.ok() ? "" : chip.error().text());
    return chip->pinRate_Gbps();
  };
  EXPECT_DOUBLE_EQ(build("technology = \"hbm3e\""), catalog.memory("hbm3e")->pin_rate_Gbps.value);
  EXPECT_DOUBLE_EQ(build("technology = \"hbm3\""), open("h100-sxm").pinRate_Gbps());
}

TEST(ChipView, CarriesConstantsAndSortedKeys) {
  const Chip chip = open("ascend-910b");
  const ChipView view(chip);
  ASSERT_GT(view.chip().value_count, 20u);
  bool calibration = false, family = false;
  for (uint64_t i = 0; i < view.chip().value_count; ++i) {
    const std::string_view key(view.chip().values[i].key.data, view.chip().values[i].key.size);
    calibration |= key.starts_with("calibration.");
    family |= key.starts_with("ascend.");
    if (i > 0) {
      EXPECT_LT(
          std::string_view(view.chip().values[i - 1].key.data, view.chip().values[i - 1].key.size),
          key);
    }
  }
  EXPECT_TRUE(calibration);
  EXPECT_TRUE(family);
  EXPECT_LT(view.chip().dram_read_bytes_per_s, view.chip().dram_peak_bytes_per_s);
  EXPECT_LT(view.chip().dram_mixed_bytes_per_s, view.chip().dram_read_bytes_per_s);
}

/// Every shipped file reads, and every number in it has a source.
TEST(Catalog, EveryShippedFileReads) {
  const Catalog catalog;
  for (const std::string &id : catalog.targetIds()) {
    const Chip chip = open(id);
    EXPECT_EQ(chip.id, id);
    for (const auto &[key, quantity] : chip.numbers)
      EXPECT_FALSE(quantity.source.empty()) << id << " " << key;
    for (const auto &[key, quantity] : chip.calibration)
      EXPECT_FALSE(quantity.source.empty()) << chip.family << " " << key;
  }
  for (const std::string &id : catalog.memoryIds()) {
    const Result<MemoryTechnology> technology = catalog.memory(id);
    ASSERT_TRUE(technology.ok()) << technology.error().text();
    EXPECT_EQ(technology->id, id);
  }
}

TEST(MemoryTechnology, EfficienciesFollowFromTiming) {
  MemoryTechnology technology;
  technology.refresh_exposed.value = 1;
  technology.refresh_time_ns.value = 350;
  technology.refresh_interval_ns.value = 3900;
  technology.burst_length.value = 8;
  technology.bursts_per_batch.value = 64;
  technology.read_to_write_ns.value = 12.5;
  technology.write_to_read_ns.value = 11.9;
  // tRFC/tREFI = 8.97 %; 64 accesses of 8 transfers at 6.4 Gb/s are 80 ns each way.
  EXPECT_NEAR(technology.readEfficiency(), 1 - 0.0897, 1e-4);
  EXPECT_NEAR(technology.mixedEfficiency(6.4), technology.readEfficiency() * 160 / (160 + 24.4),
              1e-12);
}

} // namespace
} // namespace mansard::hw
