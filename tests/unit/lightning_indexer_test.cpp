// The indexer of sparse attention, against counts worked by hand.
#include <mansard/base/lightning_indexer.h>

#include <gtest/gtest.h>

namespace mansard {
namespace {

TEST(LightningIndexer, DecodeScoresEveryKeyOnce) {
  const LightningIndexer x{4, 1, 10000, 64, 128, 1, 1}; // DeepSeek-V3.2's
  const mansard_custom u = indexerScores(x);
  EXPECT_EQ(u.matrix_operations, 2.0 * 4 * 10000 * 64 * 128);
  EXPECT_EQ(u.vector_operations, 3.0 * 4 * 10000 * 64);
  // 132 bytes of each key with its scale; of a query's head 132 and its weight.
  EXPECT_EQ(u.read_bytes, 4.0 * 10000 * 132 + 4 * 64 * 136);
  EXPECT_EQ(u.write_bytes, 4.0 * 10000 * 4);
  EXPECT_EQ(u.l2_bytes, 0);
}

TEST(LightningIndexer, PrefillScoresWhatComesBefore) {
  const LightningIndexer x{1, 4096, 4096, 64, 128, 1, 1};
  EXPECT_EQ(indexerPairs(x), 4096.0 * 4097 / 2);
  EXPECT_EQ(indexerScores(x).write_bytes, 4 * indexerPairs(x));
  // Two queries of 64 heads share each key that is loaded; the first load is from DRAM.
  EXPECT_EQ(indexerScores(x).l2_bytes, indexerPairs(x) / 2 * 132 - 4096 * 132);
}

TEST(LightningIndexer, ScalesGoWithNarrowTypesOnly) {
  const LightningIndexer narrow{1, 1, 1000, 32, 128, 1, 1}, wide{1, 1, 1000, 32, 128, 2, 2};
  EXPECT_EQ(indexerScores(wide).read_bytes, 1000.0 * 256 + 32 * 260);
  EXPECT_EQ(indexerScores(narrow).read_bytes, 1000.0 * 132 + 32 * 136);
}

TEST(LightningIndexer, SelectsAtMostTheLimit) {
  EXPECT_EQ(selectedKeys({1, 1, 100000, 64, 128, 1, 1}, 2048), 2048);
  EXPECT_EQ(selectedKeys({1, 1, 700, 64, 128, 1, 1}, 2048), 700);
  // 4096 queries from the start: 1, 2 ... 2048, then 2048 each.
  EXPECT_EQ(selectedKeys({1, 4096, 4096, 64, 128, 1, 1}, 2048),
            (2048 * 2049 / 2 + 2048 * 2048) / 4096 + 1);
  // The same after a long prefix.
  EXPECT_EQ(selectedKeys({1, 4096, 100000, 64, 128, 1, 1}, 2048), 2048);
}

} // namespace
} // namespace mansard
