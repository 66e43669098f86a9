#include <mansard/base/collective.h>
#include <mansard/base/expert_exchange.h>

#include <gtest/gtest.h>

namespace mansard {
namespace {

constexpr double kGB = 1e9, kUs = 1e-6;

/// Eight devices on a 100 GB/s switch with hops of 1 us; 64 over a 10 GB/s network with hops of 5.
mansard_chip node() {
  mansard_chip chip{};
  chip.links[MANSARD_LINK_SCALE_UP] = {100 * kGB, 1 * kUs, 8, MANSARD_TOPOLOGY_SWITCH, 0};
  chip.links[MANSARD_LINK_SCALE_OUT] = {10 * kGB, 5 * kUs, 64, MANSARD_TOPOLOGY_SWITCH, 0};
  return chip;
}

mansard_collective collective(uint32_t kind, int64_t ranks, int64_t size) {
  return {ranks, size, kind, 0};
}

LinkSoftware ringOnly() {
  LinkSoftware software;
  software.algorithms = 1u << kAlgorithmRing;
  return software;
}

TEST(Collective, RingAllReduceSendsTwiceItsShareInTwiceTheSteps) {
  // 2 x 80 MB x 7/8 = 140 MB at 100 GB/s: 1400 us; 14 hops of 1 us; start 3 us.
  LinkSoftware software = ringOnly();
  software.start_us = 3;
  const CollectiveTime t =
      collectiveTime(node(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 8, 80000000), software);
  EXPECT_NEAR(t.link_us, 1400, 1e-9);
  EXPECT_NEAR(t.fixed_us, 17, 1e-9);
  EXPECT_NEAR(t.link_bytes, 140e6, 1e-3);
  EXPECT_EQ(t.algorithm, kAlgorithmRing);
}

TEST(Collective, GatherAndScatterSendHalfOfAnAllReduce) {
  for (uint32_t kind : {MANSARD_COLLECTIVE_ALL_GATHER, MANSARD_COLLECTIVE_REDUCE_SCATTER}) {
    const CollectiveTime t = collectiveTime(node(), collective(kind, 8, 80000000), ringOnly());
    EXPECT_NEAR(t.link_us, 700, 1e-9);
    EXPECT_NEAR(t.fixed_us, 7, 1e-9);
  }
}

TEST(Collective, SmallMessagesTakeFewerHopsThanTheRing) {
  const mansard_collective tiny = collective(MANSARD_COLLECTIVE_ALL_REDUCE, 8, 1024);
  const CollectiveTime ring = collectiveTime(node(), tiny, ringOnly());
  const CollectiveTime best = collectiveTime(node(), tiny, LinkSoftware{});
  EXPECT_EQ(best.algorithm, kAlgorithmOneShot);
  EXPECT_NEAR(best.fixed_us, 1, 1e-12);
  EXPECT_LT(best.total(), ring.total());
}

TEST(Collective, TheFineProtocolWinsSmallAndTheBulkOneLarge) {
  LinkSoftware software = ringOnly();
  software.fineEfficiency = 0.5;
  software.bulkHopFactor = 4;
  // Two ranks: 2 hops. 8 bytes: 2 us fine, 8 us bulk. 100 MB: 2002 us fine, 1008 us bulk.
  EXPECT_NEAR(
      collectiveTime(node(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 2, 8), software).total(), 2,
      1e-3);
  EXPECT_NEAR(
      collectiveTime(node(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 2, 100000000), software)
          .total(),
      1008, 1e-6);
}

TEST(Collective, TheBulkProtocolStartsOnceHoweverManyStepsFollow) {
  LinkSoftware software = ringOnly();
  software.bulkStart_us = 20;
  software.bulkHopFactor = 3;
  software.fineHopFactor = 0.5;
  // Seven steps each.
  const mansard_collective gather = collective(MANSARD_COLLECTIVE_ALL_GATHER, 8, 80000000);
  EXPECT_NEAR(collectiveTime(node(), gather, software).fixed_us, 20 + 7 * 3, 1e-9);
  software.fineEfficiency = 1;
  EXPECT_NEAR(collectiveTime(node(), gather, software).fixed_us, 7 * 0.5, 1e-9);
}

TEST(Collective, SmallPiecesToPeersTakeOneChannelEach) {
  LinkSoftware software = ringOnly();
  software.fineEfficiency = 0.5;
  software.finePeerBytes_us = 5000;
  software.bulkStart_us = 8;
  const auto link_us = [&](int64_t ranks, int64_t size) {
    return collectiveTime(node(), collective(MANSARD_COLLECTIVE_ALLTOALL, ranks, size), software)
        .link_us;
  };
  EXPECT_NEAR(link_us(2, 20000), 2, 1e-9);      // 10 kB to the one other at 5 GB/s
  EXPECT_NEAR(link_us(4, 20000), 1, 1e-9);      // 5 kB to each of three, side by side
  EXPECT_NEAR(link_us(2, 20000000), 100, 1e-9); // bulk: 10 MB at 100 GB/s
}

TEST(Collective, ReducingSwitchesBeatTheRingsBytes) {
  mansard_chip chip = node();
  const mansard_collective large = collective(MANSARD_COLLECTIVE_ALL_REDUCE, 8, 80000000);
  const double ring = collectiveTime(chip, large, LinkSoftware{}).total();
  chip.links[MANSARD_LINK_SCALE_UP].in_network_reduction = 1;
  const CollectiveTime reduced = collectiveTime(chip, large, LinkSoftware{});
  EXPECT_EQ(reduced.algorithm, kAlgorithmInNetwork);
  EXPECT_NEAR(reduced.link_us, 900, 1e-9); // 80 MB x 9/8 at 100 GB/s
  EXPECT_LT(reduced.total(), ring);
}

TEST(Collective, BeyondTheDomainOnlyAShardGoesOverTheNetwork) {
  // In the node 140 MB at 100 GB/s, 1400 us; then 10 MB among 8 nodes, 17.5 MB at 10 GB/s, 1750 us.
  // One chunk: 3150 us. The pipeline's bound is the slower level alone.
  const CollectiveTime t =
      collectiveTime(node(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 64, 80000000), ringOnly());
  EXPECT_LT(t.total(), 3150);
  EXPECT_GT(t.total(), 1750);
  EXPECT_NEAR(t.link_bytes, 157.5e6, 1);
}

TEST(Collective, AllToAllSplitsItsBytesByDistance) {
  // Each of 16 ranks keeps 1/16 of 16 MB, sends 7 MB in its node and 8 MB out of it.
  const CollectiveTime t =
      collectiveTime(node(), collective(MANSARD_COLLECTIVE_ALLTOALL, 16, 16000000), LinkSoftware{});
  // The node's links and the network work side by side: 70 us hide behind 800.
  EXPECT_NEAR(t.link_us, 800, 1e-3);
  EXPECT_NEAR(t.fixed_us, 6, 1e-12);
}

TEST(Collective, TwoRanksOfAMeshOwnOneLinkInSeven) {
  mansard_chip chip{};
  chip.links[MANSARD_LINK_SCALE_UP] = {196 * kGB, 1 * kUs, 8, MANSARD_TOPOLOGY_MESH, 0};
  const auto bandwidth = [&](int64_t ranks) {
    const CollectiveTime t = collectiveTime(
        chip, collective(MANSARD_COLLECTIVE_ALL_REDUCE, ranks, 1000000000), LinkSoftware{});
    return t.link_bytes / t.link_us * 1e-3; // GB/s
  };
  EXPECT_NEAR(bandwidth(2), 28, 1e-9); // as measured on 910B: 28 GB/s links
  EXPECT_NEAR(bandwidth(4), 84, 1e-9);
  EXPECT_NEAR(bandwidth(8), 196, 1e-9);
}

TEST(Collective, DevicesOnABusShareIt) {
  mansard_chip chip{};
  chip.links[MANSARD_LINK_SCALE_UP] = {32 * kGB, 5 * kUs, 8, MANSARD_TOPOLOGY_BUS, 0};
  const CollectiveTime t =
      collectiveTime(chip, collective(MANSARD_COLLECTIVE_ALL_REDUCE, 8, 800000000), ringOnly());
  EXPECT_NEAR(t.link_bytes / t.link_us * 1e-3, 4, 1e-9); // 32 GB/s over eight
}

TEST(Collective, SiblingDiesTalkOverTheirOwnLink) {
  mansard_chip chip = node();
  chip.links[MANSARD_LINK_DIE] = {400 * kGB, 0.2 * kUs, 2, MANSARD_TOPOLOGY_SWITCH, 0};
  const CollectiveTime t =
      collectiveTime(chip, collective(MANSARD_COLLECTIVE_SEND, 2, 4000000), LinkSoftware{});
  EXPECT_NEAR(t.total(), 10.2, 1e-9);
}

TEST(Collective, OneRankOnlyStarts) {
  LinkSoftware software;
  software.start_us = 4;
  const CollectiveTime t =
      collectiveTime(node(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 1, 1 << 30), software);
  EXPECT_EQ(t.total(), 4);
  EXPECT_EQ(t.link_bytes, 0);
}

TEST(Collective, SaysWhenLinksAreMissingOrStretched) {
  EXPECT_FALSE(collectiveTime(mansard_chip{}, collective(MANSARD_COLLECTIVE_ALL_REDUCE, 2, 8),
                              LinkSoftware{})
                   .linked);
  const CollectiveTime stretched = collectiveTime(
      node(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 128, 1 << 20), LinkSoftware{});
  EXPECT_TRUE(stretched.linked);
  EXPECT_TRUE(stretched.extended);
  EXPECT_FALSE(
      collectiveTime(node(), collective(MANSARD_COLLECTIVE_ALL_REDUCE, 64, 1 << 20), LinkSoftware{})
          .extended);
}

TEST(Collective, GrowsWithSizeAndRanks) {
  LinkSoftware software;
  software.start_us = 2;
  software.efficiency = 0.8;
  software.fineEfficiency = 0.4;
  software.bulkHopFactor = 3;
  for (uint32_t kind = 0; kind < MANSARD_COLLECTIVE_COUNT; ++kind) {
    double before = 0;
    for (int64_t ranks = 1; ranks <= 64; ++ranks) {
      double smaller = 0;
      for (int64_t size = 16; size < (int64_t{1} << 34); size *= 3) {
        const double t = collectiveTime(node(), collective(kind, ranks, size), software).total();
        EXPECT_GE(t, smaller * (1 - 1e-12)) << kind << " " << ranks << " " << size;
        smaller = t;
      }
      EXPECT_GE(smaller, before * (1 - 1e-12)) << kind << " " << ranks;
      before = smaller;
    }
  }
}

TEST(ExpertParallel, LowLatencySendsEveryPairToItsDevice) {
  // 64 ranks, 8 a node: of 8 copies, 7/64 go into the node and 56/64 out of it.
  const mansard_expert_parallel e{64, 7168, 128, 8, 256, 0, 0, MANSARD_EP_MODE_LOW_LATENCY};
  const ExpertCopies copies = expertCopies(e, 8);
  EXPECT_NEAR(copies.scaleUp, 0.875, 1e-12);
  EXPECT_NEAR(copies.scaleOut, 7, 1e-12);
  const CollectiveTime t = expertParallelTime(node(), e, 7168, LinkSoftware{});
  EXPECT_NEAR(t.link_bytes, 128 * 7168 * 7.875, 1e-3);
  EXPECT_NEAR(t.link_us, 128 * 7168 * 7 / 10e3, 1e-3) << "the node's links work meanwhile";
}

TEST(ExpertParallel, TheNetworkMayReachAnotherShareThanTheLinksInside) {
  const mansard_expert_parallel e{64, 7168, 128, 8, 256, 0, 0, MANSARD_EP_MODE_LOW_LATENCY};
  LinkSoftware software;
  software.efficiency = 0.5;
  software.networkEfficiency = 0.8;
  EXPECT_NEAR(expertParallelTime(node(), e, 7168, software).link_us, 128 * 7168 * 7 / 8e3, 1e-3);
}

TEST(ExpertParallel, NormalModeSendsATokenOnceToEachNode) {
  // Eight nodes, choices uniform: 8 (1 - (7/8)^8) = 5.251 of them needed, 7/8 of those elsewhere.
  mansard_expert_parallel e{64, 7168, 128, 8, 256, 0, 0, MANSARD_EP_MODE_NORMAL};
  EXPECT_NEAR(expertCopies(e, 8).scaleOut, 5.2512 * 7 / 8, 1e-3);
  // At most four nodes: 4 (1 - (3/4)^8) = 3.5995.
  e.node_limit = 4;
  EXPECT_NEAR(expertCopies(e, 8).scaleOut, 3.5995 * 7 / 8, 1e-3);
  EXPECT_LT(expertParallelTime(node(), e, 7168, LinkSoftware{}).total(),
            expertParallelTime(node(), {64, 7168, 128, 8, 256, 0, 0, MANSARD_EP_MODE_LOW_LATENCY},
                               7168, LinkSoftware{})
                .total());
}

} // namespace
} // namespace mansard
