// Collectives across nodes by one ring or tree, and scale-up networks of two tiers.
#include <mansard/base/collective.h>
#include <mansard/base/expert_exchange.h>

#include <gtest/gtest.h>

namespace mansard {
namespace {

constexpr double kGB = 1e9, kUs = 1e-6;

/// Eight devices on a 100 GB/s switch with hops of 1 us, each with an adapter of 10 GB/s and hops
/// of 5; 64 of them.
mansard_chip cluster() {
  mansard_chip chip{};
  chip.links[MANSARD_LINK_SCALE_UP] = {100 * kGB, 1 * kUs, 8, MANSARD_TOPOLOGY_SWITCH, 0};
  chip.links[MANSARD_LINK_SCALE_OUT] = {10 * kGB, 5 * kUs, 64, MANSARD_TOPOLOGY_SWITCH, 0};
  return chip;
}

/// As a supernode: two dies a package, nodes of 16 under the first tier of switches, 64 in all.
mansard_chip tiers() {
  mansard_chip chip{};
  chip.links[MANSARD_LINK_DIE] = {200 * kGB, 0.2 * kUs, 2, MANSARD_TOPOLOGY_MESH, 0};
  chip.links[MANSARD_LINK_SCALE_UP] = {100 * kGB, 3 * kUs, 64, MANSARD_TOPOLOGY_SWITCH, 0};
  chip.node = {100 * kGB, 1 * kUs, 16, MANSARD_TOPOLOGY_SWITCH, 0};
  return chip;
}

mansard_collective collective(uint32_t kind, int64_t ranks, int64_t size) {
  return {ranks, size, kind, 0};
}

LinkSoftware across(uint32_t algorithm) {
  LinkSoftware software;
  software.algorithms = 1u << algorithm;
  software.acrossNodes = true;
  return software;
}

TEST(SpanningRing, ANodesAdaptersCarryOneRingTogether) {
  // 2 x 80 MB x 31/32 = 155 MB pass each node's boundary, of eight adapters of 10 GB/s: 1937.5 us.
  const CollectiveTime t = collectiveTime(
      cluster(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 32, 80000000), across(kAlgorithmRing));
  EXPECT_NEAR(t.link_us, 1937.5, 1e-9);
  // Of 62 steps, two for each of four nodes go over the network.
  EXPECT_NEAR(t.fixed_us, 54 * 1 + 8 * 5, 1e-9);
  EXPECT_EQ(t.algorithm, kAlgorithmRing);
  // Bus bandwidth is at most what the node's adapters give together.
  EXPECT_NEAR(2 * 31.0 / 32 * 80 / t.link_us * 1e3, 80, 1e-9);
}

TEST(SpanningRing, TheNodesLinksBoundItWhereAdaptersAreWider) {
  mansard_chip chip = cluster();
  chip.links[MANSARD_LINK_SCALE_OUT].bytes_per_s = 50 * kGB;
  const CollectiveTime t = collectiveTime(
      chip, collective(MANSARD_COLLECTIVE_ALL_REDUCE, 32, 80000000), across(kAlgorithmRing));
  EXPECT_NEAR(t.link_us, 155e6 / 100e3, 1e-9);
}

TEST(SpanningRing, GathersGoRoundOnce) {
  const CollectiveTime t = collectiveTime(
      cluster(), collective(MANSARD_COLLECTIVE_ALL_GATHER, 32, 80000000), across(kAlgorithmRing));
  EXPECT_NEAR(t.link_us, 1937.5 / 2, 1e-9);
  EXPECT_NEAR(t.fixed_us, 28 * 1 + 3 * 5, 1e-9); // 31 steps, three between nodes
}

TEST(SpanningTree, GoesDownAChainInEachNodeAndOverTheirLogarithm) {
  LinkSoftware software = across(kAlgorithmTree);
  software.treeHopFactor = 2;
  const CollectiveTime t =
      collectiveTime(cluster(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 64, 8000), software);
  EXPECT_NEAR(t.fixed_us, 2 * 7 * 1 + 2 * 3 * 5 * 2, 1e-9); // eight nodes: three levels
  // Each node sends the buffer twice, over eight adapters; of two nodes, once.
  EXPECT_NEAR(t.link_us, 2 * 8000 / 8.0 / 10e3, 1e-9);
  EXPECT_NEAR(
      collectiveTime(cluster(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 16, 8000), software)
          .link_us,
      2 * 8000 / 100e3, 1e-9); // then the links inside take longer
  EXPECT_FALSE(
      collectiveTime(cluster(), collective(MANSARD_COLLECTIVE_ALL_GATHER, 16, 8000), software)
          .linked)
      << "a tree only reduces";
}

TEST(SpanningTree, SwitchesThatAddShortenItsNodes) {
  mansard_chip chip = cluster();
  chip.links[MANSARD_LINK_SCALE_UP].in_network_reduction = 1;
  LinkSoftware software = across(kAlgorithmTree);
  software.algorithms |= 1u << kAlgorithmInNetwork;
  const CollectiveTime t =
      collectiveTime(chip, collective(MANSARD_COLLECTIVE_ALL_REDUCE, 64, 800000000), software);
  EXPECT_EQ(t.algorithm, kAlgorithmInNetwork);
  EXPECT_NEAR(t.fixed_us, 2 * 1 + 2 * 3 * 5, 1e-9);
  EXPECT_NEAR(t.link_us, 2 * 800e6 / 8 / 10e3, 1e-6);
}

TEST(Spanning, LevelByLevelSendsShardsAndIsWider) {
  LinkSoftware levels;
  levels.algorithms = 1u << kAlgorithmRing;
  const mansard_collective large = collective(MANSARD_COLLECTIVE_ALL_REDUCE, 64, 800000000);
  EXPECT_LT(collectiveTime(cluster(), large, levels).total(),
            collectiveTime(cluster(), large, across(kAlgorithmRing)).total());
}

TEST(Spanning, SmallMessagesTakeTheTreeLargeOnesTheRing) {
  LinkSoftware software = across(kAlgorithmRing);
  software.algorithms |= 1u << kAlgorithmTree;
  const auto algorithm = [&](int64_t size) {
    return collectiveTime(cluster(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 64, size), software)
        .algorithm;
  };
  EXPECT_EQ(algorithm(1024), kAlgorithmTree);
  EXPECT_EQ(algorithm(int64_t{1} << 32), kAlgorithmRing);
}

TEST(Tiers, HopsAreThoseOfTheTierThatJoinsAllRanks) {
  LinkSoftware direct;
  direct.algorithms = 1u << kAlgorithmOneShot;
  const auto fixed_us = [&](int64_t ranks) {
    return collectiveTime(tiers(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, ranks, 8), direct)
        .fixed_us;
  };
  EXPECT_NEAR(fixed_us(2), 0.2, 1e-9);
  EXPECT_NEAR(fixed_us(16), 1, 1e-9);
  EXPECT_NEAR(fixed_us(32), 3, 1e-9);
}

TEST(Tiers, ShareTheirPorts) {
  // All of 64 ranks' traffic leaves through ports of 100 GB/s, whichever tier it goes over.
  const int64_t size = 640000000;
  LinkSoftware plain;
  plain.algorithms = 1u << kAlgorithmDirect;
  const CollectiveTime t =
      collectiveTime(tiers(), collective(MANSARD_COLLECTIVE_ALLTOALL, 64, size), plain);
  EXPECT_GT(t.link_us, 62.0 / 64 * 640e6 / 100e3 * (1 - 1e-9));
  mansard_chip noDies = tiers();
  noDies.links[MANSARD_LINK_DIE] = {};
  LinkSoftware ring;
  ring.algorithms = 1u << kAlgorithmRing;
  const mansard_collective large = collective(MANSARD_COLLECTIVE_ALL_REDUCE, 64, size);
  const CollectiveTime two = collectiveTime(noDies, large, ring);
  EXPECT_NEAR(two.link_us, 2 * 63.0 / 64 * 640e6 / 100e3, 1e-6) << "no less than by one tier";
}

TEST(Tiers, LevelByLevelMakesFewerFarHops) {
  mansard_chip chip = tiers();
  chip.links[MANSARD_LINK_DIE] = {};
  LinkSoftware ring;
  ring.algorithms = 1u << kAlgorithmRing;
  // 2 x 15 hops of 1 us in the node and 2 x 3 of 3 us beyond, where one ring would make 126 of 3.
  EXPECT_NEAR(
      collectiveTime(chip, collective(MANSARD_COLLECTIVE_ALL_REDUCE, 64, 64), ring).fixed_us,
      30 + 18, 1e-9);
}

TEST(Tiers, ExpertsOfANodeAreNearer) {
  const auto fixed_us = [](int64_t ranks) {
    return expertParallelTime(tiers(),
                              {ranks, 7168, 128, 8, 256, 0, 0, MANSARD_EP_MODE_LOW_LATENCY}, 7168,
                              LinkSoftware{})
        .fixed_us;
  };
  EXPECT_NEAR(fixed_us(64) - fixed_us(16), 2, 1e-9);
}

} // namespace
} // namespace mansard
