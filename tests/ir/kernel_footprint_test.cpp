// Distinct bytes and cache traffic of regular accesses, against sums worked by hand.
#include <KernelIR/Footprint.h>

#include <gtest/gtest.h>

namespace mansard::ir {
namespace {

TEST(Footprint, RowsThatTouchAreOnePiece) {
  EXPECT_EQ(distinctBytes({{4, 64}}, 4, 0), 256);
  EXPECT_EQ(distinctBytes({{4, 64}, {256, 8}}, 4, 0), 2048);  // rows follow one another
  EXPECT_EQ(distinctBytes({{256, 8}, {4, 64}}, 4, 0), 2048);  // in any order
  EXPECT_EQ(distinctBytes({{0, 1000}, {4, 64}}, 4, 0), 256);  // who shares adds nothing
  EXPECT_EQ(distinctBytes({{4, 64}, {-256, 8}}, 4, 0), 2048); // nor does the direction
}

TEST(Footprint, PiecesThatLieApartAreRoundedToSectors) {
  EXPECT_EQ(distinctBytes({{1024, 32}}, 4, 0), 128);
  EXPECT_EQ(distinctBytes({{1024, 32}}, 4, 32), 32 * 32);
  EXPECT_EQ(distinctBytes({{8, 100}}, 4, 32), 32 * 25); // within sectors, gaps are brought along
}

TEST(Footprint, AMultipleOfAStrideContinuesItsRow) {
  // 32 places 1024 apart, 4 times, each beginning where the last ended: 128 places.
  EXPECT_EQ(distinctBytes({{1024, 32}, {1024 * 32, 4}}, 4, 0), 128 * 4);
}

Cluster stream(double loopTurns) {
  Cluster cluster;
  cluster.bytes = 4;
  cluster.offsets = {0};
  cluster.inner = {{4, 16}}; // 64 bytes at once
  cluster.levels = {{0, {0, 10}}, {1, {64, loopTurns}}};
  return cluster;
}

TEST(Traffic, ALoopThatFitsIsReadOnce) {
  EXPECT_EQ(trafficPast(64 * 100, {stream(100)})[0], 64 * 100);
}

TEST(Traffic, ALoopThatDoesNotIsReadEachTime) {
  EXPECT_EQ(trafficPast(64 * 99, {stream(100)})[0], 10 * 64 * 100);
}

TEST(Traffic, AllClustersShareTheCache) {
  const auto both = trafficPast(64 * 150, {stream(100), stream(100)});
  EXPECT_EQ(both[0], 10 * 64 * 100);
  EXPECT_EQ(trafficPast(64 * 200, {stream(100), stream(100)})[0], 64 * 100);
}

TEST(Traffic, NeighboursOfAStencilAreReadOnce) {
  Cluster cluster = stream(100);
  cluster.offsets = {-4, 0, 4};
  EXPECT_EQ(distinctBytes(cluster, 1, 0), 64 * 100 + 8);
}

TEST(Footprint, RandomAccessesLeaveSomeUntouched) {
  EXPECT_NEAR(distinctRandom(1e9, 4, 4096), 4096, 1e-9);
  EXPECT_NEAR(distinctRandom(1, 4, 1 << 20), 32, 0.01);
  EXPECT_LE(distinctRandom(100, 4, 64), 64);
}

} // namespace
} // namespace mansard::ir
