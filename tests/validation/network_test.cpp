// Published figures of collectives and expert exchange over several nodes, on the systems they were
// measured on. None of them is fitted on: what they show is how far off the model is where nothing
// was tuned.
#include <mansard/host/host.h>
#include <mansard/hw/catalog.h>
#include <mansard/work/kernel.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace mansard {
namespace {

constexpr double kMi = 1 << 20, kGi = 1 << 30;

class NetworkFigures : public ::testing::Test {
protected:
  NetworkFigures() : host_(catalog_) {}

  double predicted_us(const std::string &system, const work::Kernel &kernel,
                      const std::vector<hw::Override> &changes) {
    const auto model = host_.openSystem(system, changes);
    EXPECT_TRUE(model.ok()) << (model.ok() ? "" : model.error().text());
    mansard_estimate out{};
    const Result<> done = model->estimate({&kernel, 1}, {&out, 1});
    EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().text());
    return out.latency_us;
  }

  void hold(const std::string &what, double predicted_us, double measured_us) {
    const double off = std::log(predicted_us / measured_us);
    fmt::print("{:58} {:9.1f} us, measured {:9.1f}: {:+6.1f} %\n", what, predicted_us, measured_us,
               100 * std::expm1(off));
    sum_ += off;
    absolute_ += std::abs(off);
    worst_ = std::max(worst_, std::abs(off));
    ++count_;
  }

  /// Bus bandwidth, as nccl-tests defines it, to microseconds.
  static double busTime_us(uint32_t kind, double ranks, double bytes, double GBps) {
    const double passes = kind == MANSARD_COLLECTIVE_ALL_REDUCE ? 2 : 1;
    return passes * (ranks - 1) / ranks * bytes / GBps * 1e-3;
  }

  void collective(const std::string &system, uint32_t kind, int64_t ranks, double bytes,
                  double GBps, const std::vector<hw::Override> &changes = {}) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_COLLECTIVE, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.collective = {ranks, static_cast<int64_t>(bytes), kind, 0};
    hold(fmt::format("{} {}", system, work::describe(kernel)),
         predicted_us(system, kernel, changes),
         busTime_us(kind, static_cast<double>(ranks), bytes, GBps));
  }

  /// 7168 wide, 8 of 256 experts; FP8 out and BF16 back.
  double exchange_us(const std::string &system, uint32_t direction, uint32_t mode, int64_t ranks,
                     int64_t tokens, int64_t nodeLimit, std::string &what) {
    const DType type = direction == MANSARD_EP_DISPATCH ? DType::fp8 : DType::bf16;
    work::Kernel kernel = work::makeKernel(MANSARD_OP_EXPERT_PARALLEL, type, type, type);
    kernel.u.expert_parallel = {ranks, 7168, tokens, 8, 256, nodeLimit, direction, mode};
    what = fmt::format("{} {}", system, work::describe(kernel));
    return predicted_us(system, kernel, {});
  }

  /// Mean of |log| over all, bias, and the worst.
  void expect(double mean, double bias, double worst) {
    fmt::print("mean {:.1f} %, bias {:+.1f} %, worst {:.1f} %\n",
               100 * std::expm1(absolute_ / count_), 100 * std::expm1(sum_ / count_),
               100 * std::expm1(worst_));
    EXPECT_LE(absolute_ / count_, mean);
    EXPECT_LE(std::abs(sum_ / count_), bias);
    EXPECT_LE(worst_, worst);
  }

  hw::Catalog catalog_;
  host::Host host_;
  double sum_ = 0, absolute_ = 0, worst_ = 0, count_ = 0;
};

TEST_F(NetworkFigures, LargeCollectivesAcrossNodes) {
  // github stas00/ml-engineering@744d01e network/README.md: four nodes of B200 and of H200 over
  // eight adapters of 50 GB/s; network/benchmarks: 32 ranks, by their figures over four of 25.
  for (const auto &[bytes, GBps] : {std::pair{256 * kMi, 229.09},
                                    {512 * kMi, 326.9},
                                    {1 * kGi, 361.99},
                                    {4 * kGi, 377.34},
                                    {16 * kGi, 381.8}})
    collective("hgx-b200", MANSARD_COLLECTIVE_ALL_REDUCE, 32, bytes, GBps);
  collective("hgx-h200", MANSARD_COLLECTIVE_ALL_REDUCE, 32, 4 * kGi, 364.9);
  const std::vector<hw::Override> half{{"links.scale_out.bandwidth_GBps", "12.5"}};
  for (const auto &[bytes, GBps] :
       {std::pair{16 * kMi, 93.93}, {256 * kMi, 91.01}, {1 * kGi, 94.15}, {16 * kGi, 91.69}})
    collective("hgx-a100", MANSARD_COLLECTIVE_ALL_REDUCE, 32, bytes, GBps, half);
  // github microsoft/mscclpp@1f5f065 test/deploy: two nodes, another library. Its all-reduce goes
  // level by level; everybody's alltoall is the same.
  collective("hgx-a100", MANSARD_COLLECTIVE_ALLTOALL, 16, 1 * kGi, 43.63);
  collective("hgx-h100", MANSARD_COLLECTIVE_ALLTOALL, 16, 1 * kGi, 90.88);
  expect(0.1, 0.05, 0.4);
}

TEST_F(NetworkFigures, DeepEPsLowLatencyExchange) {
  // github deepseek-ai/DeepEP@dd758ca docs/legacy.md: H800, 128 tokens of each rank.
  for (const auto &[ranks, dispatch, combine] : {std::tuple{8, 77.0, 114.0},
                                                 {16, 118.0, 195.0},
                                                 {32, 155.0, 273.0},
                                                 {64, 173.0, 314.0},
                                                 {128, 192.0, 369.0},
                                                 {256, 194.0, 360.0}})
    for (const uint32_t direction : {MANSARD_EP_DISPATCH, MANSARD_EP_COMBINE}) {
      std::string what;
      const double us =
          exchange_us("hgx-h800", direction, MANSARD_EP_MODE_LOW_LATENCY, ranks, 128, 0, what);
      hold(what, us, direction == MANSARD_EP_DISPATCH ? dispatch : combine);
    }
  expect(0.18, 0.15, 0.3);
}

TEST_F(NetworkFigures, DeepEPsNormalExchange) {
  // The same, 4096 tokens of each rank, experts on at most four nodes. Its bandwidths count a
  // token's own node too.
  for (const auto &[ranks, dispatch, combine] :
       {std::tuple{16, 43.0, 43.0}, {32, 58.0, 57.0}, {64, 51.0, 50.0}})
    for (const uint32_t direction : {MANSARD_EP_DISPATCH, MANSARD_EP_COMBINE}) {
      const double nodes = std::min(4.0, ranks / 8.0),
                   reached = nodes * (1 - std::pow(1 - 1 / nodes, 8)),
                   row = direction == MANSARD_EP_DISPATCH ? 7168 : 2 * 7168;
      std::string what;
      const double us =
          exchange_us("hgx-h800", direction, MANSARD_EP_MODE_NORMAL, ranks, 4096, 4, what);
      hold(what, us,
           4096 * row * reached / (direction == MANSARD_EP_DISPATCH ? dispatch : combine) * 1e-3);
    }
  expect(0.08, 0.08, 0.12);
}

} // namespace
} // namespace mansard
