// Tiles that the caller's compiler has fixed, on every family: priced like the search's own choice
// where they are that, never better than it, and said not to fit with numbers.
#include "family_fixture.h"

#include <mansard/base/stated_tile.h>
#include <mansard/model/stated_tile.h>
#include <mansard/report/kernel_report.h>

#include <map>

namespace mansard {
namespace {

struct TileSize {
  int32_t m, n;
};

/// Tiles that the family's own search considers.
struct Family {
  const char *name, *target;
  std::vector<hw::Override> overrides;
  std::vector<TileSize> candidates;
  const char *smallestMemory; // what a tile of 2048 x 2048 exceeds first
};

std::vector<Family> families() {
  const std::vector<TileSize> gpu{{16, 64},  {64, 64},   {64, 128},  {64, 256},
                                  {128, 64}, {128, 128}, {128, 256}, {256, 128}};
  return {
      {"Ampere", "a100-sxm-80gb", {}, gpu, "half the registers 16384 of 128 KiB"},
      {"Hopper", "h100-sxm", {}, gpu, "half the registers 16384 of 128 KiB"},
      {"Blackwell", "b200-sxm", {}, gpu, "tensor memory 16384 of 256 KiB"},
      {"Ascend",
       "ascend-910b",
       {},
       {{128, 256}, {128, 128}, {64, 256}, {64, 64}, {32, 128}, {16, 512}, {16, 16}},
       "L0C 16384 of 128 KiB"},
      {"Cambricon",
       "mlu590",
       {},
       {{256, 512}, {512, 256}, {256, 256}, {128, 256}, {64, 1024}, {16, 256}},
       "NRAM"},
      {"Hygon",
       "dcu-bw1000",
       {},
       {{128, 256}, {256, 128}, {128, 128}, {64, 128}, {128, 64}, {16, 256}, {32, 64}},
       "VGPRs of a SIMD"},
      {"Generic",
       "h100-sxm",
       {{"model", "generic"}, {"family", "generic"}},
       {{128, 256}, {256, 128}, {128, 128}, {64, 256}, {64, 64}, {16, 64}},
       "half the registers 16384 of 128 KiB"},
  };
}

class StatedTile : public ::testing::TestWithParam<Family> {
protected:
  StatedTile() : host_(catalog_), model_(host_.open(GetParam().target, GetParam().overrides)) {
    EXPECT_TRUE(model_.ok()) << (model_.ok() ? "" : model_.error().text());
  }

  static work::Kernel matmul(int64_t m, int64_t n, int64_t k, int32_t tileM = 0, int32_t tileN = 0,
                             int32_t tileK = 0, int32_t split = 0, DType type = DType::bf16) {
    work::Kernel kernel = work::makeKernel(MANSARD_OP_MATMUL, type, type, DType::bf16);
    kernel.u.matmul = {m, n, k, 0, 0, tileM, tileN, tileK, split};
    return kernel;
  }

  mansard_estimate estimate(const work::Kernel &kernel) const {
    mansard_estimate out{};
    const Result<> done = model_->estimate({&kernel, 1}, {&out, 1});
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().text());
    return out;
  }

  host::StatedTileFit fit(const work::Kernel &kernel) const {
    auto answer = model_->fitTile(kernel);
    EXPECT_TRUE(answer.ok() && answer->has_value()) << work::describe(kernel);
    return answer.ok() && *answer ? **answer : host::StatedTileFit{};
  }

