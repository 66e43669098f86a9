// What `targets check` finds wrong with a chip's description, and that the shipped ones are sound.

#include <mansard/report/target_report.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace mansard::report {
namespace {

class Check : public ::testing::Test {
protected:
  Check() : host_(catalog_) {}

  /// Of a file that says `lines` beyond inheriting from the H100 SXM.
  TargetCheck heir(const std::string &lines) {
    // Tests run side by side.
    const std::string path = ::testing::TempDir() +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name() +
                             ".toml";
    std::ofstream(path) << "id = \"heir\"\nname = \"Heir\"\ninherits = \"h100-sxm\"\n" << lines;
    auto check = checkTarget(host_, catalog_, path);
    EXPECT_TRUE(check.ok());
    return *check;
  }
  static bool finds(const TargetCheck &check, std::string_view text, bool error) {
    return std::any_of(check.findings.begin(), check.findings.end(), [&](const Finding &f) {
      return f.error == error && f.message.find(text) != std::string::npos;
    });
  }

  hw::Catalog catalog_;
  host::Host host_;
};

TEST_F(Check, EveryShippedTargetIsSound) {
  for (const std::string &id : catalog_.targetIds()) {
    auto check = checkTarget(host_, catalog_, id);
    ASSERT_TRUE(check.ok()) << id;
    for (const Finding &finding : check->findings) {
      EXPECT_FALSE(finding.error) << finding.place << ": " << finding.message;
      EXPECT_EQ(finding.message.find("no number names"), std::string::npos) << finding.message;
      EXPECT_EQ(finding.message.find("missing: "), std::string::npos)
          << id << ": " << finding.message;
    }
  }
}

TEST_F(Check, CoresTimesRateTimesClockIsWhatTheMakerStates) {
  EXPECT_TRUE(heir("").sound());
  const auto stated = [](double tflops) {
    return "[stated]\npeak_tflops.bf16 = { value = " + std::to_string(tflops) +
           ", source = \"its maker\", confidence = \"vendor\" }\n";
  };
  EXPECT_TRUE(heir(stated(989.4 * 1.015)).sound());
  EXPECT_TRUE(finds(heir(stated(989.4 * 1.2)), "cores x rate x clock is 989.4", true));
  EXPECT_TRUE(heir(stated(989.4 * 1.98 / 1.83)).sound()) << "peaks may be those of the boost clock";
}

TEST_F(Check, MemoryIsWhatTheMakerStates) {
  const std::string stated = "[stated]\nmemory_GBps = { value = 3350, source = \"its maker\", "
                             "confidence = \"vendor\" }\n";
  EXPECT_TRUE(heir(stated).sound());
  EXPECT_TRUE(finds(heir("[memory]\nstacks = { value = 6, source = \"what if\", confidence = "
                         "\"estimate\" }\n" +
                         stated),
                    "stated.memory_GBps is 3350", true));
}

TEST_F(Check, AnHeirOwesNothingToWhatItsBaseStatesOrCosts) {
  const auto numbers = [&](const std::string &lines) {
    const auto document = hw::parseDocument(
        "id = \"heir\"\nname = \"Heir\"\ninherits = \"h100-sxm\"\n" + lines, "heir.toml");
    auto chip = hw::buildChip(*document, catalog_, {});
    EXPECT_TRUE(chip.ok());
    return chip->numbers;
  };
  const auto same = numbers("");
  EXPECT_TRUE(same.contains("stated.peak_tflops.bf16") && same.contains("stated.memory_GBps"));
  EXPECT_FALSE(same.contains("price.usd"));
  const auto fewer = numbers("[compute]\ncores = { value = 100, source = \"what if\", confidence = "
                             "\"estimate\" }\n");
  EXPECT_FALSE(fewer.contains("stated.peak_tflops.bf16"));
  EXPECT_TRUE(fewer.contains("stated.memory_GBps"));
}

TEST_F(Check, ASourceIsInWordsOrExplained) {
  const auto power = [](const char *source) {
    return std::string("[power]\ntdp_W = { value = 600, source = \"") + source +
           "\", confidence = \"vendor\" }\n";
  };
  EXPECT_TRUE(finds(heir(power("ds")), "'ds' of 'power.tdp_W' is not in [sources]", true));
  EXPECT_TRUE(heir(power("its data sheet")).sound());
  EXPECT_TRUE(heir(power("ds") + "[sources]\nds = \"its data sheet\"\n").sound());
  EXPECT_TRUE(finds(heir("[sources]\nds = \"its data sheet\"\n"), "no number names the source 'ds'",
                    false));
}

TEST_F(Check, AUnitThatIsStatedMustBeTheKeys) {
  EXPECT_TRUE(finds(heir("[power]\ntdp_W = { value = 0.6, unit = \"kW\", source = \"its data "
                         "sheet\", confidence = \"vendor\" }\n"),
                    "'power.tdp_W' is in W, not in kW", true));
}

TEST_F(Check, OtherNamesMeanTheSameChip) {
  auto alias = catalog_.target("ascend-910b2");
  ASSERT_TRUE(alias.ok()) << alias.error().text();
  EXPECT_EQ(alias->id, "ascend-910b");
  EXPECT_NE(catalog_.target("ascend-910b9").error().text().find("ascend-910b"), std::string::npos);
}

TargetLine line(const char *id, const char *vendor, const char *memory, int year) {
  TargetLine target;
  target.id = id;
  target.vendor = vendor;
  target.family = "f";
  target.memory = memory;
  target.year = year;
  return target;
}

TEST(TargetFilter, KeepsWhatAllListsLetPass) {
  const std::vector<TargetLine> all{line("a", "NVIDIA", "hbm3", 2022),
                                    line("b", "NVIDIA", "hbm3e", 2024),
                                    line("c", "Huawei", "hbm3", 2024)};
  const auto ids = [&](const TargetFilter &filter) {
    auto kept = filterTargets(all, filter);
    EXPECT_TRUE(kept.ok()) << (kept.ok() ? "" : kept.error().text());
    std::string text;
    for (const TargetLine &target : *kept)
      text += target.id;
    return text;
  };
  EXPECT_EQ(ids({}), "abc");
  EXPECT_EQ(ids({.vendors = {"nvidia"}}), "ab");
  EXPECT_EQ(ids({.vendors = {"nvidia", "huawei"}, .memories = {"hbm3"}}), "ac");
  EXPECT_EQ(ids({.years = {"2023-"}}), "bc");
  EXPECT_EQ(ids({.years = {"-2022", "2025"}}), "a");
  EXPECT_EQ(ids({.vendors = {"Huawei"}, .memories = {"hbm3e"}}), "");
}

TEST(TargetFilter, NamesWhatThereIsInstead) {
  const std::vector<TargetLine> all{line("a", "NVIDIA", "hbm3", 2022)};
  EXPECT_NE(filterTargets(all, {.vendors = {"NVIDA"}}).error().text().find("did you mean 'NVIDIA'"),
            std::string::npos);
  for (const char *year : {"", "-", "soon", "2024-2022", "20x4", "2022-2023-2024"})
    EXPECT_FALSE(filterTargets(all, {.years = {year}}).ok()) << year;
}

TEST(Standing, SaysWhatWasMeasured) {
  const hw::Catalog catalog;
  const Standing own = standingOf(*catalog.target("h100-sxm"), MANSARD_OP_MATMUL);
  EXPECT_EQ(own.measured, Measured::chip);
  EXPECT_GT(own.allRows(), 1000u);
  EXPECT_LT(own.p10, 1);
  EXPECT_GT(own.p90, 1);
  EXPECT_NE(own.text(MANSARD_OP_MATMUL).find("of h100-sxm"), std::string::npos);
  EXPECT_EQ(standingOf(*catalog.target("h800"), MANSARD_OP_MATMUL).measured, Measured::family);
  EXPECT_EQ(standingOf(*catalog.target("mi300x"), MANSARD_OP_MATMUL).measured, Measured::nothing);
  EXPECT_EQ(
      standingOf(*catalog.target("h100-sxm"), MANSARD_OP_MATMUL, MANSARD_ESTIMATE_UNCALIBRATED)
          .measured,
      Measured::nothing)
      << "what the model calls uncalibrated is not validated by its family";
  EXPECT_EQ(measuredOf(*catalog.target("v100-sxm2")), Measured::nothing);
  EXPECT_EQ(measuredOf(*catalog.target("b300-sxm")), Measured::family);
}

} // namespace
} // namespace mansard::report
