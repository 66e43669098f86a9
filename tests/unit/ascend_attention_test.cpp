// How attention, mixtures, vector work and links use an Ascend device.
#include "ascend_fixture.h"

#include <cmath>

namespace mansard {
namespace {

class AscendAttention : public test::AscendTest {
protected:
  static work::Kernel attention(uint32_t op, int64_t batch, int64_t queries, int64_t keys,
                                int64_t heads, int64_t kvHeads) {
    work::Kernel kernel = work::makeKernel(op, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.attention = {batch, queries, keys, heads, kvHeads, 128, 0, 1, 0};
    return kernel;
  }
  static work::Kernel latent(uint32_t op, int64_t batch, int64_t queries, int64_t keys,
                             int64_t heads) {
    work::Kernel kernel = work::makeKernel(op, DType::bf16, DType::bf16, DType::bf16);
    kernel.u.mla = {batch, queries, keys, heads, 512, 64, 128, 128};
    return kernel;
  }
  static work::Kernel vector(uint32_t kind, int64_t rows, int64_t cols, DType out = DType::bf16) {
    work::Kernel kernel = work::makeKernel(MANSARD_OP_VECTOR, DType::bf16, DType::bf16, out);
    kernel.u.vector = {rows, cols, 0, kind, 0};
    return kernel;
  }
};

TEST_F(AscendAttention, LongPrefillIsTheVectorCoresWork) {
  const mansard_estimate out =
      estimate(open("ascend-910b"), attention(MANSARD_OP_ATTENTION_PREFILL, 1, 8192, 8192, 16, 16));
  EXPECT_EQ(out.bound, MANSARD_BOUND_VECTOR);
  // Two fifths of the cube's peak, as measured kernels reach.
  const double tflops = out.operations / out.latency_us * 1e-6;
  EXPECT_GT(tflops, 0.33 * 353.9);
  EXPECT_LT(tflops, 0.48 * 353.9);
}

TEST_F(AscendAttention, CausalMaskSkipsAlmostHalf) {
  work::Kernel causal = attention(MANSARD_OP_ATTENTION_PREFILL, 4, 8192, 8192, 16, 16);
  work::Kernel full = causal;
  full.u.attention.causal = 0;
  const host::Model model = ideal();
  const double ratio = estimate(model, full).latency_us / estimate(model, causal).latency_us;
  // (s^2) / (s (s + 1) / 2 + s x 64): whole tiles on the diagonal.
  EXPECT_NEAR(ratio, 8192.0 * 8192 / (8192 * 8193 / 2 + 8192 * 64), 0.01);
}

TEST_F(AscendAttention, DirectExchangeSparesTheL2) {
  const work::Kernel kernel = attention(MANSARD_OP_ATTENTION_PREFILL, 4, 4096, 4096, 16, 16);
  const std::vector<hw::Override> busyL2{{"ascend.l2_write_bytes_per_clock", "20"}};
  std::vector<hw::Override> direct = busyL2;
  direct.push_back({"ascend.direct_exchange", "1"});
  EXPECT_GT(estimate(ideal(busyL2), kernel).latency_us,
            1.3 * estimate(ideal(direct), kernel).latency_us);
}

TEST_F(AscendAttention, DecodeReadsItsCacheFromDramOnceItExceedsTheL2) {
  const host::Model model = ideal({{"calibration.cache_kept", "0.25"}});
  // 16 heads x 128 x 2 x 2 bytes = 8 KiB a position: 128 MiB lie in the L2, 512 MiB do not.
  const mansard_estimate warm =
      estimate(model, attention(MANSARD_OP_ATTENTION_DECODE, 4, 1, 4096, 16, 16));
  const mansard_estimate cold =
      estimate(model, attention(MANSARD_OP_ATTENTION_DECODE, 16, 1, 4096, 16, 16));
  EXPECT_EQ(warm.dram_read_bytes, 0);
  EXPECT_NEAR(cold.dram_read_bytes, (512 - 192 / 4) * 1024 * 1024, 1);
  EXPECT_EQ(cold.bound, MANSARD_BOUND_DRAM);
  EXPECT_GT(cold.latency_us, 4 * warm.latency_us);
}

TEST_F(AscendAttention, ShortDecodeCostsItsLaunch) {
  const double us =
      estimate(open("ascend-910b"), attention(MANSARD_OP_ATTENTION_DECODE, 1, 1, 128, 32, 8))
          .latency_us;
  EXPECT_GT(us, 45); // 48 to 60 us are measured
  EXPECT_LT(us, 65);
}

TEST_F(AscendAttention, GroupedHeadsShareTheCache) {
  const host::Model model = open("ascend-910b");
  const double grouped =
      estimate(model, attention(MANSARD_OP_ATTENTION_DECODE, 64, 1, 8192, 32, 4)).latency_us;
  const double all =
      estimate(model, attention(MANSARD_OP_ATTENTION_DECODE, 64, 1, 8192, 32, 32)).latency_us;
  EXPECT_GT(all, 5 * grouped);
}

TEST_F(AscendAttention, AbsorbedLatentCacheServesAllHeads) {
  const host::Model model = open("ascend-910b");
  const double few = estimate(model, latent(MANSARD_OP_MLA_DECODE, 64, 1, 8192, 16)).latency_us;
  const double many = estimate(model, latent(MANSARD_OP_MLA_DECODE, 64, 1, 8192, 128)).latency_us;
  EXPECT_GT(many, few);
  EXPECT_LT(many, 2 * few) << "eight times the heads read the same bytes";
}

TEST_F(AscendAttention, SecondTokenSharesThePassOverTheLatentCache) {
  // 2 x 16 query rows cost the cube nothing beside the loads; 2 x 128 fit L1, 4 x 128 do not.
  const host::Model model = ideal();
  const auto loads = [&](int64_t heads, int64_t queries) {
    return estimate(model, latent(MANSARD_OP_MLA_DECODE, 48, queries, 2048, heads)).latency_us;
  };
  EXPECT_LT(loads(16, 2), 1.15 * loads(16, 1));
  std::vector<hw::Override> slow{{"l2.read_GBps", "400"}};
  const host::Model starved = ideal(slow);
  const auto passes = [&](int64_t queries) {
    return estimate(starved, latent(MANSARD_OP_MLA_DECODE, 48, queries, 2048, 128)).latency_us;
  };
  EXPECT_LT(passes(2), 1.1 * passes(1));
  EXPECT_GT(passes(4), 1.8 * passes(2));
}

TEST_F(AscendAttention, ExpandedLatentAttentionGrowsWithItsPairs) {
  const host::Model model = ideal();
  const double once = estimate(model, latent(MANSARD_OP_MLA_PREFILL, 4, 4096, 4096, 32)).latency_us;
  const double twice =
      estimate(model, latent(MANSARD_OP_MLA_PREFILL, 4, 8192, 8192, 32)).latency_us;
  EXPECT_GT(twice, 3.5 * once);
  EXPECT_LT(twice, 4.0 * once);
}

TEST_F(AscendAttention, CopyIsBoundByDram) {
  const mansard_estimate out = estimate(ideal(), vector(MANSARD_VECTOR_COPY, 65536, 8192));
  EXPECT_EQ(out.bound, MANSARD_BOUND_DRAM);
  EXPECT_GE(out.latency_us, 2 * 65536.0 * 8192 * 2 / 1.6e6); // 1342 us
}

TEST_F(AscendAttention, RowsAreReducedOneAfterAnother) {
  const host::Model model = open("ascend-910b");
  // 48 vector cores: 48 rows are one round, 96 are two.
  const double one = estimate(model, vector(MANSARD_VECTOR_RMSNORM, 48, 1024)).latency_us;
  const double two = estimate(model, vector(MANSARD_VECTOR_RMSNORM, 96, 1024)).latency_us;
  const double alone = estimate(model, vector(MANSARD_VECTOR_RMSNORM, 1, 1024)).latency_us;
  EXPECT_NEAR(one, alone, 0.5);
  EXPECT_GT(two, one + 1);
}

TEST_F(AscendAttention, FewTokensTouchFewExperts) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_MOE, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.moe = {4, 7168, 2048, 8, 256, 1, 8, 0, MANSARD_DISTRIBUTION_BALANCED, 1};
  const host::Model model = open("ascend-910b");
  const double few = estimate(model, kernel).latency_us;
  kernel.u.moe.tokens = 256;
  const double all = estimate(model, kernel).latency_us;
  // 256 tokens touch all 32 local experts: 2.8 GB; four touch 32 (1 - (31/32)^4) = 3.8 of them.
  EXPECT_GT(all, 32 * 3.0 * 7168 * 2048 * 2 / 1.6e6);
  EXPECT_LT(few, all / 4);
}

TEST_F(AscendAttention, MeshGivesTwoRanksOneLinkInSeven) {
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_COLLECTIVE, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.collective = {2, 1 << 30, MANSARD_COLLECTIVE_ALL_REDUCE, 0};
  const host::Model model = ideal();
  EXPECT_NEAR(estimate(model, kernel).latency_us, (1 << 30) / 28e3, 100); // 38.3 ms
  kernel.u.collective.ranks = 8;
  EXPECT_NEAR(estimate(model, kernel).latency_us, (1 << 30) * 2.0 * 7 / 8 / 196e3, 100); // 9.6 ms
}

TEST_F(AscendAttention, DispatchOfADecodeBatchTakesAboutAHundredMicroseconds) {
  work::Kernel kernel =
      work::makeKernel(MANSARD_OP_EXPERT_PARALLEL, DType::int8, DType::int8, DType::int8);
  kernel.u.expert_parallel = {
      8, 7168, 128, 8, 256, 0, MANSARD_EP_DISPATCH, MANSARD_EP_MODE_LOW_LATENCY};
  const host::Model model = open("ascend-910c");
  const double eight = estimate(model, kernel).latency_us;
  EXPECT_GT(eight, 90);
  EXPECT_LT(eight, 150);
  kernel.u.expert_parallel.ranks = 256;
  EXPECT_GT(estimate(model, kernel).latency_us, eight);
}

TEST_F(AscendAttention, CustomWorkOverlapsItsEngines) {
  work::Kernel kernel = work::makeKernel(MANSARD_OP_CUSTOM, DType::bf16, DType::bf16, DType::bf16);
  kernel.u.custom = {353.9e9, 0, 0, 1e6, 1e6, 0, 0, 0, 0, 0, 0, 0};
  const mansard_estimate out = estimate(ideal(), kernel);
  EXPECT_NEAR(out.latency_us, 1000, 1); // 353.9 GFLOP at 353.9 TFLOPS
}

} // namespace
} // namespace mansard
