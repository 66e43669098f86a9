#include "family_fixture.h"

#include "../../core/src/model/generic_constants.h"

#include <mansard/base/counts.h>
#include <mansard/base/tiled_constants.h>
#include <mansard/model/generic.h>

#include <iterator>
#include <set>

namespace mansard {
namespace {

using test::bf16;
using test::Opened;

const std::vector<hw::Override> kGeneric{{"model", "generic"}, {"family", "generic"}};

TEST(Generic, ItsFileSaysTheSameAsItsCode) {
  const hw::Catalog catalog;
  const Result<hw::Document> file = catalog.calibration("generic");
  ASSERT_TRUE(file.ok());
  for (const model::GenericConstant &constant : model::kGenericConstants) {
    const auto entry = file->entries.find(constant.name);
    ASSERT_NE(entry, file->entries.end()) << constant.name;
    EXPECT_EQ(entry->second.number.value, constant.value) << constant.name;
  }
}

TEST(TiledConstants, EveryFamilysFileNamesThemAll) {
  const hw::Catalog catalog;
  for (const char *family : {"generic", "hygon-dcu", "cambricon-mlu"}) {
    const Result<hw::Document> file = catalog.calibration(family);
    ASSERT_TRUE(file.ok()) << family;
    for (const TiledConstant &constant : kTiledConstants)
      EXPECT_TRUE(file->entries.contains(constant.name)) << family << " " << constant.name;
  }
}

TEST(TiledConstants, AreAllRead) {
  std::set<std::string_view> read;
  TiledMachine machine;
  applyConstants(machine, [&](std::string_view name) {
    read.insert(name);
    return 1.0;
  });
  EXPECT_EQ(read.size(), std::size(kTiledConstants));
  for (const TiledConstant &constant : kTiledConstants)
    EXPECT_TRUE(read.contains(constant.name)) << constant.name;
}

TEST(Generic, ResultsAreFlaggedAndSayWhatTheyAre) {
  const mansard_estimate e = Opened("h100-sxm", kGeneric).matmul(4096, 4096, 4096);
  EXPECT_TRUE(e.flags & MANSARD_ESTIMATE_FALLBACK);
  EXPECT_TRUE(e.flags & MANSARD_ESTIMATE_UNCALIBRATED);
  EXPECT_NE(test::noteOf(e).find("generic model"), std::string::npos);
}

TEST(Generic, NeedsNoCalibrationFile) {
  const Opened opened("h100-sxm", {{"model", "generic"}, {"family", "nobody-measured"}});
  EXPECT_EQ(opened.matmul(512, 512, 512).latency_us,
            Opened("h100-sxm", kGeneric).matmul(512, 512, 512).latency_us);
}

TEST(Generic, ALargeMatmulIsItsOperationsOverItsShareOfThePeak) {
  const Opened opened("a100-sxm-80gb", kGeneric);
  const mansard_estimate e = opened.matmul(8192, 8192, 8192);
  const double peak_us =
      2.0 * 8192 * 8192 * 8192 / opened.chip().matrix_ops_per_s[MANSARD_DTYPE_BF16] * 1e6;
  EXPECT_GT(e.latency_us, peak_us / 0.85);
  EXPECT_LT(e.latency_us, peak_us / 0.85 * 1.3);
  EXPECT_EQ(e.bound, MANSARD_BOUND_MATRIX);
}

TEST(Generic, ATinyKernelIsItsStart) {
  const mansard_estimate e = Opened("h100-sxm", kGeneric).matmul(16, 64, 64);
  EXPECT_EQ(e.bound, MANSARD_BOUND_FIXED);
  EXPECT_NEAR(e.latency_us, 6, 2);
}

TEST(Generic, MoreMemoryBandwidthHelpsWhatTheMemoryBounds) {
  const double few =
      Opened("h100-sxm", {{"model", "generic"}, {"family", "generic"}, {"memory.stacks", "5"}})
          .matmul(1, 16384, 16384)
          .latency_us;
  const double many =
      Opened("h100-sxm", {{"model", "generic"}, {"family", "generic"}, {"memory.stacks", "10"}})
          .matmul(1, 16384, 16384)
          .latency_us;
  EXPECT_LT(many, few * 0.6);
}

TEST(Generic, AMixtureIsNoFasterThanItsWeights) {
  const Opened opened("h100-sxm", kGeneric);
  work::Kernel kernel = bf16(MANSARD_OP_MOE);
  kernel.u.moe = {256, 7168, 2048, 8, 256, 1, 8, 0, MANSARD_DISTRIBUTION_BALANCED, 1};
  const mansard_estimate e = opened.estimate(kernel);
  EXPECT_EQ(e.bound, MANSARD_BOUND_DRAM);
  EXPECT_GE(e.dram_read_bytes, countWork(kernel).weightBytes);
  EXPECT_GE(e.latency_us,
            countWork(kernel).weightBytes / opened.chip().dram_peak_bytes_per_s * 1e6);
}

} // namespace
} // namespace mansard
