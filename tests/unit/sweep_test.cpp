// Sweeps: which points there are, what they hold against a roofline worked by hand, and the step
// from one target to another.
#include <mansard/explore/sweep.h>
#include <mansard/report/files.h>
#include <mansard/report/step_report.h>
#include <mansard/report/sweep_report.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <unistd.h>

namespace mansard::explore {
namespace {

std::atomic<int> lowered{0};

constexpr int64_t kWidth = 32768;

/// One matmul of as many rows as there are tokens, over weights of 2 GiB.
Result<work::Program> lower(const work::Transformer &, const work::Workload &w,
                            const work::Capabilities &) {
  ++lowered;
  work::Program program;
  program.devices = w.parallelism.devices();
  program.tokens = w.tokensPerStep();
  program.memory.weights = 2.0 * kWidth * kWidth;
  program.memory.kvCache = 50e9;
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.matmul = {w.batch * w.tokensPerSequence(), kWidth, kWidth, 0, 0, 0, 0, 0, 0};
  program.steps.push_back({work::internKernel(program, kernel), 10, 0, 0, "layers.matmul"});
  return program;
}

class SweepTest : public ::testing::Test {
protected:
  SweepTest() {
    frontend_.lower = lower;
    model_.id = "made-up";
    std::filesystem::create_directories(folder_);
    // The built-in model alone, so that the test needs no plugin.
    EXPECT_TRUE(report::writeFile(target_, "inherits = \"h100-sxm\"\nid = \"plain\"\n"
                                           "model = \"generic\"\nfamily = \"generic\"\n"
                                           "price.usd = { value = 20000, source = \"test\", "
                                           "confidence = \"estimate\" }\n")
                    .ok());
    sweep_.targets = {{target_, false}};
    sweep_.workload.batch = 1;
    sweep_.workload.context = 4096;
    sweep_.over = {{"memory.technology", {"hbm2e", "hbm3", "hbm3e"}}};
  }
  ~SweepTest() override { std::filesystem::remove_all(folder_); }

