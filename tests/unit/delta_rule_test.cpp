// Linear attention's kernels, against counts worked by hand.
#include <mansard/base/delta_rule.h>

#include <gtest/gtest.h>

namespace mansard {
namespace {

/// One device's share of Qwen3.5-397B's layer with tp = 8.
DeltaRule shape(double sequences, double tokens) {
  DeltaRule d;
  d.sequences = sequences;
  d.tokens = tokens;
  d.heads = 8;
  d.keyHeads = 2;
  d.headDim = 128;
  d.convolution = 4;
  return d;
}

TEST(DeltaRule, DecodeReadsAndWritesEveryState) {
  const mansard_custom u = deltaRecurrence(shape(64, 1));
  const double states = 64 * 8 * 128 * 128;
  // 12 heads' columns and 16 numbers come in, 8 heads' columns go out, of 2 bytes.
  EXPECT_EQ(u.read_bytes, states * 4 + 64 * (12 * 128 + 16) * 2);
  EXPECT_EQ(u.write_bytes, states * 4 + 64 * 8 * 128 * 2);
  EXPECT_EQ(u.vector_operations, states * 7 + 64 * 3 * 2 * 8 * 128);
  EXPECT_EQ(u.matrix_operations, 0);
  EXPECT_EQ(u.groups, 64 * 8 * 4); // 32 columns each
}

TEST(DeltaRule, TriedTokensLeaveAStateEach) {
  const mansard_custom one = deltaRecurrence(shape(64, 1)), three = deltaRecurrence(shape(64, 3));
  const double states = 64 * 8 * 128 * 128 * 4;
  EXPECT_EQ(three.write_bytes - one.write_bytes, 2 * (states + 64 * 8 * 128 * 2));
  EXPECT_EQ(three.read_bytes - one.read_bytes, 2 * 64 * (12 * 128 + 16) * 2);
}

TEST(DeltaRule, ConvolutionPassesOverItsChannelsOnce) {
  const mansard_custom u = deltaConvolution(shape(2, 100));
  EXPECT_EQ(u.read_bytes, (200 + 2 * 3) * 12 * 128 * 2);
  EXPECT_EQ(u.write_bytes, u.read_bytes);
  EXPECT_EQ(u.vector_operations, 200 * 12 * 128 * 12); // 4 multiply-adds and SiLU's 4
}

TEST(DeltaRule, ChunksDoTheProductsOfThePaper) {
  // A row of a head: with the keys of its chunk (scores), with the inverse for W and U, with the
  // state twice, then the output's three products.
  double operations = 0;
  for (const mansard_custom &u : deltaChunks(shape(1, 128)))
    operations += u.matrix_operations;
  const double ofRow = 2 * 64 * 128 + 64 * 64 / 3.0 + 2 * 64 * 256 + 4 * 128 * 128 +
                       2 * (64 * 128 + 128 * 128 + 64 * 128);
  EXPECT_DOUBLE_EQ(operations, 128 * 8 * ofRow);
}

TEST(DeltaRule, AStartedChunkCostsAWholeOne) {
  for (size_t i = 1; i < 6; ++i)
    EXPECT_EQ(deltaChunks(shape(1, 65))[i].matrix_operations,
              deltaChunks(shape(1, 128))[i].matrix_operations);
}

TEST(DeltaRule, StatesFollowOneAnotherWithinASequenceOnly) {
  const mansard_custom pass = deltaChunks(shape(1, 8192))[4];
  EXPECT_EQ(pass.group_cycles, 128 * kDeltaChunkCycles);
  EXPECT_EQ(pass.groups, 4); // 8 heads x 2 halves of their columns, four to a core
  const mansard_custom spread = deltaChunks(shape(8, 1024))[4];
  EXPECT_EQ(spread.group_cycles * 8, pass.group_cycles);
  EXPECT_EQ(spread.groups, 8 * pass.groups);
}

TEST(DeltaRule, WorkIsLinearInTheTokens) {
  const auto once = deltaChunks(shape(1, 4096)), twice = deltaChunks(shape(1, 8192));
  for (size_t i = 0; i < once.size(); ++i) {
    EXPECT_EQ(twice[i].matrix_operations, 2 * once[i].matrix_operations);
    EXPECT_LE(twice[i].read_bytes, 2 * once[i].read_bytes);
  }
  EXPECT_EQ(deltaWorkspace(shape(1, 8192)), 8192.0 * 8 * 2 * 128 * 5);
}

} // namespace
} // namespace mansard
