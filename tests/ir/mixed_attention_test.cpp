// Models whose layers attend in several ways.
#include "lowering_fixture.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace mansard::test {
namespace {

work::Workload workload(work::Phase phase, int64_t batch, int64_t context, int64_t tp = 1) {
  work::Workload w;
  w.phase = phase;
  w.batch = batch;
  w.context = context;
  w.parallelism.tp = tp;
  return w;
}

TEST(MixedAttention, EachKindOfLayerHasItsOwnHeadsAndWindow) {
  const auto program = lower(readModel("mimo-v2-flash"), workload(work::Phase::decode, 4, 8192));
  const mansard_attention sliding =
      kernelOf(program, "layers.sliding_attention.attend").u.attention;
  EXPECT_EQ(sliding.heads, 64);
  EXPECT_EQ(sliding.kv_heads, 8);
  EXPECT_EQ(sliding.window, 128);
  EXPECT_EQ(sliding.sinks, 1u);
  const mansard_attention full = kernelOf(program, "layers.attention.attend").u.attention;
  EXPECT_EQ(full.kv_heads, 4);
  EXPECT_EQ(full.window, 0);
  EXPECT_EQ(full.sinks, 0u);
  EXPECT_EQ(runsOf(program, "layers.attention.attend"), 9);
  EXPECT_EQ(runsOf(program, "layers.sliding_attention.attend"), 39);
  EXPECT_EQ(runsOf(program, "layers.ffn.down_proj"), 1);
  // All but the newest 127 positions of the sliding layers are gone.
  const double kept = 9.0 * 4 * 8192 + 39.0 * 8 * 128;
  EXPECT_EQ(program.memory.kvCache, 4 * kept * (192 + 128) * 2);
}

TEST(MixedAttention, ValuesNarrowerThanKeysAreCountedAsTheyAre) {
  const auto model = readModel("mimo-v2-flash");
  const auto program = lower(model, workload(work::Phase::decode, 1, 4096));
  const mansard_kernel attend = kernelOf(program, "layers.attention.attend");
  const Counts counts = countWork(attend);
  EXPECT_EQ(counts.matrixOperations, 2.0 * 64 * 4096 * (192 + 128));
  EXPECT_EQ(counts.readBytes + counts.writeBytes,
            (64 * (192 + 128) + 4.0 * 4096 * (192 + 128)) * 2);
  EXPECT_EQ(kernelOf(program, "layers.attention.qkv_proj").u.matmul.n,
            64 * 192 + 4 * 192 + 4 * 128);
  EXPECT_EQ(kernelOf(program, "layers.attention.o_proj").u.matmul.k, 64 * 128);
  // On 8 devices each has a key-value head, of 4 as of 8.
  const auto split = lower(model, workload(work::Phase::decode, 1, 4096, 8));
  for (const char *kind : {"layers.attention", "layers.sliding_attention"}) {
    EXPECT_EQ(kernelOf(split, kind + std::string(".qkv_proj")).u.matmul.n, 8 * 192 + 192 + 128);
    EXPECT_EQ(kernelOf(split, kind + std::string(".attend")).u.attention.kv_heads, 1);
  }
}

TEST(MixedAttention, ChunksStandAlone) {
  const auto model = readModel("llama-4-scout");
  const auto prefill = lower(model, workload(work::Phase::prefill, 2, 20000));
  double pairs = 0;
  int64_t queries = 0;
  for (const work::Step &step : prefill.steps)
    if (step.name == "layers.chunked_attention.attend") {
      const mansard_attention &a = prefill.kernels[step.kernel].u.attention;
      EXPECT_EQ(a.q_len, a.kv_len);
      EXPECT_LE(a.kv_len, 8192);
      pairs += static_cast<double>(step.count * a.batch) * visiblePairs(a);
      queries += step.count * a.batch * a.q_len;
    }
  EXPECT_EQ(queries, 36 * 2 * 20000);
  const double rest = 20000 - 2 * 8192;
  EXPECT_EQ(pairs, 36 * 2 * (2 * 8192.0 * 8193 / 2 + rest * (rest + 1) / 2));
  EXPECT_EQ(kernelOf(prefill, "layers.attention.attend").u.attention.kv_len, 20000);
  EXPECT_TRUE(hasNote(prefill, "chunks of 8192"));

  const auto decode = lower(model, workload(work::Phase::decode, 2, 20000));
  EXPECT_EQ(kernelOf(decode, "layers.chunked_attention.attend").u.attention.kv_len, 4096);
  EXPECT_EQ(kernelOf(decode, "layers.attention.attend").u.attention.kv_len, 20000);
  EXPECT_EQ(decode.memory.kvCache, 2 * (36.0 * 8192 + 12.0 * 20000) * 2 * 8 * 128 * 2);
  const auto shorter = lower(model, workload(work::Phase::decode, 2, 8000));
  EXPECT_EQ(kernelOf(shorter, "layers.chunked_attention.attend").u.attention.kv_len, 8000);
}

TEST(MixedAttention, EarlierTokensOfAChunkAreReadFromTheCache) {
  work::Workload w = workload(work::Phase::prefill, 1, 10000);
  w.cached = 6000; // 2192 queries end the first chunk, 1808 begin the second
  const auto program = lower(readModel("llama-4-scout"), w);
  std::vector<std::pair<int64_t, int64_t>> seen;
  for (const work::Step &step : program.steps)
    if (step.name == "layers.chunked_attention.attend") {
      const mansard_attention &a = program.kernels[step.kernel].u.attention;
      if (std::find(seen.begin(), seen.end(), std::pair(a.q_len, a.kv_len)) == seen.end())
        seen.emplace_back(a.q_len, a.kv_len);
    }
  EXPECT_EQ(seen, (std::vector<std::pair<int64_t, int64_t>>{{2192, 8192}, {1808, 1808}}));
}

TEST(MixedAttention, LayersWithoutRotaryPositionsHaveNoRotaryKernel) {
  const auto program = lower(readModel("llama-4-scout"), workload(work::Phase::decode, 1, 4096));
  EXPECT_EQ(runsOf(program, "layers.attention.rope"), 0);
  EXPECT_EQ(runsOf(program, "layers.attention.kv_write"), 12);
  EXPECT_EQ(runsOf(program, "layers.chunked_attention.rope"), 36);
}

TEST(MixedAttention, ANormOverAllHeadsSumsOverTheDevices) {
  const auto model = readModel("minimax-m2.5");
  const auto reductions = [&](int64_t tp) {
    const auto program = lower(model, workload(work::Phase::decode, 16, 4096, tp));
    std::vector<mansard_collective> found;
    for (const work::Step &step : program.steps)
      if (step.name == "layers.attention.qk_norm" &&
          program.kernels[step.kernel].op == MANSARD_OP_COLLECTIVE)
        found.push_back(program.kernels[step.kernel].u.collective);
    return found;
  };
  EXPECT_TRUE(reductions(1).empty());
  ASSERT_EQ(reductions(4).size(), 1u);
  EXPECT_EQ(reductions(4).front().ranks, 4);
  EXPECT_EQ(reductions(4).front().size_bytes, 16 * 2 * 4); // a number for queries, one for keys
}

TEST(MixedAttention, ADraftsLayerIsOfItsOwnKind) {
  work::Workload w = workload(work::Phase::decode, 1, 4096);
  w.new_tokens = 3;
  const auto program = lower(readModel("mimo-v2-flash"), w);
  EXPECT_EQ(kernelOf(program, "draft.sliding_attention.attend").u.attention.window, 128);
  EXPECT_EQ(kernelOf(program, "draft.ffn.down_proj").u.matmul.k, 16384);
}

TEST(MixedAttention, EveryBuiltInModelLowers) {
  for (const char *id :
       {"minimax-m2.5", "minimax-m2.5-nvfp4", "kimi-k2.5", "kimi-k2.5-nvfp4", "llama-4-maverick",
        "glm-4.5", "glm-4.5-air", "deepseek-r1-nvfp4", "qwen2.5-72b", "mimo-7b", "llama-3.1-405b"})
    for (const auto phase : {work::Phase::prefill, work::Phase::decode}) {
      work::Workload w = workload(phase, 8, 2048, 4);
      w.quantisation = work::Quantisation::nvfp4;
      const auto program = tryLower(readModel(id), w);
      EXPECT_TRUE(program.ok()) << id << ": " << program.error().text();
    }
}

} // namespace
} // namespace mansard::test