  hw::Catalog catalog_;
  host::Host host_;
  Result<host::Model> model_;
};

const std::vector<std::array<int64_t, 3>> kShapes{{4096, 4096, 4096}, {8192, 5120, 1024},
                                                  {16, 8192, 8192},   {1, 4096, 14336},
                                                  {128, 256, 16384},  {300, 700, 900}};

TEST_P(StatedTile, OfTheSearchsOwnChoiceCostsTheSame) {
  for (const DType type : {DType::bf16, DType::int8})
    for (const auto &[m, n, k] : kShapes) {
      const mansard_estimate own = estimate(matmul(m, n, k, 0, 0, 0, 0, type));
      const mansard_tiling &t = own.tiling;
      const work::Kernel kernel = matmul(m, n, k, t.tile_m, t.tile_n, t.tile_k, t.split_k, type);
      const mansard_estimate stated = estimate(kernel);
      EXPECT_NEAR(stated.latency_us, own.latency_us, 1e-9 * own.latency_us)
          << work::describe(kernel);
      EXPECT_EQ(stated.tiling.tiles, t.tiles) << work::describe(kernel);
      EXPECT_EQ(stated.flags, own.flags) << work::describe(kernel);
      EXPECT_TRUE(fit(kernel).fits) << work::describe(kernel) << ": " << fit(kernel).text;
    }
}

TEST_P(StatedTile, OfACandidateIsNeverFasterThanTheSearch) {
  for (const auto &[m, n, k] : kShapes) {
    const double best = estimate(matmul(m, n, k)).latency_us;
    for (const TileSize &tile : GetParam().candidates) {
      const work::Kernel kernel = matmul(m, n, k, tile.m, tile.n);
      const mansard_estimate stated = estimate(kernel);
      EXPECT_GE(stated.latency_us, best * (1 - 1e-9)) << work::describe(kernel);
      EXPECT_EQ(stated.tiling.tile_m, tile.m);
      EXPECT_EQ(stated.tiling.tile_n, tile.n);
      EXPECT_FALSE(stated.flags & MANSARD_ESTIMATE_DOES_NOT_TILE) << work::describe(kernel);
    }
  }
}

TEST_P(StatedTile, TooLargeIsSaidNotToFitAndCostsMore) {
  const work::Kernel kernel = matmul(8192, 8192, 8192, 2048, 2048, 64);
  const mansard_estimate stated = estimate(kernel);
  EXPECT_TRUE(stated.flags & MANSARD_ESTIMATE_DOES_NOT_TILE);
  EXPECT_GT(stated.latency_us, 1.2 * estimate(matmul(8192, 8192, 8192)).latency_us);
  EXPECT_EQ(stated.tiling.tile_m, 2048);
  const host::StatedTileFit answer = fit(kernel);
  EXPECT_FALSE(answer.fits);
  EXPECT_NE(answer.text.find(GetParam().smallestMemory), std::string::npos) << answer.text;
  EXPECT_NE(answer.text.find("too small"), std::string::npos) << answer.text;
}

TEST_P(StatedTile, TooDeepHasNoRoomForTwoSteps) {
  const work::Kernel deep = matmul(4096, 4096, 16384, 128, 128, 16384, 1);
  const mansard_estimate stated = estimate(deep);
  EXPECT_TRUE(stated.flags & MANSARD_ESTIMATE_DOES_NOT_TILE) << fit(deep).text;
  EXPECT_GT(stated.latency_us, estimate(matmul(4096, 4096, 16384, 128, 128, 0, 1)).latency_us);
}

TEST_P(StatedTile, NotOfTheUnitsShapeIsPaddedAndSaysSo) {
  const work::Kernel odd = matmul(4000, 4000, 4096, 100, 100);
  EXPECT_NE(fit(odd).text.find("padded to"), std::string::npos) << fit(odd).text;
  EXPECT_EQ(estimate(odd).tiling.tile_m, 100);
  EXPECT_GT(estimate(odd).latency_us, estimate(matmul(4000, 4000, 4096)).latency_us);
}

TEST_P(StatedTile, KeepsTheSplitThatIsStated) {
  for (const int32_t split : {1, 2, 3, 8}) {
    const mansard_estimate out = estimate(matmul(256, 512, 16384, 64, 64, 64, split));
    EXPECT_EQ(out.tiling.split_k, split);
    EXPECT_EQ(out.tiling.tiles, 32 * split);
  }
}

TEST_P(StatedTile, ThatMakesNoSenseIsRefused) {
  for (const work::Kernel &kernel :
       {matmul(64, 64, 64, 64, 0), matmul(64, 64, 64, 0, 64), matmul(64, 64, 64, -16, 16),
        matmul(64, 64, 64, 16, 16, -1), matmul(64, 64, 64, 0, 0, 64),
        matmul(64, 64, 64, 0, 0, 0, 2)}) {
    EXPECT_FALSE(work::check(kernel).ok()) << work::describe(kernel);
    EXPECT_EQ(estimate(kernel).status, MANSARD_ERROR_INVALID_ARGUMENT) << work::describe(kernel);
  }
}

TEST_P(StatedTile, ReportsCarryTheNumbers) {
  const auto notes = [&](const work::Kernel &kernel) {
    auto report = report::collectKernel(*model_, kernel);
    EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().text());
    std::string all;
    if (report.ok())
      for (const std::string &note : report->notes)
        all += note + "\n";
    return all;
  };
  EXPECT_NE(notes(matmul(512, 512, 512, 64, 64)).find("the stated tile fits: "), std::string::npos);
  EXPECT_NE(notes(matmul(8192, 8192, 8192, 2048, 2048)).find("the stated tile does not fit the "),
            std::string::npos);
  EXPECT_NE(notes(matmul(8192, 8192, 8192, 2048, 2048)).find(GetParam().smallestMemory),
            std::string::npos);
  EXPECT_EQ(notes(matmul(512, 512, 512)).find("the stated tile"), std::string::npos);
  EXPECT_NE(notes(matmul(96, 512, 512, 64, 64)).find("25 % of padding"), std::string::npos)
      << notes(matmul(96, 512, 512, 64, 64));
}

