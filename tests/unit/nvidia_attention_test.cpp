// How attention uses a GPU: query tiles and their causal waste, the softmax beside the tensor
// cores, splits of the KV length, caches that are shared by heads.
#include "family_fixture.h"

namespace mansard {
namespace {

using test::Opened;

work::Kernel attention(uint32_t op, int64_t batch, int64_t q, int64_t kv, int64_t heads,
                       int64_t kvHeads, int64_t dim) {
  work::Kernel kernel = test::bf16(op);
  kernel.u.attention = {batch, q, kv, heads, kvHeads, dim, 0, 1, 0};
  return kernel;
}

work::Kernel overFp8(work::Kernel kernel) {
  kernel.weight_dtype = MANSARD_DTYPE_FP8;
  return kernel;
}

work::Kernel latent(uint32_t op, int64_t batch, int64_t q, int64_t kv, int64_t heads) {
  work::Kernel kernel = test::bf16(op);
  kernel.u.mla = {batch, q, kv, heads, 512, 64, 128, 128};
  return kernel;
}

TEST(NvidiaAttention, LongPrefillReachesMostOfTheTensorPeakButNotAll) {
  const Opened h100("h100-sxm");
  const mansard_estimate out =
      h100.estimate(attention(MANSARD_OP_ATTENTION_PREFILL, 1, 16384, 16384, 32, 8, 128));
  const double rate =
      out.operations / out.latency_us * 1e6 / h100.chip().matrix_ops_per_s[MANSARD_DTYPE_BF16];
  EXPECT_GT(rate, 0.5); // FlashAttention-3 reports 0.5 to 0.75 of it
  EXPECT_LT(rate, 0.85);
}

TEST(NvidiaAttention, CausalMaskHalvesLongPrefill) {
  const Opened h100("h100-sxm");
  work::Kernel kernel = attention(MANSARD_OP_ATTENTION_PREFILL, 4, 16384, 16384, 32, 8, 128);
  const double causal = h100.estimate(kernel).latency_us;
  kernel.u.attention.causal = 0;
  EXPECT_NEAR(h100.estimate(kernel).latency_us / causal, 2, 0.15);
}

TEST(NvidiaAttention, SlowExponentialsShowInPrefill) {
  const work::Kernel kernel = attention(MANSARD_OP_ATTENTION_PREFILL, 1, 16384, 16384, 32, 8, 64);
  const double slow =
      Opened("h100-sxm", {{"vector.special_per_clock", "4"}}).estimate(kernel).latency_us;
  EXPECT_GT(slow, 1.5 * Opened("h100-sxm").estimate(kernel).latency_us);
}

TEST(NvidiaAttention, WindowBoundsTheWork) {
  const Opened h100("h100-sxm");
  work::Kernel kernel = attention(MANSARD_OP_ATTENTION_PREFILL, 1, 32768, 32768, 32, 8, 128);
  const double whole = h100.estimate(kernel).latency_us;
  kernel.u.attention.window = 1024;
  EXPECT_LT(h100.estimate(kernel).latency_us, 0.2 * whole);
}

TEST(NvidiaAttention, LongDecodeStreamsItsCache) {
  const Opened h100("h100-sxm");
  const mansard_estimate out =
      h100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 64, 1, 32768, 64, 8, 128));
  const double bytes = 64.0 * 8 * 32768 * 2 * 128 * 2; // 8.6 GB: 2564 us at 3.35 TB/s
  EXPECT_EQ(out.bound, MANSARD_BOUND_DRAM);
  EXPECT_GT(out.latency_us, bytes / h100.chip().dram_peak_bytes_per_s * 1e6);
  EXPECT_LT(out.latency_us, 1.25 * bytes / h100.chip().dram_peak_bytes_per_s * 1e6);
}

TEST(NvidiaAttention, FewSequencesAreSplitAlongTheCache) {
  const Opened h100("h100-sxm");
  EXPECT_GT(
      h100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 1, 1, 65536, 8, 1, 128)).tiling.split_k,
      8);
  EXPECT_EQ(h100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 256, 1, 1024, 64, 8, 128))
                .tiling.split_k,
            1);
}

