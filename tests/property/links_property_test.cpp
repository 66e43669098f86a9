// Links of any chip and system: more of them never hurts, and a node's boundary is one.
#include <mansard/base/collective.h>
#include <mansard/base/expert_exchange.h>
#include <mansard/host/host.h>
#include <mansard/hw/catalog.h>
#include <mansard/work/kernel.h>

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace mansard {
namespace {

/// A collective or an exchange of tokens, of 2 to `most` ranks.
work::Kernel randomExchange(std::mt19937 &random, int64_t most) {
  const auto pick = [&](int64_t from, int64_t to) {
    return std::uniform_int_distribution<int64_t>(from, to)(random);
  };
  const int64_t ranks = std::min<int64_t>(most, int64_t{1} << pick(1, 9));
  if (pick(0, 1)) {
    work::Kernel kernel =
        work::makeKernel(MANSARD_OP_COLLECTIVE, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.collective = {ranks, int64_t{1} << pick(10, 30),
                           static_cast<uint32_t>(pick(0, MANSARD_COLLECTIVE_COUNT - 1)), 0};
    return kernel;
  }
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_EXPERT_PARALLEL, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.expert_parallel = {ranks,
                              7168,
                              int64_t{1} << pick(3, 12),
                              8,
                              512,
                              pick(0, 1) ? 4 : 0,
                              static_cast<uint32_t>(pick(0, 1)),
                              static_cast<uint32_t>(pick(0, 1))};
  return kernel;
}

double latency_us(const host::Model &model, const work::Kernel &kernel) {
  mansard_estimate out{};
  const Result<> done = model.estimate({&kernel, 1}, {&out, 1});
  EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().text());
  EXPECT_EQ(out.status, MANSARD_OK);
  return out.latency_us;
}

TEST(Links, MoreBandwidthIsNeverSlower) {
  hw::Catalog catalog;
  host::Host host(catalog);
  std::mt19937 random(20250611);
  for (const std::string &id : catalog.systemIds()) {
    const Result<hw::System> system = catalog.system(id);
    ASSERT_TRUE(system.ok()) << system.error().text();
    const auto plain = host.openSystem(id);
    ASSERT_TRUE(plain.ok()) << plain.error().text();
    std::vector<work::Kernel> kernels;
    for (int i = 0; i < 60; ++i)
      kernels.push_back(randomExchange(random, system->chips()));
    for (const char *level : {"die", "node", "scale_up", "scale_out"}) {
      const std::string key = std::string("links.") + level + ".bandwidth_GBps";
      if (!system->has(key))
        continue;
      const auto wider = host.openSystem(id, {{key, std::to_string(system->number(key) * 1.5)}});
      ASSERT_TRUE(wider.ok()) << wider.error().text();
      for (const work::Kernel &kernel : kernels)
        EXPECT_LE(latency_us(*wider, kernel), latency_us(*plain, kernel) * (1 + 1e-9))
            << id << " " << key << ": " << work::describe(kernel);
    }
  }
}

TEST(Links, ShorterHopsAreNeverSlower) {
  hw::Catalog catalog;
  host::Host host(catalog);
  std::mt19937 random(7);
  for (const char *id : {"hgx-h800", "cloudmatrix-384", "atlas-800-a2", "dcu-bw1000-server"}) {
    const auto plain = host.openSystem(id);
    ASSERT_TRUE(plain.ok()) << plain.error().text();
    for (const char *level : {"scale_up", "scale_out"}) {
      const auto nearer =
          host.openSystem(id, {{std::string("links.") + level + ".latency_us", "0.1"}});
      ASSERT_TRUE(nearer.ok()) << nearer.error().text();
      for (int i = 0; i < 60; ++i) {
        const work::Kernel kernel = randomExchange(random, 512);
        EXPECT_LE(latency_us(*nearer, kernel), latency_us(*plain, kernel) * (1 + 1e-9))
            << id << " " << level << ": " << work::describe(kernel);
      }
    }
  }
}

TEST(Links, BeyondTheNodeIsDearerThanInIt) {
  hw::Catalog catalog;
  host::Host host(catalog);
  for (const char *id : {"hgx-a100", "hgx-h800", "hgx-b200", "gb200-nvl72", "atlas-800-a2",
                         "atlas-800-a3", "mlu590-server", "dcu-bw1000-server"}) {
    const auto model = host.openSystem(id);
    ASSERT_TRUE(model.ok()) << model.error().text();
    const auto domain = static_cast<int64_t>(model->view().links[MANSARD_LINK_SCALE_UP].domain);
    const bool mesh = model->view().links[MANSARD_LINK_SCALE_UP].topology == MANSARD_TOPOLOGY_MESH;
    for (uint32_t kind = 0; kind < MANSARD_COLLECTIVE_COUNT; ++kind) {
      // To one peer of a mesh goes one link of seven, which may carry less than an adapter.
      if (mesh && kind == MANSARD_COLLECTIVE_SEND)
        continue;
      for (const int64_t size : {int64_t{4096}, int64_t{1} << 22, int64_t{1} << 30}) {
        work::Kernel kernel =
            work::makeKernel(MANSARD_OP_COLLECTIVE, DType::bf16, DType::bf16, DType::bf16);
        kernel.u.collective = {domain, size, kind, 0};
        const double inside = latency_us(*model, kernel);
        kernel.u.collective.ranks = 2 * domain;
        EXPECT_GT(latency_us(*model, kernel), inside) << id << " " << work::describe(kernel);
      }
    }
  }
}

TEST(Links, ASystemOfTheChipsOwnLinksChangesNothing) {
  hw::Catalog catalog;
  host::Host host(catalog);
  std::mt19937 random(11);
  const auto chip = host.open("h800"), system = host.openSystem("hgx-h800");
  ASSERT_TRUE(chip.ok() && system.ok());
  for (int i = 0; i < 100; ++i) {
    const work::Kernel kernel = randomExchange(random, 512);
    EXPECT_EQ(latency_us(*chip, kernel), latency_us(*system, kernel)) << work::describe(kernel);
  }
}

} // namespace
} // namespace mansard