INSTANTIATE_TEST_SUITE_P(Family, StatedTile, ::testing::ValuesIn(families()),
                         [](const auto &info) { return std::string(info.param.name); });

// ---- numbers worked by hand

TEST(TileFit, HopperKeepsTwoStagesInSharedMemoryAndSumsInHalfTheRegisters) {
  hw::Catalog catalog;
  host::Host host(catalog);
  auto model = host.open("h100-sxm");
  ASSERT_TRUE(model.ok());
  work::Kernel kernel = test::bf16(MANSARD_OP_MATMUL);
  kernel.u.matmul = {4096, 4096, 4096, 0, 0, 128, 256, 64, 1};
  // 2 x (128 + 256) x 64 x 2 bytes; 128 x 256 x 4 bytes.
  EXPECT_EQ((*model->fitTile(kernel))->text,
            "shared memory 96 of 228 KiB (two stages of both operands); half the registers 128 of "
            "128 KiB (accumulators)");
}

TEST(TileFit, AscendListsAllFourMemories) {
  hw::Catalog catalog;
  host::Host host(catalog);
  auto model = host.open("ascend-910b");
  ASSERT_TRUE(model.ok());
  work::Kernel kernel = test::bf16(MANSARD_OP_MATMUL);
  kernel.u.matmul = {4096, 4096, 4096, 0, 0, 256, 256, 512, 1};
  const auto fit = *model->fitTile(kernel);
  // 64 x 256 bytes; 256 x 256 x 4; 2 x (256 + 256) x 512 x 2.
  EXPECT_EQ(fit->text, "L0A 16 of 64 KiB (two slices of 32 bytes a row); L0B 16 of 64 KiB (two "
                       "slices of 32 bytes a column); L0C 256 of 128 KiB (accumulators): too "
                       "small; L1 1024 of 512 KiB (two steps of both operands): too small");
  EXPECT_FALSE(fit->fits);
}

TEST(TileFit, RoomIsThatOfTheTightestMemory) {
  TileFit fit;
  EXPECT_TRUE(fit.fits());
  fit.add({"A", 50, 100, ""});
  fit.add({"B", 100, 100, ""});
  EXPECT_TRUE(fit.fits());
  EXPECT_EQ(fit.room(), 1);
  fit.add({"C", 1, 0, ""});
  EXPECT_FALSE(fit.fits());
}

// ---- columns

TEST(StatedTileColumns, AreReadAndOptional) {
  const std::map<std::string, std::string, std::less<>> plain{
      {"dtype", "bf16"}, {"m", "512"}, {"n", "512"}, {"k", "512"}};
  EXPECT_EQ(work::fromColumns(MANSARD_OP_MATMUL, plain)->u.matmul.tile_m, 0);
  auto tiled = plain;
  tiled.insert({{"tile_m", "128"}, {"tile_n", "256"}, {"tile_k", "64"}, {"split_k", "2"}});
  const auto kernel = work::fromColumns(MANSARD_OP_MATMUL, tiled);
  ASSERT_TRUE(kernel.ok()) << kernel.error().text();
  EXPECT_EQ(work::describe(*kernel), "gemm bf16 512x512x512 tile 128x256x64 split 2");
}

TEST(StatedTileColumns, ThatMakeNoSenseSayWhy) {
  const auto message = [](std::map<std::string, std::string, std::less<>> tile) {
    tile.insert({{"dtype", "bf16"}, {"m", "256"}, {"n", "256"}, {"k", "256"}});
    const auto kernel = work::fromColumns(MANSARD_OP_MATMUL, tile);
    return kernel.ok() ? std::string("fine") : kernel.error().message;
  };
  EXPECT_NE(message({{"tile_m", "64"}}).find("stated together"), std::string::npos);
  EXPECT_NE(message({{"split_k", "2"}}).find("go with"), std::string::npos);
  EXPECT_NE(message({{"tile_m", "-64"}, {"tile_n", "64"}}).find("it may be 0 to"),
            std::string::npos);
  EXPECT_NE(message({{"tile_m", "4096"}, {"tile_n", "64"}}).find("tile_m is 4096"),
            std::string::npos);
  EXPECT_NE(
      message({{"tile_m", "64"}, {"tile_n", "64"}, {"split_k", "512"}}).find("split_k is 512"),
      std::string::npos);
  EXPECT_EQ(message({{"tile_m", "512"}, {"tile_n", "64"}}), "fine"); // padded
}

} // namespace
} // namespace mansard
