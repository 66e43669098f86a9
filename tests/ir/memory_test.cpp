// Bytes of parameters, caches and activations, against sums by hand.
#include "lowering_fixture.h"

#include <map>

namespace mansard::test {
namespace {

work::Workload decode(int64_t batch, int64_t context) {
  work::Workload workload;
  workload.batch = batch;
  workload.context = context;
  return workload;
}

// Attention 187,107,328 and norms 14,336 in each of 61 layers; 3 dense feed-forwards of
// 396,361,728; 58 mixtures of 11,274,289,152 + 44,040,192 shared + 1,835,008 router; embedding and
// head of 926,679,040 each; the last norm of 7,168. Sum: 671,026,404,352 parameters.
TEST(Memory, DeepSeekV3HasSixHundredSeventyOneBillionParameters) {
  const work::Transformer model = readModel("deepseek-v3");
  const work::Program program = lower(model, decode(1, 1));
  EXPECT_DOUBLE_EQ(program.memory.weights, 2 * 671026404352.0);
  EXPECT_DOUBLE_EQ(program.memory.weights, 2 * model.parameters());
}

// In prefill the key-value up projection is one matrix, in decode two stacks of as many elements.
TEST(Memory, PrefillAndDecodeHoldTheSameParameters) {
  for (const char *id : {"deepseek-v3", "kimi-k2", "llama-3.1-8b", "qwen3-30b-a3b", "mixtral-8x7b",
                         "gpt-oss-120b", "qwen3-32b", "qwen3-235b-a22b", "llama-3.1-70b"}) {
    const work::Transformer model = readModel(id);
    work::Workload workload = decode(2, 128);
    const work::Program decoding = lower(model, workload);
    workload.phase = work::Phase::prefill;
    const work::Program prefilling = lower(model, workload);
    EXPECT_DOUBLE_EQ(decoding.memory.weights, prefilling.memory.weights) << id;
    EXPECT_DOUBLE_EQ(decoding.memory.weights, 2 * model.parameters()) << id;
  }
}

// (512 + 64) elements x 61 layers x 2 bytes = 70,272 bytes a token.
TEST(Memory, DeepSeekCachesSeventyThousandBytesPerToken) {
  const work::Program program = lower(readModel("deepseek-v3"), decode(3, 1000));
  EXPECT_DOUBLE_EQ(program.memory.kvCache, 3 * 1000 * 70272.0);
}

TEST(Memory, LatentCacheIsHeldByEveryTensorParallelDevice) {
  work::Workload workload = decode(3, 1000);
  workload.parallelism.tp = 8;
  EXPECT_DOUBLE_EQ(lower(readModel("deepseek-v3"), workload).memory.kvCache, 3 * 1000 * 70272.0);
}

// 2 x 8 heads x 128 x 80 layers x 2 bytes = 327,680 bytes a token; one head in eight on a device.
TEST(Memory, GroupedCacheIsCutByHeads) {
  work::Workload workload = decode(4, 1024);
  workload.parallelism.tp = 8;
  const work::Transformer model = readModel("llama-3.1-70b");
  EXPECT_DOUBLE_EQ(lower(model, workload).memory.kvCache, 4 * 1024 * 327680.0 / 8);
  // Sixteen devices share eight heads: each head is held twice.
  workload.parallelism.tp = 16;
  EXPECT_DOUBLE_EQ(lower(model, workload).memory.kvCache, 4 * 1024 * 327680.0 / 8);
}

TEST(Memory, CacheInEightBitsIsHalfAsLarge) {
  work::Workload workload = decode(4, 1024);
  workload.kvCache = DType::fp8;
  EXPECT_DOUBLE_EQ(lower(readModel("llama-3.1-70b"), workload).memory.kvCache,
                   4 * 1024 * 327680.0 / 2);
}

// 18 layers keep 128 positions and 18 keep all, 2 x 8 x 64 elements of 2 bytes each.
TEST(Memory, SlidingLayersKeepTheirWindowOnly) {
  const work::Program program = lower(readModel("gpt-oss-120b"), decode(2, 8192));
  EXPECT_DOUBLE_EQ(program.memory.kvCache, 2 * 18 * (128 + 8192) * 2048.0);
  EXPECT_TRUE(hasNote(program, "sliding window"));
}

// Layer, one of eight devices: 8192 x (10 heads x 128) + (8 x 128) x 8192 + 8192 x 2 x 3584 +
// 3584 x 8192 + 2 x 8192 = 106,971,136; 80 of them, embedding and head of 16,032 words, last norm.
TEST(Memory, TensorParallelismCutsParameters) {
  work::Workload workload = decode(1, 1);
  workload.parallelism.tp = 8;
  const double layer = 8192.0 * 1280 + 1024 * 8192 + 8192 * 7168 + 3584 * 8192 + 2 * 8192;
  EXPECT_DOUBLE_EQ(lower(readModel("llama-3.1-70b"), workload).memory.weights,
                   2 * (80 * layer + 2 * 16032.0 * 8192 + 8192));
}

// Of 32 layers over 3 stages the first two have 11; the first also the embedding.
TEST(Memory, LargestStageOfAPipelineCounts) {
  work::Workload workload = decode(6, 100);
  workload.parallelism.pp = 3;
  const work::Program program = lower(readModel("llama-3.1-8b"), workload);
  const double layer = 4096.0 * 6144 + 4096 * 4096 + 3 * 4096.0 * 14336 + 2 * 4096; // parameters
  EXPECT_DOUBLE_EQ(program.memory.weights, 2 * (11 * layer + 128256.0 * 4096));
  // All three micro-batches of two sequences are in flight; 2 x 8 x 128 elements of 2 bytes.
  EXPECT_DOUBLE_EQ(program.memory.kvCache, 11 * 6 * 100 * 4096.0);
}

// MXFP4 experts take 4.25 bits an element with their scales, everything else 16.
TEST(Memory, GptOssKeepsAllButItsExpertsInSixteenBits) {
  work::Workload workload = decode(1, 1);
  workload.quantisation = work::Quantisation::mxfp4;
  const work::Transformer model = readModel("gpt-oss-120b");
  const double experts = 36.0 * 128 * 3 * 2880 * 2880;
  EXPECT_NEAR(lower(model, workload).memory.weights,
              experts * 4.25 / 8 + 2 * (model.parameters() - experts), 1);
}

// FP8 with a 4-byte scale for 128 x 128 elements.
TEST(Memory, BlockScalesAreCounted) {
  work::Workload workload = decode(1, 1);
  workload.quantisation = work::Quantisation::fp8_block;
  const work::Transformer model = readModel("llama-3.1-8b");
  const double linear = 32 * (4096.0 * 6144 + 4096 * 4096 + 3 * 4096.0 * 14336);
  EXPECT_NEAR(lower(model, workload).memory.weights,
              linear * (1 + 4.0 / (128 * 128)) + 2 * (model.parameters() - linear), 1);
}

// Gate and up projections of 1000 tokens: their output and input live together with the residual:
// 2 x 14336 + 4096 + 4096 columns of 2 bytes.
TEST(Memory, ActivationsPeakInTheFeedForward) {
  work::Workload workload = decode(1, 1000);
  workload.phase = work::Phase::prefill;
  const work::Program program = lower(readModel("llama-3.1-8b"), workload);
  EXPECT_GE(program.memory.activations, 1000 * 2.0 * (14336 + 2 * 4096));
  EXPECT_LE(program.memory.activations, 1000 * 2.0 * (2 * 14336 + 4 * 4096));
}

TEST(Memory, NextTokenLayerIsHeldWhenItIsUsed) {
  work::Workload workload = decode(1, 16);
  const work::Transformer model = readModel("deepseek-v3");
  const double without = lower(model, workload).memory.weights;
  workload.new_tokens = 3; // two passes of one layer
  const double with = lower(model, workload).memory.weights;
  // A layer with experts, the joining projection and three norms.
  const double layer = 187107328.0 + 14336 + 11320164352.0, own = 2 * 7168.0 * 7168 + 3 * 7168;
  EXPECT_DOUBLE_EQ(with - without, 2 * (layer + own));
}

// 58 layers of 8 experts of 3 x 7168 x 2048 elements; 61 of latents, 512 + 64 columns.
TEST(Memory, PartsSayWhatTheWholeIsMadeOf) {
  work::Workload workload = decode(1536, 4096);
  workload.parallelism.dp = workload.parallelism.ep = 32;
  workload.quantisation = work::Quantisation::fp8;
  for (int64_t pp : {1, 4}) {
    workload.parallelism.pp = pp;
    const work::MemoryNeed need = lower(readModel("deepseek-v3"), workload).memory;
    double weights = 0, cache = 0;
    std::map<std::pair<std::string, DType>, double> parts;
    for (const work::MemoryPart &part : need.weightParts) {
      weights += part.bytes;
      EXPECT_TRUE(parts.insert({{part.component, part.type}, part.bytes}).second);
    }
    for (const work::MemoryPart &part : need.cacheParts)
      cache += part.bytes;
    EXPECT_DOUBLE_EQ(weights, need.weights);
    EXPECT_DOUBLE_EQ(cache, need.kvCache);
    EXPECT_DOUBLE_EQ(need.total(), weights + cache + need.activations + need.buffers);
    if (pp > 1)
      continue;
    const double experts = parts[{"moe.experts", DType::fp8}];
    EXPECT_DOUBLE_EQ(experts, 58 * 8 * 3 * 7168.0 * 2048);
    const double router = parts[{"moe.router", DType::bf16}];
    EXPECT_DOUBLE_EQ(router, 58 * 7168.0 * 256 * 2);
    for (const char *component : {"embed", "lm_head", "norms, biases", "mla"})
      EXPECT_GT((parts[{component, DType::bf16}]), 0) << component;
    for (const char *component : {"mla", "ffn", "moe.shared_experts"})
      EXPECT_GT((parts[{component, DType::fp8}]), 0) << component;
    ASSERT_EQ(need.cacheParts.size(), 1u);
    EXPECT_EQ(need.cacheParts[0].component, "mla");
  }
}

// Rows of 48 tokens, 7168 x 2 bytes, at each of 256 experts; two buffers to send, two to receive.
TEST(Memory, LowLatencyExchangeKeepsRoomForTheWorstCase) {
  work::Workload workload = decode(1536, 4096);
  workload.parallelism.dp = workload.parallelism.ep = 32;
  const work::Transformer model = readModel("deepseek-v3");
  EXPECT_DOUBLE_EQ(lower(model, workload).memory.buffers, 4 * 256 * 48 * 7168.0 * 2);
  workload.parallelism.exchange = work::ExpertExchange::all_gather;
  EXPECT_EQ(lower(model, workload).memory.buffers, 0);
  workload.parallelism = {};
  EXPECT_EQ(lower(model, workload).memory.buffers, 0);
}

} // namespace
} // namespace mansard::test