TEST(NvidiaAttention, HeadsThatShareACacheAreNearlyFree) {
  const Opened h100("h100-sxm");
  const double one =
      h100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 64, 1, 8192, 8, 8, 128)).latency_us;
  const double eight =
      h100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 64, 1, 8192, 64, 8, 128)).latency_us;
  EXPECT_LT(eight, 1.1 * one);
}

TEST(NvidiaAttention, ShortCachesCostAWholePage) {
  const Opened h100("h100-sxm");
  const double one =
      h100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 2048, 1, 1, 8, 8, 128)).latency_us;
  const double page =
      h100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 2048, 1, 64, 8, 8, 128)).latency_us;
  EXPECT_GT(one, 0.9 * page);
}

TEST(NvidiaAttention, LatentDecodeWithManyHeadsIsComputeHeavy) {
  // 128 heads share 576 numbers a key: 242 operations a byte, near H100's ratio of 295.
  const Opened h100("h100-sxm");
  const mansard_estimate few = h100.estimate(latent(MANSARD_OP_MLA_DECODE, 128, 1, 8192, 16));
  const mansard_estimate many = h100.estimate(latent(MANSARD_OP_MLA_DECODE, 128, 1, 8192, 128));
  EXPECT_GT(many.latency_us, 1.05 * few.latency_us);
  EXPECT_GT(many.part_us[MANSARD_BOUND_MATRIX], few.part_us[MANSARD_BOUND_MATRIX]);
}

TEST(NvidiaAttention, ExpandedLatentPrefillGrowsWithTheSquare) {
  const Opened h100("h100-sxm");
  const double ratio =
      h100.estimate(latent(MANSARD_OP_MLA_PREFILL, 1, 16384, 16384, 128)).latency_us /
      h100.estimate(latent(MANSARD_OP_MLA_PREFILL, 1, 8192, 8192, 128)).latency_us;
  EXPECT_GT(ratio, 3.3);
  EXPECT_LT(ratio, 4.1);
}

TEST(NvidiaAttention, HeadsTooWideForTheFastKernelsAreNotSplit) {
  const Opened h100("h100-sxm"), b200("b200-sxm");
  const work::Kernel wide = attention(MANSARD_OP_ATTENTION_DECODE, 1, 1, 65536, 2, 1, 512);
  EXPECT_EQ(h100.estimate(wide).tiling.split_k, 1);
  EXPECT_GT(b200.estimate(wide).tiling.split_k, 8); // has a kernel for them
  const work::Kernel odd = attention(MANSARD_OP_ATTENTION_DECODE, 1, 1, 65536, 4, 1, 192);
  EXPECT_GT(h100.estimate(odd).tiling.split_k, 8); // pads them
  EXPECT_EQ(b200.estimate(odd).tiling.split_k, 1);
}

TEST(NvidiaAttention, HeadsWithKeysOfTheirOwnRunInWholeWavesBeforeHopper) {
  const Opened a100("a100-sxm-80gb"); // 108 cores
  const auto decode = [&](int64_t sequences) {
    return a100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, sequences, 1, 16384, 1, 1, 128))
        .latency_us;
  };
  EXPECT_GT(decode(109) / decode(108), 1.3); // a second wave waits for its loads again
  EXPECT_LT(decode(108) / decode(98), 1.1);
}

TEST(NvidiaAttention, LatentDecodeBeforeHopperFillsItsTileWithWhateverRowsThereAre) {
  const Opened a100("a100-sxm-80gb");
  const double one = a100.estimate(latent(MANSARD_OP_MLA_DECODE, 1, 1, 4096, 1)).latency_us;
  EXPECT_NEAR(a100.estimate(latent(MANSARD_OP_MLA_DECODE, 1, 1, 4096, 64)).latency_us, one,
              0.05 * one);
}

