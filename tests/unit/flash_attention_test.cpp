#include <mansard/base/flash_attention.h>

#include <gtest/gtest.h>

namespace mansard {
namespace {

mansard_chip chip() {
  mansard_chip c{};
  c.cores = 10;
  c.matrix_ops_per_s[MANSARD_DTYPE_BF16] = 1e14;
  c.vector_ops_per_s[MANSARD_DTYPE_FP32] = 1e13;
  c.special_ops_per_s = 1e12;
  c.l2_bytes = 10e6;
  c.l2_read_bytes_per_s = c.l2_write_bytes_per_s = 1e13;
  c.dram_peak_bytes_per_s = c.dram_read_bytes_per_s = c.dram_mixed_bytes_per_s = 1e12;
  return c;
}

mansard_kernel attention(uint32_t op, mansard_attention a) {
  mansard_kernel kernel{};
  kernel.struct_size = sizeof kernel;
  kernel.op = op;
  kernel.dtype = kernel.weight_dtype = kernel.out_dtype = MANSARD_DTYPE_BF16;
  kernel.u.attention = a;
  return kernel;
}

AttentionPlan prefill(mansard_attention a, AttentionTuning tuning = {}) {
  const mansard_kernel k = attention(MANSARD_OP_ATTENTION_PREFILL, a);
  const double rows[] = {128};
  return planPrefill(chip(), k, attentionShape(k), countWork(k), rows, tuning);
}

AttentionPlan decode(mansard_attention a, AttentionTuning tuning = {}) {
  const mansard_kernel k = attention(MANSARD_OP_ATTENTION_DECODE, a);
  return planDecode(chip(), k, attentionShape(k), countWork(k), tuning);
}

TEST(FlashAttention, UnmaskedPrefillIsItsOperationsOverThePeak) {
  // 10 heads x 4096 x 4096 pairs x 4 x 128 operations at 100 Top/s: 859 us, on ten even cores.
  const AttentionPlan p = prefill({1, 4096, 4096, 10, 10, 128, 0, 0, 0});
  EXPECT_NEAR(p.busy[MANSARD_BOUND_MATRIX], 10 * 4096.0 * 4096 * 4 * 128 / 1e8, 1e-6);
}

TEST(FlashAttention, TheCausalMaskSavesAlmostHalf) {
  const double whole = prefill({1, 8192, 8192, 10, 10, 128, 0, 0, 0}).busy[MANSARD_BOUND_MATRIX];
  const double causal = prefill({1, 8192, 8192, 10, 10, 128, 0, 1, 0}).busy[MANSARD_BOUND_MATRIX];
  EXPECT_GT(causal, whole / 2);
  EXPECT_LT(causal, whole * 0.52); // diagonal blocks are computed whole
}

TEST(FlashAttention, AWindowBoundsTheKeysOfEachQuery) {
  const double window =
      prefill({1, 65536, 65536, 10, 10, 128, 1024, 1, 0}).busy[MANSARD_BOUND_MATRIX];
  EXPECT_NEAR(window / (10 * 65536.0 * 1024 * 4 * 128 / 1e8), 1.1, 0.05);
}

TEST(FlashAttention, DecodeReadsItsCacheOnce) {
  // 64 sequences x 4096 keys x 8 heads x 512 bytes: 1.07 GB at 1 TB/s.
  const AttentionPlan p = decode({64, 1, 4096, 32, 8, 128, 0, 1, 0});
  EXPECT_NEAR(p.busy[MANSARD_BOUND_DRAM], 64 * 4096.0 * 8 * 512 / 1e6, 2);
  EXPECT_EQ(p.split, 1);
}

TEST(FlashAttention, GroupedHeadsSharePaddingInDecode) {
  // Four query heads a key head fill four of sixteen rows, sixteen fill all: the same time.
  const double four = decode({64, 1, 4096, 32, 8, 128, 0, 1, 0}).busy[MANSARD_BOUND_MATRIX];
  const double sixteen = decode({64, 1, 4096, 128, 8, 128, 0, 1, 0}).busy[MANSARD_BOUND_MATRIX];
  EXPECT_DOUBLE_EQ(four, sixteen);
}

TEST(FlashAttention, OneLongSequenceIsSplitAmongCores) {
  AttentionTuning tuning;
  tuning.bytesInFlightPerCore = 32768;
  const AttentionPlan p = decode({1, 1, 131072, 8, 1, 128, 0, 1, 0}, tuning);
  EXPECT_GT(p.split, 4);
  EXPECT_GT(p.combine_us, 0);
}

TEST(FlashAttention, AbsorbedLatentsAreOneKeyHeadForAllQueries) {
  mansard_kernel k = attention(MANSARD_OP_MLA_DECODE, {});
  k.u.mla = {4, 1, 4096, 128, 512, 64, 128, 128};
  const AttentionShape s = attentionShape(k);
  EXPECT_EQ(s.keyHeads, 1);
  EXPECT_EQ(s.scoreDim, 576);
  EXPECT_EQ(s.valueDim, 512);
  EXPECT_EQ(s.keyBytes, 1152); // values are part of the keys
}

TEST(FlashAttention, ExpandedHeadsShareOneRotaryKey) {
  mansard_kernel k = attention(MANSARD_OP_MLA_PREFILL, {});
  k.u.mla = {1, 4096, 4096, 128, 512, 64, 128, 128};
  EXPECT_NEAR(attentionShape(k).cacheBytes, 4096.0 * (128 * 256 + 64) * 2, 1e-6);
}

TEST(FlashAttention, SerialSoftmaxAddsToTheProducts) {
  AttentionTuning serial;
  serial.serialSoftmax = true;
  const AttentionPlan over = prefill({1, 4096, 4096, 10, 10, 128, 0, 1, 0});
  const AttentionPlan after = prefill({1, 4096, 4096, 10, 10, 128, 0, 1, 0}, serial);
  EXPECT_NEAR(after.softmax_us, over.busy[MANSARD_BOUND_VECTOR], 1e-9);
  EXPECT_GT(after.total_us, over.total_us);
}

TEST(FlashAttention, MoreNeverTakesLess) {
  AttentionTuning tuning;
  tuning.bytesInFlightPerCore = 20000;
  tuning.combine_us = 1;
  tuning.residentShare = 0.2;
  double before = 0;
  for (int64_t keys = 700; keys < 100000; keys += 1 + keys / 17) {
    const double t = decode({3, 2, keys, 8, 2, 128, 0, 1, 0}, tuning).total_us +
                     prefill({1, 700, keys, 8, 2, 128, 0, 1, 0}, tuning).total_us;
    EXPECT_GE(t, before * (1 - 1e-12)) << keys;
    before = t;
  }
  before = 0;
  for (int64_t length = 1; length < 20000; length += 1 + length / 11) {
    const double t = prefill({1, length, length, 8, 2, 128, 0, 1, 0}, tuning).total_us;
    EXPECT_GE(t, before * (1 - 1e-12)) << length;
    before = t;
  }
}

} // namespace
} // namespace mansard