  Result<SweepResult> tryRun(int threads = 1) {
    return runSweep(host_, model::Lowering(frontend_, model_), sweep_, {threads, nullptr});
  }
  SweepResult run(int threads = 1) {
    auto result = tryRun(threads);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().text());
    return result.ok() ? std::move(*result) : SweepResult{};
  }
  std::string errorOf() {
    const auto result = tryRun();
    EXPECT_FALSE(result.ok());
    return result.ok() ? "" : result.error().text();
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("mansard-sweep-{}", ::getpid());
  const std::string target_ = (folder_ / "plain.toml").string();
  hw::Catalog catalog_;
  host::Host host_{catalog_};
  work::Frontend frontend_{};
  work::Transformer model_;
  Sweep sweep_;
};

TEST_F(SweepTest, EveryPointMeetsEveryCombinationAndTheLastFieldVariesFastest) {
  sweep_.points = {{"plain", {}}, {"fast", {{"memory.pin_rate_Gbps", "7"}}}};
  sweep_.over = {{"memory.technology", {"hbm3", "hbm3e"}}, {"memory.stacks", {"5", "6", "8"}}};
  const auto points = pointsOf(sweep_);
  ASSERT_TRUE(points.ok());
  ASSERT_EQ(points->size(), 12u);
  EXPECT_EQ((*points)[0].name, "plain, hbm3, stacks 5");
  EXPECT_EQ((*points)[1].name, "plain, hbm3, stacks 6");
  EXPECT_EQ((*points)[3].name, "plain, hbm3e, stacks 5");
  EXPECT_EQ((*points)[11].name, "fast, hbm3e, stacks 8");
  ASSERT_EQ((*points)[11].overrides.size(), 3u);
  EXPECT_EQ((*points)[11].overrides[0].value, "7");
  EXPECT_EQ((*points)[11].overrides[2].value, "8");
}

TEST_F(SweepTest, RidgeIsPeakOverWhatReadsSustainAndTimesItIsPeak) {
  const SweepResult result = run();
  ASSERT_EQ(result.chips.size(), 3u);
  for (const SweptChip &chip : result.chips) {
    ASSERT_EQ(chip.failure, "");
    ASSERT_EQ(chip.ridges.size(), 1u);
    EXPECT_EQ(chip.ridges[0].dtype, uint32_t{MANSARD_DTYPE_BF16});
    const double reads = chip.chip.dramPeakBytesPerSecond() * chip.chip.memory.readEfficiency();
    EXPECT_NEAR(chip.readBytesPerSecond, reads, 1e-6 * reads);
    EXPECT_NEAR(chip.ridges[0].operationsPerByte * chip.readBytesPerSecond,
                chip.chip.peakOpsPerSecond(MANSARD_DTYPE_BF16), 1e3);
  }
}

TEST_F(SweepTest, SpeedUpsAreThoseOfTheRoofline) {
  // A decode step reads 20 GiB and computes next to nothing; a prefill step computes 88 T
  // operations of each read byte's 4096.
  const SweepResult result = run();
  const auto at = [&](size_t point, size_t phase) { return result.chips[point].phases.at(phase); };
  EXPECT_FALSE(result.chips[0].reference);
  EXPECT_TRUE(result.chips[1].asShipped); // hbm3 is what the chip has
  EXPECT_TRUE(result.chips[1].reference);
  for (size_t point = 0; point < 3; ++point) {
    EXPECT_NEAR(at(point, 0).speedup, 1, 0.03) << "prefill waits for no memory";
    EXPECT_NE(at(point, 0).bound, uint32_t{MANSARD_BOUND_DRAM});
    EXPECT_NEAR(at(point, 1).speedup,
                result.chips[point].readBytesPerSecond / result.chips[1].readBytesPerSecond, 0.03);
    EXPECT_EQ(at(point, 1).bound, uint32_t{MANSARD_BOUND_DRAM});
    EXPECT_NEAR(at(point, 1).dramBound, 1, 1e-9);
    EXPECT_GT(at(point, 1).total_us,
              10 * 2.0 * kWidth * kWidth / result.chips[point].peakBytesPerSecond * 1e6);
    ASSERT_EQ(at(point, 1).kernels.size(), 1u);
    EXPECT_EQ(at(point, 1).kernels[0].count, 10);
    EXPECT_NEAR(at(point, 1).kernels[0].total_us, at(point, 1).total_us, 1e-6);
  }
}

TEST_F(SweepTest, LowersOncePerPhaseForAllPointsOfATarget) {
  lowered = 0;
  sweep_.over.push_back({"compute.cores", {"100", "132"}});
  run();
  EXPECT_EQ(lowered, 2);
}

TEST_F(SweepTest, ThreadsDoNotChangeResults) {
  sweep_.over.push_back({"memory.stacks", {"4", "5", "6", "8"}});
  const SweepResult one = run(1), four = run(4);
  ASSERT_EQ(one.chips.size(), four.chips.size());
  for (size_t i = 0; i < one.chips.size(); ++i)
    for (size_t phase = 0; phase < 2; ++phase)
      EXPECT_EQ(one.chips[i].phases[phase].total_us, four.chips[i].phases[phase].total_us);
}

TEST_F(SweepTest, AnotherTechnologyBringsItsOwnPinRateUnlessThatIsSetAsWell) {
  sweep_.over.clear();
  sweep_.points = {{"own", {{"memory.technology", "hbm3e"}}},
                   {"held", {{"memory.technology", "hbm3e"}, {"memory.pin_rate_Gbps", "6.25"}}}};
  const SweepResult result = run();
  EXPECT_DOUBLE_EQ(result.chips[0].chip.pinRate_Gbps(),
                   catalog_.memory("hbm3e")->pin_rate_Gbps.value);
  EXPECT_DOUBLE_EQ(result.chips[1].chip.pinRate_Gbps(), 6.25);
  const auto told = [&](size_t point) {
    std::string all;
    for (const std::string &note : result.chips[point].notes)
      all += note;
    return all.find("memory.pin_rate_Gbps") != std::string::npos;
  };
  EXPECT_TRUE(told(0));
  EXPECT_FALSE(told(1));
  EXPECT_TRUE(result.chips[0].reference); // the chip as shipped is not among them
}

TEST_F(SweepTest, WhatFailsOrDoesNotFitIsToldAtItsPoint) {
  sweep_.over = {{"memory.technology", {"hbm2", "hbm9", "hbm3"}}};
  const SweepResult result = run();
  EXPECT_FALSE(result.chips[0].phases[1].fits); // 52 GB in five stacks of 8
  EXPECT_NE(result.chips[1].failure.find("hbm9"), std::string::npos);
  EXPECT_TRUE(result.chips[1].phases.empty());
  EXPECT_TRUE(result.chips[2].phases[1].fits);
  const report::SweepReport report =
      report::collectSweep(catalog_, result, *economics::readAssumptions(catalog_, "us"));
  const std::string table = report::sweepTable(report, false);
  EXPECT_NE(table.find("DOES NOT FIT"), std::string::npos);
  EXPECT_NE(table.find("fails: "), std::string::npos);
  EXPECT_NE(report::sweepJson(report).find("hbm9"), std::string::npos);
  EXPECT_NE(report::sweepCsv(report, false).find("hbm9"), std::string::npos);
}

TEST_F(SweepTest, PriceChangesByWhatThePointCostsMoreToMake) {
  const report::SweepReport report =
      report::collectSweep(catalog_, run(), *economics::readAssumptions(catalog_, "us"));
  const auto &shipped = report.costs[1], &faster = report.costs[2];
  ASSERT_TRUE(shipped.price_usd && faster.price_usd);
  EXPECT_DOUBLE_EQ(*shipped.price_usd, 20000);
  // Five stacks of 24 GB in place of 16 GB, at 15 USD/GB both.
  EXPECT_NEAR(*faster.memory_usd - *shipped.memory_usd, 600, 1e-6);
  EXPECT_NEAR(*faster.price_usd - 20000, *faster.make_usd - *shipped.make_usd, 1e-6);
  ASSERT_TRUE(report.figures[2][1].usdPerMtok.has_value());
  EXPECT_LT(*report.figures[2][1].usdPerMtok, *report.figures[1][1].usdPerMtok);
}

TEST_F(SweepTest, WrongQuestionsNameWhatWouldBeRight) {
  sweep_.over = {{"memory.stakcs", {"5"}}};
  EXPECT_NE(errorOf().find("did you mean 'memory.stacks'"), std::string::npos);
  sweep_.over = {{"memory.stacks", {"5"}}, {"memory.stacks", {"6"}}};
  EXPECT_NE(errorOf().find("swept twice"), std::string::npos);
  sweep_.over.clear();
  EXPECT_NE(errorOf().find("nothing varies"), std::string::npos);
  sweep_.over = {{"memory.stacks", {"5", "6", "5"}}};
  EXPECT_NE(errorOf().find("takes the value 5 twice"), std::string::npos);
  sweep_.over = {{"memory.stacks", {}}};
  for (int i = 0; i < 5000; ++i)
    sweep_.over[0].values.push_back(std::to_string(i));
  EXPECT_NE(errorOf().find("more than 4096 points"), std::string::npos);
  sweep_.over = {{"memory.stacks", {"5"}}};
  sweep_.prompts = -1;
  EXPECT_NE(errorOf().find("--prompts"), std::string::npos);
  sweep_.prompts = 0;
  sweep_.targets.push_back({"h100-sx", false});
  EXPECT_NE(errorOf().find("did you mean 'h100-sxm'"), std::string::npos);
  EXPECT_FALSE(parseSweptField("memory.stacks").ok());
  EXPECT_FALSE(parseSweptField("memory.stacks=5,,6").ok());
}

Result<Sweep> parse(const std::string &body) {
  return parseSweep(*hw::parseDocument(
      "id = \"s\"\nname = \"S\"\nmodel = \"m\"\ntargets = [\"h100-sxm\"]\n" + body, "s.toml"));
}

TEST(SweepFile, ReadsPointsInOrderAndFieldsToCross) {
  std::string body = "[workload]\nbatch = 8\nquant = \"fp8\"\n[parallelism]\ntp = 2\n"
                     "[over]\nmemory.stacks = [5, 6]\n";
  for (int i = 0; i < 12; ++i)
    body += fmt::format("[[point]]\nname = \"p{}\"\nmemory.pin_rate_Gbps = {}\n", i, i + 1);
  const auto sweep = parse(body);
  ASSERT_TRUE(sweep.ok()) << sweep.error().text();
  ASSERT_EQ(sweep->points.size(), 12u);
  EXPECT_EQ(sweep->points[11].name, "p11"); // as they stand, not as their numbers sort
  EXPECT_EQ(sweep->points[11].overrides.at(0).value, "12");
  EXPECT_EQ(sweep->over.at(0).values, (std::vector<std::string>{"5", "6"}));
  EXPECT_EQ(sweep->workload.batch, 8);
  EXPECT_EQ(sweep->workload.parallelism.tp, 2);
  EXPECT_EQ(sweep->workload.kvCache, DType::bf16);
}

TEST(SweepFile, WrongKeysAreErrors) {
  EXPECT_NE(parse("[workload]\nbacth = 8\n").error().text().find("workload.batch"),
            std::string::npos);
  EXPECT_FALSE(parse("[[point]]\nmemory.stacks = 5\n").ok()); // no name
  EXPECT_FALSE(parse("[[point]]\nname = \"a\"\n[[point]]\nname = \"a\"\n").ok());
  EXPECT_FALSE(parse("phases = [\"train\"]\n").ok());
  EXPECT_FALSE(parse("phases = []\n").ok());
  EXPECT_FALSE(parse("[over]\nmemory.stacks = []\n").ok());
  EXPECT_NE(parse("[over]\nmemory.stacks = 5\n").error().text().find("must be a list"),
            std::string::npos);
}

TEST(SweepFile, EveryShippedOneNamesTargetsMemoriesAndKeysThatThereAre) {
  const hw::Catalog catalog;
  ASSERT_FALSE(catalog.sweepIds().empty());
  for (const std::string &id : catalog.sweepIds()) {
    SCOPED_TRACE(id);
    const auto document = catalog.sweepDocument(id);
    ASSERT_TRUE(document.ok());
    const auto sweep = parseSweep(*document);
    ASSERT_TRUE(sweep.ok()) << sweep.error().text();
    EXPECT_EQ(sweep->id, id);
    EXPECT_TRUE(catalog.modelPath(sweep->model).ok());
    const auto points = pointsOf(*sweep);
    ASSERT_TRUE(points.ok()) << points.error().text();
    for (const SweepTarget &target : sweep->targets)
      for (const SweepPoint &point : *points) {
        const auto chip = catalog.target(target.name, point.overrides);
        EXPECT_TRUE(chip.ok()) << target.name << ", " << point.name << ": " << chip.error().text();
      }
  }
}

TEST_F(SweepTest, StepComparesTheSameWorkOnTwoTargets) {
  const std::string other = (folder_ / "more.toml").string();
  ASSERT_TRUE(report::writeFile(other, "inherits = \"h200-sxm\"\nid = \"more\"\n"
                                       "model = \"generic\"\nfamily = \"generic\"\n")
                  .ok());
  // Predictions are in a first run; measured times are made from them.
  const auto table = [&](double scale) {
    std::string rows = "target,op,dtype,weight_dtype,scaling,m,n,k,latency_us\n";
    for (const std::string &target : {target_, other})
      for (int m : {1, 16})
        rows += fmt::format("{},gemm,bf16,bf16,none,{},16384,16384,{}\n", target, m,
                            target == other ? 100 * scale : 100);
    return rows + target_ + ",gemm,bf16,bf16,none,7,16384,16384,100\n"; // no partner
  };
  const std::string path = (folder_ / "gemm.csv").string();
  ASSERT_TRUE(report::writeFile(path, table(0.8)).ok());
  const auto validation = report::validate(host_, {path});
  ASSERT_TRUE(validation.ok());
  const auto step = report::collectSteps(*validation, target_, other);
  ASSERT_TRUE(step.ok()) << step.error().text();
  ASSERT_EQ(step->rows.size(), 2u);
  for (const report::SteppedRow &row : step->rows) {
    EXPECT_NEAR(row.measured(), 1.25, 1e-9);
    EXPECT_NEAR(row.predicted(), 4.8 / 3.35, 0.05); // what the memories' rates promise
  }
  const report::StepGroup &all = step->groups.front();
  EXPECT_FALSE(all.dtype.has_value());
  EXPECT_EQ(all.rows, 2u);
  EXPECT_NEAR(all.measured, 1.25, 1e-9);
  EXPECT_NEAR(all.mape, 100 * (all.predicted / 1.25 - 1), 2);
  EXPECT_GT(all.bias, 0);
  const auto wrong = report::collectSteps(*validation, target_, "more");
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().text().find("there are rows of"), std::string::npos);
}

} // namespace
} // namespace mansard::explore