TEST(NvidiaAttention, ManySequencesCostTheirPreparationEvenWithOneHead) {
  const Opened h100("h100-sxm");
  const double few =
      h100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 32, 1, 16, 64, 64, 128)).latency_us;
  const double many =
      h100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 2048, 1, 16, 1, 1, 128)).latency_us;
  EXPECT_GT(many, few + 10); // as many blocks
}

TEST(NvidiaAttention, LongPrefillOverAnFp8CacheMultipliesItAsItIs) {
  const work::Kernel plain = attention(MANSARD_OP_ATTENTION_PREFILL, 4, 16384, 16384, 24, 24, 128);
  const work::Kernel expanded = latent(MANSARD_OP_MLA_PREFILL, 4, 16384, 16384, 128);
  const auto gain = [](const Opened &chip, const work::Kernel &kernel) {
    return chip.estimate(overFp8(kernel)).latency_us / chip.estimate(kernel).latency_us;
  };
  const Opened h100("h100-sxm"), a100("a100-sxm-80gb"); // the latter has no FP8
  EXPECT_LT(gain(h100, plain), 0.95);
  EXPECT_GT(gain(h100, plain), 0.5);
  EXPECT_LT(gain(h100, expanded), 0.95);
  EXPECT_GE(gain(a100, plain), 0.99);
  EXPECT_GE(gain(a100, expanded), 0.99);
}

TEST(NvidiaAttention, ShortPrefillOverAnFp8CachePaysForItsConversion) {
  const Opened h100("h100-sxm");
  const work::Kernel kernel = attention(MANSARD_OP_ATTENTION_PREFILL, 128, 32, 32, 48, 8, 128);
  // 33 million elements of queries, keys and values in about 2 us a million.
  EXPECT_GT(h100.estimate(overFp8(kernel)).latency_us, h100.estimate(kernel).latency_us + 30);
}

TEST(NvidiaAttention, PrefillWritesItsKeysAndValuesIntoTheCache) {
  const Opened h100("h100-sxm");
  const auto written = [&](int64_t kvHeads, int64_t kv) {
    return h100.estimate(attention(MANSARD_OP_ATTENTION_PREFILL, 128, 512, kv, 32, kvHeads, 128))
        .dram_write_bytes;
  };
  const double head = 128.0 * 512 * 2 * 128 * 2; // keys and values of one
  EXPECT_NEAR(written(32, 512) - written(1, 512), 31 * head, 0.01 * head);
  EXPECT_NEAR(written(32, 4096), written(32, 512), 0.01 * head); // what is cached stays there
}

TEST(NvidiaAttention, PrefillOfNarrowHeadsEmbedsTheirPositions) {
  const Opened h100("h100-sxm");
  const auto written = [&](int64_t heads, int64_t dim) {
    return h100.estimate(attention(MANSARD_OP_ATTENTION_PREFILL, 128, 1024, 1024, heads, 1, dim))
        .dram_write_bytes;
  };
  const double output = 128.0 * 1024 * 16 * 64 * 2; // of 16 heads of 64
  EXPECT_NEAR(written(32, 64) - written(16, 64), 2 * output, 0.01 * output);
  EXPECT_NEAR(written(32, 128) - written(16, 128), 2 * output, 0.01 * output);
}

TEST(NvidiaAttention, ValuesTooWideForTheAccumulatorsComputeTheirScoresAnew) {
  const Opened b200("b200-sxm");
  const auto perOperation = [&](int64_t dim) {
    const mansard_estimate out =
        b200.estimate(attention(MANSARD_OP_ATTENTION_PREFILL, 8, 16384, 16384, 8, 1, dim));
    return out.latency_us / out.operations;
  };
  EXPECT_NEAR(perOperation(512) / perOperation(256), 1.5, 0.1); // three products for two
}

TEST(NvidiaAttention, FewQueriesTakeSmallerTilesButNotOnHopper) {
  const work::Kernel kernel = attention(MANSARD_OP_ATTENTION_PREFILL, 1, 1536, 1536, 2, 2, 128);
  EXPECT_EQ(Opened("a100-sxm-80gb").estimate(kernel).tiling.tile_m, 64);
  EXPECT_EQ(Opened("h100-sxm").estimate(kernel).tiling.tile_m, 128);
}

