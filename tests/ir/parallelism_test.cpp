// Who has what where attention and experts are cut in different ways, and what devices send for it.
#include "lowering_fixture.h"

#include <functional>

namespace mansard::test {
namespace {

work::Workload decode(int64_t batch, int64_t context, const work::Parallelism &parallelism) {
  work::Workload workload;
  workload.batch = batch;
  workload.context = context;
  workload.parallelism = parallelism;
  return workload;
}

work::Workload prefill(int64_t batch, int64_t context, const work::Parallelism &parallelism) {
  work::Workload workload = decode(batch, context, parallelism);
  workload.phase = work::Phase::prefill;
  return workload;
}

work::Parallelism attentionData(int64_t dp, int64_t moeTp, int64_t ep) {
  work::Parallelism p{1, 1, dp, ep};
  p.moe_tp = moeTp;
  return p;
}

work::Parallelism context(int64_t cp) {
  work::Parallelism p;
  p.cp = cp;
  return p;
}

mansard_collective collectiveOf(const work::Program &program, const std::string &name) {
  const mansard_kernel kernel = kernelOf(program, name);
  EXPECT_EQ(kernel.op, MANSARD_OP_COLLECTIVE) << name;
  return kernel.u.collective;
}

// Qwen3-235B: 4096 wide, 8 of 128 experts of 1536 columns. Eight replicas of 16 tokens each.
TEST(ExpertTensor, ReplicasGatherTokensAndScatterSums) {
  const work::Program program =
      lower(readModel("qwen3-235b-a22b"), decode(128, 4096, attentionData(8, 4, 2)));
  EXPECT_EQ(runsOf(program, MANSARD_OP_EXPERT_PARALLEL), 0);
  const mansard_moe moe = kernelOf(program, "layers.moe.experts").u.moe;
  EXPECT_EQ(moe.tokens, 128);
  EXPECT_EQ(moe.tp, 4);
  EXPECT_EQ(moe.ep, 2);
  EXPECT_EQ(moe.inter, 1536);
  const mansard_collective there = collectiveOf(program, "layers.moe.all_gather");
  EXPECT_EQ(there.kind, MANSARD_COLLECTIVE_ALL_GATHER);
  EXPECT_EQ(there.ranks, 8);
  EXPECT_EQ(there.size_bytes, 128 * (4096 * 2 + 8 * 8)); // a number and a weight for each choice
  const mansard_collective back = collectiveOf(program, "layers.moe.reduce_scatter");
  EXPECT_EQ(back.kind, MANSARD_COLLECTIVE_REDUCE_SCATTER);
  EXPECT_EQ(back.size_bytes, 128 * 4096 * 2);
  EXPECT_EQ(kernelOf(program, "layers.moe.router").u.matmul.m, 16);
}

TEST(ExpertTensor, DevicesTogetherDoTheWorkOfOne) {
  const work::Transformer model = readModel("qwen3-235b-a22b");
  const work::Program alone = lower(model, decode(128, 4096, {}));
  for (const work::Parallelism &p :
       {attentionData(8, 8, 1), attentionData(8, 4, 2), attentionData(8, 2, 4),
        attentionData(8, 1, 8), work::Parallelism{.tp = 8, .ep = 2, .moe_tp = 4},
        work::Parallelism{.tp = 2, .dp = 4, .ep = 4, .moe_tp = 2}}) {
    const work::Program program = lower(model, decode(128, 4096, p));
    const double here = matrixOperations(program, MANSARD_OP_MOE) +
                        matrixOperations(program, MANSARD_OP_GROUPED_MATMUL); // after an exchange
    EXPECT_NEAR(8 * here / matrixOperations(alone, MANSARD_OP_MOE), 1, 1e-9)
        << p.dp << " " << p.moe_tp << " " << p.ep;
    // An eighth of the experts; attention by tp; router, norms and head by nobody but tp.
    const double experts = 94.0 * 128 * 3 * 4096 * 1536 * 2;
    EXPECT_LE(program.memory.weights, experts / 8 + (alone.memory.weights - experts));
    EXPECT_GE(program.memory.weights, experts / 8 + (alone.memory.weights - experts) / 8);
  }
}

TEST(ExpertTensor, InsideOfAReplicaItIsWhatTheExpertsLeave) {
  const work::Transformer model = readModel("mixtral-8x7b");
  work::Parallelism p{4, 1, 1, 2};
  const work::Program derived = lower(model, decode(16, 1024, p));
  p.moe_tp = 2;
  const work::Program stated = lower(model, decode(16, 1024, p));
  EXPECT_EQ(kernelOf(derived, "layers.moe.experts").u.moe.tp, 2);
  EXPECT_EQ(derived.steps.size(), stated.steps.size());
  EXPECT_DOUBLE_EQ(derived.memory.weights, stated.memory.weights);
}

// Rows travel as they are quantised, with a scale of 4 bytes for 128 columns.
TEST(ExpertExchange, AllGatherInPlaceOfDispatch) {
  work::Workload workload = decode(256, 4096, {1, 1, 8, 8});
  workload.quantisation = work::Quantisation::fp8_block;
  workload.parallelism.exchange = work::ExpertExchange::all_gather;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(runsOf(program, MANSARD_OP_EXPERT_PARALLEL), 0);
  EXPECT_EQ(collectiveOf(program, "layers.moe.all_gather").size_bytes,
            256 * (7168 + 4 * 7168 / 128 + 8 * 8));
  EXPECT_EQ(kernelOf(program, "layers.moe.all_gather").dtype, MANSARD_DTYPE_FP8);
  EXPECT_EQ(collectiveOf(program, "layers.moe.reduce_scatter").size_bytes, 256 * 7168 * 2);
  workload.parallelism.exchange = work::ExpertExchange::all_to_all;
  const work::Program sent = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(runsOf(sent, MANSARD_OP_COLLECTIVE), 0);
  EXPECT_EQ(kernelOf(sent, "layers.moe.experts.up").u.grouped_matmul.groups, 32);
  EXPECT_EQ(kernelOf(sent, "layers.moe.experts.up").u.grouped_matmul.m, 256 * 8 / 8 / 32);
  EXPECT_EQ(kernelOf(program, "layers.moe.experts").u.moe.tokens, 256);
}

// DeepSeek-V3's report (arXiv 2412.19437, section 3.4.1): 32 redundant experts in prefill, nine on
// each of 32 devices.
TEST(ExpertExchange, SecondCopiesFillThePlacesAskedFor) {
  work::Workload workload = prefill(128, 4096, {4, 1, 8, 32});
  const work::Transformer model = readModel("deepseek-v3");
  const work::Program plain = lower(model, workload);
  workload.parallelism.redundant_experts = 32;
  const work::Program program = lower(model, workload);
  EXPECT_EQ(kernelOf(plain, "layers.moe.experts.up").u.grouped_matmul.groups, 8);
  EXPECT_EQ(kernelOf(program, "layers.moe.experts.up").u.grouped_matmul.groups, 9);
  EXPECT_DOUBLE_EQ(program.memory.weights - plain.memory.weights, 58 * 3.0 * 7168 * 2048 * 2);
  EXPECT_TRUE(hasNote(program, "256 experts fill 288 places"));
}

// Llama-3.1-8B: 32 heads, 8 key-value heads of 128. Four devices have 2048 tokens of each prompt in
// two parts, the first and the last eighth.
TEST(ContextPrefill, EachDeviceHasAnEarlyAndALatePart) {
  const work::Transformer model = readModel("llama-3.1-8b");
  const work::Program program = lower(model, prefill(2, 8192, context(4)));
  EXPECT_EQ(program.devices, 4);
  EXPECT_EQ(kernelOf(program, "layers.attention.qkv_proj").u.matmul.m, 2 * 2048);
  std::vector<int64_t> queries, seen;
  for (const work::Step &step : program.steps)
    if (const mansard_kernel &k = program.kernels[step.kernel];
        k.op == MANSARD_OP_ATTENTION_PREFILL) {
      EXPECT_EQ(k.u.attention.batch, 2);
      queries.push_back(k.u.attention.q_len);
      seen.push_back(k.u.attention.kv_len);
    }
  EXPECT_EQ(queries, (std::vector<int64_t>{1024, 1024}));
  EXPECT_EQ(seen, (std::vector<int64_t>{1024, 8192}));
  const mansard_collective gather = collectiveOf(program, "layers.attention.kv_gather");
  EXPECT_EQ(gather.ranks, 4);
  EXPECT_EQ(gather.size_bytes, 2 * 8192 * 2 * 8 * 128 * 2);
}

// With a window, the device that has a prompt's begin sees a little less there than the others.
TEST(ContextPrefill, DevicesTogetherDoTheWorkOfOne) {
  for (int64_t cached : {0, 3000})
    for (const auto &[id, tolerance] :
         {std::pair{"llama-3.1-8b", 1e-9}, {"deepseek-v3", 1e-9}, {"gpt-oss-120b", 0.03}}) {
      const work::Transformer model = readModel(id);
      work::Workload workload = prefill(2, 8192 + cached, {});
      workload.cached = cached;
      const work::Program alone = lower(model, workload);
      workload.parallelism.cp = 4;
      const work::Program program = lower(model, workload);
      for (uint32_t op : {MANSARD_OP_ATTENTION_PREFILL, MANSARD_OP_MLA_PREFILL, MANSARD_OP_MOE})
        EXPECT_NEAR(4 * matrixOperations(program, op), matrixOperations(alone, op),
                    tolerance * matrixOperations(alone, op))
            << id << " " << cached << " " << op;
      EXPECT_DOUBLE_EQ(4 * program.memory.kvCache, alone.memory.kvCache) << id;
      EXPECT_DOUBLE_EQ(program.memory.weights, alone.memory.weights) << id;
      EXPECT_LT(program.memory.activations, alone.memory.activations) << id;
    }
}

// 64 sequences of 8192 positions: each of four devices works on 16 tokens and keeps 2048 positions
// of all sequences.
TEST(ContextDecode, QueriesGoToThePositionsAndSumsComeBack) {
  const work::Program program = lower(readModel("llama-3.1-8b"), decode(64, 8192, context(4)));
  EXPECT_EQ(kernelOf(program, "layers.attention.qkv_proj").u.matmul.m, 16);
  EXPECT_EQ(kernelOf(program, "layers.attention.o_proj").u.matmul.m, 16);
  const mansard_attention attend = kernelOf(program, "layers.attention.attend").u.attention;
  EXPECT_EQ(attend.batch, 64);
  EXPECT_EQ(attend.kv_len, 2048);
  EXPECT_EQ(collectiveOf(program, "layers.attention.query_gather").size_bytes,
            64 * (32 + 2 * 8) * 128 * 2); // the new keys and values with them
  EXPECT_EQ(collectiveOf(program, "layers.attention.lse_gather").size_bytes, 4 * 64 * 32 * 4);
  const mansard_collective back = collectiveOf(program, "layers.attention.context_reduce_scatter");
  EXPECT_EQ(back.kind, MANSARD_COLLECTIVE_REDUCE_SCATTER);
  EXPECT_EQ(back.size_bytes, 64 * 32 * 128 * 2);
  EXPECT_EQ(kernelOf(program, "layers.attention.kv_write").u.vector.rows, 16);
}

TEST(ContextDecode, DevicesTogetherDoTheWorkOfOne) {
  for (const char *id : {"llama-3.1-8b", "deepseek-v3", "gpt-oss-120b"}) {
    const work::Transformer model = readModel(id);
    const work::Program alone = lower(model, decode(64, 8192, {}));
    const work::Program program = lower(model, decode(64, 8192, context(4)));
    for (uint32_t op : {MANSARD_OP_ATTENTION_DECODE, MANSARD_OP_MLA_DECODE, MANSARD_OP_MATMUL})
      EXPECT_NEAR(4 * matrixOperations(program, op), matrixOperations(alone, op),
                  1e-9 * matrixOperations(alone, op))
          << id << " " << op;
    EXPECT_DOUBLE_EQ(4 * program.memory.kvCache, alone.memory.kvCache) << id;
  }
}

// One long sequence: one device has its token, all have part of its cache.
TEST(ContextDecode, ASingleSequenceIsSharedToo) {
  const work::Program program = lower(readModel("llama-3.1-8b"), decode(1, 131072, context(8)));
  EXPECT_EQ(kernelOf(program, "layers.attention.qkv_proj").u.matmul.m, 1);
  EXPECT_EQ(kernelOf(program, "layers.attention.attend").u.attention.kv_len, 16384);
}

TEST(SequenceParallel, NormsWorkOnSharesOfTheRows) {
  work::Workload workload = prefill(1, 8192, {8, 1, 1, 1});
  const work::Transformer model = readModel("llama-3.1-70b");
  const work::Program plain = lower(model, workload);
  workload.parallelism.sp = true;
  const work::Program program = lower(model, workload);
  EXPECT_EQ(runsOf(plain, "layers.attention.all_reduce"), 80);
  EXPECT_EQ(runsOf(program, "layers.attention.all_reduce"), 0);
  EXPECT_EQ(runsOf(program, "layers.attention.reduce_scatter"), 80);
  EXPECT_EQ(runsOf(program, "layers.ffn.reduce_scatter"), 80);
  int64_t reductions = 0;
  for (const work::Step &step : program.steps)
    if (const mansard_kernel &k = program.kernels[step.kernel];
        k.op == MANSARD_OP_COLLECTIVE && k.u.collective.kind == MANSARD_COLLECTIVE_ALL_REDUCE)
      reductions += step.count;
  EXPECT_EQ(reductions, 1); // of the last token's row
  EXPECT_EQ(kernelOf(plain, "layers.ffn_norm").u.vector.rows, 8192);
  EXPECT_EQ(kernelOf(program, "layers.ffn_norm").u.vector.rows, 1024);
  EXPECT_DOUBLE_EQ(matrixOperations(program, MANSARD_OP_MATMUL),
                   matrixOperations(plain, MANSARD_OP_MATMUL));
  EXPECT_LT(program.memory.activations, plain.memory.activations);
  EXPECT_DOUBLE_EQ(program.memory.weights, plain.memory.weights);
}

// DeepSeek-V3's prefill (arXiv 2412.19437, section 3.4.1): attention by four with sequence
// parallelism, experts over 32, two micro-batches in turn. What is dispatched lies there already.
TEST(SequenceParallel, SharesOfRowsAreExchangedAndHalved) {
  work::Workload workload = prefill(16, 4096, {4, 1, 8, 32});
  workload.quantisation = work::Quantisation::fp8_block;
  workload.parallelism.sp = true;
  workload.overlap = work::Overlap::two_batch;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(runsOf(program, "layers.moe.dispatch"), 2 * 58);
  EXPECT_EQ(kernelOf(program, "layers.moe.dispatch").u.expert_parallel.tokens, 4096 / 4);
  EXPECT_EQ(runsOf(program, "layers.moe.all_gather"), 0);
}

// Degrees together with drafts, windows, latents and odd numbers give valid modules.
TEST(Parallelism, CombinationsLower) {
  std::vector<work::Parallelism> plans;
  for (int64_t tp : {1, 4})
    for (int64_t cp : {1, 3})
      for (int64_t dp : {1, 4})
        for (int64_t pp : {1, 2})
          for (bool sp : {false, true}) {
            work::Parallelism p{tp, pp, dp, 1};
            p.cp = cp;
            p.sp = sp && tp > 1;
            plans.push_back(p);
            p.ep = tp * dp * cp;
            plans.push_back(p);
            p.exchange = work::ExpertExchange::all_gather;
            plans.push_back(p);
            if (tp * dp * cp % 2 == 0) {
              p.moe_tp = 2;
              p.ep /= 2;
              plans.push_back(p);
            }
          }
  for (const char *id : {"deepseek-v3", "gpt-oss-120b"}) {
    const work::Transformer model = readModel(id);
    for (const work::Parallelism &p : plans)
      for (int64_t batch : {1, 7})
        for (int64_t newTokens : {0, 1, 3}) { // 0: prefill
          work::Workload workload = decode(batch, 1001, p);
          if (newTokens == 0)
            workload.phase = work::Phase::prefill;
          else
            workload.new_tokens = newTokens;
          workload.overlap = batch == 7 ? work::Overlap::two_batch : work::Overlap::none;
          auto program = tryLower(model, workload);
          EXPECT_TRUE(program.ok() || program.error().message.find("--") == 0)
              << id << " tp " << p.tp << " cp " << p.cp << " dp " << p.dp << " pp " << p.pp
              << " ep " << p.ep << " moe_tp " << p.moe_tp << " sp " << p.sp << " batch " << batch
              << " new " << newTokens << ": " << program.error().text();
        }
  }
}

void expectError(const work::Parallelism &p, std::initializer_list<const char *> parts) {
  auto program = tryLower(readModel("mixtral-8x7b"), decode(64, 4096, p));
  ASSERT_FALSE(program.ok());
  for (const char *part : parts)
    EXPECT_NE(program.error().message.find(part), std::string::npos) << program.error().message;
}

TEST(Parallelism, DegreesThatDoNotFitNameTheNearest) {
  expectError(attentionData(8, 3, 2),
              {"--ep 2 x --moe-tp 3 is 6 devices", "the nearest is --moe-tp 2"});
  expectError({.tp = 4, .ep = 1, .moe_tp = 2},
              {"--ep 1 x --moe-tp 2", "must be tp, 4", "--moe-tp 4 or --ep 2"});
  expectError({.cp = 8192}, {"--cp 8192 leaves fewer than 1 of 4096 positions", "at most 4096"});
  expectError({.sp = true}, {"--sp", "--tp"});
  expectError({.moe_tp = -1}, {"--moe-tp is -1"});
  expectError({.redundant_experts = -1}, {"--redundant-experts is -1"});
  expectError({.tp = 1 << 10, .cp = 1 << 11}, {"tp 1024 x pp 1 x dp 1 x cp 2048 is more than"});
  // 14336 columns of an expert.
  expectError(attentionData(3, 3, 1), {"--moe-tp 3", "14336", "--moe-tp 2"});
}

} // namespace
} // namespace mansard::test
