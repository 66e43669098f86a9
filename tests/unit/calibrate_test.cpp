// Fits to measurements made from constants that are known, folds, and the file that comes out.

#include <mansard/explore/calibrate.h>
#include <mansard/report/files.h>
#include <mansard/report/validation.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <unistd.h>

namespace mansard::explore {
namespace {

namespace fs = std::filesystem;

constexpr const char *kGemm = "target,op,dtype,weight_dtype,scaling,m,n,k,latency_us,source\n";
constexpr const char *kDecode = "target,op,dtype,kv_dtype,batch,q_len,kv_len,heads,kv_heads,"
                                "head_dim,causal,window,latency_us\n";

/// A data folder of its own: the shipped targets, and a family "bench" with the built-in model's
/// constants.
class CalibrateTest : public ::testing::Test {
protected:
  CalibrateTest() {
    const fs::path shipped = fs::path(MANSARD_ROOT) / "targets";
    fs::create_directories(folder_ / "targets" / "calibration");
    fs::create_directories(folder_ / "targets" / "bench");
    fs::copy(shipped / "memory", folder_ / "targets" / "memory", fs::copy_options::recursive);
    fs::copy(shipped / "nvidia", folder_ / "targets" / "nvidia", fs::copy_options::recursive);
    family_ = (folder_ / "targets" / "calibration" / "bench.toml").string();
    fs::copy_file(shipped / "calibration" / "generic.toml", family_);
    write(folder_ / "targets" / "bench" / "plain.toml",
          "inherits = \"h100-sxm\"\nid = \"plain\"\nmodel = \"generic\"\nfamily = \"bench\"\n");
  }
  ~CalibrateTest() override { fs::remove_all(folder_); }

  static void write(const fs::path &path, const std::string &text) {
    const auto written = report::writeFile(path.string(), text);
    ASSERT_TRUE(written.ok()) << (written.ok() ? "" : written.error().text());
  }

  /// Tables as they would be measured on a chip of these constants, one file per op.
  std::vector<std::string> measured(const std::vector<std::pair<std::string, double>> &constants) {
    hw::Catalog catalog(folder_.string());
    host::Host host(catalog);
    std::vector<hw::Override> truth;
    for (const auto &[name, value] : constants)
      truth.push_back({"calibration." + name, fmt::format("{}", value)});
    auto model = host.open("plain", truth);
    EXPECT_TRUE(model.ok()) << (model.ok() ? "" : model.error().text());
    const auto latency = [&](const work::Kernel &kernel) {
      mansard_estimate estimate{};
      EXPECT_TRUE(model->estimate({&kernel, 1}, {&estimate, 1}).ok());
      return estimate.latency_us;
    };
    std::string gemm = kGemm, decode = kDecode;
    for (const int m : {1, 16, 64, 256, 1024, 4096, 16384})
      for (const auto &[n, k] : {std::pair{1024, 4096},
                                 {4096, 4096},
                                 {6144, 2048},
                                 {8192, 8192},
                                 {2560, 5120},
                                 {14336, 4096},
                                 {512, 7168}}) {
        work::Kernel kernel =
            work::makeKernel(MANSARD_OP_MATMUL, DType::bf16, DType::bf16, DType::bf16);
        kernel.u.matmul = {m, n, k, 0, 0, 0, 0, 0, 0};
        gemm += fmt::format("plain,gemm,bf16,bf16,none,{},{},{},{},\"the test (one)\"\n", m, n, k,
                            latency(kernel));
      }
    for (const int batch : {1, 8, 64})
      for (const int length : {512, 4096, 32768})
        for (const int heads : {8, 16, 32, 64}) {
          work::Kernel kernel =
              work::makeKernel(MANSARD_OP_ATTENTION_DECODE, DType::bf16, DType::bf16, DType::bf16);
          kernel.u.attention = {batch, 1, length, heads, 8, 128, 0, 1, 0};
          decode += fmt::format("plain,attention_decode,bf16,bf16,{},1,{},{},8,128,1,0,{}\n", batch,
                                length, heads, latency(kernel));
        }
    const std::vector<std::string> files{(folder_ / "gemm.csv").string(),
                                         (folder_ / "decode.csv").string()};
    write(files[0], gemm);
    write(files[1], decode);
    return files;
  }