TEST(NvidiaAttention, TilesOfAnOddWidthWaitForEachKey) {
  const Opened b200("b200-sxm");
  const auto prefill = [&](int64_t q, int64_t dim) {
    return b200.estimate(attention(MANSARD_OP_ATTENTION_PREFILL, 1, q, q, 4, 1, dim)).latency_us;
  };
  EXPECT_GT(prefill(1536, 192) - prefill(512, 192), 40); // 1024 keys at 0.05 us
  EXPECT_LT(prefill(1536, 128) - prefill(512, 128), 20);
}

TEST(NvidiaAttention, GenericPrefillKernelsTakeEachHeadByItself) {
  const Opened h100("h100-sxm");
  const work::Kernel kernel = attention(MANSARD_OP_ATTENTION_PREFILL, 64, 1, 1, 8, 1, 512);
  EXPECT_EQ(h100.estimate(kernel).tiling.tiles, 64 * 8);
}

TEST(NvidiaAttention, DecodeOverAnFp8CacheIsBoundByWideningIt) {
  const Opened h100("h100-sxm");
  const work::Kernel kernel = attention(MANSARD_OP_ATTENTION_DECODE, 128, 1, 8192, 8, 2, 128);
  const double ratio = h100.estimate(overFp8(kernel)).latency_us / h100.estimate(kernel).latency_us;
  EXPECT_GT(ratio, 0.6); // a half, were it bound by memory
  EXPECT_LT(ratio, 0.9);
}

TEST(NvidiaAttention, NarrowHeadsNeedNoConversionBeforeTheyDecode) {
  const Opened h100("h100-sxm");
  const auto more = [&](int64_t dim) {
    const work::Kernel kernel = attention(MANSARD_OP_ATTENTION_DECODE, 2, 1, 64, 8, 2, dim);
    return h100.estimate(overFp8(kernel)).latency_us - h100.estimate(kernel).latency_us;
  };
  EXPECT_LT(more(64), 0.5);
  EXPECT_GT(more(128), 2);
}

TEST(NvidiaAttention, BlocksOfADecodeComeInWholeWaves) {
  const Opened h100("h100-sxm"); // 132 cores
  const auto item = [&](int64_t sequences) {
    return h100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, sequences, 1, 64, 32, 32, 128))
        .part_us[MANSARD_BOUND_VECTOR];
  };
  EXPECT_NEAR(item(33) / item(29), 1, 0.01); // 8 waves
  EXPECT_GT(item(34) / item(33), 1.1);
}

TEST(NvidiaAttention, NewerGenerationsSplitLess) {
  const work::Kernel kernel = attention(MANSARD_OP_ATTENTION_DECODE, 1, 1, 131072, 8, 1, 128);
  EXPECT_GE(Opened("a100-sxm-80gb").estimate(kernel).tiling.split_k, 64);
  EXPECT_EQ(Opened("h100-sxm").estimate(kernel).tiling.split_k, 64);
  EXPECT_EQ(Opened("b200-sxm").estimate(kernel).tiling.split_k, 32);
}

TEST(NvidiaAttention, AFewKeysTakeOnePassBeforeHopper) {
  const Opened a100("a100-sxm-80gb");
  const auto decode = [&](int64_t keys) {
    return a100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 512, 1, keys, 32, 32, 128))
        .latency_us;
  };
  EXPECT_LT(decode(8), 0.8 * decode(16));
  EXPECT_NEAR(decode(16), decode(64), 0.1 * decode(64)); // a page
}

TEST(NvidiaAttention, RowsThatShareACacheFillTheirInstructionBeforeHopper) {
  const Opened a100("a100-sxm-80gb");
  const auto decode = [&](int64_t heads) {
    return a100.estimate(attention(MANSARD_OP_ATTENTION_DECODE, 256, 1, 16, heads, 8, 128))
        .latency_us;
  };
  EXPECT_NEAR(decode(16), decode(128), 0.1 * decode(128)); // 2 rows and 16
}

} // namespace
} // namespace mansard
