// What must hold for every estimate of a matmul whose tile is stated, on random tiles.

#include "random_work.h"

#include <mansard/host/host.h>
#include <mansard/hw/catalog.h>
#include <mansard/model/floors.h>

#include <gtest/gtest.h>

namespace mansard {
namespace {

constexpr double kSlack = 1e-9; // rounding, relative

class StatedTileProperty : public ::testing::TestWithParam<std::string> {
protected:
  StatedTileProperty() : host_(catalog_), model_(host_.open(GetParam())) {
    EXPECT_TRUE(model_.ok()) << (model_.ok() ? "" : model_.error().text());
  }

  mansard_estimate estimate(const work::Kernel &kernel) {
    mansard_estimate out{};
    const Result<> done = model_->estimate({&kernel, 1}, {&out, 1});
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().text());
    EXPECT_EQ(out.status, MANSARD_OK) << work::describe(kernel);
    return out;
  }

  template <typename F> void forAll(F f) {
    test::RandomWork random(7, test::nativeTypes(model_->chip()));
    for (int i = 0; i < 300 && !HasFailure(); ++i) {
      work::Kernel kernel = random.kernel(MANSARD_OP_MATMUL);
      mansard_matmul &g = kernel.u.matmul;
      g.tile_m = static_cast<int32_t>(random.size(1, 512));
      g.tile_n = static_cast<int32_t>(random.size(1, 512));
      g.tile_k = static_cast<int32_t>(random.below(3) ? random.size(8, 512) : 0);
      g.split_k = static_cast<int32_t>(random.below(3) ? random.size(1, 16) : 0);
      f(kernel);
    }
  }

  hw::Catalog catalog_;
  host::Host host_;
  Result<host::Model> model_;
};

TEST_P(StatedTileProperty, StaysAboveTheFloors) {
  forAll([&](const work::Kernel &kernel) {
    for (const std::string &broken : model::brokenFloors(model_->view(), kernel, estimate(kernel)))
      ADD_FAILURE() << broken;
  });
}

TEST_P(StatedTileProperty, MoreWorkNeverTakesLess) {
  forAll([&](work::Kernel kernel) {
    const double before = estimate(kernel).latency_us;
    for (int64_t *size : test::growingSizes(kernel)) {
      const int64_t was = *size;
      *size += 1 + was / 3;
      EXPECT_GE(estimate(kernel).latency_us, before * (1 - kSlack)) << work::describe(kernel);
      *size = was;
    }
  });
}

TEST_P(StatedTileProperty, FlagAndExtensionAgree) {
  forAll([&](const work::Kernel &kernel) {
    const auto fit = model_->fitTile(kernel);
    ASSERT_TRUE(fit.ok() && *fit) << work::describe(kernel);
    EXPECT_EQ((*fit)->fits, !(estimate(kernel).flags & MANSARD_ESTIMATE_DOES_NOT_TILE))
        << work::describe(kernel) << ": " << (*fit)->text;
  });
}

INSTANTIATE_TEST_SUITE_P(Target, StatedTileProperty,
                         ::testing::Values("a100-sxm-80gb", "h100-sxm", "b200-sxm", "l40s",
                                           "ascend-910b", "ascend-950pr", "mlu590", "mlu370-x8",
                                           "dcu-bw1000", "dcu-k100-ai"),
                         [](const auto &info) {
                           std::string name = info.param;
                           for (char &c : name)
                             if (c == '-')
                               c = '_';
                           return name;
                         });

} // namespace
} // namespace mansard
