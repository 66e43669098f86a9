// What must hold for every estimate of every model, on random kernels and random chips.

#include "random_work.h"

#include <mansard/base/names.h>
#include <mansard/host/host.h>
#include <mansard/hw/catalog.h>
#include <mansard/model/floors.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace mansard {
namespace {

constexpr double kSlack = 1e-9; // rounding, relative
constexpr int kKernelsPerOp = 60;

const hw::Catalog &catalog() {
  static const hw::Catalog theCatalog;
  return theCatalog;
}

/// Every shipped target under the model it names, and one under the built-in model.
std::vector<std::pair<std::string, std::string>> cases() {
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string &id : catalog().targetIds())
    all.emplace_back(id, "");
  all.emplace_back("h100-sxm", "generic");
  return all;
}

class EstimateProperty : public ::testing::TestWithParam<std::pair<std::string, std::string>> {
protected:
  EstimateProperty() : host_(catalog_) {}

  std::vector<hw::Override> base() const {
    if (GetParam().second.empty())
      return {};
    return {{"model", GetParam().second}, {"family", GetParam().second}};
  }

  host::Model open(std::vector<hw::Override> overrides = {}) {
    const std::vector<hw::Override> model = base();
    overrides.insert(overrides.begin(), model.begin(), model.end());
    Result<host::Model> opened = host_.open(GetParam().first, overrides);
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().text());
    return std::move(opened).value();
  }

  static mansard_estimate estimate(const host::Model &model, const work::Kernel &kernel) {
    mansard_estimate out{};
    const Result<> done = model.estimate({&kernel, 1}, {&out, 1});
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().text());
    EXPECT_EQ(out.status, MANSARD_OK)
        << work::describe(kernel) << ": " << std::string_view(out.note.data, out.note.size);
    return out;
  }

  test::RandomWork randomWork(const host::Model &model, uint64_t seed) {
    return test::RandomWork(seed, test::nativeTypes(model.chip()));
  }

  /// `f(kernel, model)` over random kernels of every kind on a few random variants of the chip.
  template <typename F> void forAll(uint64_t seed, F f) {
    const host::Model shipped = open();
    for (int variant = 0; variant < 4; ++variant) {
      test::RandomWork random = randomWork(shipped, seed + variant);
      const host::Model model =
          variant == 0 ? open() : open(test::randomOverrides(random, shipped.chip()));
      for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
        for (int i = 0; i < kKernelsPerOp; ++i) {
          f(random.kernel(op), model);
          if (HasFailure())
            return;
        }
    }
  }

  hw::Catalog catalog_;
  host::Host host_;
};

TEST_P(EstimateProperty, StaysAboveTheFloors) {
  forAll(1, [&](const work::Kernel &kernel, const host::Model &model) {
    const mansard_estimate out = estimate(model, kernel);
    EXPECT_GT(out.latency_us, 0) << work::describe(kernel);
    for (const std::string &broken : model::brokenFloors(model.view(), kernel, out))
      ADD_FAILURE() << broken;
  });
}

TEST_P(EstimateProperty, PartsAddUpToTheLatency) {
  forAll(2, [&](const work::Kernel &kernel, const host::Model &model) {
    const mansard_estimate out = estimate(model, kernel);
    double sum = 0, largest = 0;
    for (double part : out.part_us) {
      EXPECT_GE(part, 0) << work::describe(kernel);
      sum += part;
      largest = std::max(largest, part);
    }
    EXPECT_NEAR(sum, out.latency_us, kSlack * out.latency_us) << work::describe(kernel);
    ASSERT_LT(out.bound, MANSARD_BOUND_COUNT);
    EXPECT_EQ(out.part_us[out.bound], largest) << work::describe(kernel);
  });
}

TEST_P(EstimateProperty, MoreWorkTakesNoLessTime) {
  uint64_t step = 0;
  forAll(3, [&](work::Kernel kernel, const host::Model &model) {
    const double before = estimate(model, kernel).latency_us;
    const std::vector<int64_t *> sizes = test::growingSizes(kernel);
    if (sizes.empty())
      return;
    const work::Kernel smaller = kernel;
    int64_t &grown = *sizes[step++ % sizes.size()];
    grown += step % 3 == 0 ? 1 : std::max<int64_t>(1, grown / static_cast<int64_t>(1 + step % 5));
    EXPECT_GE(estimate(model, kernel).latency_us, before * (1 - kSlack))
        << work::describe(smaller) << " -> " << work::describe(kernel);
  });
}