  Result<Calibration> run(const CalibrationRequest &request) {
    hw::Catalog catalog(folder_.string());
    host::Host host(catalog);
    return calibrate(host, catalog, request);
  }

  /// The error's text; empty where there is none.
  std::string complaint(const CalibrationRequest &request) {
    const auto result = run(request);
    return result ? "" : result.error().text();
  }

  static CalibrationRequest request(std::vector<std::string> files, size_t folds = 0) {
    CalibrationRequest request;
    request.family = "bench";
    request.files = std::move(files);
    request.folds = folds;
    return request;
  }

  const fs::path folder_ =
      fs::temp_directory_path() / fmt::format("mansard-calibrate-{}", ::getpid());
  std::string family_;
};

const std::vector<std::pair<std::string, double>> kTruth{{"start.gemm_us", 4.3},
                                                         {"start.attention_us", 17},
                                                         {"matmul.matrix", 0.71},
                                                         {"dram.efficiency", 0.93},
                                                         {"attention_decode.combine_us", 4.1}};

TEST_F(CalibrateTest, FindsTheConstantsThatMadeTheMeasurements) {
  const auto calibration = run(request(measured(kTruth)));
  ASSERT_TRUE(calibration.ok()) << calibration.error().text();
  for (const FitError &error : calibration->errors) {
    EXPECT_GT(error.shipped, 5) << error.op;
    EXPECT_LT(error.inSample, 0.5) << error.op;
    EXPECT_TRUE(std::isnan(error.heldOut)) << error.op;
  }
  std::map<std::string, FittedConstant> found;
  for (const FittedConstant &constant : calibration->constants)
    found[constant.name] = constant;
  for (const auto &[name, value] : kTruth)
    EXPECT_NEAR(found.at(name).after, value, 0.03 * value) << name;
  EXPECT_EQ(found.at("start.gemm_us").unit, "us");
  EXPECT_EQ(found.at("start.gemm_us").meaning,
            "Start and drain of a matmul kernel, plain or grouped.");
  EXPECT_EQ(found.at("start.gemm_us").ops, std::vector<std::string>{"gemm"});
  EXPECT_EQ(found.at("dram.efficiency").ops,
            (std::vector<std::string>{"gemm", "attention_decode"}));
  EXPECT_EQ(found.at("links.start_us").rows, 0u);
  EXPECT_EQ(found.at("links.start_us").after, found.at("links.start_us").before);
}

TEST_F(CalibrateTest, ErrorsOnSitesLeftOutAreSmallWhereTheModelIsRight) {
  const auto calibration = run(request(measured(kTruth), 4));
  ASSERT_TRUE(calibration.ok()) << calibration.error().text();
  ASSERT_EQ(calibration->errors.size(), 2u);
  EXPECT_EQ(calibration->errors[0].rows, 49u);
  EXPECT_EQ(calibration->errors[0].sites, 7u);
  for (const FitError &error : calibration->errors)
    EXPECT_LT(error.heldOut, 1) << error.op;
  for (const FittedBand &band : calibration->bands) {
    EXPECT_NEAR(band.band.p10, 1, 0.03);
    EXPECT_NEAR(band.band.p90, 1, 0.03);
    EXPECT_NE(band.source.find("sites other than its own"), std::string::npos) << band.source;
  }
}

TEST_F(CalibrateTest, KeptConstantsStayAndTheirBandsAreThoseOfSitesLeftOut) {
  CalibrationRequest kept = request(measured(kTruth), 4);
  kept.keep = true;
  const auto calibration = run(kept);
  ASSERT_TRUE(calibration.ok()) << calibration.error().text();
  for (const FitError &error : calibration->errors) {
    EXPECT_DOUBLE_EQ(error.inSample, error.shipped) << error.op;
    EXPECT_LT(error.heldOut, error.shipped) << error.op; // fitted for each fold, though
  }
  EXPECT_EQ(calibration->residuals.size(), 49u + 36u);
  const auto file = calibrated(*calibration);
  ASSERT_TRUE(file.ok()) << file.error().text();
  const auto &before = calibration->before.document().entries;
  for (const auto &[key, entry] : file->document().entries)
    if (!key.starts_with("residual.")) {
      EXPECT_EQ(entry.number.value, before.at(key).number.value) << key;
      EXPECT_EQ(entry.number.source, before.at(key).number.source) << key;
    }
  EXPECT_NE(file->document().entries.at("residual.gemm.p10").number.value,
            before.at("residual.gemm.p10").number.value);
  EXPECT_EQ(file->document().entries.at("residual.gemm.measured.plain").number.value, 49);
  kept.folds = 0;
  EXPECT_NE(complaint(kept).find("cross-validation"), std::string::npos);
}

TEST_F(CalibrateTest, WhatHasOneSiteIsNotHeldOut) {
  const std::string one = (folder_ / "one.csv").string();
  write(one, std::string(kGemm) + "plain,gemm,bf16,bf16,none,8,4096,4096,20,\n"
                                  "plain,gemm,bf16,bf16,none,16,4096,4096,21,\n");
  const auto calibration = run(request({one}, 5));
  ASSERT_TRUE(calibration.ok()) << calibration.error().text();
  EXPECT_TRUE(std::isnan(calibration->errors.at(0).heldOut));
  EXPECT_FALSE(calibration->bands.at(0).heldOut);
  for (const FittedConstant &constant : calibration->constants)
    EXPECT_EQ(constant.source.find("left out"), std::string::npos);
  EXPECT_NE(calibrationJson(*calibration).find("\"mape_held_out\": null"), std::string::npos);
}

TEST_F(CalibrateTest, IsTheSameEveryTime) {
  const auto files = measured(kTruth);
  const auto first = run(request(files, 3)), second = run(request(files, 3));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(calibrated(*first)->text(), calibrated(*second)->text());
  EXPECT_EQ(calibrationJson(*first), calibrationJson(*second));
}

TEST_F(CalibrateTest, TheFileWrittenGivesTheErrorsTold) {
  const auto files = measured(kTruth);
  const auto calibration = run(request(files, 3));
  ASSERT_TRUE(calibration.ok());
  const auto file = calibrated(*calibration);
  ASSERT_TRUE(file.ok()) << file.error().text();
  write(family_, file->text());
  hw::Catalog catalog(folder_.string());
  host::Host host(catalog);
  const auto validation = report::validate(host, files);
  ASSERT_TRUE(validation.ok());
  ASSERT_EQ(validation->groups.size(), calibration->errors.size());
  for (size_t i = 0; i < validation->groups.size(); ++i)
    EXPECT_DOUBLE_EQ(validation->groups[i].mape, calibration->errors[i].inSample);
  const auto &constant = file->document().entries.at("start.gemm_us").number;
  EXPECT_EQ(constant.confidence, hw::Confidence::fitted);
  EXPECT_NE(constant.source.find("fitted on plain, 49 gemm rows (the test); "), std::string::npos)
      << constant.source;
  EXPECT_NE(constant.source.find("on sites left out"), std::string::npos) << constant.source;
  // What moves no row keeps what stands behind it.
  const auto before = CalibrationFile::parse(calibration->before.text(), family_);
  EXPECT_EQ(file->document().entries.at("links.start_us").number.source,
            before->document().entries.at("links.start_us").number.source);
}

TEST_F(CalibrateTest, OnlyFitsWhatIsNamedWhateverItsConfidence) {
  CalibrationRequest only = request(measured({{"l2.resident_share", 0.7}}));
  only.only = {"l2.resident", "start.gemm"};
  const auto calibration = run(only);
  ASSERT_TRUE(calibration.ok()) << calibration.error().text();
  ASSERT_EQ(calibration->constants.size(), 2u);
  EXPECT_EQ(calibration->constants[0].name, "l2.resident_share");
  EXPECT_GT(calibration->constants[0].after, 0.6); // no weights lie between there and the cache
  EXPECT_NEAR(calibration->constants[1].after, calibration->constants[1].before, 0.1);
}

TEST_F(CalibrateTest, StaysWithinBounds) {
  const auto files = measured({{"start.gemm_us", 9}, {"dram.efficiency", 1}});
  auto file = CalibrationFile::read(family_);
  std::string text = file->text();
  const std::string plain = "gemm_us = { value = 6,";
  ASSERT_NE(text.find(plain), std::string::npos);
  text.replace(text.find(plain), plain.size(), "gemm_us = { value = 6, low = 5, high = 7.5,");
  write(family_, text);
  const auto calibration = run(request(files));
  ASSERT_TRUE(calibration.ok()) << calibration.error().text();
  for (const FittedConstant &constant : calibration->constants) {
    if (constant.name == "start.gemm_us") {
      EXPECT_DOUBLE_EQ(constant.after, 7.5);
    }
    if (constant.name == "dram.efficiency") {
      EXPECT_LE(constant.after, 1);
    }
  }
  EXPECT_TRUE(calibrated(*calibration).ok());
}

TEST_F(CalibrateTest, ErrorsSayWhatIsWrongAndWhatWouldBeValid) {
  const auto files = measured({});
  CalibrationRequest wrong = request(files);
  wrong.family = "bensh";
  EXPECT_NE(complaint(wrong).find("did you mean 'bench'"), std::string::npos) << complaint(wrong);
  wrong = request(files);
  wrong.only = {"start.gem_us"};
  EXPECT_NE(complaint(wrong).find("did you mean 'start.gemm_us'"), std::string::npos);
  wrong.only = {"residual.gemm"};
  EXPECT_NE(complaint(wrong).find("no constant's name begins with"), std::string::npos);
  wrong.only = {"links."};
  EXPECT_NE(complaint(wrong).find("nothing to fit"), std::string::npos) << complaint(wrong);
  EXPECT_NE(complaint(request(files, 1)).find("2 folds"), std::string::npos);
  EXPECT_NE(complaint(request({"absent.csv"})).find("absent.csv"), std::string::npos);

  const std::string other = (folder_ / "other.csv").string();
  write(other, std::string(kGemm) + "h100-sxm,gemm,bf16,bf16,none,8,8,8,10,\n"
                                    "plain,gemm,bf16,bf16,none,-8,8,8,10,\n"
                                    "nosuch,gemm,bf16,bf16,none,8,8,8,10,\n");
  const std::string none = complaint(request({other}));
  EXPECT_NE(none.find("no row"), std::string::npos) << none;
  EXPECT_NE(none.find("m is -8"), std::string::npos) << none;
  EXPECT_NE(none.find("nosuch"), std::string::npos) << none;

  auto file = CalibrationFile::read(family_);
  std::string text = file->text();
  for (size_t at; (at = text.find("\"fitted\"")) != std::string::npos;)
    text.replace(at, 8, "\"recall\"");
  write(family_, text);
  EXPECT_NE(complaint(request(files)).find("no constant has the confidence"), std::string::npos);
}

TEST(Folds, NeverSplitASiteAndAreAlike) {
  std::vector<std::string> sites;
  for (int row = 0; row < 500; ++row)
    sites.push_back(fmt::format("n{} k4096", row % 23));
  const std::vector<size_t> folds = foldsOf(sites, 5);
  std::map<std::string, std::set<size_t>> bySite;
  std::map<size_t, std::set<std::string>> byFold;
  for (size_t i = 0; i < sites.size(); ++i) {
    bySite[sites[i]].insert(folds[i]);
    byFold[folds[i]].insert(sites[i]);
  }
  for (const auto &[site, inFolds] : bySite)
    EXPECT_EQ(inFolds.size(), 1u) << site;
  ASSERT_EQ(byFold.size(), 5u);
  for (const auto &[fold, itsSites] : byFold)
    EXPECT_TRUE(itsSites.size() == 4 || itsSites.size() == 5) << fold;
  // The order of rows is nothing to the folds.
  const std::vector<std::string> reversed(sites.rbegin(), sites.rend());
  const std::vector<size_t> again = foldsOf(reversed, 5);
  EXPECT_EQ(std::vector<size_t>(again.rbegin(), again.rend()), folds);
}

} // namespace
} // namespace mansard::explore
