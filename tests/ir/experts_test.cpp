// Mixtures of experts: who has which experts, who sends what to whom, what runs side by side.
#include "lowering_fixture.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace mansard::test {
namespace {

work::Workload deepSeekDecode() {
  work::Workload workload;
  workload.batch = 1536;
  workload.context = 4096;
  workload.parallelism.dp = 32;
  workload.parallelism.ep = 32;
  workload.quantisation = work::Quantisation::w8a8;
  return workload;
}

TEST(Experts, GroupOfReplicasExchangesTokens) {
  const work::Program program = lower(readModel("deepseek-v3"), deepSeekDecode());
  const mansard_kernel dispatch = kernelOf(program, "layers.moe.dispatch");
  EXPECT_EQ(dispatch.u.expert_parallel.tokens, 48); // of each rank
  EXPECT_EQ(dispatch.u.expert_parallel.ranks, 32);
  EXPECT_EQ(dispatch.u.expert_parallel.node_limit, 4);
  EXPECT_EQ(dispatch.u.expert_parallel.mode, MANSARD_EP_MODE_LOW_LATENCY);
  EXPECT_EQ(dispatch.dtype, MANSARD_DTYPE_INT8);
  const mansard_kernel combine = kernelOf(program, "layers.moe.combine");
  EXPECT_EQ(combine.u.expert_parallel.direction, MANSARD_EP_COMBINE);
  EXPECT_EQ(combine.dtype, MANSARD_DTYPE_BF16);
  EXPECT_EQ(runsOf(program, "layers.moe.dispatch"), 58);
  EXPECT_EQ(runsOf(program, MANSARD_OP_COLLECTIVE), 0);
  // Shared experts are whole on every device and work on its own tokens.
  const mansard_kernel shared = kernelOf(program, "layers.moe.shared_experts.gate_up_proj");
  EXPECT_EQ(shared.u.matmul.m, 48);
  EXPECT_EQ(shared.u.matmul.n, 2 * 2048);
}

// 1536 tokens with eight choices over 32 devices with eight experts each: 48 rows an expert, which
// arrive in their order.
TEST(Experts, RowsThatArriveSortedGoThroughGroupedMatmuls) {
  const work::Program program = lower(readModel("deepseek-v3"), deepSeekDecode());
  EXPECT_EQ(runsOf(program, MANSARD_OP_MOE), 0);
  EXPECT_EQ(runsOf(program, "layers.moe.permute"), 0);
  EXPECT_EQ(runsOf(program, "layers.moe.unpermute"), 0);
  const mansard_kernel up = kernelOf(program, "layers.moe.experts.up");
  EXPECT_EQ(up.op, MANSARD_OP_GROUPED_MATMUL);
  EXPECT_EQ(up.u.grouped_matmul.groups, 8);
  EXPECT_EQ(up.u.grouped_matmul.m, 48);
  EXPECT_EQ(up.u.grouped_matmul.n, 2 * 2048);
  EXPECT_EQ(up.u.grouped_matmul.k, 7168);
  EXPECT_EQ(up.dtype, MANSARD_DTYPE_INT8);
  EXPECT_EQ(up.out_dtype, MANSARD_DTYPE_BF16);
  const mansard_kernel active = kernelOf(program, "layers.moe.experts.activation");
  EXPECT_EQ(active.u.vector.rows, 8 * 48);
  EXPECT_EQ(active.out_dtype, MANSARD_DTYPE_INT8); // quantised on its way
  const mansard_kernel down = kernelOf(program, "layers.moe.experts.down");
  EXPECT_EQ(down.u.grouped_matmul.n, 7168);
  EXPECT_EQ(down.u.grouped_matmul.k, 2048);
}

TEST(Experts, ExpertsWithoutRowsAreNotRead) {
  work::Workload workload = deepSeekDecode();
  workload.batch = 16; // 128 choices over 32 devices
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(kernelOf(program, "layers.moe.experts.up").u.grouped_matmul.groups, 4);
  EXPECT_EQ(kernelOf(program, "layers.moe.experts.up").u.grouped_matmul.m, 1);
}

// Without an exchange, and where all tokens are gathered, one kernel routes and computes.
TEST(Experts, WholeTokensGoThroughOneKernel) {
  work::Workload workload = deepSeekDecode();
  workload.parallelism.exchange = work::ExpertExchange::all_gather;
  const mansard_kernel moe =
      kernelOf(lower(readModel("deepseek-v3"), workload), "layers.moe.experts");
  EXPECT_EQ(moe.op, MANSARD_OP_MOE);
  EXPECT_EQ(moe.u.moe.tokens, 1536); // of the whole group
  EXPECT_EQ(moe.u.moe.experts, 256);
  EXPECT_EQ(moe.u.moe.topk, 8);
  EXPECT_EQ(moe.u.moe.inter, 2048);
  EXPECT_EQ(moe.u.moe.tp, 1);
  EXPECT_EQ(moe.u.moe.ep, 32);
  EXPECT_EQ(moe.u.moe.gated, 1u);
  EXPECT_EQ(moe.dtype, MANSARD_DTYPE_INT8);
  EXPECT_EQ(moe.out_dtype, MANSARD_DTYPE_BF16);
}

TEST(Experts, TheBusiestDeviceHasMoreRows) {
  work::Workload workload = deepSeekDecode();
  workload.imbalance = 1.25;
  const work::Program sent = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(kernelOf(sent, "layers.moe.experts.up").u.grouped_matmul.m, 60);
  EXPECT_EQ(kernelOf(sent, "layers.moe.dispatch").u.expert_parallel.tokens, 60);
  EXPECT_EQ(kernelOf(sent, "layers.moe.combine").u.expert_parallel.tokens, 60);
  EXPECT_EQ(kernelOf(sent, "layers.moe.router").u.matmul.m, 48); // its own
  const work::Program even = lower(readModel("deepseek-v3"), deepSeekDecode());
  EXPECT_DOUBLE_EQ(sent.tokens, even.tokens);

  // All tokens come to all devices, however busy their experts are.
  workload.parallelism.exchange = work::ExpertExchange::all_gather;
  const work::Program gathered = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(kernelOf(gathered, "layers.moe.experts").u.moe.tokens, 1920);
  EXPECT_EQ(kernelOf(gathered, "layers.moe.reduce_scatter").u.collective.size_bytes,
            1536 * 7168 * 2);

  // Experts of one replica: only where they are on several devices.
  workload.parallelism = {8, 1, 1, 8};
  EXPECT_EQ(kernelOf(lower(readModel("deepseek-v3"), workload), "layers.moe.experts").u.moe.tokens,
            1920);
  workload.parallelism.ep = 1;
  EXPECT_EQ(kernelOf(lower(readModel("deepseek-v3"), workload), "layers.moe.experts").u.moe.tokens,
            1536);
  workload.imbalance = 0.5;
  EXPECT_FALSE(work::check(workload).ok());
}

TEST(Experts, SixteenBitActivationsTravelInSixteenBits) {
  work::Workload workload = deepSeekDecode();
  for (auto quantisation : {work::Quantisation::bf16, work::Quantisation::nvfp4}) {
    workload.quantisation = quantisation;
    const work::Program program = lower(readModel("deepseek-v3"), workload);
    EXPECT_EQ(kernelOf(program, "layers.moe.dispatch").dtype, MANSARD_DTYPE_BF16);
  }
  workload.quantisation = work::Quantisation::fp8_block;
  EXPECT_EQ(kernelOf(lower(readModel("deepseek-v3"), workload), "layers.moe.dispatch").dtype,
            MANSARD_DTYPE_FP8);
}

TEST(Experts, PrefillExchangesByNode) {
  work::Workload workload = deepSeekDecode();
  workload.phase = work::Phase::prefill;
  workload.batch = 128;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  const mansard_kernel dispatch = kernelOf(program, "layers.moe.dispatch");
  EXPECT_EQ(dispatch.u.expert_parallel.mode, MANSARD_EP_MODE_NORMAL);
  EXPECT_EQ(dispatch.u.expert_parallel.tokens, 4 * 4096);
  // A token comes once, whichever of the device's experts it is for: rows are put in order, and
  // added up again.
  const int64_t rows = 128 * 4096 * 8 / 32;
  EXPECT_EQ(runsOf(program, MANSARD_OP_MOE), 0);
  EXPECT_EQ(kernelOf(program, "layers.moe.permute").u.vector.rows, rows);
  EXPECT_EQ(kernelOf(program, "layers.moe.permute").u.vector.kind, MANSARD_VECTOR_GATHER);
  EXPECT_EQ(kernelOf(program, "layers.moe.experts.up").u.grouped_matmul.m, rows / 8);
  EXPECT_EQ(kernelOf(program, "layers.moe.unpermute").u.vector.rows, rows);
}

TEST(Experts, InsideOfAReplicaTheirSumIsReduced) {
  work::Workload workload;
  workload.batch = 16;
  workload.parallelism.tp = 4;
  for (int64_t ep : {1, 2, 4}) {
    workload.parallelism.ep = ep;
    const work::Program program = lower(readModel("mixtral-8x7b"), workload);
    const mansard_kernel moe = kernelOf(program, "layers.moe.experts");
    EXPECT_EQ(moe.u.moe.tokens, 16);
    EXPECT_EQ(moe.u.moe.ep, ep);
    EXPECT_EQ(moe.u.moe.tp, 4 / ep);
    EXPECT_EQ(moe.u.moe.inter, 14336);
    EXPECT_EQ(runsOf(program, MANSARD_OP_EXPERT_PARALLEL), 0);
    EXPECT_EQ(runsOf(program, "layers.moe.all_reduce"), 32);
    EXPECT_EQ(kernelOf(program, "layers.moe.all_reduce").u.collective.ranks, 4);
  }
}

// Routed and shared experts are added up before the one all-reduce.
TEST(Experts, SharedExpertsJoinTheReduction) {
  work::Workload workload;
  workload.batch = 16;
  workload.parallelism.tp = 8;
  workload.parallelism.ep = 8;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(kernelOf(program, "layers.moe.shared_experts.gate_up_proj").u.matmul.n, 2 * 2048 / 8);
  EXPECT_EQ(runsOf(program, "layers.moe.all_reduce"), 58);
  EXPECT_EQ(runsOf(program, "layers.moe.shared_experts.all_reduce"), 0);
}

// Each of the two devices of a replica sends half of its tokens and gathers all results.
TEST(Experts, TensorParallelDevicesSendTheirShareOfTokens) {
  work::Workload workload = deepSeekDecode();
  workload.parallelism.tp = 2;
  workload.parallelism.dp = 16;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(kernelOf(program, "layers.mla.q_a_proj").u.matmul.m, 96);
  EXPECT_EQ(kernelOf(program, "layers.moe.dispatch").u.expert_parallel.tokens, 48);
  EXPECT_EQ(kernelOf(program, "layers.moe.shared_experts.gate_up_proj").u.matmul.m, 48);
  EXPECT_EQ(kernelOf(program, "layers.moe.experts.up").u.grouped_matmul.m, 48);
  const mansard_kernel gather = kernelOf(program, "layers.moe.all_gather");
  EXPECT_EQ(gather.u.collective.kind, MANSARD_COLLECTIVE_ALL_GATHER);
  EXPECT_EQ(gather.u.collective.size_bytes, 96 * 7168 * 2);
}

TEST(Experts, GroupNeverHasMoreTokensThanTheBatch) {
  work::Workload workload = deepSeekDecode();
  workload.batch = 40; // two sequences on the busiest of 32 replicas
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(kernelOf(program, "layers.mla.q_a_proj").u.matmul.m, 2);
  EXPECT_EQ(kernelOf(program, "layers.moe.experts.activation").u.vector.rows, 40 * 8 / 32);
}

TEST(Experts, DecodeProgramIsShort) {
  const work::Program program = lower(readModel("deepseek-v3"), deepSeekDecode());
  EXPECT_GE(program.kernels.size(), 25u);
  EXPECT_LE(program.kernels.size(), 34u);
}

TEST(Experts, MultiTokenPredictionDraftsWithItsOwnLayer) {
  work::Workload workload = deepSeekDecode();
  workload.new_tokens = 2;
  workload.accept = 0.7;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(kernelOf(program, "layers.mla.attend").u.mla.q_len, 2);
  EXPECT_EQ(kernelOf(program, "draft.mla.attend").u.mla.q_len, 1);
  EXPECT_EQ(kernelOf(program, "draft.moe.dispatch").u.expert_parallel.tokens, 48);
  EXPECT_EQ(kernelOf(program, "draft.join_proj").u.matmul.k, 2 * 7168);
  EXPECT_EQ(runsOf(program, "draft.lm_head"), 1);
  EXPECT_DOUBLE_EQ(program.tokens, 1536 * 1.7);
  EXPECT_FALSE(hasNote(program, "drafting"));
}

TEST(Experts, SharedExpertsRunBesideTheDispatch) {
  work::Workload workload = deepSeekDecode();
  workload.overlap = work::Overlap::shared_expert;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  std::set<std::string> lanes[2];
  for (const work::Step &step : program.steps)
    if (step.overlap > 0) {
      ASSERT_LT(step.lane, 2u);
      lanes[step.lane].insert(step.name);
    }
  EXPECT_EQ(lanes[1], std::set<std::string>{"layers.moe.dispatch"});
  EXPECT_TRUE(lanes[0].count("layers.moe.shared_experts.gate_up_proj"));
  EXPECT_TRUE(lanes[0].count("layers.moe.shared_experts.down_proj"));
}

TEST(Experts, TwoHalvesOfTheBatchTakeTurns) {
  work::Workload workload = deepSeekDecode();
  workload.overlap = work::Overlap::two_batch;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  EXPECT_EQ(runsOf(program, "layers.moe.dispatch"), 2 * 58);
  EXPECT_EQ(kernelOf(program, "layers.moe.dispatch").u.expert_parallel.tokens, 24);
  EXPECT_EQ(kernelOf(program, "layers.moe.experts.up").u.grouped_matmul.m, 24);
  for (const work::Step &step : program.steps) {
    const uint32_t op = program.kernels[step.kernel].op;
    if (step.overlap > 0) {
      EXPECT_EQ(step.lane, op == MANSARD_OP_EXPERT_PARALLEL ? 1u : 0u) << step.name;
      EXPECT_EQ(step.count, 58);
    }
  }
  // Parameters are there once, the cache is cut with the batch.
  workload.overlap = work::Overlap::none;
  const work::Program alone = lower(readModel("deepseek-v3"), workload);
  EXPECT_DOUBLE_EQ(program.memory.weights, alone.memory.weights);
  EXPECT_DOUBLE_EQ(program.memory.kvCache, alone.memory.kvCache);
}

/// Names of the kernels that run beside each exchange, over both halves.
std::map<std::string, std::set<std::string>> besideExchanges(const work::Program &program) {
  std::map<uint32_t, std::string> exchanges; // by overlap group
  for (const work::Step &step : program.steps)
    if (step.overlap > 0 && step.lane == 1)
      EXPECT_TRUE(exchanges.try_emplace(step.overlap, step.name).second) << step.name;
  std::map<std::string, std::set<std::string>> beside;
  for (const work::Step &step : program.steps)
    if (step.overlap > 0 && step.lane == 0) {
      const auto exchange = exchanges.find(step.overlap);
      beside[exchange == exchanges.end() ? "" : exchange->second].insert(step.name);
    }
  return beside;
}

// The stages of DeepSeek's published schedules (github deepseek-ai/profile-data, README.md).
TEST(Experts, HalvesTakeTurnsInStagesOfTheSchedule) {
  work::Workload workload = deepSeekDecode();
  workload.overlap = work::Overlap::two_batch;
  auto beside = besideExchanges(lower(readModel("deepseek-v3"), workload));
  EXPECT_TRUE(beside["layers.moe.dispatch"].count("layers.moe.shared_experts.down_proj"));
  EXPECT_TRUE(beside["layers.moe.dispatch"].count("layers.mla.k_b_proj"));
  EXPECT_FALSE(beside["layers.moe.dispatch"].count("layers.mla.attend"));
  EXPECT_TRUE(beside["layers.moe.combine"].count("layers.mla.attend"));
  EXPECT_TRUE(beside["layers.moe.combine"].count("layers.moe.topk"));
  EXPECT_FALSE(beside["layers.moe.combine"].count("layers.mla.q_b_proj"));
  EXPECT_TRUE(beside[""].count("layers.moe.experts.up"));
  EXPECT_FALSE(beside[""].count("layers.mla.attend"));

  workload.phase = work::Phase::prefill;
  beside = besideExchanges(lower(readModel("deepseek-v3"), workload));
  for (const char *exchange : {"layers.moe.dispatch", "layers.moe.combine"}) {
    EXPECT_TRUE(beside[exchange].count("layers.mla.attend")) << exchange;
    EXPECT_TRUE(beside[exchange].count("layers.moe.experts.up")) << exchange;
  }
  EXPECT_TRUE(beside["layers.moe.combine"].count("layers.moe.shared_experts.down_proj"));
  EXPECT_FALSE(beside["layers.moe.dispatch"].count("layers.moe.shared_experts.down_proj"));
  EXPECT_TRUE(beside[""].empty());
}

// Five sequences a replica: three and two, on two devices that each send half of the rows, rounded
// up.
TEST(Experts, OddBatchIsHalvedWithoutLoss) {
  work::Workload workload = deepSeekDecode();
  workload.overlap = work::Overlap::two_batch;
  workload.batch = 16 * 5;
  workload.parallelism = {2, 1, 16, 32};
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  std::vector<int64_t> sequences, sent;
  for (const work::Step &step : program.steps) {
    const mansard_kernel &kernel = program.kernels[step.kernel];
    if (step.overlap > 0 && kernel.op == MANSARD_OP_MLA_DECODE)
      sequences.push_back(kernel.u.mla.batch);
    if (step.name == "layers.moe.dispatch")
      sent.push_back(kernel.u.expert_parallel.tokens);
  }
  EXPECT_EQ(sequences, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(sent, (std::vector<int64_t>{2, 1}));
}

TEST(Experts, SingleSequenceCannotBeHalved) {
  work::Workload workload = deepSeekDecode();
  workload.batch = 32;
  workload.overlap = work::Overlap::two_batch;
  const work::Program program = lower(readModel("deepseek-v3"), workload);
  EXPECT_TRUE(hasNote(program, "no second half"));
  for (const work::Step &step : program.steps)
    EXPECT_EQ(step.overlap, 0u);
}

TEST(Experts, GptOssAlternatesWindowsAndHasSinks) {
  work::Workload workload;
  workload.batch = 8;
  workload.context = 8192;
  workload.quantisation = work::Quantisation::mxfp4;
  const work::Program program = lower(readModel("gpt-oss-120b"), workload);
  const mansard_kernel sliding = kernelOf(program, "layers.sliding_attention.attend");
  const mansard_kernel full = kernelOf(program, "layers.attention.attend");
  EXPECT_EQ(sliding.u.attention.window, 128);
  EXPECT_EQ(full.u.attention.window, 0);
  EXPECT_EQ(sliding.u.attention.kv_len, 8192);
  EXPECT_EQ(full.u.attention.sinks, 1u);
  EXPECT_EQ(runsOf(program, "layers.attention.attend"), 18);
  EXPECT_EQ(runsOf(program, "layers.sliding_attention.attend"), 18);
  // Only the experts are quantised; biases ride in epilogues.
  const mansard_kernel qkv = kernelOf(program, "layers.attention.qkv_proj");
  EXPECT_EQ(qkv.weight_dtype, MANSARD_DTYPE_BF16);
  EXPECT_EQ(qkv.u.matmul.epilogue, MANSARD_EPILOGUE_BIAS);
  const mansard_kernel moe = kernelOf(program, "layers.moe.experts");
  EXPECT_EQ(moe.weight_dtype, MANSARD_DTYPE_MXFP4);
  EXPECT_EQ(moe.dtype, MANSARD_DTYPE_BF16);
}

} // namespace
} // namespace mansard::test