TEST_P(EstimateProperty, FasterHardwareTakesNoMoreTime) {
  const host::Model shipped = open();
  for (const char *key : {"compute.clock_GHz", "compute.cores", "memory.pin_rate_Gbps",
                          "memory.stacks", "l2.read_GBps", "links.scale_up.bandwidth_GBps"}) {
    const double value = std::string(key) == "memory.pin_rate_Gbps" ? shipped.chip().pinRate_Gbps()
                                                                    : shipped.chip().number(key);
    if (!(value > 0))
      continue;
    for (double factor : {1.0 + 1.0 / 16, 1.5, 2.0}) {
      const bool whole = std::string(key) == "compute.cores" || std::string(key) == "memory.stacks";
      const double faster =
          whole ? std::max(value + 1, std::floor(value * factor)) : value * factor;
      const host::Model better = open({{key, fmt::format("{:.9g}", faster)}});
      test::RandomWork random = randomWork(shipped, 4);
      for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
        for (int i = 0; i < kKernelsPerOp; ++i) {
          const work::Kernel kernel = random.kernel(op);
          ASSERT_LE(estimate(better, kernel).latency_us,
                    estimate(shipped, kernel).latency_us * (1 + kSlack))
              << work::describe(kernel) << " with " << key << " " << value << " -> " << faster;
        }
    }
  }
}

TEST_P(EstimateProperty, SameInputSameBits) {
  const host::Model model = open(), again = open();
  test::RandomWork random = randomWork(model, 5);
  std::vector<work::Kernel> kernels;
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
    for (int i = 0; i < kKernelsPerOp; ++i)
      kernels.push_back(random.kernel(op));
  std::vector<mansard_estimate> batch(kernels.size());
  ASSERT_TRUE(model.estimate(kernels, batch).ok());
  for (size_t i = kernels.size(); i-- > 0;) {
    const mansard_estimate alone = estimate(again, kernels[i]);
    EXPECT_EQ(std::memcmp(&alone.latency_us, &batch[i].latency_us, sizeof(double)), 0)
        << work::describe(kernels[i]);
    EXPECT_EQ(std::memcmp(alone.part_us, batch[i].part_us, sizeof alone.part_us), 0)
        << work::describe(kernels[i]);
  }
}

/// Every speed doubled and every duration halved is the same machine with a second half as long.
TEST_P(EstimateProperty, KeepsItsUnits) {
  const host::Model model = open();
  std::vector<hw::Override> twice;
  const auto scaled = [&](const std::string &key, double value, double factor) {
    twice.push_back({key, fmt::format("{:.17g}", value * factor)});
  };
  const auto factorOf = [](std::string_view key) {
    for (std::string_view suffix : {"_GHz", "_GBps", "_Gbps", "_W"})
      if (key.ends_with(suffix))
        return 2.0;
    for (std::string_view suffix : {"_us", "_ns"})
      if (key.ends_with(suffix))
        return 0.5;
    if (key.ends_with("_per_GHz2"))
      return 0.25;
    return 1.0;
  };
  for (const auto &[key, quantity] : model.chip().numbers)
    if (factorOf(key) != 1.0)
      scaled(key, quantity.value, factorOf(key));
  for (const auto &[key, quantity] : model.chip().calibration)
    if (factorOf(key) != 1.0)
      scaled("calibration." + key, quantity.value, factorOf(key));
  for (const hw::MemoryField &field : hw::memoryFields()) {
    const std::string key = fmt::format("memory.{}", field.key);
    if (factorOf(key) != 1.0 && !model.chip().has(key))
      scaled(key, (model.chip().memory.*field.member).value, factorOf(key));
  }
  const host::Model fast = open(twice);
  test::RandomWork random = randomWork(model, 6);
  for (uint32_t op = 0; op < MANSARD_OP_COUNT; ++op)
    for (int i = 0; i < kKernelsPerOp; ++i) {
      const work::Kernel kernel = random.kernel(op);
      const double expected = estimate(model, kernel).latency_us / 2;
      ASSERT_NEAR(estimate(fast, kernel).latency_us, expected, 1e-6 * expected)
          << work::describe(kernel);
    }
}

std::string caseName(const ::testing::TestParamInfo<std::pair<std::string, std::string>> &info) {
  std::string name = info.param.first + (info.param.second.empty() ? "" : "_" + info.param.second);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); },
      '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Targets, EstimateProperty, ::testing::ValuesIn(cases()), caseName);

} // namespace
} // namespace mansard
